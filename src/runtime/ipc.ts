import type { TcpSocket } from './tcp.js';

/** One connection between two processes of this machine: a stream of bytes, as a TCP socket is, without addresses. */
export type IpcSocket = Omit<TcpSocket, 'local' | 'remote'>;

export interface IpcListener {
  /** Stops accepting and takes the socket file away; sockets that were accepted live on. Idempotent. */
  close(): Promise<void>;
}

/** Sockets that stand as a file, for processes of this machine. Who may open the file may connect. */
export interface Ipc {
  /** @throws RuntimeError ERR_RUNTIME_CONNECT; `detail` is `ENOENT` (no such file), `ECONNREFUSED` (nobody listens), `EACCES`… */
  connect(path: string): Promise<IpcSocket>;
  /**
   * Listens at a file of mode 0600. One that a dead process has left is replaced.
   * @throws RuntimeError ERR_RUNTIME_LISTEN; `detail` is `EADDRINUSE` (someone listens there), `ENOTSOCK` (another kind of
   *   file stands there and is left alone), `EINVAL` (the path is too long)…
   */
  listen(path: string, accepted: (socket: IpcSocket) => void): Promise<IpcListener>;
}
