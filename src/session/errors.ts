import { type DisconnectReason, isDisconnectReason } from '../rlpx/index.js';
import { type CloseCause, explainCause } from './close-cause.js';
import type { PermissionName } from './permissions.js';
import type { QuotaExcess } from './quota.js';

/** What the caller did wrong, or what came of a call. Codes are API. */
export type SessionErrorCode =
  | 'ERR_SESSION_ABORTED' // the caller's signal
  | 'ERR_SESSION_ALREADY_CONNECTED'
  | 'ERR_SESSION_ARGUMENT'
  | 'ERR_SESSION_CONFIGURATION' // a template that is none
  | 'ERR_SESSION_EXPIRED'
  | 'ERR_SESSION_HANDLER' // a protocol beside eth was closed because its handler hangs
  | 'ERR_SESSION_HANDSHAKE'
  | 'ERR_SESSION_LIMIT'
  | 'ERR_SESSION_MANAGER_CLOSED'
  | 'ERR_SESSION_MESSAGE_CONTENT' // a handler's word on a message of a protocol beside eth
  | 'ERR_SESSION_NOT_ACTIVE'
  | 'ERR_SESSION_NOT_FOUND'
  | 'ERR_SESSION_PERMISSION' // the session's template does not allow it
  | 'ERR_SESSION_QUEUE_FULL'
  | 'ERR_SESSION_QUOTA' // what a peer may have of us
  | 'ERR_SESSION_SELF'
  | 'ERR_SESSION_TIMEOUT'
  | 'ERR_SESSION_UNSUPPORTED'; // the negotiated version has no such message

/** Codes that stand in a `CloseCause`: how a session ended, seen from this room. */
export type SessionCauseCode =
  | 'ERR_SESSION_AGE' // its template's maximum age
  | 'ERR_SESSION_ANSWER_MISMATCH' // another message than the request asked for
  | 'ERR_SESSION_ANSWER_MISSING' // nothing for two minutes
  | 'ERR_SESSION_ANSWER_UNASKED'
  | 'ERR_SESSION_AUTH_DEADLINE'
  | 'ERR_SESSION_CONNECT'
  | 'ERR_SESSION_CONNECT_DEADLINE'
  | 'ERR_SESSION_DUPLICATE'
  | 'ERR_SESSION_EVICTED' // it stood still while others wanted its place
  | 'ERR_SESSION_HANDLER' // of the only protocol that the session speaks
  | 'ERR_SESSION_HELLO_DEADLINE'
  | 'ERR_SESSION_IDENTITY'
  | 'ERR_SESSION_IDLE'
  | 'ERR_SESSION_INTERNAL' // a mistake of our own; the session ends so that nobody else is hurt
  | 'ERR_SESSION_LIMIT'
  | 'ERR_SESSION_MESSAGE_CONTENT' // of a protocol beside eth, in the words of its handler
  | 'ERR_SESSION_MESSAGE_EARLY' // something before Status
  | 'ERR_SESSION_MESSAGE_SIZE'
  | 'ERR_SESSION_MESSAGE_UNKNOWN'
  | 'ERR_SESSION_NO_ETH'
  | 'ERR_SESSION_NO_HANDLER'
  | 'ERR_SESSION_PENDING_DEADLINE'
  | 'ERR_SESSION_QUOTA' // exceeded again and again
  | 'ERR_SESSION_RANGE'
  | 'ERR_SESSION_RECEIPTS' // partial receipts that lead nowhere or beyond their bounds
  | 'ERR_SESSION_REFUSED'
  | 'ERR_SESSION_SELF'
  | 'ERR_SESSION_STATUS_DEADLINE'
  | 'ERR_SESSION_STATUS_TWICE';

/** Everything this room throws or rejects with. */
export class SessionError extends Error {
  override readonly name: string = 'SessionError';
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A configuration that is none; `field` is the one that is wrong: `templates.mine.quotas.bytesPerSecond`. */
export class InvalidConfiguration extends SessionError {
  override readonly name: string = 'InvalidConfiguration';
  readonly field: string;

  constructor(field: string, says: string) {
    super('ERR_SESSION_CONFIGURATION', `${field}: ${says}`);
    this.field = field;
  }
}

/** The session's template does not allow what was asked for; `permission` is the one that is missing. */
export class PermissionDenied extends SessionError {
  override readonly name: string = 'PermissionDenied';
  readonly permission: PermissionName;

  constructor(id: string, permission: PermissionName, what: string) {
    super('ERR_SESSION_PERMISSION', `session ${id} has no permission ${permission}, which ${what} needs`);
    this.permission = permission;
  }
}

/** Thrown by the handler of a protocol beside eth: what the peer said is no message of it. The session ends with reason 2. */
export class ProtocolBreach extends SessionError {
  override readonly name: string = 'ProtocolBreach';

  constructor(says: string, options?: ErrorOptions) {
    super('ERR_SESSION_MESSAGE_CONTENT', says, options);
  }
}

/** A peer has had more than its template allows; the `quota` event carries it, with what is done about it. */
export class QuotaExceeded extends SessionError {
  override readonly name: string = 'QuotaExceeded';
  readonly quota: QuotaExcess['quota'];
  readonly step: 'less' | 'throttle' | 'close';
  /** Whose budget it is: the name of a protocol beside eth; undefined where it is that of the session. */
  readonly protocol: string | undefined;

  constructor(id: string, { step, quota, protocol }: QuotaExcess) {
    const done = protocol === undefined ? QUOTA_STEPS : SATELLITE_STEPS;
    const whose = protocol === undefined ? '' : ` of ${protocol}`;
    super('ERR_SESSION_QUOTA', `session ${id} has exceeded ${quota}${whose}: ${done[step]}`);
    this.quota = quota;
    this.step = step;
    this.protocol = protocol;
  }
}

const QUOTA_STEPS = {
  less: 'it is answered less',
  throttle: 'nothing is read from it for a while',
  close: 'it is closed',
} as const;

const SATELLITE_STEPS = {
  ...QUOTA_STEPS,
  throttle: 'messages of this protocol wait for a while',
} as const;

/** `dial` cannot begin a session; the code says why. */
export class CreationFailed extends SessionError {
  override readonly name: string = 'CreationFailed';
}

/** No place left: `limit` names the figure of `SessionLimits` that stands in the way. */
export class ExceedsSessionLimit extends CreationFailed {
  override readonly name: string = 'ExceedsSessionLimit';
  readonly limit: string;

  constructor(limit: string, value: number) {
    super('ERR_SESSION_LIMIT', `${limit} is ${value}, and that many there are`);
    this.limit = limit;
  }
}

/** The session did not become active; `closeCause` says how it ended. */
export class ActivationFailed extends SessionError {
  override readonly name: string = 'ActivationFailed';
  readonly closeCause: CloseCause;

  constructor(closeCause: CloseCause) {
    super('ERR_SESSION_HANDSHAKE', explainCause(closeCause));
    this.closeCause = closeCause;
  }
}

/** The session ended on its way: what was dialed or accepted never became active. */
export class PendingSessionHandshakeError extends ActivationFailed {
  override readonly name: string = 'PendingSessionHandshakeError';
}

/** As that, and it was a rule of ours that ended it: limits, a duplicate, another chain, the peer policy. */
export class PolicyViolation extends PendingSessionHandshakeError {
  override readonly name: string = 'PolicyViolation';
}

/** The session is not active, or not any more; then `closeCause` says why. */
export class SessionNotActive extends SessionError {
  override readonly name: string = 'SessionNotActive';
  readonly closeCause: CloseCause | undefined;

  constructor(id: string, closeCause?: CloseCause) {
    super(
      'ERR_SESSION_NOT_ACTIVE',
      `session ${id} is not active${closeCause === undefined ? '' : `: ${explainCause(closeCause)}`}`,
    );
    this.closeCause = closeCause;
  }
}

/** The session ended because a deadline ran out. */
export class SessionExpired extends SessionError {
  override readonly name: string = 'SessionExpired';
  readonly closeCause: CloseCause;

  constructor(id: string, closeCause: CloseCause) {
    super('ERR_SESSION_EXPIRED', `session ${id} has expired: ${closeCause.says}`);
    this.closeCause = closeCause;
  }
}

export class SessionNotFound extends SessionError {
  override readonly name: string = 'SessionNotFound';

  constructor(id: string) {
    super('ERR_SESSION_NOT_FOUND', `there is no session ${id}`);
  }
}

/** No answer within the time that this kind of request has; the answer may still come and is then taken without a word. */
export class RequestTimeout extends SessionError {
  override readonly name: string = 'RequestTimeout';

  constructor(what: string, afterMs: number) {
    super('ERR_SESSION_TIMEOUT', `no answer to ${what} within ${Math.round(afterMs)} ms`);
  }
}

/** What `active` rejects with. */
export function activationError(cause: CloseCause): ActivationFailed {
  return cause.by === 'policy' ? new PolicyViolation(cause) : new PendingSessionHandshakeError(cause);
}

export function endedError(id: string, cause: CloseCause): SessionError {
  return cause.outcome === 'expired' ? new SessionExpired(id, cause) : new SessionNotActive(id, cause);
}

/** A reason that does not fit into a Disconnect is the caller's mistake. @throws SessionError ERR_SESSION_ARGUMENT */
export function checkReason(reason: DisconnectReason): void {
  if (!isDisconnectReason(reason))
    throw new SessionError('ERR_SESSION_ARGUMENT', `a disconnect reason of ${reason}, not 0 to 255`);
}
