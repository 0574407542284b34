/** What an entry costs beside its bytes: key, map, object. */
const ENTRY_BYTES = 256;

/** Bytes by key, bounded in bytes; the least recently used go first. */
export class ByteLru {
  readonly #maxBytes: number;
  readonly #values = new Map<string, Uint8Array>();
  #bytes = 0;
  hits = 0;
  misses = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Of all entries together, with what they cost beside their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Uint8Array | undefined {
    const value = this.#values.get(key);
    if (value === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.#values.delete(key); // a map keeps the order of insertion: the first is the one used least recently
    this.#values.set(key, value);
    return value;
  }

  /** What is larger than all that may be held is not kept. */
  set(key: string, value: Uint8Array): void {
    this.delete(key);
    this.#values.set(key, value);
    this.#bytes += value.length + ENTRY_BYTES;
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= value.length + ENTRY_BYTES;
  }
}
