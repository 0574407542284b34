import type { NewPooledTransactionHashes } from '../eth/index.js';
import type { PackedMessage, SharedCapability } from '../rlpx/index.js';
import type { Gauge } from './handle.js';

/** A message on its way out. Exactly one of `payload` and `packed` is there. */
export interface Outbound {
  readonly capability: SharedCapability;
  /** Relative to the capability. */
  readonly id: number;
  readonly payload: Uint8Array | undefined;
  readonly packed: PackedMessage | undefined;
  /** Uncompressed: what bounds count. */
  readonly bytes: number;
  /** How many transactions or hashes it carries; 1 for everything else. */
  readonly items: number;
  /** What it tells the peer of, 32 bytes each: not known to it if the message makes way. */
  readonly hashes?: readonly Uint8Array[] | undefined;
  /** What was encoded, where it can leave together with others of its sort. */
  readonly announcement?: NewPooledTransactionHashes | undefined;
  /** When the connection took it. */
  sentAtMs: number | undefined;
}

export interface LaneBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** A bounded first-in first-out queue of messages. A Set keeps the order and forgets from the middle for free. */
export class Lane {
  readonly bounds: LaneBounds;
  readonly #waiting = new Set<Outbound>();
  #items = 0;
  #bytes = 0;

  constructor(bounds: LaneBounds) {
    this.bounds = bounds;
  }

  get gauge(): Gauge {
    return { items: this.#items, bytes: this.#bytes };
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** One message always fits, however large. */
  fits(message: Outbound): boolean {
    if (this.isEmpty) return true;
    return (
      this.#items + message.items <= this.bounds.maxItems &&
      this.#bytes + message.bytes <= this.bounds.maxBytes
    );
  }

  push(message: Outbound): void {
    this.#waiting.add(message);
    this.#items += message.items;
    this.#bytes += message.bytes;
  }

  /** Oldest first. */
  [Symbol.iterator](): IterableIterator<Outbound> {
    return this.#waiting.values();
  }

  shift(): Outbound | undefined {
    for (const first of this.#waiting) {
      this.remove(first);
      return first;
    }
    return undefined;
  }

  /** @returns false where the message has left already. */
  remove(message: Outbound): boolean {
    if (!this.#waiting.delete(message)) return false;
    this.#items -= message.items;
    this.#bytes -= message.bytes;
    return true;
  }

  clear(): void {
    this.#waiting.clear();
    this.#items = 0;
    this.#bytes = 0;
  }
}
