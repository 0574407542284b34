/** A timer that has not fired yet. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the rest of the house sees it: the real clock, or a virtual one that a test advances. */
export interface Clock {
  /** Milliseconds on a monotone scale; only differences mean anything. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC. */
  wallMs(): number;
  /**
   * Calls `fire` once, `delayMs` milliseconds from now (not before; 0 means the next turn). Never keeps the process alive.
   * The system's clock may be late by 32 ms for delays from 2 s on, so that many fire together.
   */
  timer(delayMs: number, fire: () => void): Timer;
  /** Calls `run` in the next turn of the loop, after what is due now; in the order asked. */
  soon(run: () => void): void;
  /**
   * Calls `run` once, when the loop has lately been waiting more than working, which may be never: for work that can be done
   * ahead. Absent where time is simulated. Never keeps the process alive.
   */
  whenIdle?(run: () => void): void;
}

/** Resolves in the next turn of the loop, after whatever else was waiting for one. */
export function nextTurn(clock: Pick<Clock, 'soon'>): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}
