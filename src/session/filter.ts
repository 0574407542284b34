import type { Direction } from './counter.js';
import type { SessionHandle } from './handle.js';
import type { PeerKind } from './policy.js';
import type { SessionState } from './state.js';

/** Which sessions to list: those that fit all that is given. */
export interface SessionFilter {
  readonly state?: SessionState;
  readonly direction?: Direction;
  readonly kind?: PeerKind;
  /** What the peer's Hello offers: `snap`, or in one version `eth/69`. */
  readonly capability?: string;
  /** A part of the client's name, or an expression that finds one: `Geth/`, `/^reth\/v1/i`. */
  readonly client?: string | RegExp;
}

/** Before Hello nobody has a client or capabilities, and fits no filter that asks for them. */
export function fitsFilter(session: SessionHandle, filter: SessionFilter): boolean {
  const { state, direction, kind, capability, client } = filter;
  if (state !== undefined && session.state !== state) return false;
  if (direction !== undefined && session.direction !== direction) return false;
  if (kind !== undefined && session.kind !== kind) return false;
  if (capability === undefined && client === undefined) return true;
  const record = session.describe();
  if (capability !== undefined && !record.capabilities?.some((one) => offers(one, capability))) return false;
  if (client === undefined) return true;
  if (record.client === undefined) return false;
  return typeof client === 'string' ? record.client.includes(client) : record.client.search(client) >= 0;
}

/** @param offered with its version: `eth/69` */
function offers(offered: string, wanted: string): boolean {
  return offered === wanted || offered.startsWith(`${wanted}/`);
}
