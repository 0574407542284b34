import type { IncomingMessage } from '../rlpx/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import type { Gauge } from './handle.js';
import { Opening } from './opening.js';
import type { SatelliteQuotaName, SatelliteVerdict } from './quota.js';
import { type SatelliteBudget, SatelliteMeter } from './satellite-budget.js';

/** What a message that is held or unfinished costs at least. */
const BYTES_LEAST = 256;
/** Held messages are handed over no more often than this: a batch each time, not a timer for each. */
const HAND_OVER_MS = 10;
/** So many held messages in one turn of the loop; then others have theirs. */
const MESSAGES_PER_TURN = 64;
/** A peer at the edge of its budget is throttled many times a second; one event a second tells it. */
const TOLD_MS = 1_000;

export interface SatelliteInboxOptions {
  readonly protocol: string;
  readonly budget: SatelliteBudget;
  readonly clock: Clock;
  /** Whether messages are handed over at present: not while the session is paused. */
  readonly takes: () => boolean;
  /** Runs a piece of the session's work: what it throws ends the session. */
  readonly guard: (work: () => void) => void;
  /** The most that one may have, bytes. */
  readonly cap: (message: IncomingMessage) => number;
  /** Hands one over. @returns what the handler is not done with, if so */
  readonly hand: (
    message: IncomingMessage,
  ) => { readonly bytes: number; readonly done: Promise<void> } | undefined;
  /** More, or less, that handlers are not done with. */
  readonly unfinished: (bytes: number) => void;
  readonly told: (verdict: SatelliteVerdict) => void;
  /** A handler was not done in time. */
  readonly hangs: () => void;
}

interface Unfinished {
  readonly bytes: number;
  readonly dueMs: number;
}

/**
 * What comes in of one protocol beside eth: handed over at once within its budget, later beyond it or where it is large, in
 * its order; never does eth wait for what is beyond the budget. The connection has one order for both, so reading cannot stop
 * for one of them: what does not fit here ends the session.
 */
export class SatelliteInbox {
  readonly #options: SatelliteInboxOptions;
  readonly #meter: SatelliteMeter;
  readonly #held = new Set<IncomingMessage>();
  /** In the order in which they were handed over, which is that of their deadlines. */
  readonly #unfinished = new Set<Unfinished>();
  #handing: Timer | undefined;
  #watching: Timer | undefined;
  #heldBytes = 0;
  /** Of a large one; those behind it wait. Nothing is read until all of it is there. */
  readonly #opening: Opening;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: SatelliteInboxOptions) {
    this.#options = options;
    this.#meter = new SatelliteMeter(options.budget, options.clock.now());
    this.#opening = new Opening(options);
  }

  /** What waits for its turn. */
  get held(): Gauge {
    return { items: this.#held.size, bytes: this.#heldBytes };
  }

  take(message: IncomingMessage): void {
    if (this.#ended) return;
    const { budget, clock } = this.#options;
    const nowMs = clock.now();
    if (this.#held.size === 0 && !this.#opening.isBusy) {
      const excess = this.#meter.excess(nowMs);
      if (excess === undefined) {
        this.#hand(message, nowMs);
        return;
      }
      this.#tell({ step: 'throttle', protocol: this.#options.protocol, ...excess }, nowMs);
      this.#handLater(excess.forMs);
    }
    this.#held.add(message);
    this.#heldBytes += bytesOf(message);
    if (this.#held.size > budget.heldMessages) this.#overflow('heldMessages');
    // one message always fits, however large
    else if (this.#held.size > 1 && this.#heldBytes > budget.heldBytes) this.#overflow('heldBytes');
  }

  /** Messages may be handed over again. */
  goOn(): void {
    if (this.#opening.isBusy) this.#opening.goOn();
    else if (this.#handing === undefined) this.#handOver();
  }

  end(): void {
    this.#ended = true;
    this.#handing?.cancel();
    this.#watching?.cancel();
    this.#held.clear();
    this.#heldBytes = 0;
    this.#opening.end();
    for (const one of [...this.#unfinished]) this.#finish(one);
  }

  #hand(message: IncomingMessage, nowMs: number): void {
    this.#meter.take(nowMs, message.wireBytes);
    if (!Opening.takes(message)) {
      this.#deliver(message, nowMs);
      return;
    }
    this.#opening.begin(message, this.#options.cap(message), () => {
      this.#deliver(message, this.#options.clock.now());
      if (!this.#ended) this.goOn(); // to what waited behind it
    });
  }

  #deliver(message: IncomingMessage, nowMs: number): void {
    const { budget, hand, unfinished } = this.#options;
    const work = hand(message);
    if (work === undefined || this.#ended) return;
    const one = { bytes: Math.max(BYTES_LEAST, work.bytes), dueMs: nowMs + budget.handlerMs };
    this.#unfinished.add(one);
    unfinished(one.bytes);
    const done = (): void => this.#finish(one);
    work.done.then(done, done);
    if (this.#watching === undefined) this.#watch(budget.handlerMs);
  }

  #finish(one: Unfinished): void {
    if (this.#unfinished.delete(one)) this.#options.unfinished(-one.bytes);
  }

  /** One timer for all that is unfinished: the oldest of them is due first. */
  #watch(waitMs: number): void {
    const { clock, guard, hangs } = this.#options;
    this.#watching = clock.timer(waitMs, () => {
      this.#watching = undefined;
      const [oldest] = this.#unfinished;
      if (oldest === undefined) return;
      const leftMs = oldest.dueMs - clock.now();
      if (leftMs > 0) this.#watch(leftMs);
      else guard(hangs);
    });
  }

  #handLater(waitMs: number): void {
    this.#handing ??= this.#options.clock.timer(Math.max(HAND_OVER_MS, waitMs), () => {
      this.#handing = undefined;
      this.#options.guard(() => this.#handOver());
    });
  }

  #handOver(): void {
    const { clock, takes } = this.#options;
    const nowMs = clock.now();
    let left = MESSAGES_PER_TURN;
    for (const message of this.#held) {
      if (!takes() || this.#opening.isBusy) return;
      const excess = this.#meter.excess(nowMs);
      if (excess !== undefined || left-- === 0) {
        this.#handLater(excess?.forMs ?? 0);
        return;
      }
      this.#held.delete(message);
      this.#heldBytes -= bytesOf(message);
      this.#hand(message, nowMs);
    }
  }

  #overflow(quota: SatelliteQuotaName): void {
    const { budget, protocol } = this.#options;
    const says = `${protocol} sent on while messages beyond its budget waited (${quota}: ${budget[quota]} are allowed)`;
    this.end(); // the session ends, and nothing of it is handed over any more
    this.#options.told({ step: 'close', protocol, quota, says });
  }

  #tell(verdict: SatelliteVerdict, nowMs: number): void {
    if (nowMs - this.#toldAtMs < TOLD_MS) return;
    this.#toldAtMs = nowMs;
    this.#options.told(verdict);
  }
}

function bytesOf({ wireBytes }: IncomingMessage): number {
  return Math.max(BYTES_LEAST, wireBytes);
}
