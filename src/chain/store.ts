import { sameBytes } from '../codec/index.js';
import { type ChainSpec, decodeHeader, type Hasher } from '../eth/index.js';
import { type KeyValueChange, type KeyValueStore, Listeners, type Logger } from '../runtime/index.js';
import type { BlockPart, ChainBackend, ChainRange, NumberedHeader, ReadOptions } from './backend.js';
import { ChainError, throwIfAborted } from './errors.js';
import {
  canonicalKey,
  HEAD_KEY,
  headerKey,
  keyedNumber,
  missingReceiptsKey,
  numberKey,
  receiptsKey,
} from './keys.js';
import { encodeRange } from './meta.js';
import { RecentBlocks } from './recent-blocks.js';
import { StoreReader } from './store-reader.js';
import { checkKeep, lastMissingUpTo, pruned, type StoreState, stateAt, storedRange } from './store-state.js';
import { damaged, dropContents, putBlock } from './stored-blocks.js';
import { findStrayEntry } from './stray-entries.js';
import { type BlockReceipts, checkFollowing, type HashedHeader, type StorableBlock } from './verify.js';

export interface AppendOptions {
  /** Drops the blocks above this one in the same stroke: a reorganisation. By default the head: nothing is dropped. */
  readonly rollbackTo?: bigint;
}

/** A reorganisation deeper than this is not followed (geth: FullImmutabilityThreshold). */
export const MAX_ROLLBACK_BLOCKS = 90_000n;

/** Blocks whose contents go in one batch when a store is pruned: some 6,000 keys. */
const PRUNE_BLOCKS = 1_024n;

/**
 * A chain in a key-value store: all headers from the genesis to the head, and from its earliest block on the bodies, all of
 * them verified. Receipts may be missing, and the store knows of which blocks. Every change is one atomic, synced batch, so
 * whatever happens to the process or the power, what is found afterwards is such a chain.
 */
export class ChainStore implements ChainBackend {
  readonly chain: ChainSpec;
  /** What the store was opened with. */
  readonly hasher: Hasher;
  readonly #store: KeyValueStore;
  readonly #recent: RecentBlocks;
  readonly #reader: StoreReader;
  readonly #keepBlocks: bigint | undefined;
  readonly #listeners: Listeners<ChainRange>;
  #state: StoreState;
  /** Changes wait for one another. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Use `openChainStore`. */
  constructor(
    store: KeyValueStore,
    chain: ChainSpec,
    state: StoreState,
    options: {
      readonly hasher: Hasher;
      readonly logger: Logger;
      readonly keepBlocks: bigint | undefined;
      readonly recentBytes: number;
    },
  ) {
    this.#store = store;
    this.#recent = new RecentBlocks(options.recentBytes);
    this.#reader = new StoreReader(store, this.#recent, () => this.#head());
    this.chain = chain;
    this.hasher = options.hasher;
    this.#state = state;
    this.#listeners = new Listeners((error) =>
      options.logger.error({ error }, 'a listener of the chain store failed'),
    );
    this.#keepBlocks = options.keepBlocks;
  }

  /** The latest block. */
  get head(): HashedHeader {
    return this.#state.head;
  }

  /** The first block from which on all bodies are stored. */
  get earliestBody(): bigint {
    return this.#state.earliest;
  }

  /** How many blocks are stored without their receipts. */
  get receiptsMissing(): number {
    return this.#state.missingReceipts;
  }

  /**
   * What peers are told (EIP-7642): the blocks up to the head of which both body and receipts can be had. Where receipts of
   * earlier blocks are missing, what we have of those is served, but not announced; and where even those of the head are
   * missing, the range is the head alone, since a narrower one cannot be said.
   */
  range(): ChainRange {
    const { head, earliest, lastMissing } = this.#state;
    const { number, timestamp } = head.header;
    const whole = lastMissing === undefined ? earliest : lastMissing + 1n;
    return {
      earliest: whole > number ? number : whole,
      latest: number,
      latestHash: head.hash,
      latestTime: timestamp,
    };
  }

  headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.headerByNumber(number, options);
  }

  headerByHash(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.part('header', hash, options);
  }

  numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined> {
    return this.#reader.numberOf(hash, options);
  }

  hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.hashOf(number, options);
  }

  body(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.part('body', hash, options);
  }

  receipts(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.part('receipts', hash, options);
  }

  accessList(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reader.part('accessList', hash, options);
  }

  many(
    part: BlockPart,
    hashes: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#reader.many(part, hashes, options);
  }

  inRow(
    from: bigint,
    count: number,
    reverse: boolean,
    options?: ReadOptions,
  ): Promise<readonly NumberedHeader[]> {
    return this.#reader.inRow(from, count, reverse, options);
  }

  subscribe(listener: (range: ChainRange) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Takes blocks that are verified and follow the head, or the block that is rolled back to: all of them or none.
   * @throws ChainError ERR_CHAIN_LINK where they do not follow, ERR_CHAIN_RANGE (rolled back too far), ERR_CHAIN_CLOSED
   * @throws RuntimeError ERR_RUNTIME_STORE (`detail` ENOSPC…); nothing has changed then
   */
  append(blocks: readonly StorableBlock[], options: AppendOptions = {}): Promise<void> {
    return this.#change(async () => {
      const base = await this.#base(options.rollbackTo);
      const top = blocks.at(-1)?.header ?? base;
      checkFollowing(base, blocks);
      const number = base.header.number;
      const changes = await this.#dropped(number, top.header.number);
      for (const block of blocks) putBlock(changes, block);
      const before = await stateAt(this.#store, this.#state, number);
      const missing = blocks.filter(({ receipts }) => receipts === undefined);
      const state = {
        head: top,
        earliest: before.earliest,
        missingReceipts: before.missingReceipts + missing.length,
        lastMissing: missing.at(-1)?.header.header.number ?? before.lastMissing,
      };
      if (state.earliest > top.header.number)
        throw new ChainError('ERR_CHAIN_RANGE', `cannot roll back: the body of block ${number} is not kept`);
      // Twice what comes, so that a store which was let grow is brought down to its size in time.
      const most = BigInt(2 * blocks.length);
      await this.#commit(
        changes,
        await pruned(this.#store, changes, state, { stored: number, keep: this.#keepBlocks, most }),
        number,
      );
    });
  }

  /** Drops the blocks above `number`. @throws as `append` */
  rollback(number: bigint): Promise<void> {
    return this.append([], { rollbackTo: number });
  }

  /**
   * Takes verified receipts of blocks that are stored without. Those of other blocks, and those that are here, are left out.
   * @returns how many were taken
   * @throws ChainError ERR_CHAIN_CLOSED; RuntimeError ERR_RUNTIME_STORE: nothing has changed then
   */
  async fillReceipts(blocks: readonly BlockReceipts[]): Promise<number> {
    let filled = 0;
    await this.#change(async () => {
      const changes: KeyValueChange[] = [];
      const taken = new Set<bigint>();
      for (const { header, receipts } of blocks) {
        const { hash } = header;
        const { number } = header.header;
        const keys = [canonicalKey(number), missingReceiptsKey(number)];
        const [canonical, missing] = await this.#store.getMany(keys);
        if (missing === undefined || canonical === undefined || !sameBytes(canonical, hash)) continue;
        changes.push(
          { key: receiptsKey(number, hash), value: receipts },
          { key: missingReceiptsKey(number) },
        );
        taken.add(number);
      }
      const state = this.#state;
      const lastMissing = await lastMissingUpTo(this.#store, state, state.head.header.number, taken);
      const missingReceipts = state.missingReceipts - taken.size;
      if (taken.size > 0) await this.#commit(changes, { ...state, missingReceipts, lastMissing });
      filled = taken.size;
    });
    return filled;
  }

  /**
   * Numbers of blocks that are stored without their receipts, downwards.
   * @param below the first one is below this; by default the highest
   */
  async missingReceipts(limit: number, below?: bigint): Promise<bigint[]> {
    if (this.#closed !== undefined) throw closed();
    const { earliest, head, missingReceipts } = this.#state;
    const numbers: bigint[] = [];
    if (missingReceipts === 0) return numbers;
    const to = missingReceiptsKey(below ?? head.header.number + 1n);
    for await (const [key] of this.#store.range({
      from: missingReceiptsKey(earliest),
      to,
      reverse: true,
      limit,
    }))
      numbers.push(keyedNumber(key));
    return numbers;
  }

  /**
   * Drops bodies, receipts and access lists of all but the latest `keep` blocks, and so moves the earliest block that is
   * announced. Headers stay, and the genesis. Goes in batches, each of them atomic, between which other changes have their turn.
   * @throws ChainError ERR_CHAIN_RANGE (less than one block), ERR_CHAIN_ABORTED, ERR_CHAIN_CLOSED; RuntimeError
   * ERR_RUNTIME_STORE: what was dropped until then stays dropped
   */
  async prune(keep: bigint, options: ReadOptions = {}): Promise<void> {
    checkKeep(keep);
    for (let before = -1n; before < this.#state.earliest; ) {
      throwIfAborted(options.signal, 'pruning the chain store');
      before = this.#state.earliest;
      await this.#change(async () => {
        const changes: KeyValueChange[] = [];
        const state = this.#state;
        const stored = state.head.header.number;
        const left = await pruned(this.#store, changes, state, { stored, keep, most: PRUNE_BLOCKS });
        await this.#commit(changes, left);
      });
    }
  }

  /**
   * Looks for index entries that lead to no block of the chain: there should be none.
   * @returns what is wrong with the first one
   */
  strayEntry(): Promise<string | undefined> {
    return findStrayEntry(this.#store, storedRange(this.#state));
  }

  /** Whether the store knows that the receipts of this block are missing. */
  async lacksReceipts(number: bigint): Promise<boolean> {
    if (this.#state.missingReceipts === 0) return false;
    return this.#reader.has(missingReceiptsKey(number));
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

  #change(make: () => Promise<void>): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(closed());
    const done = this.#last.then(make);
    this.#last = done.catch(() => {}); // whoever asked for the change hears of its failure
    return done;
  }

  /** The block that new ones follow. */
  async #base(number: bigint | undefined): Promise<HashedHeader> {
    const { head } = this.#state;
    if (number === undefined || number === head.header.number) return head;
    if (number < 0n || number > head.header.number || head.header.number - number > MAX_ROLLBACK_BLOCKS) {
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
    const head = this.head.header.number;
    if (base === head) return changes;
    for await (const [key, hash] of this.#store.range({
      from: canonicalKey(base + 1n),
      to: canonicalKey(head + 1n),
    })) {
      const number = keyedNumber(key);
      dropContents(changes, number, hash);
      changes.push({ key: headerKey(number, hash) }, { key: numberKey(hash) });
      if (number > top) changes.push({ key });
    }
    return changes;
  }

  /** @throws ChainError ERR_CHAIN_CLOSED */
  #head(): bigint {
    if (this.#closed !== undefined) throw closed();
    return this.head.header.number;
  }

  /** @param base above which blocks are not those that they were; by default all are */
  async #commit(changes: KeyValueChange[], state: StoreState, base?: bigint): Promise<void> {
    const before = this.range();
    if (changes.length === 0) return;
    changes.push({ key: HEAD_KEY, value: encodeRange(storedRange(state)) });
    // Synced: LevelDB may lose a batch between two that it kept when the power fails, unless each is on disk first.
    await this.#store.batch(changes, { sync: true });
    if (base !== undefined && base < this.head.header.number) this.#recent.forgetFrom(base + 1n);
    if (state.earliest > this.#state.earliest) this.#recent.forgetContentsBefore(state.earliest);
    this.#state = state;
    const now = this.range();
    if (!sameBytes(before.latestHash, now.latestHash) || before.earliest !== now.earliest)
      this.#listeners.tell(now);
  }
}

function closed(): ChainError {
  return new ChainError('ERR_CHAIN_CLOSED', 'the chain store is closed');
}
