/** Half a MiB at most; a flood must open so many connections, each with a key of its own, before the first may come again. */
const MAX_REMEMBERED = 4_096;
/** 04 ‖ x ‖ y: the key that an auth is sealed with. Fresh for every honest handshake. */
const ENVELOPE_KEY_BYTES = 65;

/**
 * The auth messages that a node has worked on: RLPx itself has nothing that makes a recorded one stale, and each costs three
 * operations on the curve. One for all connections of a node key; when it is full, the oldest goes.
 */
export class AuthReplays {
  readonly #max: number;
  readonly #seen = new Set<string>();

  constructor(max: number = MAX_REMEMBERED) {
    this.#max = max;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  /** @param sealed what follows the size prefix, 65 bytes at least */
  has(sealed: Uint8Array): boolean {
    return this.#seen.has(envelopeKey(sealed));
  }

  /** @param sealed as for `has`; before work is done on it, whatever that will say */
  add(sealed: Uint8Array): void {
    this.#seen.add(envelopeKey(sealed));
    if (this.#seen.size <= this.#max) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }
}

function envelopeKey(sealed: Uint8Array): string {
  return String.fromCharCode(...sealed.subarray(0, ENVELOPE_KEY_BYTES));
}
