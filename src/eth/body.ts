import { type RlpLimits, readList, rlpWellFormed } from '../codec/index.js';
import { decoding } from './decoding.js';
import type { Hasher } from './hasher.js';
import { readRawList } from './messages/fields.js';
import { OrderedTrie } from './ordered-trie.js';
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
 * Strings and lists in a body, all levels together: bounds the time that one-byte items can take. A full block has some ten
 * per transaction.
 */
const BODY_ITEMS: RlpLimits = { maxItems: 16 * MAX_BLOCK_TRANSACTIONS };

/**
 * [transactions, uncles, withdrawals?], well-formed all through. What the transactions say is not looked at: the roots tell
 * whether they belong to a header.
 * @throws EthError ERR_ETH_DECODE
 */
export function decodeBody(raw: Uint8Array): BlockBody {
  return decoding('body', () => {
    rlpWellFormed(raw, BODY_ITEMS);
    const list = readList(raw);
    const transactions = readRawTransactions(list.list(), MAX_BLOCK_TRANSACTIONS);
    const uncles = readRawList(list);
    const withdrawals = list.done ? undefined : readRawList(list);
    list.finish();
    return { transactions, uncles, withdrawals };
  });
}

/** @param transactions as they stand in a body */
export function transactionsRoot(transactions: readonly Uint8Array[], hasher: Hasher): Uint8Array {
  const trie = new OrderedTrie(hasher);
  for (const raw of transactions) trie.add(transactionEnvelope(raw));
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
