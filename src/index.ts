/**
 * rlpxd, the devp2p node: sessions over RLPx, eth/68 to eth/72, a verified chain in embedded storage.
 *
 * `createNode` puts all of it together; `pingPeer` asks one peer who it is. The rooms that they are made of have sub-paths
 * of their own: `rlpxd/rlpx`, `rlpxd/eth`, `rlpxd/session`, `rlpxd/peers`, and `rlpxd/testing` with a simulated world.
 * @module
 */
export {
  type ChainBackend,
  ChainError,
  type ChainErrorCode,
  type ChainRange,
  type HashedHeader,
  MemoryChain,
  type ReadOptions,
  readHeader,
  type StorableBlock,
} from './chain/index.js';
export { bytesToHex, hexToBytes, prefixedHex } from './codec/index.js';
export {
  type ChosenCrypto,
  CRYPTO_CHOICES,
  type CryptoChoice,
  CryptoError,
  type CryptoErrorCode,
  type CryptoParts,
  chooseCrypto,
  type RlpxCrypto,
} from './crypto/index.js';
export {
  type BlockHeader,
  type ChainSpec,
  decodeBody,
  decodeHeader,
  ETH_VERSIONS,
  EthError,
  type EthErrorCode,
  type EthVersion,
  type HeadersQuery,
  headerHash,
  type Status,
} from './eth/index.js';
export {
  type CloseOptions,
  ConfigError,
  type ConfigErrorCode,
  clientName,
  createLogger,
  createNode,
  type GivenChain,
  type GivenCrypto,
  type HistoryStats,
  JournalError,
  type JournalFolder,
  type JournalOptions,
  type JournalStats,
  type LoggerOptions,
  logNode,
  type NodeEvents,
  type NodeIdentity,
  type NodeMetrics,
  type NodeOptions,
  type NodeStatus,
  PingError,
  type PingOptions,
  type PingReport,
  type PingStage,
  type PullOptions,
  type PullOutcome,
  type PullProgress,
  type PullTarget,
  pingPeer,
  RLPXD_VERSION,
  type RlpxdNode,
  readGenesis,
  type SessionHistory,
  type SessionSummary,
} from './node/index.js';
export { type Enode, formatEnode, PeerError, type PeerErrorCode, parseEnode } from './peers/index.js';
export { DISCONNECT, type DisconnectReason, disconnectName } from './rlpx/index.js';
export {
  type Logger,
  RuntimeError,
  type RuntimeErrorCode,
  realWorld,
  silentLogger,
  type World,
} from './runtime/index.js';
export {
  type CapabilityChannel,
  type CloseCause,
  defineProtocol,
  type EthSession,
  explainCause,
  ProtocolBreach,
  type ProtocolMessage,
  type SatelliteBudget,
  type SatelliteHandler,
  type SatelliteProtocol,
  type Session,
  SessionError,
  type SessionErrorCode,
  type SessionHandle,
  SessionManager,
  type TypedChannel,
  type TypedHandler,
  type TypedProtocol,
} from './session/index.js';
