/** A session that came in and is on its way to active. */
export interface OnItsWay {
  /** Whether its key is proven: the peer has done work, and so have we. */
  readonly isProven: boolean;
  /** Milliseconds since its last step: accepted, ECIES, Hello. Bytes that finish no step do not count. */
  readonly stalledMs: number;
}

/**
 * How long a session may stand still before it makes way for a newer one, milliseconds. A dialer's auth comes with the end
 * of the TCP handshake; each step after it takes a round trip.
 */
export const UNPROVEN_PATIENCE_MS = 500;
export const PROVEN_PATIENCE_MS = 1_000;

/**
 * Who gives up its place when all are taken: of those with a proven key and those without, the larger group gives way, and
 * in it the one that stands still the longest. So silent sockets cannot drive out who makes progress, nor can sessions that
 * say nothing after ECIES keep all others out.
 * @returns undefined where none of that group has stood still for long enough
 */
export function makesWay<T extends OnItsWay>(pending: Iterable<T>): T | undefined {
  const proven: T[] = [];
  const unproven: T[] = [];
  for (const session of pending) (session.isProven ? proven : unproven).push(session);
  const provenGive = proven.length > unproven.length;
  let longest: T | undefined;
  for (const session of provenGive ? proven : unproven)
    if (longest === undefined || session.stalledMs > longest.stalledMs) longest = session;
  const patienceMs = provenGive ? PROVEN_PATIENCE_MS : UNPROVEN_PATIENCE_MS;
  return longest !== undefined && longest.stalledMs >= patienceMs ? longest : undefined;
}
