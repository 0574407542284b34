import { sameBytes } from '../codec/index.js';
import {
  CELL_BYTES,
  type Cells,
  type GetCells,
  type GetPooledTransactions,
  MAX_MESSAGE_BYTES,
  type PooledTransactions,
} from '../eth/index.js';
import { cellIndices } from './cells.js';
import { DATA_CELLS_PER_BLOB } from './limits.js';
import { fitsVersion, type PooledTransaction, wireItem } from './transaction.js';

/** Hashes of one request that are looked up (devp2p: the recommended limit is 256). */
export const MAX_LOOKUPS = 256;
/** Nothing is added to an answer that has reached this (geth: softResponseLimit). */
const SOFT_ANSWER_BYTES: number = 2 * 1024 * 1024;
/** What stands around the transactions of an answer: list, request id, list. */
const ENVELOPE_BYTES = 4 + 9 + 4;
const MAX_CELLS: number = SOFT_ANSWER_BYTES / CELL_BYTES;
/** Transactions of one request for cells that are looked up (devp2p: the recommended limit is 64). */
const MAX_CELL_LOOKUPS = 64;

/** @returns a transaction that the peer may have; undefined where it is not here */
export type Lookup = (hash: Uint8Array) => PooledTransaction | undefined;

/** The transactions asked for that are here, in the order asked: 256 lookups, 2 MiB (geth's limit), never above 10 MiB. */
export function servePooledTransactions(
  { requestId, hashes }: GetPooledTransactions,
  version: number,
  lookup: Lookup,
): PooledTransactions {
  const transactions: Uint8Array[] = [];
  let bytes = 0;
  for (const hash of hashes.slice(0, MAX_LOOKUPS)) {
    if (bytes >= SOFT_ANSWER_BYTES) break;
    const transaction = lookup(hash);
    if (transaction === undefined || !fitsVersion(transaction, version)) continue;
    const item = wireItem(transaction, version >= 72);
    if (bytes + item.length > MAX_MESSAGE_BYTES - ENVELOPE_BYTES) break;
    transactions.push(item);
    bytes += item.length;
  }
  return { name: 'PooledTransactions', requestId, transactions };
}

/**
 * Cells by mask, blob by blob, of those transactions asked for that are here with all of them: up to 1,024 cells (2 MiB).
 * @param cells of a transaction, blob by blob; undefined where not all are here
 */
export async function serveCells(
  { requestId, hashes, mask }: GetCells,
  cells: (hash: Uint8Array, mask: Uint8Array) => Promise<readonly Uint8Array[] | undefined>,
): Promise<Cells> {
  const served: Uint8Array[] = [];
  const all: (readonly Uint8Array[])[] = [];
  let count = 0;
  for (const hash of hashes.slice(0, MAX_CELL_LOOKUPS)) {
    if (count >= MAX_CELLS) break;
    const found = await cells(hash, mask);
    if (found === undefined) continue;
    if (count > 0 && count + found.length > MAX_CELLS) break;
    served.push(hash);
    all.push(found);
    count += found.length;
  }
  return { name: 'Cells', requestId, hashes: served, cells: all, mask };
}

/** The mask of the cells that are the blob itself: the first 64 of 128 (EIP-7594). */
export const DATA_MASK: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) =>
  i < DATA_CELLS_PER_BLOB / 8 ? 0xff : 0,
);

/** What is wrong with an answer to a request for the data cells of one transaction; undefined where nothing is. */
export function cellsFault(asked: GetCells, answer: Cells, blobs: number): string | undefined {
  const [hash] = answer.hashes;
  if (hash === undefined) return undefined; // it has them no more
  if (answer.hashes.length > asked.hashes.length) return `sent cells of ${answer.hashes.length} transactions`;
  if (!asked.hashes.some((wanted) => sameBytes(wanted, hash)))
    return 'sent cells of a transaction that was not asked for';
  if (answer.mask.some((bits, i) => (bits & ~(asked.mask[i] ?? 0)) !== 0))
    return 'sent cells that were not asked for';
  const columns = cellIndices(answer.mask).length;
  const sent = answer.cells[0]?.length ?? 0;
  return sent === columns * blobs
    ? undefined
    : `sent ${sent} cells where ${columns} of ${blobs} blobs were announced`;
}

/** Blob by blob, as go-ethereum sends them; or cell by cell, one of each blob, as the specification has it. */
export type CellOrder = 'by blob' | 'by cell';

/**
 * Blobs out of their data cells, 64 each.
 */
export function blobsFromCells(
  cells: readonly Uint8Array[],
  blobs: number,
  order: CellOrder,
): readonly Uint8Array[] {
  return Array.from({ length: blobs }, (_, blob) => {
    const bytes = new Uint8Array(DATA_CELLS_PER_BLOB * CELL_BYTES);
    for (let i = 0; i < DATA_CELLS_PER_BLOB; i++) {
      const at = order === 'by blob' ? blob * DATA_CELLS_PER_BLOB + i : i * blobs + blob;
      const cell = cells[at];
      if (cell !== undefined) bytes.set(cell, i * CELL_BYTES);
    }
    return bytes;
  });
}
