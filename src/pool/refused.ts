import { hashKey } from './hash-key.js';

/** geth: maxTxUnderpricedSetSize and maxTxUnderpricedTimeout. */
export const MAX_REFUSED = 32_768;
export const REFUSED_MS = 300_000;

/** Transactions that were looked at and not wanted: for five minutes they are not fetched again. */
export class RefusedHashes {
  readonly #maxItems: number;
  /** Until when, the oldest first. */
  readonly #untilMs = new Map<string, number>();

  constructor(maxItems: number = MAX_REFUSED) {
    this.#maxItems = maxItems;
  }

  get size(): number {
    return this.#untilMs.size;
  }

  /** @param nowMs on the scale of a clock's `now` */
  add(hash: Uint8Array, nowMs: number): void {
    const key = hashKey(hash);
    this.#untilMs.delete(key); // to the end of the order
    this.#untilMs.set(key, nowMs + REFUSED_MS);
    const [oldest] = this.#untilMs.keys();
    if (this.#untilMs.size > this.#maxItems && oldest !== undefined) this.#untilMs.delete(oldest);
  }

  has(hash: Uint8Array, nowMs: number): boolean {
    if (this.#untilMs.size === 0) return false;
    const key = hashKey(hash);
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs) return true;
    this.#untilMs.delete(key);
    return false;
  }
}
