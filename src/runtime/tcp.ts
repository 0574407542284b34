/**
 * `write` answers false once more than this many bytes wait for the system; `drain` follows when none do.
 * Small enough that a peer which does not read costs little, large enough for one frame of ordinary traffic.
 */
export const WRITE_HIGH_WATER_BYTES = 65_536;

/** An IP address (never a host name) and a TCP port. IPv6 without brackets. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** What a socket tells its one owner. All calls come from the loop, never from inside a call on the socket. */
export interface TcpSocketHandlers {
  /** Bytes in order. The chunk is a view that is good only until this call returns. */
  data(chunk: Uint8Array): void;
  /** The peer takes bytes again, after `write` returned false. */
  drain(): void;
  /** The peer ended its side; nothing more will be read. */
  end(): void;
  /** The socket is gone; the last call. `error` is a short machine word (`ECONNRESET`) where something failed. */
  closed(error: string | undefined): void;
}

/** One TCP connection. Only `src/rlpx/connection.ts` holds one of these in the protocol rooms. */
export interface TcpSocket {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
  /** Takes the owner; called once, in the turn in which the socket is handed over. A socket that nobody takes is destroyed. */
  attach(handlers: TcpSocketHandlers): void;
  /**
   * Sends `chunks` as one gathered write; they must not change before `pendingBytes` is 0. Does nothing once `end` or
   * `destroy` was called, or the socket is gone.
   * @returns false when the peer should be waited for (`drain`).
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Bytes accepted by `write` that the operating system has not taken yet. */
  readonly pendingBytes: number;
  /** Bytes that the operating system has taken so far: the measure of write progress, in steps of at most 64 KiB. */
  readonly sentBytes: number;
  /** Stops and starts `data`; the peer feels it as TCP backpressure. */
  pause(): void;
  resume(): void;
  /** Flushes what was written, then ends our side. The peer may still send; the socket is gone once both sides ended. */
  end(): void;
  /** Ends at once, in both directions; `closed` follows. Idempotent. */
  destroy(): void;
}

export interface TcpListener {
  readonly address: TcpAddress;
  /** Stops accepting; sockets that were accepted live on. Idempotent. */
  close(): Promise<void>;
}

export interface TcpConnectOptions {
  readonly signal?: AbortSignal;
}

/** TCP as the house sees it. */
export interface Tcp {
  /** @throws RuntimeError ERR_RUNTIME_CONNECT (with the system's word as `detail`), ERR_RUNTIME_ABORTED */
  connect(to: TcpAddress, options?: TcpConnectOptions): Promise<TcpSocket>;
  /** @throws RuntimeError ERR_RUNTIME_LISTEN; `detail` is `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`… */
  listen(at: TcpAddress, accepted: (socket: TcpSocket) => void): Promise<TcpListener>;
}
