import type { Clock, Timer } from '../runtime/index.js';
import type { Deadlines } from './deadlines.js';
import { SessionError } from './errors.js';

export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly deadlines: Pick<Deadlines, 'pingAfterMs' | 'idleMs'>;
  /** The peer goes first: of two ends that fall silent together, the one that dialed pings, and its ping is heard by the other. */
  readonly yields?: boolean;
  /** @returns false where a ping is still unanswered */
  readonly ping: () => boolean;
  /** Nothing was heard for `idleMs`. */
  readonly idle: () => void;
}

/** How much longer the end that yields waits, of its time. */
const YIELD_SHARE = 0.05;

interface Waiter {
  readonly settle: (outcome: number | SessionError) => void;
}

/**
 * Sees that the peer is alive: pings where nothing was heard for a while, and gives up in the end. One timer per session,
 * looked at when it fires; a frame only leaves its time behind.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #pingAfterMs: number;
  /** From when the silence is counted. */
  #heardAtMs: number;
  #seenAtMs: number;
  #timer: Timer | undefined;
  #suspended = false;
  #pingSentAtMs: number | undefined;
  #lastRttMs: number | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #looks = (): void => this.#look();

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#heardAtMs = options.clock.now();
    this.#seenAtMs = this.#heardAtMs;
    const { pingAfterMs, idleMs } = options.deadlines;
    const yielding = Math.min(
      pingAfterMs * (1 + YIELD_SHARE),
      (pingAfterMs + Math.max(pingAfterMs, idleMs)) / 2,
    );
    this.#pingAfterMs = options.yields === true ? yielding : pingAfterMs;
    this.#arm(this.#pingAfterMs);
  }

  /** The last measured round trip of a ping. */
  get rttMs(): number | undefined {
    return this.#lastRttMs;
  }

  /** When the last whole frame came, in milliseconds since 1970. */
  get lastSeenAtMs(): number {
    const { clock } = this.#options;
    return Math.round(clock.wallMs() - (clock.now() - this.#seenAtMs));
  }

  /** A whole frame came. */
  heard(): void {
    this.#heardAtMs = this.#options.clock.now();
    this.#seenAtMs = this.#heardAtMs;
  }

  pong(): void {
    if (this.#pingSentAtMs === undefined) return;
    const rttMs = this.#options.clock.now() - this.#pingSentAtMs;
    this.#pingSentAtMs = undefined;
    this.#lastRttMs = rttMs;
    for (const waiter of [...this.#waiters]) waiter.settle(rttMs);
  }

  /** While we do not read, silence says nothing about the peer: the limit waits, pings go on. */
  suspend(): void {
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    this.#heardAtMs = this.#options.clock.now();
  }

  /**
   * Measures one round trip; a ping that is under way already serves as well.
   * @throws SessionError ERR_SESSION_TIMEOUT after the idle limit, ERR_SESSION_ABORTED, or what `end` was given
   */
  measure(signal?: AbortSignal): Promise<number> {
    const { clock, deadlines } = this.#options;
    if (signal?.aborted) return Promise.reject(called(signal));
    this.#ping();
    return new Promise((resolve, reject) => {
      const timer = clock.timer(deadlines.idleMs, () => waiter.settle(noPong(deadlines.idleMs)));
      const withdrawn = (): void => waiter.settle(called(signal));
      const waiter: Waiter = {
        settle: (outcome) => {
          this.#waiters.delete(waiter);
          timer.cancel();
          signal?.removeEventListener('abort', withdrawn);
          if (typeof outcome === 'number') resolve(outcome);
          else reject(outcome);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', withdrawn, { once: true });
    });
  }

  end(error: SessionError): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const waiter of [...this.#waiters]) waiter.settle(error);
  }

  #look(): void {
    const { clock, deadlines, idle } = this.#options;
    const silentMs = clock.now() - this.#heardAtMs;
    if (silentMs < this.#pingAfterMs) {
      this.#arm(this.#pingAfterMs - silentMs);
      return;
    }
    if (silentMs >= deadlines.idleMs && !this.#suspended) {
      idle();
      return;
    }
    this.#ping();
    this.#arm(this.#suspended ? this.#pingAfterMs : deadlines.idleMs - silentMs);
  }

  #ping(): void {
    if (this.#options.ping()) this.#pingSentAtMs = this.#options.clock.now();
  }

  /** Whole milliseconds: clocks have fractions, and a delay that rounds to nothing would fire at the same instant for ever. */
  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.timer(Math.ceil(delayMs), this.#looks);
  }
}

function noPong(afterMs: number): SessionError {
  return new SessionError('ERR_SESSION_TIMEOUT', `no pong within ${afterMs} ms`);
}

function called(signal: AbortSignal | undefined): SessionError {
  return new SessionError('ERR_SESSION_ABORTED', 'called off', { cause: signal?.reason });
}
