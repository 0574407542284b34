import { type RlpLimits, readList, rlpWellFormed } from '../codec/index.js';
import { decoding } from './decoding.js';
import type { Hasher } from './hasher.js';
import { readRawList } from './messages/fields.js';
import { OrderedTrie } from './ordered-trie.js';
import { KECCAK_BLOCK_BYTES, runSteps, SLICE_BYTES, type Steps } from './steps.js';
import { readRawTransactions, transactionEnvelope } from './transaction.js';

/** What a block holds beside its header. All views. */
export interface BlockBody {
  /** Each as it stands: see `transactionEnvelope`. */
  readonly transactions: readonly Uint8Array[];
  /** RLP list of the uncles' headers: `c0` since the merge. */
  readonly uncles: Uint8Array;
  /** RLP list of withdrawals; undefined before Shanghai. */
  readonly withdrawals: Uint8Array | undefined;
}

/**
 * Transactions in one block. The least that one costs is 21,000 gas (4,500 from Amsterdam on): at the 60 million of 2026
 * that is 2,857 (13,333).
 */
export const MAX_BLOCK_TRANSACTIONS = 65_536;

/**
 * Strings and lists in a body, all levels together: bounds the time that one-byte items can take (23 ns each). 13,333
 * transactions of eleven are 146,663, and access lists, at 800 gas an item, come to less.
 */
const BODY_ITEMS: RlpLimits = { maxItems: 524_288 };

/**
 * [transactions, uncles, withdrawals?], well-formed all through. What the transactions say is not looked at: the roots tell
 * whether they belong to a header.
 * @param maxTransactions where the header tells how many its gas can have paid for: counted before the list is built
 * @throws EthError ERR_ETH_DECODE
 */
export function decodeBody(raw: Uint8Array, maxTransactions: number = MAX_BLOCK_TRANSACTIONS): BlockBody {
  return decoding('body', () => {
    rlpWellFormed(raw, BODY_ITEMS);
    const list = readList(raw);
    const transactions = readRawTransactions(list.list(), Math.min(maxTransactions, MAX_BLOCK_TRANSACTIONS));
    const uncles = readRawList(list);
    const withdrawals = list.done ? undefined : readRawList(list);
    list.finish();
    return { transactions, uncles, withdrawals };
  });
}

/** @param transactions as they stand in a body. @throws EthError ERR_ETH_DECODE */
export function transactionsRoot(transactions: readonly Uint8Array[], hasher: Hasher): Uint8Array {
  return runSteps(transactionsRootSteps(transactions, hasher));
}

/** As `transactionsRoot`, in slices. */
export function* transactionsRootSteps(
  transactions: readonly Uint8Array[],
  hasher: Hasher,
): Steps<Uint8Array> {
  const trie = new OrderedTrie(hasher);
  let hashed = 0;
  for (const raw of transactions) {
    trie.add(transactionEnvelope(raw));
    hashed += raw.length + KECCAK_BLOCK_BYTES;
    if (hashed < SLICE_BYTES) continue;
    hashed = 0;
    yield;
  }
  return trie.root();
}

/** @param withdrawals RLP list, as `BlockBody` has it. @throws EthError ERR_ETH_DECODE */
export function withdrawalsRoot(withdrawals: Uint8Array, hasher: Hasher): Uint8Array {
  return decoding('withdrawals', () => {
    const list = readList(withdrawals);
    const trie = new OrderedTrie(hasher);
    while (!list.done) trie.add(list.raw());
    return trie.root();
  });
}

/** @param uncles RLP list, as `BlockBody` has it */
export function unclesHash(uncles: Uint8Array, hasher: Hasher): Uint8Array {
  return hasher.keccak256(uncles);
}
