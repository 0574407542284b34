import type { IncomingMessage, RlpxConnection } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';
import type { HeldInput } from './held-input.js';
import type { KeepAlive } from './keep-alive.js';
import { BYTES_PER_TURN, FRAMES_PER_TURN, TurnBudget, type Turns } from './turn-budget.js';

/** Who wants no more input for now: requests that wait, a large message, a slow handler of another protocol, a quota. */
export type InputStop = 'serving' | 'opening' | 'satellites' | 'quota';

export interface InputOptions {
  readonly clock: Pick<Clock, 'soon'>;
  readonly connection: Pick<RlpxConnection, 'pause' | 'resume'>;
  readonly keepAlive: Pick<KeepAlive, 'resume' | 'suspend'>;
  readonly turns: Turns;
  /** What has come and was not taken. */
  readonly held: HeldInput;
  /** Whether messages are taken as they come. */
  readonly takes: () => boolean;
  readonly isOver: () => boolean;
  /** Runs a piece of the session's work: what it throws ends the session. */
  readonly guard: (work: () => void) => void;
  /** @returns whether the next one may follow */
  readonly take: (message: IncomingMessage) => boolean;
}

/**
 * What comes in on one session: handed over in its order, held while it cannot be taken, and read no further while too much
 * waits. A busy peer gives way to others after its share of a turn.
 */
export class Input {
  readonly #options: InputOptions;
  readonly #budget: TurnBudget;
  readonly #stops = new Set<InputStop>();
  #reads = true;
  #givesWay = false;
  #releasing = false;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#budget = new TurnBudget(options.turns);
  }

  /** Whether anything is read from the peer; a turn that it gives to others is no stop. */
  get reads(): boolean {
    return this.#reads;
  }

  /** Takes up what came before the session was active. */
  start(): void {
    const { connection, isOver } = this.#options;
    this.release();
    if (this.#reads && !isOver()) connection.resume();
  }

  /** A whole frame has come, whatever is in it. */
  heard(): void {
    if (this.#budget.spend()) this.#giveWay();
  }

  message(message: IncomingMessage): void {
    const { held, take, takes } = this.#options;
    if (this.#budget.spendBytes(message.declaredBytes)) this.#giveWay();
    if (takes() && held.isEmpty) {
      take(message);
      return;
    }
    held.hold(message);
    this.#decide();
  }

  stop(by: InputStop, on: boolean): void {
    if (on) this.#stops.add(by);
    else this.#stops.delete(by);
    this.#decide();
  }

  /** Hands over what is held, so much in one turn. */
  release(): void {
    const { guard, held, take } = this.#options;
    let frames = FRAMES_PER_TURN;
    let bytes = BYTES_PER_TURN;
    guard(() =>
      held.release((message) => {
        bytes -= message.declaredBytes;
        return take(message) && --frames > 0 && bytes > 0;
      }),
    );
    if ((frames === 0 || bytes <= 0) && !held.isEmpty) this.#releaseSoon();
    this.#decide();
  }

  #releaseSoon(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    this.#options.clock.soon(() => {
      this.#releasing = false;
      if (this.#options.takes()) this.release();
    });
  }

  #giveWay(): void {
    const { clock, connection, isOver } = this.#options;
    if (this.#givesWay || !this.#reads || isOver()) return;
    this.#givesWay = true;
    connection.pause();
    clock.soon(() => {
      this.#givesWay = false;
      if (this.#reads && !isOver()) connection.resume();
    });
  }

  /** While we do not read, we have no right to call the peer silent. */
  #decide(): void {
    const { connection, held, isOver, keepAlive } = this.#options;
    const reads = this.#stops.size === 0 && !held.isFull;
    if (reads === this.#reads || isOver()) return;
    this.#reads = reads;
    if (reads) {
      connection.resume();
      keepAlive.resume();
    } else {
      connection.pause();
      keepAlive.suspend();
    }
  }
}
