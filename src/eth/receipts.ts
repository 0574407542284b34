import {
  concatBytes,
  encodeBytes,
  encodedListBytes,
  encodeList,
  encodeUint,
  type RlpReader,
  readList,
} from '../codec/index.js';
import { MAX_BLOCK_TRANSACTIONS } from './body.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import { readLogs } from './logs.js';
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

const STATE_ROOT_BYTES = 32;

/** @param raw of one block, eth/69 form. All fields are views. @throws EthError ERR_ETH_DECODE */
export function decodeReceipts(raw: Uint8Array): readonly Receipt[] {
  return decoding('receipts', () => {
    const list = readList(raw);
    const receipts = new Array<Receipt>(list.count(MAX_BLOCK_TRANSACTIONS));
    for (let i = 0; i < receipts.length; i++) {
      const receipt = readReceipt(list.list());
      readLogs(readList(receipt.logs));
      receipts[i] = receipt;
    }
    return receipts;
  });
}

/** @returns eth/69 form. @throws EthError ERR_ETH_ENCODE */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return encodeList(receipts.map(encodeReceipt));
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

/** The next fields; what the logs hold is for the caller to look at. */
export function readReceipt(fields: RlpReader): Receipt {
  const type = fields.uint32();
  if (type > MAX_TRANSACTION_TYPE)
    throw new EthError('ERR_ETH_DECODE', `receipt: no transaction has type ${type}`);
  const status = readStatus(fields);
  const cumulativeGasUsed = fields.uint();
  const logs = fields.raw();
  fields.finish();
  return { type, status, cumulativeGasUsed, logs };
}

export function readStatus(fields: RlpReader): Uint8Array {
  const status = fields.bytes(STATE_ROOT_BYTES);
  if (isStatus(status)) return status;
  throw new EthError('ERR_ETH_DECODE', 'receipt: neither a status nor a state root');
}

function isStatus(status: Uint8Array): boolean {
  return (
    status.length === 0 || status.length === STATE_ROOT_BYTES || (status.length === 1 && status[0] === 1)
  );
}

export function encodeReceipt({ type, status, cumulativeGasUsed, logs }: Receipt): Uint8Array {
  if (!Number.isInteger(type) || type < 0 || type > MAX_TRANSACTION_TYPE || !isStatus(status)) {
    throw new EthError(
      'ERR_ETH_ENCODE',
      `receipt: type ${type} or a status of ${status.length} bytes cannot be`,
    );
  }
  return encodeList([encodeUint(type), encodeBytes(status), encodeUint(cumulativeGasUsed), logs]);
}

/** The leaf of the receipts root. */
export function consensusReceipt(
  { type, status, cumulativeGasUsed, logs }: Receipt,
  bloom: Uint8Array,
): Uint8Array {
  const list = encodeList([encodeBytes(status), encodeUint(cumulativeGasUsed), encodeBytes(bloom), logs]);
  return type === 0 ? list : concatBytes([Uint8Array.of(type), list]);
}
