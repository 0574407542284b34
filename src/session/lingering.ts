import type { Clock } from '../runtime/index.js';
import type { ManagedSession } from './managed-session.js';

/** Refused sessions whose sockets may live on at once, so that the peers can read why (each at most `lingerMs`). */
const MAX_LINGERING = 32;

/** Sessions that have ended while their sockets are still there, to deliver what was said last. */
export class Lingering {
  readonly #clock: Clock;
  readonly #sessions = new Set<ManagedSession>();
  #onNone: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more that never was active may linger. */
  get hasRoom(): boolean {
    return this.#sessions.size < MAX_LINGERING;
  }

  add(session: ManagedSession): void {
    this.#sessions.add(session);
  }

  /** Its socket is gone. */
  delete(session: ManagedSession): void {
    this.#sessions.delete(session);
  }

  /** Whoever waits for the last one is told; called after all else that an end entails. */
  look(): void {
    if (this.#sessions.size === 0) this.#onNone?.();
  }

  /** Waits until all sockets are gone; what is left after `timeoutMs` is let go of by force. */
  none(timeoutMs: number): Promise<void> {
    if (this.#sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.timer(timeoutMs, () => {
        for (const session of [...this.#sessions]) session.connection?.release();
        this.#sessions.clear();
        this.#onNone = undefined;
        resolve();
      });
      this.#onNone = () => {
        timer.cancel();
        this.#onNone = undefined;
        resolve();
      };
    });
  }
}
