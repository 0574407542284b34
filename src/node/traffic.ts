import { type CloseCause, isEstablished, type SessionManager } from '../session/index.js';

export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What all sessions together have carried: those that ended, from their records, and those that live. */
export class TrafficMeter {
  readonly #sessions: SessionManager;
  #endedIn = 0;
  #endedOut = 0;

  constructor(sessions: SessionManager) {
    this.#sessions = sessions;
  }

  ended({ counters }: CloseCause): void {
    this.#endedIn += counters.bytesIn;
    this.#endedOut += counters.bytesOut;
  }

  total(): Traffic {
    let bytesIn = this.#endedIn;
    let bytesOut = this.#endedOut;
    for (const session of this.#sessions.list()) {
      const { state, counters } = session.describe();
      if (!isEstablished(state)) continue;
      bytesIn += counters.bytesIn;
      bytesOut += counters.bytesOut;
    }
    return { bytesIn, bytesOut };
  }
}
