import type { Gauge } from './handle.js';

/** fifo: all, in their order. latest: of each key only the value that came last. */
export type BufferMode = 'fifo' | 'latest';

/** Grows by doubling, up to these bounds; beyond them it is an error. */
export interface ResizePolicy {
  readonly resizeTo: BufferBounds;
}

/**
 * What becomes of a value for which there is no room. block: it is not taken, and the producer is called when there is
 * room. drop: the oldest make way and are counted. error: the producer is told so, and nothing has changed.
 */
export type BufferPolicy = 'block' | 'drop' | 'error' | ResizePolicy;

export interface BufferBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

export interface BufferOptions<T> {
  /** Seen from us: what came in and waits for us, or what goes out and waits for the peer. */
  readonly direction: 'in' | 'out';
  readonly mode: BufferMode;
  readonly policy: BufferPolicy;
  readonly bounds: BufferBounds;
  readonly bytesOf: (value: T) => number;
  /** A message may carry many items; 1 where left out. */
  readonly itemsOf?: (value: T) => number;
  /** In mode `latest`: what a value is the latest of; one and the same where left out. */
  readonly keyOf?: (value: T) => string | number;
}

/** taken: it waits. replaced: it took the place of an older value of its key. full: it was not taken. */
export type PushOutcome = 'taken' | 'replaced' | 'full' | 'error';

/** What a buffer holds, what it may hold at present, and what has happened to it so far. */
export interface BufferGauge extends Gauge {
  readonly bounds: BufferBounds;
  /** The most that was ever held. */
  readonly highest: Gauge;
  /** Values that made way for younger ones (policy `drop`). */
  readonly dropped: number;
  /** Values whose key got a newer one before they were taken out. */
  readonly replaced: number;
  /** Values that were not taken (policies `block`, `error`, `resizeTo`). */
  readonly refused: number;
  /** Producers that wait for room. */
  readonly waiting: number;
}

interface Waiter {
  readonly items: number;
  readonly bytes: number;
  readonly call: () => void;
}

/** A value, and how it was measured when it came, so that it leaves with the same measure. */
interface Entry<T> {
  readonly value: T;
  readonly items: number;
  readonly bytes: number;
}

/**
 * What waits on one edge of a session, bounded in items and in bytes. An empty buffer takes one value of any size, so that
 * nothing can wait for ever for a room that never comes. Does nothing by itself: `block` means that `push` says `full` and
 * `onRoom` calls the producers back, first come first served.
 */
export class BoundedBuffer<T> {
  readonly direction: 'in' | 'out';
  readonly mode: BufferMode;
  readonly policy: BufferPolicy;
  readonly #options: BufferOptions<T>;
  /** By the value itself, or by its key where only the latest counts; which then keeps the place of its first value. */
  readonly #entries = new Map<unknown, Entry<T>>();
  readonly #waiters = new Set<Waiter>();
  #bounds: BufferBounds;
  #items = 0;
  #bytes = 0;
  #highItems = 0;
  #highBytes = 0;
  #dropped = 0;
  #replaced = 0;
  #refused = 0;
  #calling = false;

  /** @throws RangeError for bounds that are no counts, or that `resizeTo` would shrink */
  constructor(options: BufferOptions<T>) {
    const { policy, bounds } = options;
    checkBounds(bounds);
    if (typeof policy !== 'string') {
      checkBounds(policy.resizeTo);
      if (policy.resizeTo.maxItems < bounds.maxItems || policy.resizeTo.maxBytes < bounds.maxBytes)
        throw new RangeError('resizeTo is smaller than bounds');
    }
    this.#options = options;
    this.direction = options.direction;
    this.mode = options.mode;
    this.policy = policy;
    this.#bounds = bounds;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get gauge(): BufferGauge {
    return {
      items: this.#items,
      bytes: this.#bytes,
      bounds: this.#bounds,
      highest: { items: this.#highItems, bytes: this.#highBytes },
      dropped: this.#dropped,
      replaced: this.#replaced,
      refused: this.#refused,
      waiting: this.#waiters.size,
    };
  }

  /** Whether a value of this size would be taken as it is, without the help of the policy. */
  hasRoom(bytes = 0, items = 1): boolean {
    return this.#entries.size === 0 || this.#fits(items, bytes, this.#bounds);
  }

  /**
   * `error` and `full` differ in what is to come: after `full` the producer may wait with `onRoom`, after `error` it has to
   * say to whoever asked that there is no room.
   * @throws RangeError where the same value is held already, which only mode `latest` allows
   */
  push(value: T): PushOutcome {
    const slot = this.#slotOf(value);
    const former = this.#entries.get(slot);
    if (former !== undefined && this.mode === 'fifo') throw new RangeError('this value is held already');
    const entry: Entry<T> = {
      value,
      items: this.#options.itemsOf?.(value) ?? 1,
      bytes: this.#options.bytesOf(value),
    };
    // producers who have waited longer come first, except the one that is being called
    const behindOthers = this.#waiters.size > 0 && !this.#calling && former === undefined;
    if (behindOthers || !this.#makeRoom(entry, former)) {
      this.#refused++;
      return this.policy === 'block' ? 'full' : 'error';
    }
    this.#entries.set(slot, entry);
    this.#count(entry.items - (former?.items ?? 0), entry.bytes - (former?.bytes ?? 0));
    if (former === undefined) return 'taken';
    this.#replaced++;
    this.#callWaiters(); // a smaller value may have left room
    return 'replaced';
  }

  /** The oldest value, which stays. */
  peek(): T | undefined {
    for (const { value } of this.#entries.values()) return value;
    return undefined;
  }

  /** Takes the oldest value out. */
  shift(): T | undefined {
    for (const [slot, { value }] of this.#entries) {
      this.#forget(slot);
      this.#callWaiters();
      return value;
    }
    return undefined;
  }

  /** Takes a value out of the middle. @returns false where it is not held (any more) */
  remove(value: T): boolean {
    const slot = this.#slotOf(value);
    if (this.#entries.get(slot)?.value !== value) return false;
    this.#forget(slot);
    this.#callWaiters();
    return true;
  }

  /**
   * Calls once there is room for a value of this size: at once if that is now. The producer pushes in the call, or has
   * lost its turn. @returns a function that takes the wish back
   */
  onRoom(call: () => void, bytes = 0, items = 1): () => void {
    const waiter: Waiter = { items, bytes, call };
    this.#waiters.add(waiter);
    this.#callWaiters();
    return () => {
      if (this.#waiters.delete(waiter)) this.#callWaiters(); // a smaller wish may have stood behind
    };
  }

  /** Forgets what is held and who waits; the counts stay. Nobody is called: there will be no room, there is no edge. */
  clear(): void {
    this.#entries.clear();
    this.#waiters.clear();
    this.#items = 0;
    this.#bytes = 0;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const { value } of this.#entries.values()) yield value;
  }

  #slotOf(value: T): unknown {
    return this.mode === 'latest' ? (this.#options.keyOf?.(value) ?? '') : value;
  }

  /** @param former what this one replaces: its room counts as free */
  #makeRoom(entry: Entry<T>, former: Entry<T> | undefined): boolean {
    const items = entry.items - (former?.items ?? 0);
    const bytes = entry.bytes - (former?.bytes ?? 0);
    const alone = this.#entries.size === (former === undefined ? 0 : 1);
    if (alone || this.#fits(items, bytes, this.#bounds)) return true;
    if (this.policy === 'drop') {
      this.#dropFor(items, bytes, former);
      return true;
    }
    return typeof this.policy !== 'string' && this.#grow(items, bytes, this.policy.resizeTo);
  }

  #fits(items: number, bytes: number, { maxItems, maxBytes }: BufferBounds): boolean {
    return this.#items + items <= maxItems && this.#bytes + bytes <= maxBytes;
  }

  #dropFor(items: number, bytes: number, former: Entry<T> | undefined): void {
    for (const [slot, oldest] of this.#entries) {
      if (this.#fits(items, bytes, this.#bounds)) return;
      if (oldest === former) continue; // leaves anyway
      this.#forget(slot);
      this.#dropped++;
    }
  }

  #grow(items: number, bytes: number, most: BufferBounds): boolean {
    if (!this.#fits(items, bytes, most)) return false;
    let { maxItems, maxBytes } = this.#bounds;
    while (this.#items + items > maxItems) maxItems = Math.min(2 * maxItems, most.maxItems);
    while (this.#bytes + bytes > maxBytes) maxBytes = Math.min(2 * maxBytes, most.maxBytes);
    this.#bounds = { maxItems, maxBytes };
    return true;
  }

  #forget(slot: unknown): void {
    const entry = this.#entries.get(slot);
    if (entry === undefined) return;
    this.#entries.delete(slot);
    this.#count(-entry.items, -entry.bytes);
  }

  #count(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
    this.#highItems = Math.max(this.#highItems, this.#items);
    this.#highBytes = Math.max(this.#highBytes, this.#bytes);
  }

  /** First come, first served: a large wish at the front is not passed by smaller ones. */
  #callWaiters(): void {
    if (this.#calling) return;
    this.#calling = true;
    try {
      for (const waiter of this.#waiters) {
        if (!this.hasRoom(waiter.bytes, waiter.items)) return;
        this.#waiters.delete(waiter);
        waiter.call();
      }
    } finally {
      this.#calling = false;
    }
  }
}

function checkBounds({ maxItems, maxBytes }: BufferBounds): void {
  for (const [name, value] of Object.entries({ maxItems, maxBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, not a count`);
  }
}
