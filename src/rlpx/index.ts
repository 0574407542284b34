/**
 * How it is said: the encrypted, authenticated transport of devp2p. `RlpxConnection` is one connection over a socket; the
 * state machines that it is made of (`Handshake`, `FrameDecoder`, `FrameEncoder`, `BaseProtocol`) know bytes only.
 * @module
 */
export {
  type AuthParty,
  type HandshakeKeys,
  MAX_HANDSHAKE_BYTES,
  MIN_ACK_BYTES,
  MIN_AUTH_BYTES,
  type OpenedAck,
  type OpenedAuth,
  openAck,
  openAuth,
  sealAck,
  sealAuth,
} from './auth.js';
export { AuthReplays } from './auth-replays.js';
export {
  type BaseEvent,
  BaseProtocol,
  type BaseProtocolOptions,
  DISCONNECT_ID,
  HELLO_ID,
  PING_ID,
  PONG_ID,
} from './base-protocol.js';
export {
  BASE_PROTOCOL_IDS,
  type Capability,
  type LocalCapability,
  matchCapabilities,
  type SharedCapability,
} from './capabilities.js';
export { RlpxConnection } from './connection.js';
export type { ConnectionEnd, EndCause } from './connection-end.js';
export {
  CONNECTION_LIMITS,
  type ConnectionHandlers,
  type ConnectionLimits,
  type ConnectionOptions,
} from './connection-options.js';
export { DISCONNECT, type DisconnectReason, disconnectName, isDisconnectReason } from './disconnect.js';
export { decodeDisconnect, encodeDisconnect } from './disconnect-message.js';
export { ECIES_OVERHEAD_BYTES, eciesOpen, eciesSeal } from './ecies.js';
export { EphemeralKeys } from './ephemeral-keys.js';
export { RlpxError, type RlpxErrorCode } from './errors.js';
export { frameWireBytes, MAX_FRAME_BYTES } from './frame.js';
export { type Frame, FrameDecoder } from './frame-decoder.js';
export { FrameEncoder } from './frame-encoder.js';
export type { FreshKey } from './fresh-key.js';
export { Handshake, type HandshakeOptions, type HandshakeResult, type Role } from './handshake.js';
export type { HandshakeJob, HandshakeTurns } from './handshake-input.js';
export {
  decodeHello,
  encodeHello,
  type Hello,
  MAX_CAPABILITIES,
  MAX_HELLO_BYTES,
  P2P_VERSION,
} from './hello.js';
export { type IncomingMessage, type PackedMessage, packMessage } from './packing.js';
export { deriveSecrets, type HandshakeTranscript, type Secrets, sharedSessionId } from './secrets.js';
