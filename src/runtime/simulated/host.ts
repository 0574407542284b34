import { RuntimeError } from '../errors.js';
import type { Tcp, TcpAddress, TcpConnectOptions, TcpListener, TcpSocket } from '../tcp.js';
import { Channel, type Link } from './link.js';
import { SimulatedSocket, type SocketWorld } from './socket.js';

/** How long a system keeps asking a peer that does not answer (six retries with doubling waits). */
const CONNECT_TIMEOUT_MS = 127_000;

/** Ports that a system gives out by itself (RFC 6335). */
const FIRST_EPHEMERAL_PORT = 49_152;
const LAST_PORT = 65_535;

/** What a host asks of its network. */
export interface Surroundings {
  find(address: string): SimulatedHost | undefined;
  link(to: string): Link;
  opened(socket: SimulatedSocket): void;
}

interface Listening {
  readonly address: TcpAddress;
  readonly accepted: (socket: TcpSocket) => void;
  readonly waiting: SimulatedSocket[];
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1';
const isAddress = (host: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(host);
const text = (at: TcpAddress): string =>
  at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;

/** One host of a simulated network: its TCP. */
export class SimulatedHost implements Tcp {
  readonly address: string;
  /** @internal Set by `SimulatedNetwork.freeze`. */
  frozen = false;
  readonly #world: SocketWorld;
  readonly #around: Surroundings;
  readonly #listening: Listening[] = [];
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(address: string, world: SocketWorld, around: Surroundings) {
    this.address = address;
    this.#world = world;
    this.#around = around;
  }

  connect(to: TcpAddress, options: TcpConnectOptions = {}): Promise<TcpSocket> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      let settled = false;
      let ours: SimulatedSocket | undefined;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        patience.cancel();
        signal?.removeEventListener('abort', onAbort);
        return true;
      };
      const fail = (detail: string): void => {
        if (!settle()) return;
        ours?.destroy();
        const words = `cannot connect to ${text(to)}: ${detail}`;
        reject(new RuntimeError('ERR_RUNTIME_CONNECT', words, { detail }));
      };
      const onAbort = (): void => {
        if (!settle()) return;
        ours?.destroy();
        const words = `connecting to ${text(to)} was called off`;
        reject(new RuntimeError('ERR_RUNTIME_ABORTED', words, { cause: signal?.reason }));
      };
      const patience = this.#world.clock.happening(CONNECT_TIMEOUT_MS, () => fail('ETIMEDOUT'));
      if (signal?.aborted === true) return onAbort();
      if (!isAddress(to.host) || !Number.isInteger(to.port) || to.port < 1 || to.port > LAST_PORT)
        return fail('EINVAL');
      signal?.addEventListener('abort', onAbort, { once: true });

      const there = isLoopback(to.host) ? this.address : to.host;
      const link = this.#around.link(there);
      const asked = new Channel(this.address, there);
      const answered = new Channel(there, this.address);
      const answer = (what: string, arrive: () => void): void =>
        link.carry({ channel: answered, what, bytes: 0, arrive });
      const arrive = (): void => {
        if (settled) return;
        const target = this.#around.find(there);
        const listening = target?.listenerAt(to);
        if (target === undefined || listening === undefined) {
          answer('no', () => fail(target === undefined ? 'EHOSTUNREACH' : 'ECONNREFUSED'));
          return;
        }
        const from: TcpAddress = {
          host: isLoopback(to.host) ? to.host : this.address,
          port: this.#ephemeralPort(),
        };
        ours = this.#socket(this, link, from, { ...to }, asked);
        const theirs = this.#socket(target, link, { ...to }, from, answered);
        ours.meet(theirs);
        theirs.meet(ours);
        const made = ours;
        theirs.signal('connected', () => {
          if (!settle()) return;
          made.offer();
          resolve(made);
        });
        listening.waiting.push(theirs);
        target.acceptWaiting();
      };
      link.carry({ channel: asked, what: `connect ${to.port}`, bytes: 0, arrive });
    });
  }

  listen(at: TcpAddress, accepted: (socket: TcpSocket) => void): Promise<TcpListener> {
    const fail = (detail: string): Promise<never> => {
      const words = `cannot listen on ${text(at)}: ${detail}`;
      return Promise.reject(new RuntimeError('ERR_RUNTIME_LISTEN', words, { detail }));
    };
    if (!isAddress(at.host) || !Number.isInteger(at.port) || at.port < 0 || at.port > LAST_PORT)
      return fail('EINVAL');
    if (!isWildcard(at.host) && !isLoopback(at.host) && at.host !== this.address)
      return fail('EADDRNOTAVAIL');
    const address: TcpAddress = { host: at.host, port: at.port === 0 ? this.#ephemeralPort() : at.port };
    const clashes = ({ address: other }: Listening): boolean =>
      other.port === address.port &&
      (other.host === address.host || isWildcard(other.host) || isWildcard(address.host));
    if (this.#listening.some(clashes)) return fail('EADDRINUSE');
    const listening: Listening = { address, accepted, waiting: [] };
    this.#listening.push(listening);
    return Promise.resolve({
      address,
      close: () => {
        const place = this.#listening.indexOf(listening);
        if (place >= 0) this.#listening.splice(place, 1);
        for (const socket of listening.waiting.splice(0)) socket.destroy();
        return Promise.resolve();
      },
    });
  }

  /** @internal Who answers at this address of the host. */
  listenerAt(at: TcpAddress): Listening | undefined {
    return this.#listening.find(
      ({ address }) => address.port === at.port && (isWildcard(address.host) || address.host === at.host),
    );
  }

  /** @internal Hands over what waits to be accepted, unless the host is frozen. */
  acceptWaiting(): void {
    if (this.frozen) return;
    for (const listening of [...this.#listening]) {
      for (const socket of listening.waiting.splice(0)) {
        socket.offer();
        listening.accepted(socket);
      }
    }
  }

  #socket(
    home: SimulatedHost,
    link: Link,
    local: TcpAddress,
    remote: TcpAddress,
    hosts: { readonly from: string; readonly to: string },
  ): SimulatedSocket {
    const socket = new SimulatedSocket(this.#world, link, home, local, remote, hosts);
    this.#around.opened(socket);
    return socket;
  }

  /** Ports are not looked up for being free: a simulation that opens sixteen thousand connections at once has other addresses too. */
  #ephemeralPort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
    return port;
  }
}
