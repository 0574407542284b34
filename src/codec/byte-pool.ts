import { EMPTY_BYTES } from './bytes.js';

/** The smallest that is lent where nothing else is said; what is asked for below is lent so much. */
const LEAST_BYTES = 4_096;

/**
 * Memory that serves again and again. Fresh memory of 100 kB costs some 30 µs by the time it is cleared, touched for the
 * first time and collected (Node 20, where each 32 MB outside the heap start a collection); what was given back costs nothing.
 *
 * What is lent holds whatever it held before: no byte may be shown to anybody that was not written first. Sizes are powers
 * of two, so at most half of it is idle.
 */
export class BytePool {
  readonly #largestBytes: number;
  readonly #maxBytes: number;
  readonly #leastBytes: number;
  /** By the power of two; last given back, first lent, while it may still lie in a cache. */
  readonly #kept: Uint8Array[][] = [];
  #keptBytes = 0;

  /**
   * @param largestBytes above, memory is fresh each time and not kept @param maxBytes that are kept in all
   * @param leastBytes what is asked for below is lent so much
   */
  constructor(largestBytes: number, maxBytes: number, leastBytes: number = LEAST_BYTES) {
    this.#largestBytes = largestBytes;
    this.#maxBytes = maxBytes;
    this.#leastBytes = leastBytes;
  }

  /** Bytes that are kept, and lent to nobody. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** @returns memory of `bytes` at least, and of less than twice as many; it may be given back, and may be forgotten */
  lend(bytes: number): Uint8Array {
    if (bytes > this.#largestBytes) return unfilled(bytes);
    const power = this.#powerFor(bytes);
    const kept = this.#kept[power]?.pop();
    if (kept === undefined) return unfilled(2 ** power);
    this.#keptBytes -= kept.length;
    return kept;
  }

  /** @param lent by `lend`, and whole; nobody may look at it or write to it from now on */
  giveBack(lent: Uint8Array): void {
    if (lent.length > this.#largestBytes || this.#keptBytes + lent.length > this.#maxBytes) return;
    const power = this.#powerFor(lent.length);
    this.#kept[power] ??= [];
    this.#kept[power].push(lent);
    this.#keptBytes += lent.length;
  }

  #powerFor(bytes: number): number {
    return 32 - Math.clz32(Math.max(bytes, this.#leastBytes) - 1);
  }
}

/** Below, pieces are cut from one larger: each of its own is four allocations of the system, 0.7 µs with its collection. */
const SMALL_BYTES = 512;
/** What a small piece that is held holds with it, at most. */
const SHARED_BYTES = 4_096;
/** Below, memory that is cleared costs less than a call for memory that is not. */
const CLEARED_BYTES = 4_096;

let shared: Uint8Array = EMPTY_BYTES;
let sharedAt = 0;

/**
 * Memory that nobody has, and that need not be cleared (6 µs for 100 kB; Node 20): it may hold whatever lay there before, so
 * every byte must be written before anybody sees it. Small pieces lie side by side, so what is to be kept for long is copied.
 */
export function unfilled(bytes: number): Uint8Array {
  if (bytes >= CLEARED_BYTES) return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  if (bytes >= SMALL_BYTES) return new Uint8Array(bytes);
  if (sharedAt + bytes > shared.length) {
    shared = new Uint8Array(SHARED_BYTES);
    sharedAt = 0;
  }
  const at = sharedAt;
  sharedAt = at + bytes;
  return shared.subarray(at, sharedAt);
}
