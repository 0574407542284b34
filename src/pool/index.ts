/**
 * Transactions on their way into a block: read, checked, kept.
 * @module
 */
export {
  type Announced,
  type AnnouncementReading,
  MAX_ANNOUNCED_HASHES,
  MAX_TOLERATED_HASHES,
  readAnnouncement,
} from './announcements.js';
export {
  type BlobJobOptions,
  BlobVerifier,
  type BlobVerifierOptions,
  kzgTask,
  MAX_WAITING_BLOB_BYTES,
} from './blob-verifier.js';
export { ALL_CELLS_MASK, BlobCells, type BlobCellsOptions, cellIndices, type ExtendBlob } from './cells.js';
export { checkTransaction } from './check.js';
export type { Delivered } from './delivery.js';
export { PoolError, type PoolErrorCode } from './errors.js';
export { Feed, type FeedPart, MAX_FEED_ITEMS } from './feed.js';
export { FETCH_TIMEOUT_MS } from './fetch-limits.js';
export {
  type FetcherGauges,
  type FetcherOptions,
  TransactionFetcher,
} from './fetcher.js';
export type { AccessListSize, TransactionFacts } from './fields.js';
export { hashKey } from './hash-key.js';
export {
  type Intake,
  type IntakeOptions,
  type JudgeVerdict,
  type Offer,
  TransactionIntake,
} from './intake.js';
export { BLOB_BYTES, CELLS_PER_BLOB, DEFAULT_TRANSACTION_LIMITS, type TransactionLimits } from './limits.js';
export { type OwnEvent, type OwnReport, OwnTransactions, type PeerReport } from './own.js';
export { type PoolOptions, TransactionPool } from './pool.js';
export type { AddOutcome, DroppedTransaction, DropReason, PoolChange } from './pool-change.js';
export { RecentKeys } from './recent-keys.js';
export { RefusedHashes } from './refused.js';
export {
  announcementPacks,
  planRelay,
  RelayChoice,
  type RelayPart,
  type RelayPeer,
  transactionPacks,
} from './relay.js';
export { type RulesOptions, rulesAfter, type TransactionRules } from './rules.js';
export {
  blobsFromCells,
  type CellOrder,
  cellsFault,
  DATA_MASK,
  type Lookup,
  MAX_LOOKUPS,
  serveCells,
  servePooledTransactions,
} from './serve.js';
export type { BlobSidecar } from './sidecar.js';
export { type Sighting, Sightings } from './sightings.js';
export {
  BLOB_TYPE,
  fitsVersion,
  type PooledTransaction,
  readTransaction,
  type TransactionTools,
  transactionItem,
  wireItem,
  withBlobs,
} from './transaction.js';
