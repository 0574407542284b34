export { checkAccessList } from './access-list.js';
export { type BlockParts, encodeBlock, splitBlock } from './block.js';
export {
  type BlockBody,
  decodeBody,
  MAX_BLOCK_TRANSACTIONS,
  transactionsRoot,
  transactionsRootSteps,
  unclesHash,
  withdrawalsRoot,
} from './body.js';
export { BUILT_IN_CHAINS, type BuiltInChain, builtInChain } from './chains/built-in.js';
export type { ChainSpec } from './chains/chain-spec.js';
export { chainFromGenesis } from './chains/genesis.js';
export { EthError, type EthErrorCode } from './errors.js';
export {
  checkForkId,
  type ForkFilter,
  type ForkHead,
  type ForkId,
  type ForkIdVerdict,
  type ForkSchedule,
  forkFilter,
  forkId,
} from './fork-id.js';
export type { Hasher } from './hasher.js';
export { type BlockHeader, decodeHeader, encodeHeader, headerHash } from './header.js';
export type { BlockAccessLists, GetBlockAccessLists } from './messages/access-lists.js';
export type { BlockBodies, GetBlockBodies } from './messages/bodies.js';
export { CELL_BYTES, CELL_MASK_BYTES, type Cells, type GetCells } from './messages/cells.js';
export type { BlockHeaders, GetBlockHeaders, HeadersQuery } from './messages/headers.js';
export type {
  EthGossip,
  EthMessage,
  EthMessageName,
  EthMessageOf,
  EthRequest,
  EthResponse,
} from './messages/message.js';
export type { NewBlock, NewBlockHashes } from './messages/new-blocks.js';
export type { BlockRangeUpdate } from './messages/range.js';
export { type GetReceipts, MAX_WHOLE_RECEIPTS_BYTES, type Receipts } from './messages/receipts.js';
export {
  type DecodeLimits,
  MAX_MESSAGE_BYTES,
  MAX_SMALL_MESSAGE_BYTES,
  type MessageSpec,
} from './messages/spec.js';
export { encodeForkId, readForkId, type StatusMessage } from './messages/status.js';
export type {
  GetPooledTransactions,
  NewPooledTransactionHashes,
  PooledTransactions,
  Transactions,
} from './messages/transactions.js';
export { OrderedTrie, orderedTrieRoot } from './ordered-trie.js';
export {
  countReceipts,
  decodeReceipts,
  encodeReceipts,
  joinReceipts,
  type Receipt,
  sliceReceipts,
} from './receipts.js';
export { receipts68To69, receipts68To69Steps, receipts69To68, receipts69To68Steps } from './receipts-68.js';
export {
  logsBloom,
  type ReceiptsSummary,
  receiptsRoot,
  receiptsSummary,
  receiptsSummarySteps,
} from './receipts-summary.js';
export { peekRequestId, REQUEST_ID_HEAD_BYTES } from './request-id.js';
export {
  type BlockRange,
  blockRangeFault,
  checkStatus,
  type RangeStatus,
  type Status,
  type Status68,
  type StatusVersion,
} from './status.js';
export { runSteps, type Steps } from './steps.js';
export { transactionEnvelope, transactionHash, transactionType } from './transaction.js';
export { secureTrieRoot, TrieBuilder } from './trie.js';
export { ETH_VERSIONS, type EthProtocol, type EthVersion, ethProtocol, isEthVersion } from './versions.js';
