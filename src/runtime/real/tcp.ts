import { createServer, isIP, connect as netConnect, type Server, type Socket } from 'node:net';
import { RuntimeError } from '../errors.js';
import type { Tcp, TcpAddress, TcpListener, TcpSocket } from '../tcp.js';
import { mostSockets } from './descriptors.js';
import { Reads } from './reads.js';
import { messageOf, systemWord } from './system-word.js';
import { openSockets, plainHost, RealTcpSocket } from './tcp-socket.js';

const text = (address: TcpAddress): string =>
  address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;

/** @returns the socket with both its addresses, or undefined where the peer is gone already and they cannot be told. */
function handOver(socket: Socket, reads?: Reads): RealTcpSocket | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  ) {
    socket.on('error', () => undefined);
    socket.destroy();
    return undefined;
  }
  return new RealTcpSocket(
    socket,
    { host: plainHost(localAddress), port: localPort },
    { host: plainHost(remoteAddress), port: remotePort },
    reads,
  );
}

/** Sockets on their way out: they hold a descriptor each, too. A number for the reason that `openSockets` has. */
let connecting = 0;

/** Whether one more socket leaves enough descriptors for all else. */
function hasRoom(): boolean {
  return openSockets() + connecting < mostSockets();
}

function connect(to: TcpAddress, signal: AbortSignal | undefined): Promise<TcpSocket> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string | undefined, words: string, cause?: unknown): void => {
      reject(
        new RuntimeError('ERR_RUNTIME_CONNECT', `cannot connect to ${text(to)}: ${words}`, { detail, cause }),
      );
    };
    const aborted = (): void =>
      reject(
        new RuntimeError('ERR_RUNTIME_ABORTED', `connecting to ${text(to)} was called off`, {
          cause: signal?.reason,
        }),
      );
    if (signal?.aborted === true) return aborted();
    if (isIP(to.host) === 0) return fail('EINVAL', 'not an IP address');
    if (!Number.isInteger(to.port) || to.port < 1 || to.port > 65_535)
      return fail('EINVAL', 'not a TCP port');
    if (!hasRoom()) return fail('EMFILE', 'no descriptor is left for a socket');

    const reads = new Reads();
    const { onread } = reads;
    const socket = netConnect({ host: to.host, port: to.port, noDelay: true, allowHalfOpen: true, onread });
    socket.pause(); // until somebody takes it
    connecting++;
    const done = (): void => {
      connecting--;
      socket.off('connect', onConnect);
      socket.off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    };
    const onConnect = (): void => {
      done();
      const ours = handOver(socket, reads);
      if (ours === undefined) fail('ECONNRESET', 'the peer is gone');
      else resolve(ours);
    };
    const onError = (error: Error): void => {
      done();
      socket.destroy();
      fail(systemWord(error), messageOf(error), error);
    };
    const onAbort = (): void => {
      done();
      // An error that is under way still needs a listener.
      socket.on('error', () => undefined);
      socket.destroy();
      aborted();
    };
    socket.on('connect', onConnect);
    socket.on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

class RealTcpListener implements TcpListener {
  readonly address: TcpAddress;
  readonly #server: Server;
  #closing: Promise<void> | undefined;

  constructor(server: Server, address: TcpAddress) {
    this.#server = server;
    this.address = address;
  }

  close(): Promise<void> {
    // The server's own 'close' waits for every accepted socket; the port is free as soon as this turn is over.
    this.#closing ??= new Promise((resolve) => {
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closing;
  }
}

function listen(at: TcpAddress, accepted: (socket: TcpSocket) => void): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string | undefined, words: string, cause?: unknown): void => {
      reject(
        new RuntimeError('ERR_RUNTIME_LISTEN', `cannot listen on ${text(at)}: ${words}`, { detail, cause }),
      );
    };
    if (isIP(at.host) === 0) return fail('EINVAL', 'not an IP address');
    if (!Number.isInteger(at.port) || at.port < 0 || at.port > 65_535)
      return fail('EINVAL', 'not a TCP port');

    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      if (!hasRoom()) {
        socket.on('error', () => undefined);
        socket.destroy();
        return;
      }
      const ours = handOver(socket);
      if (ours !== undefined) accepted(ours);
    });
    server.once('error', (error) => fail(systemWord(error), messageOf(error), error));
    server.listen({ host: at.host, port: at.port, exclusive: true }, () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') {
        server.close();
        return fail('EINVAL', 'no address was bound');
      }
      // From here on an error is one connection that could not be accepted (EMFILE); the listener lives on without it.
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve(new RealTcpListener(server, { host: plainHost(bound.address), port: bound.port }));
    });
  });
}

/** The system's TCP. Sockets are half-open by nature (each side ends for itself) and send without delay. */
export const realTcp: Tcp = {
  connect: (to, options) => connect(to, options?.signal),
  listen,
};
