import type { PooledTransaction } from './transaction.js';

/** A transaction in the pool. */
export interface Entry {
  readonly transaction: PooledTransaction;
  readonly key: string;
  /** What it takes of the pool's room. */
  readonly bytes: number;
  /** Moment of the pool's clock. */
  readonly addedAtMs: number;
  /** Counts all that were ever added: the younger of two has the higher. */
  readonly order: number;
  /** What it pays beyond the base fee, in wei per gas. A number is exact enough to compare by. */
  tip: number;
  /** The lowest tip of the sender's transactions up to this one: it cannot be had without them. */
  worth: number;
}

/** The transactions of one sender, by rising nonce. */
export class SenderQueue {
  readonly sender: string;
  /** Place in the heap that it is in; −1 where in none. Belongs to the heap. */
  place = -1;
  readonly #entries: Entry[] = [];

  constructor(sender: string) {
    this.sender = sender;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The transaction with the highest nonce. */
  get last(): Entry | undefined {
    return this.#entries.at(-1);
  }

  withNonce(nonce: bigint): Entry | undefined {
    const entry = this.#entries[this.#placeOf(nonce)];
    return entry?.transaction.nonce === nonce ? entry : undefined;
  }

  /** In the place of what has the same nonce, if there is such a one. */
  put(entry: Entry): void {
    const at = this.#placeOf(entry.transaction.nonce);
    const taken = this.#entries[at]?.transaction.nonce === entry.transaction.nonce;
    this.#entries.splice(at, taken ? 1 : 0, entry);
    this.#weigh(at);
  }

  remove(entry: Entry): void {
    const at = this.#placeOf(entry.transaction.nonce);
    if (this.#entries[at] !== entry) return;
    this.#entries.splice(at, 1);
    this.#weigh(at);
  }

  /** Those with lower nonces, which are of no use once this one is in a block. */
  below(nonce: bigint): readonly Entry[] {
    return this.#entries.slice(0, this.#placeOf(nonce));
  }

  /** Anew, once tips have changed. */
  weigh(): void {
    this.#weigh(0);
  }

  /** Where a nonce stands or would stand. */
  #placeOf(nonce: bigint): number {
    const entries = this.#entries;
    let low = 0;
    let high = entries.length;
    // Nonces mostly come in their order.
    if (high > 0 && (entries[high - 1] as Entry).transaction.nonce < nonce) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle] as Entry).transaction.nonce < nonce) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #weigh(from: number): void {
    let worth = from === 0 ? Number.POSITIVE_INFINITY : (this.#entries[from - 1] as Entry).worth;
    for (let i = from; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Entry;
      worth = Math.min(worth, entry.tip);
      entry.worth = worth;
    }
  }
}
