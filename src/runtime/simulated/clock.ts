import type { Clock, Timer } from '../clock.js';
import { EventQueue, type SimulatedEvent } from './event-queue.js';

/** 2026-01-01 00:00 UTC: where virtual wall clocks start. */
const DEFAULT_WALL_MS = 1_767_225_600_000;

/** A run of this many events without an end is taken for a loop. */
const MAX_EVENTS = 10_000_000;

/**
 * Time goes in steps of 2^-10 ms, upwards: then sums and differences of moments are exact, and whoever waits for what is
 * left until a moment gets there. Between any two numbers there would be rounding, and a rest too small to ever pass.
 */
const STEPS_PER_MS = 1_024;

/** Cancelled events are swept once there are this many, and more than of the living. */
const SWEEP_FROM = 1_024;

export interface VirtualClockOptions {
  /** What `wallMs` says when `now` is 0. Default: 2026-01-01 UTC. */
  readonly wallMs?: number;
}

function onGrid(ms: number): number {
  return Math.ceil(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

/** @returns once every promise reaction that can run has run. The system's own turn comes only after all of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * A clock that stands still until it is advanced. What is due happens in order of time, then in the order it was asked.
 *
 * `advance`, `run`, `runUntilIdle` and `settle` let promise-based code go on between any two events, so that it progresses
 * as it would in the real world; `advanceNow` is synchronous, for code that has no promises.
 */
export class VirtualClock implements Clock {
  readonly #queue = new EventQueue();
  readonly #wallMs: number;
  #nowMs = 0;
  #order = 0;
  #running = false;
  #timers = 0;
  #living = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallMs = options.wallMs ?? DEFAULT_WALL_MS;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs + Math.floor(this.#nowMs);
  }

  timer(delayMs: number, fire: () => void): Timer {
    return this.#add('timer', delayMs, fire);
  }

  soon(run: () => void): void {
    this.#add('soon', 0, run);
  }

  /** A happening of the simulated world (a packet on its way): like a timer, but nobody's leak. */
  happening(delayMs: number, run: () => void): Timer {
    return this.#add('world', delayMs, run);
  }

  /** Timers that were set and neither fired nor were cancelled: 0 once everything is closed. */
  get pendingTimers(): number {
    return this.#timers;
  }

  /** Everything that is still to happen, timers included. */
  get pendingEvents(): number {
    return this.#living;
  }

  /** Lets `durationMs` pass. */
  advance(durationMs: number): Promise<void> {
    return this.run(this.#nowMs + durationMs);
  }

  /** Lets time pass until `now` is `toMs`. */
  async run(toMs: number): Promise<void> {
    const untilMs = onGrid(toMs);
    await this.#exclusively(async () => {
      await settled();
      for (let event = this.#due(untilMs); event !== undefined; event = this.#due(untilMs)) {
        this.#happen(event);
        await settled();
      }
      this.#nowMs = Math.max(this.#nowMs, untilMs);
    });
  }

  /** Lets time pass until nothing is left to happen. @throws Error where that does not end (a timer that sets itself again). */
  async runUntilIdle(maxEvents: number = MAX_EVENTS): Promise<void> {
    await this.#exclusively(async () => {
      await settled();
      for (let events = 0, event = this.#due(Infinity); event !== undefined; event = this.#due(Infinity)) {
        if (++events > maxEvents) throw new Error(`not idle after ${maxEvents} events, at ${this.#nowMs} ms`);
        this.#happen(event);
        await settled();
      }
    });
  }

  /**
   * Lets time pass until `promise` settles, and settles like it. Time stops there.
   * @throws Error where it has not settled after `maxMs` (default one hour), or can never because nothing is left to happen.
   */
  async settle<T>(promise: Promise<T>, maxMs = 3_600_000): Promise<T> {
    let done = false;
    const finish = (): void => {
      done = true;
    };
    promise.then(finish, finish);
    const untilMs = this.#nowMs + maxMs;
    await this.#exclusively(async () => {
      await settled();
      while (!done) {
        const event = this.#due(untilMs);
        if (event === undefined) {
          const why = this.#living === 0 ? 'nothing is left to happen' : `${maxMs} ms have passed`;
          throw new Error(`the promise has not settled and ${why}`);
        }
        this.#happen(event);
        await settled();
      }
    });
    return promise;
  }

  /**
   * Lets `durationMs` pass at once, without letting promises go on in between. What hangs on a promise (connecting, a
   * lookup) does not get on: sockets that were connected in it find no owner.
   */
  advanceNow(durationMs: number): void {
    if (this.#running) throw new Error('the clock is being advanced already');
    this.#running = true;
    const untilMs = onGrid(this.#nowMs + durationMs);
    try {
      for (let event = this.#due(untilMs); event !== undefined; event = this.#due(untilMs))
        this.#happen(event);
      this.#nowMs = Math.max(this.#nowMs, untilMs);
    } finally {
      this.#running = false;
    }
  }

  #add(kind: SimulatedEvent['kind'], delayMs: number, run: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds');
    const dueAtMs = onGrid(this.#nowMs + Math.max(0, delayMs));
    const event: SimulatedEvent = { dueAtMs, order: this.#order++, run, kind, cancelled: false };
    this.#queue.push(event);
    this.#count(event, 1);
    return {
      cancel: () => {
        if (event.cancelled) return;
        event.cancelled = true;
        this.#count(event, -1);
        if (this.#queue.size > SWEEP_FROM && this.#queue.size > 2 * this.#living) this.#queue.sweep();
      },
    };
  }

  #count(event: SimulatedEvent, by: 1 | -1): void {
    this.#living += by;
    if (event.kind === 'timer') this.#timers += by;
  }

  #due(untilMs: number): SimulatedEvent | undefined {
    const event = this.#queue.peek();
    // An event that is infinitely far away never happens.
    if (event === undefined || event.dueAtMs > untilMs || event.dueAtMs === Infinity) return undefined;
    return this.#queue.pop();
  }

  #happen(event: SimulatedEvent): void {
    this.#nowMs = Math.max(this.#nowMs, event.dueAtMs);
    event.cancelled = true;
    this.#count(event, -1);
    event.run();
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    if (this.#running) throw new Error('the clock is being advanced already');
    this.#running = true;
    try {
      await work();
    } finally {
      this.#running = false;
    }
  }
}
