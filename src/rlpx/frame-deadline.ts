import type { Clock, Timer } from '../runtime/clock.js';
import type { ConnectionLimits } from './connection-options.js';

/**
 * The absolute deadline of the frame that is arriving: bytes that trickle in never extend it. One timer for many frames: it
 * is left running when a frame is whole, and looks at what is due when it fires, so that traffic makes and cancels none.
 */
export class FrameDeadline {
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #expired: () => void;
  readonly #fire = (): void => this.#fired();
  #timer: Timer | undefined;
  #timerAtMs = 0;
  #startedAtMs: number | undefined;
  #dueAtMs = 0;

  constructor(clock: Clock, limits: ConnectionLimits, expired: () => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#expired = expired;
  }

  /** The frame that is arriving is not whole. @param announcedBytes on the wire; 0 while it has not said */
  waiting(announcedBytes: number): void {
    this.#startedAtMs ??= this.#clock.now();
    const { frameDeadlineMs, minFrameBytesPerSecond } = this.#limits;
    this.#dueAtMs = this.#startedAtMs + frameDeadlineMs + (announcedBytes * 1_000) / minFrameBytesPerSecond;
    if (this.#timer === undefined || this.#timerAtMs > this.#dueAtMs) this.#arm();
  }

  /** The frame is whole, or we stopped reading. */
  clear(): void {
    this.#startedAtMs = undefined;
  }

  stop(): void {
    this.#startedAtMs = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timerAtMs = this.#dueAtMs;
    this.#timer = this.#clock.timer(Math.max(0, this.#dueAtMs - this.#clock.now()), this.#fire);
  }

  #fired(): void {
    this.#timer = undefined;
    if (this.#startedAtMs === undefined) return;
    if (this.#clock.now() >= this.#dueAtMs) this.#expired();
    else this.#arm();
  }
}
