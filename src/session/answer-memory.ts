import { EMPTY_BYTES } from '../codec/index.js';

/** An answer ends once it has reached 2 MiB; this leaves room for the block that it ends with. Larger ones are rare. */
const MOST_BYTES = 2.5 * 1024 * 1024;
const LEAST_BYTES = 16 * 1024;

/**
 * Memory that answers are written into, one after the other: all sessions of a manager share it, since an answer is
 * compressed into its frame in the same turn. Before, two pieces of 115 kB for each answer of headers made V8 collect for
 * their sake every 0.1 s, and the system make pages anew: 6.3 µs of the server's processor a header, 3.4 with this.
 */
export class AnswerMemory {
  #memory: Uint8Array = EMPTY_BYTES;
  #lent = false;

  /** @returns so many bytes, with whatever stood there before: for nobody but whoever writes all of them, until `takeBack` */
  readonly lend = (bytes: number): Uint8Array => {
    if (this.#lent || bytes > MOST_BYTES) return new Uint8Array(bytes);
    if (this.#memory.length < bytes) {
      const doubled = Math.max(LEAST_BYTES, bytes, 2 * this.#memory.length);
      this.#memory = new Uint8Array(Math.min(MOST_BYTES, doubled));
    }
    this.#lent = true;
    return this.#memory.subarray(0, bytes);
  };

  /** What was lent is looked at no more. */
  takeBack(): void {
    this.#lent = false;
  }
}
