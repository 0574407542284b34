/**
 * Whether one more of this kind finds a place. Each kind has some places to itself; what is beyond them is for whoever
 * comes first. So no kind, however busy, can take the last place of another.
 * @param taken places that a kind has @param total all there are @param own what each kind has to itself
 */
export function hasFairRoom<K>(
  kind: K,
  kinds: Iterable<K>,
  taken: (kind: K) => number,
  total: number,
  own: number,
): boolean {
  let sum = 0;
  for (const one of kinds) sum += one === kind ? taken(one) : Math.max(own, taken(one));
  return sum < total;
}

/** Somebody who waits for a place. */
export interface Waiting {
  readonly kind: string;
  readonly bytes: number;
}

/** A bounded number of those who wait: each kind in its order, and the kinds take turns. */
export class FairQueue<T extends Waiting> {
  readonly maxItems: number;
  readonly maxBytes: number;
  /** Those with somebody in them; the first is the next. */
  readonly #kinds = new Map<string, Set<T>>();
  #items = 0;
  #bytes = 0;

  constructor(maxItems: number, maxBytes: number) {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(kind: string): boolean {
    return this.#kinds.has(kind);
  }

  /** @returns false where there is no room to wait */
  push(one: T): boolean {
    if (this.#items >= this.maxItems || this.#bytes + one.bytes > this.maxBytes) return false;
    const queue = this.#kinds.get(one.kind);
    if (queue === undefined) this.#kinds.set(one.kind, new Set([one]));
    else queue.add(one);
    this.#items++;
    this.#bytes += one.bytes;
    return true;
  }

  /** @returns the first whose kind may go; it still waits, and its kind comes last from now on */
  next(mayGo: (one: T) => boolean): T | undefined {
    for (const [kind, queue] of this.#kinds) {
      const [first] = queue;
      if (first === undefined || !mayGo(first)) continue;
      this.#kinds.delete(kind);
      this.#kinds.set(kind, queue);
      return first;
    }
    return undefined;
  }

  /** @returns false where it does not wait (any more) */
  remove(one: T): boolean {
    const queue = this.#kinds.get(one.kind);
    if (queue?.delete(one) !== true) return false;
    if (queue.size === 0) this.#kinds.delete(one.kind);
    this.#items--;
    this.#bytes -= one.bytes;
    return true;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const queue of this.#kinds.values()) yield* queue;
  }
}
