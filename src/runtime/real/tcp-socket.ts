import type { Socket } from 'node:net';
import { type TcpAddress, type TcpSocket, type TcpSocketHandlers, WRITE_HIGH_WATER_BYTES } from '../tcp.js';
import type { Reads } from './reads.js';
import { systemWord } from './system-word.js';

/**
 * The most that is given to the system at once. Node tells only when a whole write is done; in steps of this size a
 * slow reader of one large message still shows progress.
 */
const STEP_BYTES = 65_536;
/**
 * Read of one socket in a row, where there are others: then they have their turn. By itself Node reads on for as long as there
 * is something, up to 2 MiB: 490 kB of one peer kept all others waiting for 1.5 ms, most of which is their MAC.
 */
const READ_IN_A_ROW_BYTES = 65_536;
const EMPTY: Uint8Array = new Uint8Array(0);

/** ::ffff:127.0.0.1 is how a dual-stack socket names an IPv4 peer. */
export function plainHost(host: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(host) ? host.slice(7) : host;
}

/**
 * How many are open in this process. A number, not a Set of them: the table that a Set has outgrown still points to what it
 * held and to the table that came next, so once one of them is old, sockets and all behind them outlive each collection of
 * young objects (beside 16 handshakes at once: 2.2 MB of 12 instead of 0.9 of 10, and 5 % of their time).
 */
let open = 0;

/** How many sockets of the system are open in this process. */
export function openSockets(): number {
  return open;
}

/** One socket of the system, and its own short queue of what is to be sent. */
export class RealTcpSocket implements TcpSocket {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
  readonly #socket: Socket;
  readonly #reads: Reads | undefined;
  #handlers: TcpSocketHandlers | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #inFlightBytes = 0;
  /** Steps that the system took at once, of which Node has yet to say so. */
  #takenAtOnce = 0;
  #sentBytes = 0;
  #readInARowBytes = 0;
  /** The owner wants nothing. */
  #paused = false;
  /** Others have their turn. */
  #givesWay = false;
  #drainWanted = false;
  #ending = false;
  #destroyed = false;
  #closed = false;
  #error: string | undefined;

  /** @param reads where it reads from, if not by 'data' */
  constructor(socket: Socket, local: TcpAddress, remote: TcpAddress, reads?: Reads) {
    this.#socket = socket;
    this.#reads = reads;
    this.local = local;
    this.remote = remote;
    open++;
    socket.on('error', (error) => {
      this.#error ??= systemWord(error) ?? 'EUNKNOWN';
    });
    socket.on('close', () => this.#onClose());
    // Promise reactions of this turn run before the next one: whoever wanted the socket has taken it by then.
    setImmediate(() => {
      if (this.#handlers === undefined) this.destroy();
    });
  }

  attach(handlers: TcpSocketHandlers): void {
    if (this.#handlers !== undefined) throw new Error('the socket has an owner already');
    this.#handlers = handlers;
    if (this.#closed) {
      queueMicrotask(() => handlers.closed(this.#error));
      return;
    }
    if (this.#reads === undefined) {
      this.#socket.on('data', (chunk: Buffer) =>
        this.#read(handlers, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)),
      );
    } else {
      this.#reads.taker = (chunk) => this.#read(handlers, chunk);
    }
    this.#socket.on('end', () => {
      if (!this.#destroyed) handlers.end();
    });
    this.#socket.resume();
  }

  get pendingBytes(): number {
    return this.#queuedBytes + this.#inFlightBytes;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#destroyed || this.#socket.destroyed) return false;
    const [first] = chunks;
    if (chunks.length === 1 && first !== undefined && first.length <= STEP_BYTES && this.pendingBytes === 0) {
      if (first.length > 0) this.#writeOne(first); // what nearly every write of a quiet session is
    } else {
      this.#enqueue(chunks);
      if (this.#inFlightBytes === 0) this.#send();
    }
    if (this.pendingBytes <= WRITE_HIGH_WATER_BYTES) return true;
    this.#drainWanted = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#givesWay) this.#socket.resume();
  }

  end(): void {
    if (this.#ending || this.#destroyed) return;
    this.#ending = true;
    if (this.pendingBytes === 0) this.#socket.end();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#dropQueue();
    this.#socket.destroy();
  }

  #read(handlers: TcpSocketHandlers, chunk: Uint8Array): void {
    if (this.#destroyed) return;
    this.#readInARowBytes += chunk.length;
    if (this.#readInARowBytes >= READ_IN_A_ROW_BYTES) this.#giveWay();
    handlers.data(chunk);
  }

  #giveWay(): void {
    this.#readInARowBytes = 0;
    if (open === 1 || this.#givesWay) return;
    this.#givesWay = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#givesWay = false;
      if (!this.#paused && !this.#destroyed) this.#socket.resume();
    });
  }

  #enqueue(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.length;
    }
  }

  /** Gives the queue to the system, step by step, each in one gathered write, for as long as it takes them at once. */
  #send(): void {
    while (this.#queuedBytes > 0 && this.#inFlightBytes === 0) {
      const step = this.#takeStep();
      const [first] = step;
      if (step.length === 1 && first !== undefined) this.#writeOne(first);
      else this.#writeStep(step);
    }
  }

  #writeOne(chunk: Uint8Array): void {
    this.#inFlightBytes = chunk.length;
    this.#socket.write(chunk, this.#onTaken);
    this.#lookWhetherTaken();
  }

  #writeStep(step: readonly Uint8Array[]): void {
    const last = step.length - 1;
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(step[i] ?? EMPTY);
    this.#socket.write(step[last] ?? EMPTY, this.#onTaken);
    this.#socket.uncork();
    this.#lookWhetherTaken();
  }

  /**
   * Where nothing is left with Node, all is with the system; the callback will come, and says nothing new. No timer needs to
   * watch what has left: 2 µs for each connection.
   */
  #lookWhetherTaken(): void {
    if (this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    this.#takenAtOnce++;
    this.#sentBytes += this.#inFlightBytes;
    this.#inFlightBytes = 0;
  }

  #takeStep(): Uint8Array[] {
    let whole = 0;
    let bytes = 0;
    for (const chunk of this.#queue) {
      if (bytes + chunk.length > STEP_BYTES) break;
      bytes += chunk.length;
      whole++;
    }
    const step = this.#queue.splice(0, whole);
    const next = this.#queue[0];
    if (next !== undefined && bytes < STEP_BYTES) {
      const part = STEP_BYTES - bytes;
      step.push(next.subarray(0, part));
      this.#queue[0] = next.subarray(part);
      bytes = STEP_BYTES;
    }
    this.#queuedBytes -= bytes;
    this.#inFlightBytes = bytes;
    return step;
  }

  readonly #onTaken = (error?: Error | null): void => {
    // A failed write is followed by 'error' and 'close'; nothing more can be sent.
    if (error !== undefined && error !== null) return;
    if (this.#destroyed) return;
    if (this.#takenAtOnce > 0) {
      this.#takenAtOnce--;
      return;
    }
    this.#sentBytes += this.#inFlightBytes;
    this.#inFlightBytes = 0;
    if (this.#queuedBytes > 0) this.#send();
    if (this.pendingBytes > 0) return;
    if (this.#ending) {
      this.#socket.end();
      return;
    }
    if (this.#drainWanted) {
      this.#drainWanted = false;
      this.#handlers?.drain();
    }
  };

  #dropQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#inFlightBytes = 0;
  }

  #onClose(): void {
    this.#destroyed = true;
    this.#closed = true;
    open--;
    this.#dropQueue();
    this.#handlers?.closed(this.#error);
  }
}
