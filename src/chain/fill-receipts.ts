import type { Hasher } from '../eth/index.js';
import type { ChainBackend, ReadOptions } from './backend.js';
import { throwIfAborted } from './errors.js';
import type { ChainStore } from './store.js';
import { type BlockReceipts, checkReceipts, readHeader } from './verify.js';

export interface FillOptions extends ReadOptions {
  readonly hasher: Hasher;
}

/** Blocks that are asked for at once, and stored in one batch. */
const BATCH_BLOCKS = 64;

/**
 * Takes receipts that a store lacks from another chain, each verified by the root in the stored header. What is not there
 * stays missing.
 * @returns how many blocks have got theirs
 * @throws ChainError ERR_CHAIN_RECEIPTS for what is false, ERR_CHAIN_ABORTED, ERR_CHAIN_CLOSED; RuntimeError ERR_RUNTIME_STORE. What came before is kept
 */
export async function fillReceiptsFrom(
  store: ChainStore,
  source: Pick<ChainBackend, 'receipts'>,
  { hasher, signal }: FillOptions,
): Promise<number> {
  const reading: ReadOptions = signal === undefined ? {} : { signal };
  const receiptsOf = async (number: bigint): Promise<BlockReceipts | undefined> => {
    const raw = await store.headerByNumber(number, reading);
    if (raw === undefined) return undefined;
    const header = readHeader(raw, hasher);
    const receipts = await source.receipts(header.hash, reading);
    if (receipts === undefined) return undefined;
    checkReceipts(header.header, receipts, hasher);
    return { header, receipts };
  };
  let filled = 0;
  let numbers = await store.missingReceipts(BATCH_BLOCKS);
  while (numbers.length > 0) {
    throwIfAborted(signal, 'filling receipts');
    const blocks = await Promise.all(numbers.map(receiptsOf));
    filled += await store.fillReceipts(blocks.filter((block) => block !== undefined));
    numbers = await store.missingReceipts(BATCH_BLOCKS, numbers.at(-1));
  }
  return filled;
}
