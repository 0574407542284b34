import { compareBytes } from '../codec/index.js';
import type { Direction } from './counter.js';

/**
 * How far one of several connections with the same peer has come.
 * apart: the peer cannot know of it yet; meeting: on the wire, not verified; verified: both Statuses agree, it wants to be
 * active; unsure: active with us, and the peer may still turn it away; sure: active with both.
 */
export type DialStage = 'apart' | 'meeting' | 'verified' | 'unsure' | 'sure';

/** One of the connections with a peer, as the rule sees it. */
export interface Contender {
  readonly direction: Direction;
  readonly stage: DialStage;
}

/** What a verified connection may do: become active, wait for a rival to settle, or give way to it (reason 5). */
export type DialDecision = 'activate' | 'wait' | 'yield';

/**
 * Two nodes that dial each other at once have two connections, and of those the one that the node with the smaller id
 * began goes first. Both can compute that.
 * @param ourId @param theirId node ids, 32 bytes each
 * @returns the direction, seen from us, of the connection that goes first
 */
export function firstDirection(ourId: Uint8Array, theirId: Uint8Array): Direction {
  return compareBytes(ourId, theirId) < 0 ? 'outbound' : 'inbound';
}

/**
 * The whole rule. It never ends a connection while another one with the same peer is only hoped for, so that a peer that
 * keeps whichever came first (geth once Hello is through, reth once Status is) cannot make us lose both:
 * - the connection that goes first is activated as soon as it is verified;
 * - the other one waits while a rival is on the wire, is activated when the last of them has gone, and gives way when one
 *   of them is surely active at both ends.
 * @param first of `firstDirection`
 * @param rivals all other connections with the same peer that have not ended
 */
export function decideDial(
  { direction }: Pick<Contender, 'direction'>,
  first: Direction,
  rivals: readonly Contender[],
): DialDecision {
  if (rivals.some(({ stage }) => stage === 'sure')) return 'yield';
  if (rivals.some(({ stage }) => stage === 'unsure')) return 'wait';
  if (direction === first) return 'activate';
  return rivals.some(({ stage }) => stage !== 'apart') ? 'wait' : 'activate';
}

/**
 * Whether a connection whose peer has just proven its key may go on to Hello. Where one is active already, no rule is
 * needed: the peer cannot have made this one active, since it has not had our Status on it.
 */
export function mayGreet(rivals: readonly Contender[]): boolean {
  return !rivals.some(({ stage }) => stage === 'unsure' || stage === 'sure');
}

/**
 * Whether a connection that becomes active now can still be turned away in favour of a rival. Then the rivals are kept
 * until the peer has answered a Ping that followed our Status: it reads in order, so it has decided by then.
 */
export function isUnsure(rivals: readonly Contender[]): boolean {
  return rivals.some(({ stage }) => stage === 'meeting' || stage === 'verified');
}
