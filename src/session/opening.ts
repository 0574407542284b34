import type { IncomingMessage } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';

/** What is larger is decompressed over several turns: 10 MiB at once held the loop for 2 to 7 ms. */
const OPENED_AT_ONCE_BYTES = 1024 * 1024;
/** So much in each of them: 0.1 to 0.4 ms, most of which is memory that is touched for the first time. */
export const OPENED_PER_TURN_BYTES: number = 256 * 1024;

export interface OpeningOptions {
  readonly clock: Pick<Clock, 'soon'>;
  /** Runs a piece of the session's work: what it throws ends the session. */
  readonly guard: (work: () => void) => void;
  /** Whether messages are handed over at present: not while the session is paused. */
  readonly takes: () => boolean;
  /** More memory, or less, of one that is not whole. */
  readonly unfinished?: (bytes: number) => void;
}

interface Opened {
  readonly message: IncomingMessage;
  readonly maxBytes: number;
  readonly hand: () => void;
  whole: boolean;
}

/** A large message that is decompressed over several turns of the loop, and handed over once all of it is there. */
export class Opening {
  readonly #options: OpeningOptions;
  #one: Opened | undefined;

  constructor(options: OpeningOptions) {
    this.#options = options;
  }

  /** Whether it is to be opened this way. */
  static takes({ declaredBytes }: IncomingMessage): boolean {
    return declaredBytes > OPENED_AT_ONCE_BYTES;
  }

  /** Whether there is one; until it is handed over there is no other. */
  get isBusy(): boolean {
    return this.#one !== undefined;
  }

  /** @param maxBytes the most that this message may have @throws RlpxError ERR_RLPX_MESSAGE_SIZE, ERR_RLPX_SNAPPY */
  begin(message: IncomingMessage, maxBytes: number, hand: () => void): void {
    this.#one = { message, maxBytes, hand, whole: false };
    this.#options.unfinished?.(message.declaredBytes);
    this.#openSome();
  }

  /** Messages may be handed over again. */
  goOn(): void {
    const one = this.#one;
    if (one === undefined || !one.whole || !this.#options.takes()) return;
    this.#one = undefined;
    one.hand();
  }

  /** It is not handed over any more. */
  end(): void {
    const one = this.#one;
    this.#one = undefined;
    if (one?.whole === false) this.#options.unfinished?.(-one.message.declaredBytes);
  }

  /** In each turn a part, whether the session is paused or not. */
  #openSome(): void {
    const one = this.#one;
    if (one === undefined) return; // it has ended meanwhile
    const { clock, guard, unfinished } = this.#options;
    if (!one.message.open(one.maxBytes, OPENED_PER_TURN_BYTES)) {
      clock.soon(() => guard(() => this.#openSome()));
      return;
    }
    one.whole = true;
    unfinished?.(-one.message.declaredBytes);
    this.goOn();
  }
}
