import { BytePool, EMPTY_BYTES } from '../codec/index.js';

/** What a body may take before a byte of it arrived. */
const FIRST_BYTES = 4_096;
/** Bodies above are rare, and get memory of their own. */
const LARGEST_LENT_BYTES = 262_144;
const KEPT_BYTES = 1_048_576;

/** Of all connections: bodies are gathered, decrypted into other memory, and done with. */
export const bodyMemory: BytePool = new BytePool(LARGEST_LENT_BYTES, KEPT_BYTES);

/**
 * Gathers a known number of bytes that come in any pieces. Memory follows what has arrived, never what was announced: it
 * doubles, so that all the copying together is at most twice the bytes, whatever the pieces.
 */
export class BodyBuffer {
  readonly #wanted: number;
  #bytes: Uint8Array;
  #length = 0;
  #copied = 0;

  constructor(wanted: number) {
    this.#wanted = wanted;
    this.#bytes = bodyMemory.lend(Math.min(wanted, FIRST_BYTES));
  }

  get length(): number {
    return this.#length;
  }

  get missing(): number {
    return this.#wanted - this.#length;
  }

  /** Bytes of memory that are held. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Bytes moved so far, for the test that the work is linear. */
  get copiedBytes(): number {
    return this.#copied;
  }

  /** Copies `piece`, of which no more than is missing may be left. */
  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece, this.#length);
    this.#copied += piece.length;
    this.#length = length;
  }

  /** @returns a view of what has arrived, from `start` on; good until `release` */
  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Gives the memory to the next body. Nobody may look at a view of it any more, and nothing may be appended. */
  release(): void {
    bodyMemory.giveBack(this.#bytes);
    this.#bytes = EMPTY_BYTES;
  }

  #grow(least: number): void {
    // where half of it has come, the rest has its place at once: the last copy is the largest
    const bytes = this.#wanted <= 2 * least ? this.#wanted : Math.max(least, 2 * this.#bytes.length);
    const larger = bodyMemory.lend(bytes);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#copied += this.#length;
    bodyMemory.giveBack(this.#bytes);
    this.#bytes = larger;
  }
}
