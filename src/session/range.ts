import { sameBytes } from '../codec/index.js';
import { type BlockRange, blockRangeFault, type Status } from '../eth/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import type { Deadlines } from './deadlines.js';

/** So many new blocks are worth a word at once (geth and reth: 32, an epoch). */
export const RANGE_STEP_BLOCKS = 32n;
/** Updates that a peer may send in a row, and how long one more takes to earn. */
export const RANGE_UPDATE_BURST = 8;
export const RANGE_UPDATE_EARNED_MS = 1_000;

/** @returns undefined where the Status has no range, which is so on eth/68. */
export function statusRange(status: Status | undefined): BlockRange | undefined {
  if (status === undefined || status.version === 68) return undefined;
  const { earliest, latest, latestHash } = status;
  return { earliest, latest, latestHash };
}

/** The range of the peer: from its Status, then from its updates, of which only so many are read. */
export class PeerRange {
  readonly #clock: Clock;
  #current: BlockRange | undefined;
  #credit = RANGE_UPDATE_BURST;
  #creditAtMs: number;
  #ignored = 0;

  constructor(clock: Clock, status: Status | undefined) {
    this.#clock = clock;
    this.#current = statusRange(status);
    this.#creditAtMs = clock.now();
  }

  get current(): BlockRange | undefined {
    return this.#current;
  }

  /** Updates that came too fast and were not read. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Asked before the update is decoded. @returns false where updates come faster than one per second, after a burst. */
  mayUpdate(): boolean {
    const nowMs = this.#clock.now();
    const earned = (nowMs - this.#creditAtMs) / RANGE_UPDATE_EARNED_MS;
    this.#credit = Math.min(RANGE_UPDATE_BURST, this.#credit + earned);
    this.#creditAtMs = nowMs;
    if (this.#credit < 1) {
      this.#ignored++;
      return false;
    }
    this.#credit -= 1;
    return true;
  }

  /** @returns what is wrong with the range, which is then not taken. */
  update({ earliest, latest, latestHash }: BlockRange): string | undefined {
    const fault = blockRangeFault({ earliest, latest, latestHash });
    if (fault === undefined) this.#current = { earliest, latest, latestHash: latestHash.slice() };
    return fault;
  }
}

/**
 * Decides when the peer hears of our range: soon after 32 new blocks, a step back, or a moved beginning, and otherwise
 * once per interval, if there is anything to say. Only the latest range waits.
 */
export class RangeAnnouncer {
  readonly #clock: Clock;
  readonly #deadlines: Pick<Deadlines, 'rangeIntervalMs' | 'rangeSpacingMs'>;
  readonly #say: (range: BlockRange) => void;
  #said: BlockRange;
  #saidAtMs: number;
  #waiting: { readonly range: BlockRange; readonly timer: Timer } | undefined;

  /** @param said the range of our Status */
  constructor(
    clock: Clock,
    deadlines: Pick<Deadlines, 'rangeIntervalMs' | 'rangeSpacingMs'>,
    said: BlockRange,
    say: (range: BlockRange) => void,
  ) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#said = said;
    this.#saidAtMs = clock.now();
    this.#say = say;
  }

  /** Our range is now this. */
  offer(range: BlockRange): void {
    this.stop();
    const pace = rangeNews(this.#said, range);
    if (pace === 'none') return;
    const waitMs = pace === 'soon' ? this.#deadlines.rangeSpacingMs : this.#deadlines.rangeIntervalMs;
    const leftMs = this.#saidAtMs + waitMs - this.#clock.now();
    if (leftMs <= 0) this.#announce(range);
    else this.#waiting = { range, timer: this.#clock.timer(leftMs, () => this.#announce(range)) };
  }

  /** Nothing waits any more. */
  stop(): void {
    this.#waiting?.timer.cancel();
    this.#waiting = undefined;
  }

  #announce(range: BlockRange): void {
    this.#waiting = undefined;
    this.#said = range;
    this.#saidAtMs = this.#clock.now();
    this.#say(range);
  }
}

/** How much the second range has to say to someone who knows the first. */
export function rangeNews(said: BlockRange, now: BlockRange): 'none' | 'later' | 'soon' {
  if (now.earliest !== said.earliest) return 'soon';
  if (now.latest < said.latest || now.latest >= said.latest + RANGE_STEP_BLOCKS) return 'soon';
  if (now.latest !== said.latest) return 'later';
  return sameBytes(now.latestHash, said.latestHash) ? 'none' : 'later';
}
