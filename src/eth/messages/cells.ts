import { encodeList, type RlpReader } from '../../codec/index.js';
import { EthError } from '../errors.js';
import { encodeFixed, encodeHashes, encodeUint64, readHashItems } from './fields.js';
import { MAX_HASHES_MESSAGE_BYTES, MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/*
 * go-ethereum v1.17.5 puts what follows the request id into a list of its own; the specification and later releases do not.
 * We send what v1.17.5 reads, and read both: the first element after the id decides, since a list of hashes never begins
 * with a list.
 */

/** Cells per blob are 128: one bit each. */
export const CELL_MASK_BYTES = 16;
/** Part of an extended blob (EIP-7594). */
export const CELL_BYTES = 2_048;
/** Transactions in one request: the specification advises 64. */
const MAX_CELL_TRANSACTIONS = 1_024;
/** More do not fit into a message. */
const MAX_CELLS: number = Math.floor(MAX_MESSAGE_BYTES / CELL_BYTES);

/** From eth/72: cells of blob transactions in the pool. */
export interface GetCells {
  readonly name: 'GetCells';
  readonly requestId: bigint;
  /** Of transactions; 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  /** Which cells of every blob; 16 bytes, bit i in byte i / 8 at i % 8. */
  readonly mask: Uint8Array;
}

/** From eth/72. */
export interface Cells {
  readonly name: 'Cells';
  readonly requestId: bigint;
  /** Of the transactions that the sender has all wanted cells of. */
  readonly hashes: readonly Uint8Array[];
  /** Per transaction its cells, blob by blob (as go-ethereum sends them), in each by rising index; 2,048 bytes each. */
  readonly cells: readonly (readonly Uint8Array[])[];
  /** As in the request. */
  readonly mask: Uint8Array;
}

/** [request id, [[hash…], mask]], and read also without the inner list */
export const getCells: MessageSpec = messageSpec<GetCells>({
  id: 0x14,
  name: 'GetCells',
  kind: 'request',
  answer: 'Cells',
  maxBytes: MAX_HASHES_MESSAGE_BYTES,
  maxItems: MAX_CELL_TRANSACTIONS,
  write({ requestId, hashes, mask }) {
    return [
      encodeUint64(requestId, 'requestId'),
      encodeList([encodeHashes(hashes, 'hashes'), encodeFixed(mask, CELL_MASK_BYTES, 'mask')]),
    ];
  },
  read(elements, maxItems) {
    const requestId = elements.uint();
    return nestedOrFlat(elements, (fields, hashList) => {
      const hashes = readHashItems(hashList, maxItems);
      return { name: 'GetCells', requestId, hashes, mask: fields.fixed(CELL_MASK_BYTES) };
    });
  },
});

/** [request id, [[hash…], [[cell…]…], mask]], and read also without the inner list */
export const cells: MessageSpec = messageSpec<Cells>({
  id: 0x15,
  name: 'Cells',
  kind: 'response',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_CELL_TRANSACTIONS,
  write(message) {
    const { requestId, hashes, mask } = message;
    if (hashes.length !== message.cells.length) {
      throw new EthError('ERR_ETH_ENCODE', notPaired(hashes.length, message.cells.length));
    }
    return [
      encodeUint64(requestId, 'requestId'),
      encodeList([
        encodeHashes(hashes, 'hashes'),
        encodeList(message.cells.map(encodeCells)),
        encodeFixed(mask, CELL_MASK_BYTES, 'mask'),
      ]),
    ];
  },
  read(elements, maxItems) {
    const requestId = elements.uint();
    return nestedOrFlat(elements, (fields, hashList) => {
      const hashes = readHashItems(hashList, maxItems);
      const perTransaction = fields.list();
      const count = perTransaction.count(maxItems);
      if (count !== hashes.length) throw new EthError('ERR_ETH_DECODE', notPaired(hashes.length, count));
      const all = hashes.map(() => readCells(perTransaction.list()));
      return { name: 'Cells', requestId, hashes, cells: all, mask: fields.fixed(CELL_MASK_BYTES) };
    });
  },
});

/** Reads fields that stand in a list of their own or right after the request id; the first of them is a list of hashes. */
function nestedOrFlat<T>(elements: RlpReader, read: (fields: RlpReader, hashes: RlpReader) => T): T {
  const first = elements.list();
  if (first.done || !first.isList()) return read(elements, first);
  const message = read(first, first.list());
  first.finish();
  return message;
}

function readCells(list: RlpReader): Uint8Array[] {
  const all = new Array<Uint8Array>(list.count(MAX_CELLS)); // before anything is built: 2 KiB each must still follow
  for (let i = 0; i < all.length; i++) all[i] = list.fixed(CELL_BYTES);
  return all;
}

function encodeCells(all: readonly Uint8Array[]): Uint8Array {
  return encodeList(all.map((cell) => encodeFixed(cell, CELL_BYTES, 'cells')));
}

function notPaired(hashes: number, lists: number): string {
  return `Cells: ${hashes} transactions and ${lists} lists of cells`;
}
