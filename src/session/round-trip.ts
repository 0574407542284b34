import type { Deadlines } from './deadlines.js';

/** How strongly one round trip moves the allowed time, and how many round trips an answer may take (reth: 0.1 and 3). */
const SAMPLE_WEIGHT = 0.1;
const ROUND_TRIPS_ALLOWED = 3;

/** The allowed time after one more measured round trip: settles at three round trips, within the given bounds. */
export function nextTimeoutMs(timeoutMs: number, roundTripMs: number, minMs: number, maxMs: number): number {
  const drawn = (1 - SAMPLE_WEIGHT) * timeoutMs + SAMPLE_WEIGHT * ROUND_TRIPS_ALLOWED * roundTripMs;
  return Math.min(maxMs, Math.max(minMs, drawn));
}

/** How long each kind of request takes with one peer, and how long it may take therefore. */
export class RoundTrips {
  readonly #deadlines: Pick<Deadlines, 'answerMinMs' | 'answerMaxMs'>;
  readonly #timeouts = new Map<string, number>();
  #lastMs: number | undefined;

  constructor(deadlines: Pick<Deadlines, 'answerMinMs' | 'answerMaxMs'>) {
    this.#deadlines = deadlines;
  }

  /** The last round trip of any kind. */
  get lastMs(): number | undefined {
    return this.#lastMs;
  }

  timeoutMs(kind: string): number {
    return this.#timeouts.get(kind) ?? this.#deadlines.answerMaxMs;
  }

  sample(kind: string, roundTripMs: number): void {
    const { answerMinMs, answerMaxMs } = this.#deadlines;
    this.#timeouts.set(kind, nextTimeoutMs(this.timeoutMs(kind), roundTripMs, answerMinMs, answerMaxMs));
    this.#lastMs = roundTripMs;
  }
}
