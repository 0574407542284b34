/**
 * What the chain is: a store of verified blocks, what is served from it, and how it is filled.
 * @module
 */
export type {
  BlockPart,
  ChainBackend,
  ChainRange,
  NumberedHeader,
  ReadOptions,
  SubmitVerdict,
  TransactionBackend,
} from './backend.js';
export { type CheckOptions, type CheckResult, checkChain } from './check.js';
export { ChainError, type ChainErrorCode } from './errors.js';
export { type ExportOptions, type ExportResult, exportChain } from './export.js';
export { type FillOptions, fillReceiptsFrom } from './fill-receipts.js';
export { type ImportOptions, type ImportProgress, type ImportResult, importChain } from './import.js';
export { SCHEMA_VERSION } from './keys.js';
export { MemoryChain } from './memory.js';
export { type ChainStoreOptions, openChainStore } from './open-store.js';
export type { ChainConflict } from './pull-conflicts.js';
export type { ChainPeer, PeerTrust } from './pull-peers.js';
export type { ReceiptsProgress } from './pull-receipts.js';
export {
  ChainPuller,
  type PullerOptions,
  type PullProgress,
  type PullResult,
  type PullRunOptions,
} from './puller.js';
export { type ServeOptions, serveRequest } from './serve.js';
export { type AppendOptions, ChainStore, MAX_ROLLBACK_BLOCKS } from './store.js';
export { isUpstreamUrl } from './upstream/link.js';
export { openUpstream } from './upstream/open.js';
export type { UpstreamOptions, UpstreamStatus } from './upstream/options.js';
export { UpstreamBackend } from './upstream/upstream.js';
export {
  type BlockReceipts,
  type CompleteBlock,
  checkAccessList,
  checkBody,
  checkLink,
  checkReceipts,
  type HashedHeader,
  readHeader,
  type StorableBlock,
} from './verify.js';
