/**
 * What the chain is: a store of verified blocks, what is served from it, and how it is filled.
 * @module
 */
export type { ChainBackend, ChainRange, ReadOptions } from './backend.js';
export { ChainError, type ChainErrorCode } from './errors.js';
export { SCHEMA_VERSION } from './keys.js';
export {
  type AppendOptions,
  ChainStore,
  type ChainStoreOptions,
  MAX_ROLLBACK_BLOCKS,
  openChainStore,
} from './store.js';
export {
  type CompleteBlock,
  checkAccessList,
  checkBody,
  checkLink,
  checkReceipts,
  type HashedHeader,
  readHeader,
} from './verify.js';
