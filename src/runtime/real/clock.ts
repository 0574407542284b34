import type { Clock, Timer } from '../clock.js';

/** The longest delay that `setTimeout` takes, 2^31 − 1 ms; anything longer is waited for in steps. */
const LONGEST_STEP_MS = 0x7fff_ffff;

/** One wait. The system's timers count in whole milliseconds and may be up to one early, so the due time is asked again. */
class RealTimer implements Timer {
  readonly #dueAtMs: number;
  readonly #fire: () => void;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(delayMs: number, fire: () => void) {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds');
    this.#fire = fire;
    this.#dueAtMs = performance.now() + delayMs;
    if (delayMs <= 0) this.#immediate = setImmediate(fire).unref();
    else this.#step(delayMs);
  }

  #step(leftMs: number): void {
    this.#timeout = setTimeout(
      () => {
        const left = this.#dueAtMs - performance.now();
        if (left > 0) this.#step(left);
        else this.#fire();
      },
      Math.min(Math.ceil(leftMs), LONGEST_STEP_MS),
    ).unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
  }
}

/** The system's clock. Timers are unref'ed: they never keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  timer: (delayMs, fire) => new RealTimer(delayMs, fire),
  soon(run) {
    setImmediate(run);
  },
};
