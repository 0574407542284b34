import { BytePool } from '../codec/index.js';
import type { TcpSocket } from '../runtime/tcp.js';

/** The first piece of memory of a turn; each further one is twice as large, up to `LAST_BYTES`. */
const FIRST_BYTES = 1_024;
const LAST_BYTES = 65_536;
const KEPT_BYTES = 1_048_576;

/** Of all connections: what a socket passed on at once serves the next gathering, 0.12 µs a write instead of 0.4. */
const pieceMemory = new BytePool(LAST_BYTES, KEPT_BYTES, FIRST_BYTES);

/**
 * Bytes that leave together. Small frames are written side by side into one piece of memory: a socket takes each piece by
 * itself, 0.14 µs each, and each would be an allocation. Nothing is held in between.
 */
export class Gathering {
  #pieces: Uint8Array[] = [];
  #open: Uint8Array | undefined;
  #filled = 0;
  /** What the pieces lie in, but for those that were pushed. */
  readonly #lent: Uint8Array[] = [];
  #nextBytes = FIRST_BYTES;

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#filled === 0;
  }

  /** Copies `bytes`. */
  copy(bytes: Uint8Array): void {
    let open = this.#open;
    if (open === undefined || this.#filled + bytes.length > open.length) {
      this.#close();
      open = pieceMemory.lend(Math.max(bytes.length, this.#nextBytes));
      this.#open = open;
      this.#lent.push(open);
      this.#nextBytes = Math.min(LAST_BYTES, 2 * this.#nextBytes);
    }
    open.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Takes `piece` itself; it must not change afterwards. */
  push(piece: Uint8Array): void {
    this.#close();
    this.#pieces.push(piece);
  }

  /** Hands all to the socket; a new gathering begins. @returns what its `write` says */
  writeTo(socket: Pick<TcpSocket, 'write' | 'pendingBytes'>): boolean {
    const roomLeft = socket.write(this.#all());
    // nothing waits, so all of it is with the system
    if (socket.pendingBytes === 0) for (const memory of this.#lent) pieceMemory.giveBack(memory);
    this.#lent.length = 0;
    return roomLeft;
  }

  /** @returns all that was gathered, in order, and never written to again; a new gathering begins */
  take(): Uint8Array[] {
    this.#lent.length = 0;
    return this.#all();
  }

  #all(): Uint8Array[] {
    this.#close();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#open = undefined;
    this.#nextBytes = FIRST_BYTES;
    return pieces;
  }

  #close(): void {
    if (this.#open === undefined || this.#filled === 0) return;
    this.#pieces.push(this.#open.subarray(0, this.#filled));
    this.#open = undefined;
    this.#filled = 0;
  }
}
