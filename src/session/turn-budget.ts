import type { Clock } from '../runtime/index.js';

/**
 * Frames of one peer that are handled in one turn of the loop: enough to share one write of answers, and about 1 ms of work.
 * Measured with both ends in one process, one peer that announces without a pause: 17,000 messages/s, 18,500 without a bound.
 */
export const FRAMES_PER_TURN = 64;
/**
 * And so much content of theirs, decompressed: a frame of 500 kB may hold 10 MiB, which takes 6 ms, and 64 of those in one turn
 * kept everybody else waiting for 0.4 s (measured with nothing but zeros in them). One message may exceed it, alone.
 */
export const BYTES_PER_TURN: number = 1024 * 1024;

/**
 * Answers of one session, uncompressed: once there is so much, the next waits for another turn. What is made in one turn
 * leaves at its end, so four answers of 115 kB that are made together reach a peer that had nothing to do meanwhile, and then
 * we have nothing to do: 339,000 bodies/s one by one, 238,000 together. And 4 answers of 2 MiB keep others waiting for one.
 */
export const ANSWER_BYTES_PER_TURN: number = 64 * 1024;

/** Counts turns of the loop in which somebody asks: one task per turn, however many sessions there are. */
export class Turns {
  readonly #clock: Clock;
  readonly #ended = (): void => {
    this.#planned = false;
    this.#current++;
  };
  #current = 0;
  #planned = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns a number that is another one in every turn */
  current(): number {
    if (!this.#planned) {
      this.#planned = true;
      this.#clock.soon(this.#ended);
    }
    return this.#current;
  }
}

/** What one session may handle in one turn. */
export class TurnBudget {
  readonly #turns: Turns;
  readonly #frames: number;
  readonly #bytes: number;
  #turn = -1;
  #framesLeft = 0;
  #bytesLeft = 0;

  constructor(turns: Turns, frames: number = FRAMES_PER_TURN, bytes: number = BYTES_PER_TURN) {
    this.#turns = turns;
    this.#frames = frames;
    this.#bytes = bytes;
  }

  /** One more frame. @returns whether it was the last one for this turn */
  spend(): boolean {
    this.#look();
    this.#framesLeft--;
    return this.#framesLeft <= 0;
  }

  /** Whether nothing is left of it in this turn. */
  get isSpent(): boolean {
    this.#look();
    return this.#framesLeft <= 0 || this.#bytesLeft <= 0;
  }

  /** So much content in one of them. @returns whether it was the last one for this turn */
  spendBytes(bytes: number): boolean {
    this.#look();
    this.#bytesLeft -= bytes;
    return this.#bytesLeft <= 0;
  }

  /** Another turn brings another budget; what was exceeded is not owed. */
  #look(): void {
    const turn = this.#turns.current();
    if (turn === this.#turn) return;
    this.#turn = turn;
    this.#framesLeft = this.#frames;
    this.#bytesLeft = this.#bytes;
  }
}
