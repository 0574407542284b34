import { DISCONNECT, type DisconnectReason } from './disconnect.js';

export type RlpxErrorCode =
  | 'ERR_RLPX_AUTH'
  | 'ERR_RLPX_AUTH_SIZE'
  | 'ERR_RLPX_BUSY'
  | 'ERR_RLPX_MAC'
  | 'ERR_RLPX_FRAME_SIZE'
  | 'ERR_RLPX_FRAME_DEADLINE'
  | 'ERR_RLPX_MESSAGE_ID'
  | 'ERR_RLPX_MESSAGE_SIZE'
  | 'ERR_RLPX_SNAPPY'
  | 'ERR_RLPX_HELLO'
  | 'ERR_RLPX_HELLO_EXPECTED'
  | 'ERR_RLPX_HELLO_TWICE'
  | 'ERR_RLPX_IDENTITY'
  | 'ERR_RLPX_USELESS'
  | 'ERR_RLPX_ARGUMENT'
  | 'ERR_RLPX_STATE';

interface Breach {
  /** The plain words, where there is nothing more exact to say. */
  readonly says: string;
  /** What the peer is told; undefined: the connection closes silently. */
  readonly reason: DisconnectReason | undefined;
}

/** Everything that can go wrong on a connection: a code without a row does not compile. */
const breaches: Readonly<Record<RlpxErrorCode, Breach>> = {
  // Before and below frames there is nobody to tell: the peer could not read it, or is not who it says.
  ERR_RLPX_AUTH: { says: 'the handshake message is not valid', reason: undefined },
  ERR_RLPX_AUTH_SIZE: { says: 'the handshake message has an impossible size', reason: undefined },
  ERR_RLPX_BUSY: { says: 'too many handshakes wait', reason: undefined },
  // One code for header and body: whoever flips bits must not learn which check failed.
  ERR_RLPX_MAC: { says: 'a MAC differs', reason: undefined },
  ERR_RLPX_FRAME_SIZE: { says: 'the frame is empty or too large', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_FRAME_DEADLINE: {
    says: 'the frame was not whole within its deadline',
    reason: DISCONNECT.timeout,
  },
  ERR_RLPX_MESSAGE_ID: {
    says: 'the message id belongs to nothing shared',
    reason: DISCONNECT.protocolBreach,
  },
  ERR_RLPX_MESSAGE_SIZE: { says: 'the message is too large', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_SNAPPY: { says: 'the message does not decompress', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_HELLO: { says: 'Hello is not the list it should be', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_HELLO_EXPECTED: { says: 'a message stands where Hello must', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_HELLO_TWICE: { says: 'a second Hello', reason: DISCONNECT.protocolBreach },
  ERR_RLPX_IDENTITY: {
    says: 'Hello names another key than was proven',
    reason: DISCONNECT.unexpectedIdentity,
  },
  ERR_RLPX_USELESS: { says: 'no shared capability', reason: DISCONNECT.uselessPeer },
  // The caller's own mistakes; no peer is to blame.
  ERR_RLPX_ARGUMENT: { says: 'an argument cannot be used', reason: undefined },
  ERR_RLPX_STATE: { says: 'the connection is not open', reason: undefined },
};

/** Whether a peer is to blame; the other codes are mistakes of the caller. */
export function isBreach(error: unknown): error is RlpxError {
  return error instanceof RlpxError && !isMistake(error.code);
}

/** Where intrinsics are frozen, it cannot be set. */
const stacksCanBeLeftOut = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;

/** Whose place in the code is worth knowing. */
function isMistake(code: RlpxErrorCode): boolean {
  return code === 'ERR_RLPX_ARGUMENT' || code === 'ERR_RLPX_STATE';
}

/**
 * What a peer did wrong on the wire, or what a caller asked that cannot be. Codes are stable. What a peer did has no stack: where
 * strangers send garbage, that was a sixth of what it cost us.
 */
export class RlpxError extends Error {
  override readonly name = 'RlpxError';
  readonly code: RlpxErrorCode;
  /** Disconnect reason for the peer; undefined: close silently. */
  readonly reason: DisconnectReason | undefined;

  constructor(
    code: RlpxErrorCode,
    says: string = breaches[code].says,
    options?: { readonly cause?: unknown },
  ) {
    const leavesOut = stacksCanBeLeftOut && !isMistake(code);
    const frames = Error.stackTraceLimit;
    if (leavesOut) Error.stackTraceLimit = 0;
    super(says, options);
    if (leavesOut) Error.stackTraceLimit = frames;
    this.code = code;
    this.reason = breaches[code].reason;
  }
}
