import { readUint48 } from '../codec/index.js';

/** A quarter of a MiB at most; a flood must open so many connections, each with a key of its own, before the first may come again. */
const MAX_REMEMBERED = 4_096;
/** Auths begin with 04 ‖ x ‖ y, the key that they are sealed with: fresh for every honest handshake. */
const X_AT = 1;

/**
 * The auth messages that a node has worked on: RLPx itself has nothing that makes a recorded one stale, and each costs three
 * operations on the curve. One for all connections of a node key; when it is full, the oldest goes.
 */
export class AuthReplays {
  readonly #max: number;
  /** 48 bits of each x: two honest ones are taken for one in a hundred billion handshakes, and nobody can make such. */
  readonly #seen = new Set<number>();

  constructor(max: number = MAX_REMEMBERED) {
    this.#max = max;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  /** @param sealed what follows the size prefix, 65 bytes at least */
  has(sealed: Uint8Array): boolean {
    return this.#seen.has(readUint48(sealed, X_AT));
  }

  /** @param sealed as for `has`; before work is done on it, whatever that will say */
  add(sealed: Uint8Array): void {
    this.#seen.add(readUint48(sealed, X_AT));
    if (this.#seen.size <= this.#max) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
