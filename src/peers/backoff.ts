import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';

/** Why there is no session with a peer that we want one with. */
export type DialFailure = 'unreachable' | 'busy' | 'unsuitable' | 'ended';

/** How a dial, or a session that stood, came to its end. */
export interface DialEnd {
  /** The disconnect reason that either side gave, where one did. */
  readonly reason?: DisconnectReason | undefined;
  /** How long the session was active, in milliseconds; undefined where it never was. */
  readonly activeMs?: number | undefined;
  /** One plain sentence, for logs. */
  readonly says?: string | undefined;
}

/** How long to wait before the next dial: `firstMs`, doubled per failure in a row, never more than `mostMs`. */
export interface BackoffRule {
  readonly firstMs: number;
  readonly mostMs: number;
}

export type BackoffRules = Readonly<Record<DialFailure, BackoffRule>>;

/**
 * Static peers are few and wanted, so the first try again comes soon, and a minute is the most while a peer is only
 * away. geth waits 35 s between two dials of one node, whatever happened, and turns away a second attempt of one
 * address within 30 s: `busy` and `unsuitable` come to waits beyond that after few tries.
 */
export const BACKOFF: BackoffRules = {
  unreachable: { firstMs: 1_000, mostMs: 60_000 },
  ended: { firstMs: 1_000, mostMs: 60_000 },
  busy: { firstMs: 5_000, mostMs: 300_000 },
  unsuitable: { firstMs: 30_000, mostMs: 1_800_000 },
};

/** A session that lived this long was a success: the next failure is a first one again. */
export const STEADY_MS = 30_000;
/** Waits are spread by this share to either side, so that nodes that went down together do not come back together. */
export const JITTER = 0.25;

const FAILURE_OF_REASON: ReadonlyMap<DisconnectReason, DialFailure> = new Map<DisconnectReason, DialFailure>([
  [DISCONNECT.tooManyPeers, 'busy'],
  [DISCONNECT.alreadyConnected, 'busy'],
  [DISCONNECT.protocolBreach, 'unsuitable'],
  [DISCONNECT.uselessPeer, 'unsuitable'],
  [DISCONNECT.incompatibleVersion, 'unsuitable'],
  [DISCONNECT.invalidIdentity, 'unsuitable'],
  [DISCONNECT.unexpectedIdentity, 'unsuitable'],
  [DISCONNECT.connectedToSelf, 'unsuitable'],
  [DISCONNECT.subprotocolError, 'unsuitable'],
]);

export function failureOf(end: DialEnd): DialFailure {
  const named = end.reason === undefined ? undefined : FAILURE_OF_REASON.get(end.reason);
  return named ?? (end.activeMs === undefined ? 'unreachable' : 'ended');
}

/**
 * @param failures how many came before this one in a row, of the same kind
 * @param unit a number in [0, 1) for the jitter
 * @returns milliseconds until the next dial
 */
export function backoffMs(rule: BackoffRule, failures: number, unit: number): number {
  const doublings = Math.min(failures, 30); // beyond it every rule is at its most, and 2 ** n stays exact
  const waitMs = Math.min(rule.firstMs * 2 ** doublings, rule.mostMs);
  return Math.round(waitMs * (1 - JITTER + 2 * JITTER * unit));
}
