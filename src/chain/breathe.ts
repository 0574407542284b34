import type { Steps } from '../eth/index.js';
import { type Clock, nextTurn } from '../runtime/index.js';
import { throwIfAborted } from './errors.js';

/** Counts work, and gives the loop a turn whenever enough was done. */
export class Breather {
  readonly #clock: Pick<Clock, 'soon'> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #every: number;
  #done = 0;

  /** @param every units of work between two turns. Without a clock no turn is given, which suits only backends that read a disk */
  constructor(clock: Pick<Clock, 'soon'> | undefined, signal: AbortSignal | undefined, every: number) {
    this.#clock = clock;
    this.#signal = signal;
    this.#every = every;
  }

  /** @throws ChainError ERR_CHAIN_ABORTED */
  async worked(units: number, what: string): Promise<void> {
    if (this.tires(units, what)) await this.rest(what);
  }

  /**
   * As `worked`, for work whose units take less than a promise does: only counts. @returns whether it is time for `rest`
   * @throws ChainError ERR_CHAIN_ABORTED
   */
  tires(units: number, what: string): boolean {
    throwIfAborted(this.#signal, what);
    this.#done += units;
    return this.#done >= this.#every && this.#clock !== undefined;
  }

  /** Gives the loop its turn. @throws ChainError ERR_CHAIN_ABORTED */
  async rest(what: string): Promise<void> {
    this.#done = 0;
    if (this.#clock !== undefined) await nextTurn(this.#clock);
    throwIfAborted(this.#signal, what);
  }

  /** Does work that comes in slices, with a turn of the loop after each. */
  async drive<T>(steps: Steps<T>, what: string): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await this.worked(this.#every, what);
    }
  }
}
