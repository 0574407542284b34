/**
 * The life of one session and of all sessions: dialing and accepting under limits, the way to active, requests both ways,
 * and one record of how each ended.
 * @module
 */
export type { SessionUsage } from './allowance.js';
export type {
  BroadcastMessage,
  BroadcastOptions,
  BroadcastOutcome,
  BroadcastResult,
} from './broadcast.js';
export type { KnownTransactions } from './broadcasts.js';
export {
  BoundedBuffer,
  type BufferBounds,
  type BufferGauge,
  type BufferMode,
  type BufferOptions,
  type BufferPolicy,
  type PushOutcome,
  type ResizePolicy,
} from './buffer.js';
export { type CloseCause, type EndedBy, explainCause, type TrafficCounters } from './close-cause.js';
export type { ConversationStep } from './conversation.js';
export { type Direction, SessionCounter, type SessionCounts, type SessionLimits } from './counter.js';
export { DEFAULT_DEADLINES, type Deadlines } from './deadlines.js';
export type { CloseOptions, DrainLoad, DrainReport } from './draining.js';
export {
  ActivationFailed,
  CreationFailed,
  ExceedsSessionLimit,
  InvalidConfiguration,
  PendingSessionHandshakeError,
  PermissionDenied,
  PolicyViolation,
  ProtocolBreach,
  QuotaExceeded,
  RequestTimeout,
  type SessionCauseCode,
  SessionError,
  type SessionErrorCode,
  SessionExpired,
  SessionNotActive,
  SessionNotFound,
} from './errors.js';
export type { AnswerTo, EthSession, ReceiptOptions } from './eth-session.js';
export type { SessionEventName, SessionEvents, SessionListener } from './events.js';
export { explainInFull } from './explain.js';
export type { SessionFilter } from './filter.js';
export type {
  Gauge,
  QueueGauges,
  RemotePeer,
  Session,
  SessionHandle,
  SessionRecord,
  StageTimes,
} from './handle.js';
export type { GossipHandler, RequestHandler, StatusProvider } from './host.js';
export type { JournalRecord } from './journal.js';
export {
  type EndEntry,
  type EventEntry,
  type GapEntry,
  JOURNAL_VERSION,
  type JournalChain,
  type JournalEntry,
  type Keccak,
  type MessageChain,
  type MessageEntry,
  type OpenEntry,
  versionInLine,
} from './journal-entry.js';
export type { JournalSink } from './journal-keeper.js';
export {
  type DecodedJournal,
  decodeJournal,
  encodeJournal,
  type JournalVerdict,
  verifyJournal,
} from './journal-read.js';
export { type ReplayOutcome, replayJournal } from './journal-replay.js';
export { SessionManager } from './manager.js';
export type {
  DialOptions,
  DialTo,
  SessionCleaner,
  SessionManagerOptions,
} from './manager-options.js';
export type { SendOutcome } from './outgoing.js';
export { DEFAULT_RECEIPT_BOUND, MAX_RECEIPT_PAGES, type ReceiptBound } from './partial-receipts.js';
export {
  mayRelay,
  PERMISSION_NAMES,
  type PermissionName,
  permissionFor,
  type SessionPermissions,
} from './permissions.js';
export { DEFAULT_LIMITS } from './places.js';
export {
  openPolicy,
  type PeerCandidate,
  type PeerKind,
  type PeerPolicy,
  type PeerVerdict,
} from './policy.js';
export {
  Bucket,
  clampedCount,
  QUOTA_NAMES,
  type QuotaExcess,
  type QuotaName,
  type QuotaStep,
  type QuotaVerdict,
  type SatelliteQuotaName,
  type SatelliteVerdict,
  type SessionQuotas,
} from './quota.js';
export type { RequestOptions } from './requests.js';
export {
  type CapabilityChannel,
  DEFAULT_SATELLITE_MESSAGE_BYTES,
  MAX_SATELLITE_IDS,
  MAX_SATELLITES,
  type SatelliteHandler,
  type SatelliteProtocol,
} from './satellite.js';
export { DEFAULT_SATELLITE_BUDGET, type SatelliteBudget } from './satellite-budget.js';
export type { SatelliteClosed } from './satellites.js';
export {
  type EndingEvent,
  isEstablished,
  isTerminal,
  isTransitionError,
  type LiveState,
  type LivingEvent,
  next,
  SESSION_EVENTS,
  SESSION_STATES,
  type SessionEvent,
  type SessionState,
  type TerminalState,
  type TransitionError,
} from './state.js';
export {
  type MessageLogging,
  type SessionSettings,
  type SessionTemplate,
  SessionTemplates,
  type TemplateOptions,
} from './templates.js';
export {
  defineProtocol,
  type ProtocolMessage,
  plainProtocol,
  type TypedChannel,
  type TypedHandler,
  type TypedProtocol,
} from './typed-protocol.js';
export type { ValidSession } from './validation.js';
