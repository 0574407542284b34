import type { Clock } from '../../runtime/index.js';

/** Lets many wait until something that changes now and then is so. */
export class StateWatch {
  readonly #clock: Clock;
  readonly #over: () => boolean;
  readonly #waiting = new Set<() => void>();

  /** @param over nothing is going to change any more: nobody waits longer */
  constructor(clock: Clock, over: () => boolean) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Something has changed. */
  notify(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves when it is so, or after the time. */
  within(ms: number, isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (isSo() || this.#over()) end();
      };
      const timer = this.#clock.timer(ms, end);
      this.#waiting.add(look);
    });
  }
}
