import type { EthMessage } from '../eth/index.js';
import type { Clock } from '../runtime/index.js';
import { TestingError } from './errors.js';

/** A message that the node sent, as the scripted peer heard it. */
export interface HeardMessage {
  /** `eth`, another shared capability, or `p2p` for the base protocol. */
  readonly capability: string;
  /** Relative to the capability. */
  readonly id: number;
  /** Decompressed. */
  readonly payload: Uint8Array;
  /** For eth, where it can be decoded. */
  readonly message?: EthMessage;
}

export interface ExpectOptions {
  /** How long to wait, on the peer's clock; 10 s. */
  readonly timeoutMs?: number;
}

interface Waiter {
  readonly wanted: (heard: HeardMessage) => boolean;
  readonly settle: (outcome: HeardMessage | TestingError) => void;
}

/** Messages that nobody has asked for yet are kept up to these bounds; beyond them the oldest are forgotten. */
export const MAX_HEARD = 4_096;
export const MAX_HEARD_BYTES: number = 64 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;

/** What a scripted peer has heard, and who waits for what. Each message is given to one expectation. */
export class Expectations {
  readonly #clock: Clock;
  readonly #heard: HeardMessage[] = [];
  #heardBytes = 0;
  readonly #waiting = new Set<Waiter>();
  #ended: TestingError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What nobody has asked for, oldest first. */
  get untaken(): readonly HeardMessage[] {
    return this.#heard;
  }

  hear(heard: HeardMessage): void {
    for (const waiter of this.#waiting) {
      if (!waiter.wanted(heard)) continue;
      waiter.settle(heard);
      return;
    }
    this.#heard.push(heard);
    this.#heardBytes += heard.payload.length;
    while (this.#heard.length > MAX_HEARD || this.#heardBytes > MAX_HEARD_BYTES) this.#take(0);
  }

  #take(at: number): HeardMessage | undefined {
    const [taken] = at < 0 ? [] : this.#heard.splice(at, 1);
    this.#heardBytes -= taken?.payload.length ?? 0;
    return taken;
  }

  /** @throws TestingError ERR_TESTING_TIMEOUT, ERR_TESTING_ENDED */
  expect(
    what: string,
    wanted: (heard: HeardMessage) => boolean,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: ExpectOptions = {},
  ): Promise<HeardMessage> {
    const found = this.#take(this.#heard.findIndex(wanted));
    if (found !== undefined) return Promise.resolve(found);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.timer(timeoutMs, () =>
        waiter.settle(new TestingError('ERR_TESTING_TIMEOUT', `no ${what} came within ${timeoutMs} ms`)),
      );
      const waiter: Waiter = {
        wanted,
        settle: (outcome) => {
          timer.cancel();
          this.#waiting.delete(waiter);
          if (outcome instanceof TestingError) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#waiting.add(waiter);
    });
  }

  /** Nothing more will be heard. */
  end(error: TestingError): void {
    this.#ended ??= error;
    for (const waiter of [...this.#waiting]) waiter.settle(error);
  }
}
