import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../errors.js';
import type { Ipc, IpcListener, IpcSocket } from '../ipc.js';
import { messageOf, systemWord } from './system-word.js';
import { RealTcpSocket } from './tcp-socket.js';

const SOCKET_MODE = 0o600;
/** A socket file has no addresses; `IpcSocket` does not show these. */
const NOWHERE = { host: '', port: 0 };

function ours(socket: Socket): IpcSocket {
  return new RealTcpSocket(socket, NOWHERE, NOWHERE);
}

/** Connects, or tells how the system refused. */
function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = netConnect({ path, allowHalfOpen: true });
    const failed = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

async function connect(path: string): Promise<IpcSocket> {
  try {
    return ours(await open(path));
  } catch (error) {
    throw new RuntimeError('ERR_RUNTIME_CONNECT', `cannot connect to ${path}: ${messageOf(error)}`, {
      detail: systemWord(error),
      cause: error,
    });
  }
}

/** What stands at the path gives way only where it is a socket that nobody listens at. @throws the system's error */
async function assertFree(path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (systemWord(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (facts === undefined) return;
  // connecting to a plain file is refused as well: it must not be taken for a socket that was left behind
  if (!facts.isSocket()) throw Object.assign(new Error('it is no socket'), { code: 'ENOTSOCK' });
  const taken = await open(path).catch((error: unknown) => error);
  if (taken instanceof Error) {
    const word = systemWord(taken);
    if (word === 'ECONNREFUSED' || word === 'ENOENT') return;
    throw taken;
  }
  (taken as Socket).on('error', () => undefined).destroy();
  throw Object.assign(new Error('another process listens there'), { code: 'EADDRINUSE' });
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      // from here on an error is one connection that could not be accepted; the listener lives on without it
      server.on('error', () => undefined);
      resolve();
    });
  });
}

class RealIpcListener implements IpcListener {
  readonly #server: Server;
  readonly #path: string;
  readonly #inode: number;
  #closing: Promise<void> | undefined;

  constructor(server: Server, path: string, inode: number) {
    this.#server = server;
    this.#path = path;
    this.#inode = inode;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#server.close();
    // another process may have put its own there by now
    const facts = await lstat(this.#path).catch(() => undefined);
    if (facts?.ino === this.#inode) await rm(this.#path, { force: true });
  }
}

async function bound(path: string, accepted: (socket: IpcSocket) => void): Promise<IpcListener> {
  await assertFree(path);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    accepted(ours(socket)),
  );
  // in a folder that only we may enter there is no moment in which others could connect
  const folder = await mkdtemp(join(dirname(path), '.ipc-'));
  try {
    const made = join(folder, 's');
    await bind(server, made);
    await chmod(made, SOCKET_MODE);
    const { ino } = await lstat(made);
    await rename(made, path);
    return new RealIpcListener(server, path, ino);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sockets of the system that stand as files (Unix domain sockets). */
export const realIpc: Ipc = {
  connect,
  async listen(path, accepted) {
    try {
      return await bound(path, accepted);
    } catch (error) {
      throw new RuntimeError('ERR_RUNTIME_LISTEN', `cannot listen at ${path}: ${messageOf(error)}`, {
        detail: systemWord(error),
        cause: error,
      });
    }
  },
};
