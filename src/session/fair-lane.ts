import type { Gauge } from './handle.js';
import { Lane, type LaneBounds, type Outbound } from './lane.js';

/**
 * A lane for messages of several sorts: each sort keeps its order, and the sorts take turns in leaving, so that many of one
 * never stand before the first of another.
 */
export class FairLane {
  /** Of all sorts together. */
  readonly bounds: LaneBounds;
  /** Of one sort. */
  readonly each: LaneBounds;
  readonly #sortOf: (message: Outbound) => number;
  /** Those with something in them; the first is the next to leave. */
  readonly #lanes = new Map<number, Lane>();
  #items = 0;
  #bytes = 0;

  constructor(sortOf: (message: Outbound) => number, bounds: LaneBounds, each: LaneBounds = bounds) {
    this.#sortOf = sortOf;
    this.bounds = bounds;
    this.each = each;
  }

  get gauge(): Gauge {
    return { items: this.#items, bytes: this.#bytes };
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** What waits of one sort. */
  gaugeOf(sort: number): Gauge {
    return this.#lanes.get(sort)?.gauge ?? { items: 0, bytes: 0 };
  }

  /** One message always fits where nothing waits, however large. */
  fits(message: Outbound): boolean {
    if (this.isEmpty) return true;
    if (
      this.#items + message.items > this.bounds.maxItems ||
      this.#bytes + message.bytes > this.bounds.maxBytes
    )
      return false;
    return this.#lanes.get(this.#sortOf(message))?.fits(message) ?? true;
  }

  /** The next to leave. */
  get first(): Outbound | undefined {
    for (const lane of this.#lanes.values()) for (const message of lane) return message;
    return undefined;
  }

  push(message: Outbound): void {
    const sort = this.#sortOf(message);
    let lane = this.#lanes.get(sort);
    if (lane === undefined) {
      lane = new Lane(this.each);
      this.#lanes.set(sort, lane);
    }
    lane.push(message);
    this.#count(message, 1);
  }

  shift(): Outbound | undefined {
    for (const [sort, lane] of this.#lanes) {
      const message = lane.shift();
      this.#lanes.delete(sort);
      if (!lane.isEmpty) this.#lanes.set(sort, lane); // behind the others
      if (message !== undefined) this.#count(message, -1);
      return message;
    }
    return undefined;
  }

  /** @returns false where the message has left already. */
  remove(message: Outbound): boolean {
    const sort = this.#sortOf(message);
    const lane = this.#lanes.get(sort);
    if (lane?.remove(message) !== true) return false;
    if (lane.isEmpty) this.#lanes.delete(sort);
    this.#count(message, -1);
    return true;
  }

  clear(): void {
    this.#lanes.clear();
    this.#items = 0;
    this.#bytes = 0;
  }

  #count({ items, bytes }: Outbound, sign: 1 | -1): void {
    this.#items += sign * items;
    this.#bytes += sign * bytes;
  }
}
