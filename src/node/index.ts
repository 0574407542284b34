/** The node put together: options checked, rooms introduced to each other, and the work of one command each. */
export {
  chooseChain,
  type GenesisDocument,
  type GivenChain,
  NETWORKS,
  type NetworkName,
  readGenesis,
} from './chain-choice.js';
export {
  checkEthVersions,
  checkOptions,
  DEFAULT_DIAL_RATIO,
  DEFAULT_LISTEN,
  DEFAULT_MAX_PEERS,
  DEFAULT_MAX_PENDING_PEERS,
  type NodeConfig,
  type PlainNodeOptions,
  sessionLimits,
} from './config.js';
export { createNode } from './create-node.js';
export { type GivenCrypto, givenCrypto, lostText, type NodeCrypto } from './crypto-choice.js';
export { datadirPaths, openDatadir } from './datadir.js';
export { ConfigError, type ConfigErrorCode, JournalError } from './errors.js';
export type { NodeEvents } from './events.js';
export { createKeyFile, identityOf, type NodeIdentity, readKeyFile } from './identity.js';
export type { JournalFolder, JournalStats } from './journal-folder.js';
export type { JournalConfig, JournalOptions } from './journal-options.js';
export {
  type JournalCheck,
  type JournalRecordLine,
  type JournalReplay,
  replayJournalFile,
  showJournalFile,
  verifyJournalFile,
} from './journal-tools.js';
export { type Json, toJson } from './json.js';
export { createLogger, LOG_LEVELS, type LogFormat, type LoggerOptions, type LogLevel } from './log.js';
export type { NodeMetrics } from './metrics.js';
export { RlpxdNode } from './node.js';
export { logNode } from './node-log.js';
export type { CloseOptions, NodeOptions, NodeStatus } from './node-options.js';
export { PingError, type PingOptions, type PingReport, type PingStage, pingPeer } from './ping.js';
export { type PullChainOptions, type PullChainResult, PullError, pullChain } from './pull-chain.js';
export type { PullOptions, PullOutcome, PullProgress, PullTarget } from './pulling.js';
export { callRpc, RPC_ERROR, RpcError, type RpcErrorCode } from './rpc/index.js';
export {
  HISTORY_LIMITS,
  type HistoryLimits,
  type HistoryStats,
  isCloseCause,
  SessionHistory,
  type SessionSummary,
} from './session-history.js';
export {
  disconnectSession,
  type Explanation,
  explainSession,
  findSessions,
  SESSION_STATES,
  SessionLookupError,
  type SessionsFound,
  type SessionsWanted,
  type SessionToolOptions,
} from './session-tools.js';
export {
  type CheckOutcome,
  checkDatadir,
  type ImportOptions,
  type ImportOutcome,
  importIntoDatadir,
  type StoreOutcome,
  type StoreProgress,
  type StoreWorkOptions,
} from './store-tools.js';
export {
  type Broadcasting,
  TransactionError,
  type TransactionStatus,
} from './tx-desk.js';
export { NetworkFeeds, type SeenBlock, type SeenTransaction } from './tx-feeds.js';
export { TRANSACTION_MODES, type TransactionMode } from './tx-mode.js';
export {
  type NotSent,
  type SentPeer,
  type SentReport,
  sendTransactions,
  type Watched,
  watchNetwork,
} from './tx-tools.js';
export { clientName, packageFile, RLPXD_VERSION } from './version.js';
