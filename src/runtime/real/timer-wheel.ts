import type { Timer } from '../clock.js';

/**
 * What is due within one tick fires together. 10,000 idle sessions have some 1,300 looks a second at deadlines of seconds:
 * each by itself is a turn of the loop and an object of the system's, 50 of 150 µs that a ping cost.
 */
export const TICK_MS = 32;
/** So long one turn of the loop is for timers, so that many that are due together hold nobody up; the rest is next. */
const BURST_MS = 2;
/** The longest delay that `setTimeout` takes, 2^31 − 1 ms; anything longer is waited for in steps. */
const LONGEST_STEP_MS = 0x7fff_ffff;

/** One wait, a link in the ring of its tick. */
class WheelTimer implements Timer {
  fire: () => void;
  /** Undefined once it has fired, or was cancelled. */
  ring: Ring | undefined;
  before: WheelTimer;
  after: WheelTimer;

  constructor(fire: () => void, ring?: Ring) {
    this.fire = fire;
    this.ring = ring;
    this.before = this;
    this.after = this;
  }

  cancel(): void {
    this.ring?.remove(this);
  }
}

const nothing = (): void => undefined;

/** All that is due within one tick, in the order asked; its head is no wait itself. */
class Ring {
  readonly #head = new WheelTimer(nothing);

  add(fire: () => void): WheelTimer {
    const timer = new WheelTimer(fire, this);
    const last = this.#head.before;
    timer.before = last;
    timer.after = this.#head;
    last.after = timer;
    this.#head.before = timer;
    return timer;
  }

  remove(timer: WheelTimer): void {
    timer.before.after = timer.after;
    timer.after.before = timer.before;
    // whoever keeps the timer keeps nothing else
    timer.before = timer;
    timer.after = timer;
    timer.ring = undefined;
    timer.fire = nothing;
  }

  /** Takes the first one off. @returns what it calls */
  shift(): (() => void) | undefined {
    const first = this.#head.after;
    if (first === this.#head) return undefined;
    const { fire } = first;
    this.remove(first);
    return fire;
  }
}

/**
 * Many long waits on one timer of the system: each is due with its tick, up to `TICK_MS` late and never early. No wait makes
 * an object of the system's, and none keeps the process alive.
 */
export class TimerWheel {
  /** By the number of their tick. One whose waits were all cancelled stays until its tick has passed. */
  readonly #rings = new Map<number, Ring>();
  readonly #turn = (): void => this.#turns();
  #timeout: NodeJS.Timeout | undefined;
  /** The tick that the timer of the system waits for. */
  #armedFor = Number.POSITIVE_INFINITY;

  timer(delayMs: number, fire: () => void): Timer {
    const tick = Math.ceil((performance.now() + delayMs) / TICK_MS);
    let ring = this.#rings.get(tick);
    if (ring === undefined) {
      ring = new Ring();
      this.#rings.set(tick, ring);
      if (tick < this.#armedFor) this.#arm(tick);
    }
    return ring.add(fire);
  }

  #turns(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const startedMs = performance.now();
    try {
      for (let tick = this.#first(); tick * TICK_MS <= startedMs; tick = this.#first())
        if (!this.#fire(tick, startedMs)) break;
    } finally {
      if (this.#rings.size > 0) this.#arm(this.#first()); // also where one has thrown: the others are still to come
    }
  }

  /** @returns whether all of this tick have fired */
  #fire(tick: number, startedMs: number): boolean {
    const ring = this.#rings.get(tick);
    for (let fire = ring?.shift(); fire !== undefined; fire = ring?.shift()) {
      fire();
      if (performance.now() - startedMs >= BURST_MS) return false;
    }
    this.#rings.delete(tick);
    return true;
  }

  /** @returns the number of the next tick, Infinity where there is none. Some hundred are looked at, once a tick. */
  #first(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const tick of this.#rings.keys()) if (tick < first) first = tick;
    return first;
  }

  /** The system's timers count in whole milliseconds and may be up to one early; then it is waited once more. */
  #arm(tick: number): void {
    clearTimeout(this.#timeout);
    this.#armedFor = tick;
    const leftMs = Math.max(1, Math.ceil(tick * TICK_MS - performance.now()));
    this.#timeout = setTimeout(this.#turn, Math.min(leftMs, LONGEST_STEP_MS)).unref();
  }
}
