/**
 * Transactions on their way into a block: read, checked, kept.
 * @module
 */
export { PoolError, type PoolErrorCode } from './errors.js';
export type { AccessListSize } from './fields.js';
export { BLOB_BYTES, CELLS_PER_BLOB, DEFAULT_TRANSACTION_LIMITS, type TransactionLimits } from './limits.js';
export type { BlobSidecar } from './sidecar.js';
export {
  BLOB_TYPE,
  type PooledTransaction,
  readTransaction,
  type TransactionTools,
  transactionItem,
  wireItem,
  withBlobs,
} from './transaction.js';
