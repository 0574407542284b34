import type { BlockPart, ChainBackend, ReadOptions } from './backend.js';

/** Blocks read at once before anything is known of their size. */
const FIRST_BLOCKS = 8;
/** And at most. */
const MOST_BLOCKS = 128;

/**
 * One part of block after block, read ahead where the backend reads many as cheaply as one: as many as an answer is likely to
 * take, going by the size of those before. What is read in vain is less than one answer of them.
 */
export class ReadAhead {
  readonly #backend: ChainBackend;
  readonly #part: BlockPart;
  readonly #hashes: readonly Uint8Array[];
  readonly #wantedBytes: number;
  readonly #options: ReadOptions;
  #ahead: readonly (Uint8Array | undefined)[] = [];
  /** Where `#ahead` begins among the hashes. */
  #aheadAt = 0;
  #readBytes = 0;

  /** @param wantedBytes after which no more is going to be asked for */
  constructor(
    backend: ChainBackend,
    part: BlockPart,
    hashes: readonly Uint8Array[],
    wantedBytes: number,
    options: ReadOptions,
  ) {
    this.#backend = backend;
    this.#part = part;
    this.#hashes = hashes;
    this.#wantedBytes = wantedBytes;
    this.#options = options;
  }

  /** Whether the block of that index was read, so that `at` says what there is of it: blocks are asked for from the first on. */
  has(index: number): boolean {
    return index < this.#aheadAt + this.#ahead.length;
  }

  /** What there is of a block that was read. */
  at(index: number): Uint8Array | undefined {
    return this.#ahead[index - this.#aheadAt];
  }

  /** Reads the block of that index, the one behind those that were read, and some that follow. */
  async read(index: number): Promise<void> {
    this.#ahead = await this.#readFrom(index);
    this.#aheadAt = index;
    for (const item of this.#ahead) this.#readBytes += item?.length ?? 0;
  }

  async #readFrom(index: number): Promise<readonly (Uint8Array | undefined)[]> {
    const hash = this.#hashes[index];
    if (hash === undefined) return [];
    if (this.#backend.many !== undefined) {
      const hashes = this.#hashes.slice(index, index + this.#likely(index));
      return this.#backend.many(this.#part, hashes, this.#options);
    }
    return [await readPart(this.#backend, this.#part, hash, this.#options)];
  }

  /** How many blocks fill what is left, if they are like those before. */
  #likely(read: number): number {
    if (read === 0) return FIRST_BLOCKS;
    const left = Math.max(1, this.#wantedBytes - this.#readBytes);
    const each = Math.max(1, this.#readBytes / read);
    return Math.min(MOST_BLOCKS, Math.ceil(left / each));
  }
}

/** One part of one block. */
export function readPart(
  backend: ChainBackend,
  part: BlockPart,
  hash: Uint8Array,
  options: ReadOptions,
): Promise<Uint8Array | undefined> {
  switch (part) {
    case 'header':
      return backend.headerByHash(hash, options);
    case 'body':
      return backend.body(hash, options);
    case 'receipts':
      return backend.receipts(hash, options);
    case 'accessList':
      return backend.accessList(hash, options);
  }
}
