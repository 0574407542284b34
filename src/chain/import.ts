import { readList, sameBytes } from '../codec/index.js';
import { type BlockParts, splitBlock } from '../eth/index.js';
import type { Clock, Files } from '../runtime/index.js';
import { Breather } from './breathe.js';
import { ChainError } from './errors.js';
import { listsInFile } from './list-stream.js';
import { blockBytes } from './pull-plan.js';
import type { ChainStore } from './store.js';
import {
  type BlockReceipts,
  checkAccessList,
  checkBody,
  checkLink,
  checkReceipts,
  EMPTY_LIST,
  type EmptyRoots,
  emptyRoots,
  type HashedHeader,
  hasReceipts,
  readHeader,
  type StorableBlock,
  short,
} from './verify.js';

export interface ImportOptions {
  /**
   * Receipts of each block from 1 on, as eth/69 carries them, one list after the other. Without it blocks are stored without
   * their receipts, where they have any.
   */
  readonly receiptsPath?: string;
  /**
   * `[block hash, access list]` of those blocks that have one, in the order of the chain; for files whose blocks do not
   * carry them.
   */
  readonly accessListsPath?: string;
  /** Told after every batch that has been stored. */
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly signal?: AbortSignal;
  /** Lets others have their turn. */
  readonly clock?: Pick<Clock, 'soon'>;
}

export interface ImportProgress {
  readonly head: bigint;
  /** Stored now. */
  readonly blocks: number;
  /** Of those blocks: headers, bodies, receipts, access lists. */
  readonly bytes: number;
  /** Blocks that were stored before without their receipts, and have them now. */
  readonly receiptsFilled: number;
}

export interface ImportResult extends ImportProgress {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Blocks of the file that were stored before. */
  readonly known: number;
  /** Blocks in the store that lack their receipts: to be had from peers, or by another import with `receiptsPath`. */
  readonly receiptsMissing: number;
}

const BATCH_BLOCKS = 256;
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Reads a chain from a file of concatenated RLP blocks, as `geth export` writes it (access lists from Amsterdam on
 * included; packed with gzip or not), verifies each block and stores it. Block 0 and blocks that are stored already are
 * passed over, but for receipts that they lack and that are given now: so an import that was interrupted can be repeated.
 * When a block is not good the import ends there; what came before is kept, and the message says up to where. Where a block
 * names another parent than the one before it, that one is not kept either.
 * @throws ChainError ERR_CHAIN_FILE, ERR_CHAIN_GENESIS, ERR_CHAIN_LINK, ERR_CHAIN_HEADER, ERR_CHAIN_BODY, ERR_CHAIN_RECEIPTS,
 * ERR_CHAIN_RECEIPTS_MISSING, ERR_CHAIN_ACCESS_LIST, ERR_CHAIN_ABORTED
 * @throws RuntimeError ERR_RUNTIME_FILE, ERR_RUNTIME_STORE
 */
export async function importChain(
  store: ChainStore,
  files: Files,
  path: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const job = new ImportJob(store, files, path, options);
  try {
    await job.run();
  } catch (error) {
    await job.keep();
    throw job.told(error);
  } finally {
    await job.close();
  }
  return job.result();
}

class ImportJob {
  readonly #store: ChainStore;
  readonly #files: Files;
  readonly #path: string;
  readonly #options: ImportOptions;
  readonly #empty: EmptyRoots;
  readonly #receipts: ReceiptsFile | undefined;
  readonly #accessLists: AccessListsFile | undefined;
  /** Verified, not yet stored. */
  #batch: StorableBlock[] = [];
  /** Of blocks that are stored; verified. */
  #fills: BlockReceipts[] = [];
  #batchBytes = 0;
  #fillBytes = 0;
  #last: HashedHeader;
  #blocks = 0;
  #bytes = 0;
  #known = 0;
  #filled = 0;
  /** The block that follows names another parent: one of the two is false, and nobody can say which. */
  #disowned = false;
  /** Number of the block that is worked on; as far as it is known. */
  #at: bigint | undefined;

  constructor(store: ChainStore, files: Files, path: string, options: ImportOptions) {
    this.#store = store;
    this.#files = files;
    this.#path = path;
    this.#options = options;
    this.#empty = emptyRoots(store.hasher);
    this.#last = store.head;
    const { receiptsPath, accessListsPath } = options;
    if (receiptsPath !== undefined) this.#receipts = new ReceiptsFile(files, receiptsPath);
    if (accessListsPath !== undefined) this.#accessLists = new AccessListsFile(files, accessListsPath);
  }

  async run(): Promise<void> {
    const breather = new Breather(this.#options.clock, this.#options.signal, 1);
    for await (const raw of listsInFile(this.#files, this.#path)) {
      await this.#take(raw);
      await breather.worked(1, 'import');
      const blocks = this.#batch.length + this.#fills.length;
      if (blocks > BATCH_BLOCKS || this.#batchBytes + this.#fillBytes >= BATCH_BYTES) await this.#append(1);
    }
    await this.#append(0);
  }

  /** Stores what is verified, when something went wrong behind it. */
  async keep(): Promise<void> {
    await this.#append(this.#disowned ? 1 : 0);
  }

  /** @param held blocks at the end that wait: a block is only as good as what follows it, until nothing does */
  async #append(held: 0 | 1): Promise<void> {
    const fills = this.#fills;
    const blocks = this.#batch.slice(0, Math.max(0, this.#batch.length - held));
    if (blocks.length + fills.length === 0) return;
    const [left] = this.#batch.slice(blocks.length);
    [this.#batch, this.#fills] = [[], []]; // where the store fails, what would follow is not kept either
    if (fills.length > 0) this.#filled += await this.#store.fillReceipts(fills);
    if (blocks.length > 0) await this.#store.append(blocks);
    const leftBytes = left === undefined ? 0 : blockBytes(left);
    if (left !== undefined) this.#batch.push(left);
    this.#blocks += blocks.length;
    this.#bytes += this.#batchBytes - leftBytes;
    [this.#batchBytes, this.#fillBytes] = [leftBytes, 0];
    this.#options.onProgress?.(this.#progress());
  }

  async close(): Promise<void> {
    await this.#receipts?.close();
    await this.#accessLists?.close();
  }

  result(): ImportResult {
    const { head, receiptsMissing } = this.#store;
    return { ...this.#progress(), hash: head.hash, known: this.#known, receiptsMissing };
  }

  /** The same error with the place where it happened and what was kept. */
  told(error: unknown): unknown {
    if (!(error instanceof ChainError) || error.code === 'ERR_CHAIN_ABORTED') return error;
    const { number } = this.#store.head.header;
    const at = this.#at === undefined ? 'the first item' : `block ${this.#at}`;
    const says = `${this.#path}, ${at}: ${error.message} (stored: up to block ${number})`;
    return new ChainError(error.code, says, { cause: error });
  }

  #progress(): ImportProgress {
    return {
      head: this.#store.head.header.number,
      blocks: this.#blocks,
      bytes: this.#bytes,
      receiptsFilled: this.#filled,
    };
  }

  async #take(raw: Uint8Array): Promise<void> {
    const { hasher } = this.#store;
    const split = splitFileBlock(raw);
    const header = readHeader(split.header.slice(), hasher);
    const { number } = header.header;
    this.#at = number;
    if (number <= this.#last.header.number) {
      await this.#passOver(number, header);
      this.#at = number + 1n;
      return;
    }
    if (
      number === 1n &&
      this.#last.header.number === 0n &&
      !sameBytes(header.header.parentHash, this.#last.hash)
    ) {
      const says = `it follows the genesis ${short(header.header.parentHash)}, ours is ${short(this.#last.hash)}`;
      throw new ChainError('ERR_CHAIN_GENESIS', says);
    }
    this.#link(header);
    checkBody(header.header, split.body, hasher);
    const receipts = await this.#receiptsOf(header);
    const accessList = ((await this.#accessLists?.of(header.hash)) ?? split.accessList)?.slice();
    if (accessList !== undefined) checkAccessList(header.header, accessList, hasher);
    const block: StorableBlock = { header, body: split.body, receipts, accessList };
    this.#batch.push(block);
    this.#batchBytes += blockBytes(block);
    this.#last = header;
    this.#at = number + 1n;
  }

  /** A block that is stored; it may lack its receipts. @throws ChainError for another block in the place of a stored one */
  async #passOver(number: bigint, header: HashedHeader): Promise<void> {
    const { hash } = header;
    const stored = await this.#store.hashOf(number);
    if (stored !== undefined && sameBytes(stored, hash)) {
      if (number > 0n) this.#known++;
      if (this.#receipts !== undefined && (await this.#store.lacksReceipts(number))) {
        const receipts = await this.#givenReceipts(header, this.#receipts);
        this.#fills.push({ header, receipts });
        this.#fillBytes += receipts.length;
      }
      return;
    }
    const code = number === 0n ? 'ERR_CHAIN_GENESIS' : 'ERR_CHAIN_LINK';
    const ours = stored === undefined ? 'none' : short(stored);
    throw new ChainError(code, `it is ${short(hash)}, stored is ${ours}: the file holds another chain`);
  }

  #link(header: HashedHeader): void {
    const { number } = header.header;
    const expected = this.#last.header.number + 1n;
    if (number !== expected) throw new ChainError('ERR_CHAIN_LINK', `block ${expected} is missing before it`);
    this.#disowned = !sameBytes(header.header.parentHash, this.#last.hash);
    checkLink(this.#last, header);
  }

  async #receiptsOf(block: HashedHeader): Promise<Uint8Array | undefined> {
    if (this.#receipts !== undefined) return this.#givenReceipts(block, this.#receipts);
    return hasReceipts(block.header, this.#empty) ? undefined : EMPTY_LIST;
  }

  async #givenReceipts({ header }: HashedHeader, file: ReceiptsFile): Promise<Uint8Array> {
    const receipts = (await file.of(header.number))?.slice();
    if (receipts === undefined) {
      throw new ChainError('ERR_CHAIN_RECEIPTS_MISSING', `${this.#options.receiptsPath} ends before it`);
    }
    checkReceipts(header, receipts, this.#store.hasher);
    return receipts;
  }
}

/** The item at position n is of block n + 1. */
class ReceiptsFile {
  readonly #items: AsyncGenerator<Uint8Array>;
  #next = 1n;

  constructor(files: Files, path: string) {
    this.#items = listsInFile(files, path);
  }

  /** Numbers must rise. */
  async of(number: bigint): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = await this.#items.next();
      if (item.done === true) return undefined;
      if (this.#next++ === number) return item.value;
    }
  }

  async close(): Promise<void> {
    await this.#items.return(undefined);
  }
}

/** Items are of some blocks only, in order. */
class AccessListsFile {
  readonly #path: string;
  readonly #items: AsyncGenerator<Uint8Array>;
  #next: { readonly hash: Uint8Array; readonly accessList: Uint8Array } | undefined;
  #ended = false;

  constructor(files: Files, path: string) {
    this.#path = path;
    this.#items = listsInFile(files, path);
  }

  async of(hash: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#next === undefined && !this.#ended) await this.#read();
    if (this.#next === undefined || !sameBytes(this.#next.hash, hash)) return undefined;
    const { accessList } = this.#next;
    this.#next = undefined;
    return accessList;
  }

  async close(): Promise<void> {
    await this.#items.return(undefined);
  }

  async #read(): Promise<void> {
    const item = await this.#items.next();
    if (item.done === true) {
      this.#ended = true;
      return;
    }
    this.#next = reading(this.#path, () => {
      const list = readList(item.value);
      const next = { hash: list.fixed(32), accessList: list.raw() };
      list.finish();
      return next;
    });
  }
}

function splitFileBlock(raw: Uint8Array): BlockParts {
  return reading('a block', () => splitBlock(raw));
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ChainError('ERR_CHAIN_FILE', `${what} cannot be read: ${error.message}`, { cause: error });
  }
}
