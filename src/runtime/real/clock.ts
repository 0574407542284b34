import type { Clock, Timer } from '../clock.js';
import { TimerWheel } from './timer-wheel.js';

/** Delays from this on may be late by a tick of the wheel, 1.6 % of them at most. */
const WHEEL_FROM_MS = 2_000;

/** One short wait. The system's timers count in whole milliseconds and may be up to one early, so the due time is asked again. */
class RealTimer implements Timer {
  readonly #dueAtMs: number;
  readonly #fire: () => void;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(delayMs: number, fire: () => void) {
    this.#fire = fire;
    this.#dueAtMs = performance.now() + delayMs;
    if (delayMs <= 0) this.#immediate = setImmediate(fire).unref();
    else this.#step(delayMs);
  }

  #step(leftMs: number): void {
    this.#timeout = setTimeout(() => {
      const left = this.#dueAtMs - performance.now();
      if (left > 0) this.#step(left);
      else this.#fire();
    }, Math.ceil(leftMs)).unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
  }
}

/** So long the loop is watched before it is called idle. */
const IDLE_LOOK_MS = 5;
/** A busy loop is looked at more and more seldom, up to this. */
const LONGEST_LOOK_MS = 320;

function whenIdle(run: () => void, lookMs: number): void {
  const before = performance.eventLoopUtilization();
  setTimeout(() => {
    if (performance.eventLoopUtilization(before).utilization < 0.5) run();
    else whenIdle(run, Math.min(LONGEST_LOOK_MS, 2 * lookMs));
  }, lookMs).unref();
}

const wheel = new TimerWheel();

function timer(delayMs: number, fire: () => void): Timer {
  if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds');
  return delayMs < WHEEL_FROM_MS ? new RealTimer(delayMs, fire) : wheel.timer(delayMs, fire);
}

/** The system's clock. Timers are unref'ed: they never keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  timer,
  soon(run) {
    setImmediate(run);
  },
  whenIdle: (run) => whenIdle(run, IDLE_LOOK_MS),
};
