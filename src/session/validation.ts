import type { CloseCause } from './close-cause.js';
import { endedError, type SessionError, SessionNotActive, SessionNotFound } from './errors.js';
import type { ManagedSession } from './managed-session.js';
import type { SessionPermissions } from './permissions.js';

/** What an active session is and may. */
export interface ValidSession {
  readonly id: string;
  /** 64 bytes, proven. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly nodeId: Uint8Array;
  /** 16 bytes, known to both ends. */
  readonly sharedId: Uint8Array;
  readonly template: string;
  readonly permissions: SessionPermissions;
  /** Until its maximum age, in milliseconds; Infinity where it has none. */
  readonly remainingMs: number;
}

/** @throws SessionNotActive before Status, and while it is closing */
export function validSession(session: ManagedSession): ValidSession {
  const { id, state, established } = session;
  if (established === undefined || (state !== 'active' && state !== 'paused'))
    throw new SessionNotActive(id, session.cause);
  const { publicKey, nodeId, sharedId, template, remainingMs } = established;
  return {
    id,
    publicKey,
    nodeId,
    sharedId,
    template: template.name,
    permissions: template.permissions,
    remainingMs,
  };
}

/** So many ends are remembered, so that a late question hears how it ended and not only that there is nothing. */
export const ENDED_REMEMBERED = 1_024;

/** How the last sessions ended, by id; the oldest make way. */
export class EndedSessions {
  readonly #causes = new Map<string, CloseCause>();

  remember(id: string, cause: CloseCause): void {
    this.#causes.delete(id); // to the end of the order
    this.#causes.set(id, cause);
    for (const oldest of this.#causes.keys()) {
      if (this.#causes.size <= ENDED_REMEMBERED) return;
      this.#causes.delete(oldest);
    }
  }

  /** What to say of a session that is not there. */
  missing(id: string): SessionError {
    const cause = this.#causes.get(id);
    return cause === undefined ? new SessionNotFound(id) : endedError(id, cause);
  }
}
