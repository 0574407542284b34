import {
  concatBytes,
  encodeBytes,
  encodedListBytes,
  encodeList,
  encodeUint,
  type RlpReader,
  readList,
} from '../codec/index.js';
import { BLOOM_BYTES, BloomMaker } from './bloom.js';
import { MAX_BLOCK_TRANSACTIONS } from './body.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import type { Hasher } from './hasher.js';
import { readLogs } from './logs.js';
import { OrderedTrie } from './ordered-trie.js';
import { MAX_TRANSACTION_TYPE } from './transaction.js';

/*
 * The receipts of a block in three forms:
 *   eth/69 on (EIP-7642), and what we store:  [[type, status, gas, [log…]]…]
 *   eth/68:                                   [[status, gas, bloom, [log…]] or the string type ‖ [status, gas, bloom, [log…]]…]
 *   leaves of the receipts root:              as eth/68, the typed ones without the string's prefix
 */

export interface Receipt {
  /** Of its transaction: 0 to 127. */
  readonly type: number;
  /** `01` for success and nothing for failure; before Byzantium the state root, 32 bytes. */
  readonly status: Uint8Array;
  /** By the block's transactions up to and with this one. */
  readonly cumulativeGasUsed: bigint;
  /** RLP list of the logs. */
  readonly logs: Uint8Array;
}

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

const STATE_ROOT_BYTES = 32;

/** @param raw of one block, eth/69 form. All fields are views. @throws EthError ERR_ETH_DECODE */
export function decodeReceipts(raw: Uint8Array): readonly Receipt[] {
  const receipts: Receipt[] = [];
  eachReceipt(raw, (receipt) => receipts.push(receipt));
  return receipts;
}

/** @returns eth/69 form. @throws EthError ERR_ETH_ENCODE */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return encodeList(receipts.map(encodeReceipt));
}

/** Root, bloom, count and gas in one pass; the blooms that eth/69 leaves out are made again. @throws EthError ERR_ETH_DECODE */
export function receiptsSummary(raw: Uint8Array, hasher: Hasher): ReceiptsSummary {
  const trie = new OrderedTrie(hasher);
  const bloom = new Uint8Array(BLOOM_BYTES);
  let count = 0;
  let gasUsed = 0n;
  eachBloomed(raw, bloom, hasher, (receipt, own) => {
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
  eachBloomed(raw, bloom, hasher, () => {});
  return bloom;
}

/** Leaves the blooms out: the receipts root tells whether what is left is true. @throws EthError ERR_ETH_DECODE */
export function receipts68To69(raw: Uint8Array): Uint8Array {
  return decoding('receipts', () => {
    const list = readList(raw);
    const receipts = new Array<Uint8Array>(list.count(MAX_BLOCK_TRANSACTIONS));
    for (let i = 0; i < receipts.length; i++) receipts[i] = encodeReceipt(readReceipt68(list));
    return encodeList(receipts);
  });
}

/** Makes the blooms. @throws EthError ERR_ETH_DECODE */
export function receipts69To68(raw: Uint8Array, hasher: Hasher): Uint8Array {
  const receipts: Uint8Array[] = [];
  eachBloomed(raw, new Uint8Array(BLOOM_BYTES), hasher, (receipt, own) => {
    const encoded = consensusReceipt(receipt, own);
    receipts.push(receipt.type === 0 ? encoded : encodeBytes(encoded));
  });
  return encodeList(receipts);
}

/** How many receipts a block's list holds; their insides are not looked at. @throws EthError ERR_ETH_DECODE */
export function countReceipts(raw: Uint8Array): number {
  return decoding('receipts', () => readList(raw).count(MAX_BLOCK_TRANSACTIONS));
}

/**
 * The part of a block's receipts that fits into so many bytes, for answers of eth/70 on (EIP-7975).
 * @param first position to begin at
 * @returns the list, and whether more receipts follow it; undefined where not even one fits
 * @throws EthError ERR_ETH_DECODE
 */
export function sliceReceipts(
  raw: Uint8Array,
  first: number,
  maxBytes: number,
): { readonly receipts: Uint8Array; readonly incomplete: boolean } | undefined {
  return decoding('receipts', () => {
    const list = readList(raw);
    list.skipUpTo(first);
    const receipts: Uint8Array[] = [];
    let bytes = 0;
    while (!list.done) {
      const receipt = list.raw();
      if (encodedListBytes(bytes + receipt.length) > maxBytes) {
        return receipts.length === 0 ? undefined : { receipts: encodeList(receipts), incomplete: true };
      }
      receipts.push(receipt);
      bytes += receipt.length;
    }
    return { receipts: encodeList(receipts), incomplete: false };
  });
}

/** One list of the receipts of several, for a block that came in parts. @throws EthError ERR_ETH_DECODE */
export function joinReceipts(parts: readonly Uint8Array[]): Uint8Array {
  return decoding('receipts', () => {
    const contents: Uint8Array[] = [];
    for (const part of parts) {
      const list = readList(part);
      const bytes = list.remainingBytes;
      list.count(MAX_BLOCK_TRANSACTIONS);
      contents.push(part.subarray(part.length - bytes));
    }
    return encodeList(contents);
  });
}

/** Reads one after the other, so that what is made of each can be let go. */
function eachReceipt(raw: Uint8Array, visit: (receipt: Receipt) => void): void {
  decoding('receipts', () => {
    const list = readList(raw);
    list.count(MAX_BLOCK_TRANSACTIONS);
    while (!list.done) visit(readReceipt(list.list()));
  });
}

/** As `eachReceipt`, with the bloom filter of each; that of all of them comes to be in `block`. */
function eachBloomed(
  raw: Uint8Array,
  block: Uint8Array,
  hasher: Hasher,
  visit: (receipt: Receipt, bloom: Uint8Array) => void,
): void {
  const maker = new BloomMaker(hasher);
  eachReceipt(raw, (receipt) => {
    const bloom = new Uint8Array(BLOOM_BYTES);
    readLogs(readList(receipt.logs), (entry) => maker.add(entry, bloom, block));
    visit(receipt, bloom);
  });
}

function readReceipt(fields: RlpReader): Receipt {
  const type = fields.uint32();
  if (type > MAX_TRANSACTION_TYPE)
    throw new EthError('ERR_ETH_DECODE', `receipt: no transaction has type ${type}`);
  const status = readStatus(fields);
  const cumulativeGasUsed = fields.uint();
  const logs = fields.raw();
  fields.finish();
  readLogs(readList(logs));
  return { type, status, cumulativeGasUsed, logs };
}

function readReceipt68(list: RlpReader): Receipt {
  if (list.isList()) return readConsensusReceipt(0, list.list());
  const typed = list.bytes();
  const type = typed[0];
  if (type === undefined || type === 0 || type > MAX_TRANSACTION_TYPE) {
    throw new EthError('ERR_ETH_DECODE', 'receipt: neither a list nor a typed receipt');
  }
  return readConsensusReceipt(type, readList(typed.subarray(1)));
}

function readConsensusReceipt(type: number, fields: RlpReader): Receipt {
  const status = readStatus(fields);
  const cumulativeGasUsed = fields.uint();
  fields.fixed(BLOOM_BYTES);
  const logs = fields.raw();
  fields.finish();
  readLogs(readList(logs));
  return { type, status, cumulativeGasUsed, logs };
}

function readStatus(fields: RlpReader): Uint8Array {
  const status = fields.bytes(STATE_ROOT_BYTES);
  if (isStatus(status)) return status;
  throw new EthError('ERR_ETH_DECODE', 'receipt: neither a status nor a state root');
}

function isStatus(status: Uint8Array): boolean {
  return (
    status.length === 0 || status.length === STATE_ROOT_BYTES || (status.length === 1 && status[0] === 1)
  );
}

function encodeReceipt({ type, status, cumulativeGasUsed, logs }: Receipt): Uint8Array {
  if (!Number.isInteger(type) || type < 0 || type > MAX_TRANSACTION_TYPE || !isStatus(status)) {
    throw new EthError(
      'ERR_ETH_ENCODE',
      `receipt: type ${type} or a status of ${status.length} bytes cannot be`,
    );
  }
  return encodeList([encodeUint(type), encodeBytes(status), encodeUint(cumulativeGasUsed), logs]);
}

/** The leaf of the receipts root. */
function consensusReceipt({ type, status, cumulativeGasUsed, logs }: Receipt, bloom: Uint8Array): Uint8Array {
  const list = encodeList([encodeBytes(status), encodeUint(cumulativeGasUsed), encodeBytes(bloom), logs]);
  return type === 0 ? list : concatBytes([Uint8Array.of(type), list]);
}
