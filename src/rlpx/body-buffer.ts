/** What a body may take before a byte of it arrived. */
const FIRST_BYTES = 4_096;

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
    this.#bytes = new Uint8Array(Math.min(wanted, FIRST_BYTES));
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

  /** @returns a view of what has arrived, from `start` on */
  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.min(this.#wanted, Math.max(least, 2 * this.#bytes.length)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#copied += this.#length;
    this.#bytes = larger;
  }
}
