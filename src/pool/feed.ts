/** What a feed keeps for those who read slowly: a large network says as much in two minutes. */
export const MAX_FEED_ITEMS = 4_096;

/** Some items of a feed, in their order. */
export interface FeedPart<Item> {
  readonly items: readonly Item[];
  /** Where to go on reading. */
  readonly next: number;
  /** Items that were there and have made way before they were read. */
  readonly lost: number;
}

/**
 * A live feed that keeps the latest items and knows no readers: each says where it has read to, and whoever is too slow
 * loses the oldest and is told how many.
 */
export class Feed<Item> {
  readonly #items: (Item | undefined)[];
  readonly #waiting = new Set<() => void>();
  /** The place that the next item gets; places are counted from 0 and never given twice. */
  #next = 0;

  constructor(maxItems: number = MAX_FEED_ITEMS) {
    this.#items = new Array<Item | undefined>(maxItems).fill(undefined);
  }

  /** Where a reader begins who wants what comes from now on. */
  get end(): number {
    return this.#next;
  }

  push(item: Item): void {
    this.#items[this.#next % this.#items.length] = item;
    this.#next++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** @param from a place: `end`, or `next` of the part before; what is beyond the end counts as the end */
  read(from: number, maxItems: number): FeedPart<Item> {
    const oldest = Math.max(0, this.#next - this.#items.length);
    const wanted = Math.min(Math.max(0, from), this.#next);
    const begin = Math.max(wanted, oldest);
    const end = Math.min(this.#next, begin + maxItems);
    const items: Item[] = [];
    for (let at = begin; at < end; at++) items.push(this.#items[at % this.#items.length] as Item);
    return { items, next: end, lost: begin - wanted };
  }

  /** Calls `wake` when something comes. @returns what ends it */
  onItem(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => {
      this.#waiting.delete(wake);
    };
  }
}
