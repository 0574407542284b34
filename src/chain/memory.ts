import { bytesToHex } from '../codec/index.js';
import type { ChainSpec, Hasher } from '../eth/index.js';
import { Listeners, type Logger, silentLogger } from '../runtime/index.js';
import type { ChainBackend, ChainRange, ReadOptions } from './backend.js';
import { ChainError, throwIfAborted } from './errors.js';
import type { AppendOptions } from './store.js';
import { checkKeep } from './store-state.js';
import { checkFollowing, EMPTY_LIST, emptyBody, readHeader, type StorableBlock } from './verify.js';

/** What is kept of a block: pruned ones have their header only. */
interface KeptBlock extends Omit<StorableBlock, 'body'> {
  readonly body: Uint8Array | undefined;
}

/**
 * A chain in memory, for tests and small tools: the same as a chain store to whoever reads it, without a disk. It holds what
 * it is given for as long as it lives.
 */
export class MemoryChain implements ChainBackend {
  readonly chain: ChainSpec;
  /** By number. */
  readonly #blocks: KeptBlock[];
  /** Numbers of the blocks of the chain, by their hashes in hex. */
  readonly #numbers = new Map<string, number>();
  readonly #listeners: Listeners<ChainRange>;
  #earliest = 0;
  /** The highest block without receipts; −1: there is none. */
  #lastMissing = -1;

  /** Holds the genesis block and nothing else. @throws ChainError ERR_CHAIN_HEADER */
  constructor(chain: ChainSpec, hasher: Hasher, logger: Logger = silentLogger) {
    this.chain = chain;
    this.#listeners = new Listeners((error) => logger.error({ error }, 'a listener of the chain failed'));
    const header = readHeader(chain.genesisHeader, hasher);
    const accessList = header.header.blockAccessListHash === undefined ? undefined : EMPTY_LIST;
    this.#blocks = [{ header, body: emptyBody(header.header), receipts: EMPTY_LIST, accessList }];
    this.#numbers.set(bytesToHex(header.hash), 0);
  }

  /** As that of a chain store: blocks of which body and receipts are both here. */
  range(): ChainRange {
    const latest = this.#blocks.length - 1;
    const { hash, header } = this.#block(latest).header;
    const whole = Math.max(this.#earliest, this.#lastMissing + 1);
    return {
      earliest: BigInt(Math.min(latest, whole)),
      latest: header.number,
      latestHash: hash,
      latestTime: header.timestamp,
    };
  }

  async headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#read(this.#at(number), options)?.header.raw;
  }

  async headerByHash(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#find(hash, options)?.header.raw;
  }

  async numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined> {
    return this.#find(hash, options)?.header.header.number;
  }

  async hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#read(this.#at(number), options)?.header.hash;
  }

  async body(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#find(hash, options)?.body;
  }

  async receipts(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#find(hash, options)?.receipts;
  }

  async accessList(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#find(hash, options)?.accessList;
  }

  subscribe(listener: (range: ChainRange) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Takes blocks that follow the head, or the block that is rolled back to: all of them or none. Their contents are for the
   * caller to verify (`checkBody`, `checkReceipts`).
   * @throws ChainError ERR_CHAIN_LINK where they do not follow, ERR_CHAIN_RANGE for a block to go back to that is not here
   */
  append(blocks: readonly StorableBlock[], options: AppendOptions = {}): void {
    const head = this.#blocks.length - 1;
    const base = Number(options.rollbackTo ?? BigInt(head));
    const pruned = base !== 0 && blocks.length === 0 && base < this.#earliest;
    if (base < 0 || base > head || pruned)
      throw new ChainError('ERR_CHAIN_RANGE', `cannot roll back: block ${base} is not here`);
    checkFollowing(this.#block(base).header, blocks);
    if (blocks.length === 0 && base === head) return;
    for (const { header } of this.#blocks.splice(base + 1)) this.#numbers.delete(bytesToHex(header.hash));
    if (this.#lastMissing > base) this.#lastMissing = base;
    while (this.#lastMissing >= 0 && this.#block(this.#lastMissing).receipts !== undefined)
      this.#lastMissing--;
    for (const block of blocks) {
      if (block.receipts === undefined) this.#lastMissing = this.#blocks.length;
      this.#numbers.set(bytesToHex(block.header.hash), this.#blocks.length);
      this.#blocks.push(block);
    }
    if (base < this.#earliest) this.#earliest = base === 0 ? 0 : base + 1;
    this.#listeners.tell(this.range());
  }

  /** Drops the blocks above `number`. @throws as `append` */
  rollback(number: bigint): void {
    this.append([], { rollbackTo: number });
  }

  /** Drops the contents of all but the latest `keep` blocks; headers stay, and the genesis. @throws ChainError ERR_CHAIN_RANGE */
  prune(keep: bigint): void {
    checkKeep(keep);
    const earliest = this.#blocks.length - Number(keep);
    if (earliest <= this.#earliest) return;
    for (let number = Math.max(1, this.#earliest); number < earliest; number++) {
      const { header } = this.#block(number);
      this.#blocks[number] = { header, body: undefined, receipts: undefined, accessList: undefined };
    }
    this.#earliest = earliest;
    this.#listeners.tell(this.range());
  }

  #block(number: number): KeptBlock {
    const block = this.#blocks[number];
    if (block === undefined) throw new RangeError(`no block ${number}`);
    return block;
  }

  #at(number: bigint): KeptBlock | undefined {
    return this.#blocks[Number(number)]; // a number that no index can be finds nothing
  }

  #find(hash: Uint8Array, options: ReadOptions | undefined): KeptBlock | undefined {
    const number = this.#numbers.get(bytesToHex(hash));
    return this.#read(number === undefined ? undefined : this.#blocks[number], options);
  }

  #read(block: KeptBlock | undefined, options: ReadOptions | undefined): KeptBlock | undefined {
    throwIfAborted(options?.signal, 'reading the chain');
    return block;
  }
}
