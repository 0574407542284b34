import type { BlockRange } from '../eth/index.js';
import type { Logger } from '../runtime/logger.js';
import type { TcpAddress } from '../runtime/tcp.js';
import type { CloseCause } from './close-cause.js';
import type { QuotaExceeded } from './errors.js';
import { callForeign, textOf } from './foreign-code.js';
import type { Session, SessionHandle } from './handle.js';
import type { QuotaExcess } from './quota.js';
import type { SatelliteClosed } from './satellites.js';

/** What a manager tells those who listen. */
export interface SessionEvents {
  /** There is a handle: dialed, or accepted. */
  readonly created: { readonly session: SessionHandle };
  readonly activated: { readonly session: Session };
  /** The peer's range has changed (eth/69 and later). */
  readonly range: { readonly session: Session; readonly range: BlockRange };
  /** A quota was exceeded, and what is done about it (answered less, throttled, closed), each time that changes. */
  readonly quota: {
    readonly session: Session;
    readonly verdict: QuotaExcess;
    readonly error: QuotaExceeded;
  };
  /** The handler of a protocol beside eth was not done in time: the session goes on without the protocol. */
  readonly satelliteClosed: { readonly session: Session } & SatelliteClosed;
  /** A deadline ended it; `closed` follows. */
  readonly expired: { readonly session: SessionHandle; readonly cause: CloseCause };
  /** Every end of every session, once. */
  readonly closed: { readonly session: SessionHandle; readonly cause: CloseCause };
  /** Follows `closed`: handles of sessions that ended up to this epoch are stale. */
  readonly epochAdvanced: { readonly session: SessionHandle; readonly epoch: number };
  /** A socket that was turned away before any work: no session came of it. */
  readonly refused: { readonly address: TcpAddress; readonly says: string };
}

export type SessionEventName = keyof SessionEvents;
export type SessionListener<N extends SessionEventName> = (event: SessionEvents[N]) => void;

type Listeners = { readonly [N in SessionEventName]: Set<SessionListener<N>> };

/**
 * Tells listeners in the order in which they came. One that throws hurts nobody: it is logged. What happens because of an
 * event is told after that event, to everyone, so that nobody hears of an end before the beginning.
 */
export class SessionEmitter {
  readonly #logger: Logger;
  readonly #listeners: Listeners = {
    created: new Set(),
    activated: new Set(),
    range: new Set(),
    quota: new Set(),
    satelliteClosed: new Set(),
    expired: new Set(),
    closed: new Set(),
    epochAdvanced: new Set(),
    refused: new Set(),
  };

  #waiting: (() => void)[] = [];
  #busy = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @returns a function that takes the listener away again. */
  on<N extends SessionEventName>(name: N, listener: SessionListener<N>): () => void {
    const own: SessionListener<N> = (event) => listener(event); // the same function twice is two listeners
    this.#of(name).add(own);
    return () => {
      this.#of(name).delete(own);
    };
  }

  emit<N extends SessionEventName>(name: N, event: SessionEvents[N]): void {
    this.#waiting.push(() => this.#tell(name, event));
    this.#drain();
  }

  /** What is emitted while `work` runs is told after it. */
  after(work: () => void): void {
    const outermost = !this.#busy;
    this.#busy = true;
    try {
      work();
    } finally {
      if (outermost) this.#busy = false;
      this.#drain();
    }
  }

  #drain(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let tell = this.#waiting.shift(); tell !== undefined; tell = this.#waiting.shift()) tell();
    } finally {
      this.#busy = false;
    }
  }

  #tell<N extends SessionEventName>(name: N, event: SessionEvents[N]): void {
    for (const listener of [...this.#of(name)]) {
      callForeign(
        () => listener(event),
        (error) => {
          const fields = { event: 'session.listener', name, cause: textOf(error) };
          this.#logger.error(fields, 'a listener failed');
        },
      );
    }
  }

  get listenerCount(): number {
    return Object.values(this.#listeners).reduce((sum, listeners) => sum + listeners.size, 0);
  }

  #of<N extends SessionEventName>(name: N): Set<SessionListener<N>> {
    return this.#listeners[name];
  }
}
