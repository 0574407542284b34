import { DISCONNECT, type DisconnectReason, disconnectName } from '../rlpx/index.js';
import { textOf } from './foreign-code.js';
import { type EndingEvent, isPending, type LiveState, type TerminalState } from './state.js';

/** Who ended it: we, the peer, the network between us, or a rule of ours about whom to keep. */
export type EndedBy = 'local' | 'remote' | 'transport' | 'policy';

/** What a session has carried. Bytes are those on the wire, frames and padding included. */
export interface TrafficCounters {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** The one record of how a session ended; events, handles, logs and the command line show nothing else. */
export interface CloseCause {
  readonly outcome: TerminalState;
  readonly by: EndedBy;
  /** The state in which the end came. */
  readonly stage: LiveState;
  /** The reason that was received, else the one that was sent; absent where none crossed the wire. */
  readonly reason?: DisconnectReason;
  readonly reasonSent?: DisconnectReason;
  readonly reasonReceived?: DisconnectReason;
  /** A code of this room or of one below (`ERR_SESSION_…`, `ERR_RLPX_…`, `ERR_ETH_…`), or the system's word (`ECONNRESET`). */
  readonly code?: string;
  /** One plain sentence. */
  readonly says: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** How many sessions of this manager had ended when this one did, itself included. */
  readonly epoch: number;
  readonly counters: TrafficCounters;
}

/** Why a session ends, as the part that found out sees it. `reason` is what to tell the peer; without one the socket closes silently. */
export interface Ending {
  /** asked: someone wants it so; refused: a rule of ours; deadline: time ran out; fault: it broke. */
  readonly kind: 'asked' | 'refused' | 'deadline' | 'fault';
  readonly by: EndedBy;
  readonly reason?: DisconnectReason | undefined;
  readonly received?: DisconnectReason | undefined;
  readonly code?: string | undefined;
  readonly says: string;
}

/** The event with which the ending reaches `next`: what ends in good order was `closed` once active and `cancelled` before. */
export function endingEvent(ending: Ending, state: LiveState): EndingEvent {
  if (ending.kind === 'deadline') return 'expire';
  if (ending.kind === 'fault') return 'fault';
  return isPending(state) ? 'cancel' : 'close';
}

/** @param sent what really left, which `ending.reason` only wishes for */
export function closeCause(
  ending: Ending,
  facts: {
    readonly outcome: TerminalState;
    readonly stage: LiveState;
    readonly sent: DisconnectReason | undefined;
    readonly atMs: number;
    readonly epoch: number;
    readonly counters: TrafficCounters;
  },
): CloseCause {
  const { sent, ...known } = facts;
  const reason = ending.received ?? sent;
  return {
    ...known,
    by: ending.by,
    says: ending.says,
    ...(reason === undefined ? {} : { reason }),
    ...(sent === undefined ? {} : { reasonSent: sent }),
    ...(ending.received === undefined ? {} : { reasonReceived: ending.received }),
    ...(ending.code === undefined ? {} : { code: ending.code }),
  };
}

/** One line for a person: `verifying: refused by us with subprotocol error (other genesis)`. */
export function explainCause(cause: CloseCause): string {
  const who = { local: 'by us', remote: 'by the peer', transport: 'by the network', policy: 'by our policy' }[
    cause.by
  ];
  const reason = cause.reason === undefined ? undefined : disconnectName(cause.reason);
  const parts = [reason === undefined ? who : `${who}, ${reason}`];
  if (cause.says !== reason) parts.push(cause.says);
  else if (refusedByStatus(cause)) parts.push('most likely another network, genesis or fork');
  return `${cause.outcome} while ${cause.stage} ${parts.join(': ')}`;
}

/** A peer that refuses our Status says no more than this, and may say it before its own Status. */
function refusedByStatus({ by, stage, reasonReceived }: CloseCause): boolean {
  return by === 'remote' && stage === 'verifying' && reasonReceived === DISCONNECT.subprotocolError;
}

export const NO_TRAFFIC: TrafficCounters = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };

export const endings = {
  asked: (reason: DisconnectReason, says: string): Ending => ({ kind: 'asked', by: 'local', reason, says }),
  refused: (reason: DisconnectReason, code: string, says: string): Ending => ({
    kind: 'refused',
    by: 'policy',
    reason,
    code,
    says,
  }),
  /** Another one needs its place more. */
  evicted: (stalledMs: number): Ending => ({
    kind: 'refused',
    by: 'policy',
    reason: DISCONNECT.tooManyPeers,
    code: 'ERR_SESSION_EVICTED',
    says: `made way for a newer connection after ${Math.round(stalledMs)} ms without a step`,
  }),
  deadline: (code: string, says: string): Ending => ({
    kind: 'deadline',
    by: 'local',
    reason: DISCONNECT.timeout,
    code,
    says,
  }),
  breach: (code: string, says: string): Ending => ({
    kind: 'fault',
    by: 'local',
    reason: DISCONNECT.protocolBreach,
    code,
    says,
  }),
  /** A mistake of our own: the peer is told no more than that we leave. */
  internal: (error: unknown): Ending => ({
    kind: 'fault',
    by: 'local',
    reason: DISCONNECT.requested,
    code: 'ERR_SESSION_INTERNAL',
    says: `a mistake of our own: ${textOf(error)}`,
  }),
} as const;
