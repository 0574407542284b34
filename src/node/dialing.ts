import type { DialEnd } from '../peers/index.js';
import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';
import {
  type CloseCause,
  SessionError,
  type SessionErrorCode,
  type SessionHandle,
} from '../session/index.js';
import { explainEnd } from './stages.js';

/** What the manager refuses at once, as the reason that a peer would have given for it. */
const REASON_OF: Partial<Record<SessionErrorCode, DisconnectReason>> = {
  ERR_SESSION_SELF: DISCONNECT.connectedToSelf,
  ERR_SESSION_ALREADY_CONNECTED: DISCONNECT.alreadyConnected,
  ERR_SESSION_LIMIT: DISCONNECT.tooManyPeers,
};

/** Dials, and waits until the session is active. @returns undefined where it is, else how it failed; never rejects */
export async function dialOnce(dial: () => SessionHandle): Promise<DialEnd | undefined> {
  try {
    const handle = dial();
    const active = await handle.active.then(
      () => true,
      () => false,
    );
    return active ? undefined : dialEnd(await handle.ended, undefined);
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return { reason: REASON_OF[error.code], says: error.message };
  }
}

/** The end of a session as the dialer judges it. @param activeAtMs since 1970; undefined where it never was */
export function dialEnd(cause: CloseCause, activeAtMs: number | undefined): DialEnd {
  const activeMs = activeAtMs === undefined ? undefined : cause.atMs - activeAtMs;
  return { reason: cause.reason, activeMs, says: explainEnd(cause) };
}
