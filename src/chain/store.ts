import { bytesToHex, readUint64, sameBytes } from '../codec/index.js';
import { type ChainSpec, decodeHeader, type Hasher } from '../eth/index.js';
import type { KeyValueChange, KeyValueStore, Logger } from '../runtime/index.js';
import type { ChainBackend, ChainRange, ReadOptions } from './backend.js';
import { ChainError, throwIfAborted } from './errors.js';
import {
  ALL_CANONICAL,
  ALL_NUMBERS,
  accessListKey,
  bodyKey,
  canonicalKey,
  canonicalNumber,
  HEAD_KEY,
  headerKey,
  numberedHash,
  numberKey,
  receiptsKey,
} from './keys.js';
import { encodeRange } from './meta.js';
import { damaged, putBlock } from './stored-blocks.js';
import { type CompleteBlock, checkLink, type HashedHeader } from './verify.js';

export interface AppendOptions {
  /** Drops the blocks above this one in the same stroke: a reorganisation. By default the head: nothing is dropped. */
  readonly rollbackTo?: bigint;
}

/** A reorganisation deeper than this is not followed (geth: FullImmutabilityThreshold). */
export const MAX_ROLLBACK_BLOCKS = 90_000n;

/**
 * A chain in a key-value store: whole, verified blocks from the genesis to the head, and nothing else. Every change is one
 * atomic, synced batch, so whatever happens to the process or the power, what is found afterwards is such a chain.
 */
export class ChainStore implements ChainBackend {
  readonly chain: ChainSpec;
  /** What the store was opened with. */
  readonly hasher: Hasher;
  readonly #store: KeyValueStore;
  readonly #logger: Logger;
  readonly #listeners = new Set<(range: ChainRange) => void>();
  #head: HashedHeader;
  #earliest: bigint;
  /** Changes wait for one another. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Use `openChainStore`. */
  constructor(
    store: KeyValueStore,
    chain: ChainSpec,
    hasher: Hasher,
    head: HashedHeader,
    earliest: bigint,
    logger: Logger,
  ) {
    this.#store = store;
    this.chain = chain;
    this.hasher = hasher;
    this.#head = head;
    this.#earliest = earliest;
    this.#logger = logger;
  }

  /** The latest block. */
  get head(): HashedHeader {
    return this.#head;
  }

  range(): ChainRange {
    const { hash, header } = this.#head;
    return {
      earliest: this.#earliest,
      latest: header.number,
      latestHash: hash,
      latestTime: header.timestamp,
    };
  }

  async headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const hash = await this.hashOf(number, options);
    return hash === undefined ? undefined : this.#get(headerKey(number, hash), options);
  }

  headerByHash(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#ofHash(headerKey, hash, options);
  }

  async numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined> {
    const value = await this.#get(numberKey(hash), options);
    return value === undefined ? undefined : readUint64(value);
  }

  hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    if (number < 0n || number > this.#head.header.number) return Promise.resolve(undefined);
    return this.#get(canonicalKey(number), options);
  }

  body(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#ofHash(bodyKey, hash, options);
  }

  receipts(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#ofHash(receiptsKey, hash, options);
  }

  accessList(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#ofHash(accessListKey, hash, options);
  }

  subscribe(listener: (range: ChainRange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes blocks that are verified and follow the head, or the block that is rolled back to: all of them or none.
   * @throws ChainError ERR_CHAIN_LINK where they do not follow, ERR_CHAIN_RANGE (rolled back too far), ERR_CHAIN_CLOSED
   * @throws RuntimeError ERR_RUNTIME_STORE (`detail` ENOSPC…); nothing has changed then
   */
  append(blocks: readonly CompleteBlock[], options: AppendOptions = {}): Promise<void> {
    return this.#change(async () => {
      const base = await this.#base(options.rollbackTo);
      const top = blocks.at(-1)?.header ?? base;
      checkChain(base, blocks);
      const changes = await this.#dropped(base.header.number, top.header.number);
      for (const block of blocks) putBlock(changes, block);
      await this.#commit(changes, top);
    });
  }

  /** Drops the blocks above `number`. @throws as `append` */
  rollback(number: bigint): Promise<void> {
    return this.append([], { rollbackTo: number });
  }

  /**
   * Looks for index entries that lead to no block of the chain: there should be none.
   * @returns what is wrong with the first one
   */
  async strayEntry(): Promise<string | undefined> {
    const head = this.#head.header.number;
    for await (const [key] of this.#store.range(ALL_CANONICAL)) {
      const number = canonicalNumber(key);
      if (number > head) return `block ${number} is on its chain, though its head is block ${head}`;
    }
    for await (const [key, value] of this.#store.range(ALL_NUMBERS)) {
      const hash = numberedHash(key);
      const number = readUint64(value);
      const canonical = number > head ? undefined : await this.#store.get(canonicalKey(number));
      if (canonical !== undefined && sameBytes(canonical, hash)) continue;
      return `block ${number} with the hash 0x${bytesToHex(hash)} is not on its chain`;
    }
    return undefined;
  }

  /** Waits for changes under way, then closes. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => this.#store.close());
    this.#listeners.clear();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #get(key: Uint8Array, options: ReadOptions | undefined): Promise<Uint8Array | undefined> {
    throwIfAborted(options?.signal, 'reading the chain store');
    if (this.#closed !== undefined) throw closed();
    return this.#store.get(key);
  }

  async #ofHash(
    key: (number: bigint, hash: Uint8Array) => Uint8Array,
    hash: Uint8Array,
    options: ReadOptions | undefined,
  ): Promise<Uint8Array | undefined> {
    if (hash.length !== 32) return undefined;
    const number = await this.numberOf(hash, options);
    return number === undefined ? undefined : this.#get(key(number, hash), options);
  }

  #change(make: () => Promise<void>): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(closed());
    const done = this.#last.then(make);
    this.#last = done.catch(() => {}); // whoever asked for the change hears of its failure
    return done;
  }

  /** The block that new ones follow. */
  async #base(number: bigint | undefined): Promise<HashedHeader> {
    const head = this.#head;
    if (number === undefined || number === head.header.number) return head;
    if (
      number < this.#earliest ||
      number > head.header.number ||
      head.header.number - number > MAX_ROLLBACK_BLOCKS
    ) {
      const says = `block ${number} is not among the last ${MAX_ROLLBACK_BLOCKS} before block ${head.header.number}`;
      throw new ChainError('ERR_CHAIN_RANGE', `cannot roll back: ${says}`);
    }
    const hash = await this.#store.get(canonicalKey(number));
    const raw = hash === undefined ? undefined : await this.#store.get(headerKey(number, hash));
    if (hash === undefined || raw === undefined) throw damaged(`block ${number} is missing`);
    return { raw, hash, header: decodeHeader(raw) };
  }

  /** The changes that take away what stands above `base`. Numbers up to `top` are written anew and need no deletion. */
  async #dropped(base: bigint, top: bigint): Promise<KeyValueChange[]> {
    const changes: KeyValueChange[] = [];
    const head = this.#head.header.number;
    if (base === head) return changes;
    for await (const [key, hash] of this.#store.range({
      from: canonicalKey(base + 1n),
      to: canonicalKey(head + 1n),
    })) {
      const number = canonicalNumber(key);
      for (const gone of [headerKey, bodyKey, receiptsKey, accessListKey])
        changes.push({ key: gone(number, hash) });
      changes.push({ key: numberKey(hash) });
      if (number > top) changes.push({ key });
    }
    return changes;
  }

  async #commit(changes: KeyValueChange[], top: HashedHeader): Promise<void> {
    if (sameBytes(top.hash, this.#head.hash)) return;
    const { hash, header } = top;
    const range = encodeRange({ number: header.number, hash, earliest: this.#earliest });
    changes.push({ key: HEAD_KEY, value: range });
    // Synced: LevelDB may lose a batch between two that it kept when the power fails, unless each is on disk first.
    await this.#store.batch(changes, { sync: true });
    this.#head = top;
    this.#tell();
  }

  #tell(): void {
    const range = this.range();
    for (const listener of [...this.#listeners]) {
      try {
        listener(range);
      } catch (error) {
        this.#logger.error({ error }, 'a listener of the chain store failed');
      }
    }
  }
}

function checkChain(base: HashedHeader, blocks: readonly CompleteBlock[]): void {
  let parent = base;
  for (const { header } of blocks) {
    try {
      checkLink(parent, header);
    } catch (error) {
      throw new ChainError('ERR_CHAIN_LINK', `block ${header.header.number} does not follow what is stored`, {
        cause: error,
      });
    }
    parent = header;
  }
}

function closed(): ChainError {
  return new ChainError('ERR_CHAIN_CLOSED', 'the chain store is closed');
}
