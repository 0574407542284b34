/** The smallest that is lent; what is asked for below is lent so much. */
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
  /** By the power of two; last given back, first lent, while it may still lie in a cache. */
  readonly #kept: Uint8Array[][] = [];
  #keptBytes = 0;

  /** @param largestBytes above, memory is fresh each time and not kept @param maxBytes that are kept in all */
  constructor(largestBytes: number, maxBytes: number) {
    this.#largestBytes = largestBytes;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are kept, and lent to nobody. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** @returns memory of `bytes` at least, and of less than twice as many; it may be given back, and may be forgotten */
  lend(bytes: number): Uint8Array {
    if (bytes > this.#largestBytes) return unfilled(bytes);
    const power = powerFor(bytes);
    const kept = this.#kept[power]?.pop();
    if (kept === undefined) return unfilled(2 ** power);
    this.#keptBytes -= kept.length;
    return kept;
  }

  /** @param lent by `lend`, and whole; nobody may look at it or write to it from now on */
  giveBack(lent: Uint8Array): void {
    if (lent.length > this.#largestBytes || this.#keptBytes + lent.length > this.#maxBytes) return;
    const power = powerFor(lent.length);
    this.#kept[power] ??= [];
    this.#kept[power].push(lent);
    this.#keptBytes += lent.length;
  }
}

function powerFor(bytes: number): number {
  return 32 - Math.clz32(Math.max(bytes, LEAST_BYTES) - 1);
}

/**
 * Memory that is not cleared, which is what takes longest of 100 kB (6 µs; Node 20). It holds whatever lay there before:
 * every byte must be written before anybody sees it.
 */
export function unfilled(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
