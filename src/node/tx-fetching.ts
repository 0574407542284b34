import {
  CELL_MASK_BYTES,
  type GetCells,
  type Hasher,
  transactionEnvelope,
  transactionHash,
  transactionType,
} from '../eth/index.js';
import {
  BLOB_TYPE,
  blobsFromCells,
  type CellOrder,
  cellsFault,
  DATA_MASK,
  type Delivered,
  FETCH_TIMEOUT_MS,
  PoolError,
  type PooledTransaction,
  withBlobs,
} from '../pool/index.js';
import type { Session } from '../session/index.js';

/** A transaction of an answer, and how it is beside its announcement. */
export interface Delivery extends Delivered {
  readonly item: Uint8Array;
}

/** @throws SessionError where no answer comes; EthError ERR_ETH_DECODE for what cannot be a transaction */
export async function fetchTransactions(
  session: Session,
  hashes: readonly Uint8Array[],
  hasher: Hasher,
): Promise<readonly Delivery[]> {
  const { signal } = session;
  const items = await session.eth.getPooledTransactions(hashes, { timeoutMs: FETCH_TIMEOUT_MS, signal });
  return items.map((item) => {
    const type = transactionType(item);
    return {
      item,
      type,
      hash: transactionHash(item, hasher),
      bytes: transactionEnvelope(item).length,
      sizeIsProven: type !== BLOB_TYPE,
    };
  });
}

/**
 * From eth/72 on transactions come without their blobs: those are the first 64 cells of each, asked for by hash.
 * @returns undefined where the peer has them no more
 * @throws SessionError where no answer comes; PoolError with a reason for cells that do not fit the request
 */
export async function fetchBlobs(
  session: Session,
  transaction: PooledTransaction,
): Promise<((order: CellOrder) => PooledTransaction) | undefined> {
  const blobs = transaction.blobHashes.length;
  const request: GetCells = { name: 'GetCells', requestId: 0n, hashes: [transaction.hash], mask: DATA_MASK };
  const answer = await session.eth.request(request, { timeoutMs: FETCH_TIMEOUT_MS, signal: session.signal });
  const fault = cellsFault(request, answer, blobs);
  if (fault !== undefined) throw new PoolError('ERR_POOL_TX_SIDECAR', fault);
  const [cells] = answer.cells;
  const whole = cells?.length === (blobs * 8 * CELL_MASK_BYTES) / 2;
  if (cells === undefined || !whole) return undefined;
  return (order) => withBlobs(transaction, blobsFromCells(cells, blobs, order));
}
