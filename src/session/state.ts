/** The states of a session, in the order of its life; the last four are terminal. */
export const SESSION_STATES = [
  'requested',
  'connecting',
  'accepted',
  'authenticating',
  'greeting',
  'verifying',
  'active',
  'paused',
  'draining',
  'closed',
  'cancelled',
  'expired',
  'faulted',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

export type TerminalState = 'closed' | 'cancelled' | 'expired' | 'faulted';
export type LiveState = Exclude<SessionState, TerminalState>;

/** What can happen to a session. The last four end it. */
export const SESSION_EVENTS = [
  'connect', // we start to look up and connect
  'begin', // there is a socket, ECIES starts
  'authenticated', // ECIES is through, Hello is next
  'greeted', // both Hellos are through, Status is next
  'verified', // both Statuses are through and agree
  'pause',
  'resume',
  'drain', // asked to close once what is queued has left
  'close', // ended in good order
  'cancel', // withdrawn or refused before it was active
  'expire', // a deadline ran out
  'fault', // breach of protocol, failed cryptography, transport error
] as const;
export type SessionEvent = (typeof SESSION_EVENTS)[number];
export type EndingEvent = 'close' | 'cancel' | 'expire' | 'fault';
export type LivingEvent = Exclude<SessionEvent, EndingEvent>;

/** An event that the state does not accept; nothing has changed. */
export interface TransitionError {
  readonly code: 'ERR_SESSION_TRANSITION';
  readonly state: SessionState;
  readonly event: SessionEvent;
  readonly says: string;
}

type Row = Readonly<Partial<Record<SessionEvent, SessionState>>>;

const BEFORE_ACTIVE: Row = { cancel: 'cancelled', expire: 'expired', fault: 'faulted' };
const ONCE_ACTIVE: Row = { close: 'closed', expire: 'expired', fault: 'faulted' };
const OVER: Row = {};

const TABLE: Readonly<Record<SessionState, Row>> = {
  requested: { ...BEFORE_ACTIVE, connect: 'connecting' },
  connecting: { ...BEFORE_ACTIVE, begin: 'authenticating' },
  accepted: { ...BEFORE_ACTIVE, begin: 'authenticating' },
  authenticating: { ...BEFORE_ACTIVE, authenticated: 'greeting' },
  greeting: { ...BEFORE_ACTIVE, greeted: 'verifying' },
  verifying: { ...BEFORE_ACTIVE, verified: 'active' },
  active: { ...ONCE_ACTIVE, pause: 'paused', drain: 'draining' },
  paused: { ...ONCE_ACTIVE, resume: 'active', drain: 'draining' },
  draining: ONCE_ACTIVE,
  closed: OVER,
  cancelled: OVER,
  expired: OVER,
  faulted: OVER,
};

/** The whole truth about the life of a session: pure, total, and without a way out of a terminal state. */
export function next(state: SessionState, event: SessionEvent): SessionState | TransitionError {
  const to = TABLE[state][event];
  if (to !== undefined) return to;
  return {
    code: 'ERR_SESSION_TRANSITION',
    state,
    event,
    says: `a session that is ${state} knows no ${event}`,
  };
}

export function isTerminal(state: SessionState): state is TerminalState {
  return TABLE[state] === OVER;
}

/** Whether both Statuses are through and the session has not ended. */
export function isEstablished(state: SessionState): boolean {
  return TABLE[state].close !== undefined;
}

/** Whether the session still fights for its place: counted and bounded as pending. */
export function isPending(state: SessionState): boolean {
  return TABLE[state].cancel !== undefined;
}

export function isTransitionError(outcome: SessionState | TransitionError): outcome is TransitionError {
  return typeof outcome !== 'string';
}
