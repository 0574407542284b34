/** The first piece of memory of a turn; each further one is twice as large, up to `LAST_BYTES`. */
const FIRST_BYTES = 1_024;
const LAST_BYTES = 65_536;

/**
 * Bytes that leave together. Small frames are written side by side into one piece of memory: a socket takes each piece by
 * itself, 0.14 µs each, and each would be an allocation. What was taken is never written to again, and nothing is held in between.
 */
export class Gathering {
  #pieces: Uint8Array[] = [];
  #open: Uint8Array | undefined;
  #filled = 0;
  #nextBytes = FIRST_BYTES;

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#filled === 0;
  }

  /** Copies `bytes`. */
  copy(bytes: Uint8Array): void {
    let open = this.#open;
    if (open === undefined || this.#filled + bytes.length > open.length) {
      this.#close();
      open = new Uint8Array(Math.max(bytes.length, this.#nextBytes));
      this.#open = open;
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

  /** @returns all that was gathered, in order; a new gathering begins */
  take(): Uint8Array[] {
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
