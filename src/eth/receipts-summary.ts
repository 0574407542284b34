import { readList } from '../codec/index.js';
import { BLOOM_BYTES, BloomMaker } from './bloom.js';
import { MAX_BLOCK_TRANSACTIONS } from './body.js';
import type { Hasher } from './hasher.js';
import { readLog } from './logs.js';
import { OrderedTrie } from './ordered-trie.js';
import { consensusReceipt, type Receipt, readReceipt } from './receipts.js';
import { decodingSteps, KECCAK_BLOCK_BYTES, runSteps, SLICE_BYTES, type Steps } from './steps.js';

/** What a block's receipts come to, for comparing with its header. */
export interface ReceiptsSummary {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** 256 bytes. */
  readonly bloom: Uint8Array;
  readonly count: number;
  /** By all transactions: 0n where there are none. */
  readonly gasUsed: bigint;
}

/**
 * Root, bloom, count and gas in one pass; the blooms that eth/69 leaves out are made again.
 * @param raw of one block, eth/69 form. @throws EthError ERR_ETH_DECODE
 */
export function receiptsSummary(raw: Uint8Array, hasher: Hasher): ReceiptsSummary {
  return runSteps(receiptsSummarySteps(raw, hasher));
}

/** As `receiptsSummary`, in slices. */
export function* receiptsSummarySteps(raw: Uint8Array, hasher: Hasher): Steps<ReceiptsSummary> {
  const trie = new OrderedTrie(hasher);
  const bloom = new Uint8Array(BLOOM_BYTES);
  let count = 0;
  let gasUsed = 0n;
  yield* bloomedReceipts(raw, bloom, hasher, (receipt, own) => {
    trie.add(consensusReceipt(receipt, own));
    count++;
    gasUsed = receipt.cumulativeGasUsed;
  });
  return { root: trie.root(), bloom, count, gasUsed };
}

/** @param raw of one block, eth/69 form. @returns 32 bytes. @throws EthError ERR_ETH_DECODE */
export function receiptsRoot(raw: Uint8Array, hasher: Hasher): Uint8Array {
  return receiptsSummary(raw, hasher).root;
}

/** The bloom filter of a block's header. @param raw of one block, eth/69 form. @returns 256 bytes. @throws EthError ERR_ETH_DECODE */
export function logsBloom(raw: Uint8Array, hasher: Hasher): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  runSteps(bloomedReceipts(raw, bloom, hasher, () => {}));
  return bloom;
}

/**
 * Reads receipts one after the other, so that what is made of each can be let go, and makes the bloom filter of each; that
 * of all of them comes to be in `block`.
 */
export function* bloomedReceipts(
  raw: Uint8Array,
  block: Uint8Array,
  hasher: Hasher,
  visit: (receipt: Receipt, bloom: Uint8Array) => void,
): Steps<void> {
  yield* decodingSteps('receipts', readBloomed(raw, block, hasher, visit));
}

function* readBloomed(
  raw: Uint8Array,
  block: Uint8Array,
  hasher: Hasher,
  visit: (receipt: Receipt, bloom: Uint8Array) => void,
): Steps<void> {
  const maker = new BloomMaker(hasher);
  let bloom = new Uint8Array(BLOOM_BYTES);
  let hashed = 0;
  const add = (entry: Uint8Array): void => {
    maker.add(entry, bloom, block);
    hashed += KECCAK_BLOCK_BYTES;
  };
  const rest = (): undefined => {
    hashed = 0;
  };
  const list = readList(raw);
  list.count(MAX_BLOCK_TRANSACTIONS);
  while (!list.done) {
    const receipt = readReceipt(list.list());
    const logs = readList(receipt.logs);
    bloom = new Uint8Array(BLOOM_BYTES);
    while (!logs.done) {
      readLog(logs, add);
      if (hashed >= SLICE_BYTES) yield rest();
    }
    visit(receipt, bloom);
    hashed += BLOOM_BYTES + KECCAK_BLOCK_BYTES + receipt.logs.length; // its leaf
    if (hashed >= SLICE_BYTES) yield rest();
  }
}
