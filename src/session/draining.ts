import type { DisconnectReason } from '../rlpx/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import type { CloseCause } from './close-cause.js';

/** How a session is closed. */
export interface CloseOptions {
  /** False: at once, what waits is lost. By default what has begun is finished first. */
  readonly drain?: boolean;
  /** What the peer is told in the end; 0, requested, by default. */
  readonly reason?: DisconnectReason;
  /** One plain sentence for the record of the end. */
  readonly says?: string;
  /** Ends the draining at once; what is left is abandoned. */
  readonly signal?: AbortSignal;
  /** Instead of `drainMs` of the deadlines; milliseconds. */
  readonly timeoutMs?: number;
}

/** `CloseOptions` with everything decided. */
export interface DrainWish {
  readonly says: string;
  readonly reason: DisconnectReason;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What draining has come to. */
export interface DrainReport {
  /** flushed: nothing was left. deadline, aborted: something was. ended: something else ended the session meanwhile. */
  readonly outcome: 'flushed' | 'deadline' | 'aborted' | 'ended';
  readonly tookMs: number;
  /** What left for the peer meanwhile. */
  readonly flushed: { readonly messages: number; readonly bytes: number };
  /** Requests that were answered meanwhile: ours by the peer, the peer's by us. */
  readonly answered: { readonly ours: number; readonly theirs: number };
  /** What was still open or waited at the end. */
  readonly abandoned: DrainLoad;
  readonly cause: CloseCause;
}

/** What is still to be done. */
export interface DrainLoad {
  /** Our requests whose answer somebody waits for. */
  readonly ours: number;
  /** The peer's requests that are worked on, or wait. */
  readonly theirs: number;
  /** Messages that wait until the peer reads. */
  readonly messages: number;
}

/** Counts that only grow. */
export interface DrainCounts {
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly answeredOurs: number;
  readonly answeredTheirs: number;
}

export interface DrainOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly load: () => DrainLoad;
  /** Whether the peer takes what we send. */
  readonly blocked: () => boolean;
  readonly counts: () => DrainCounts;
  /** Ends the session; `ended` of this object is called by that. @param left what stays undone, in words */
  readonly finish: (left: string) => void;
}

/** Somebody gives up waiting without a word to us (a request that times out): looked for this often. */
const LOOK_MS = 100;

/** Waits until all that a session has begun is done, or time is up, and says what came of it. */
export class Drain {
  readonly #options: DrainOptions;
  readonly #startedMs: number;
  readonly #before: DrainCounts;
  readonly #deadline: Timer;
  #looking: Timer | undefined;
  #outcome: DrainReport['outcome'] = 'ended';
  #left: DrainLoad | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#before = options.counts();
    this.#deadline = options.clock.timer(options.timeoutMs, () => this.#stop('deadline'));
    options.signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /** Something may be done: ends the session where nothing is left. */
  look(): void {
    if (this.#left !== undefined) return;
    if (this.#options.signal?.aborted === true) {
      this.#stop('aborted');
      return;
    }
    const { ours, theirs, messages } = this.#options.load();
    if (ours + theirs + messages === 0 && !this.#options.blocked()) {
      this.#stop('flushed');
      return;
    }
    this.#looking?.cancel();
    this.#looking = this.#options.clock.timer(LOOK_MS, () => this.look());
  }

  /** The session is about to let go of all it holds, for whatever cause. */
  ended(): void {
    this.#left ??= this.#options.load();
    this.#deadline.cancel();
    this.#looking?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#aborted);
  }

  report(cause: CloseCause): DrainReport {
    const now = this.#options.counts();
    const before = this.#before;
    return {
      outcome: this.#outcome,
      tookMs: this.#options.clock.now() - this.#startedMs,
      flushed: { messages: now.messagesOut - before.messagesOut, bytes: now.bytesOut - before.bytesOut },
      answered: {
        ours: now.answeredOurs - before.answeredOurs,
        theirs: now.answeredTheirs - before.answeredTheirs,
      },
      abandoned: this.#left ?? NOTHING,
      cause,
    };
  }

  readonly #aborted = (): void => this.#stop('aborted');

  #stop(outcome: 'flushed' | 'deadline' | 'aborted'): void {
    if (this.#left !== undefined) return;
    this.#outcome = outcome;
    this.#left = this.#options.load();
    const { ours, theirs, messages } = this.#left;
    this.#options.finish(
      outcome === 'flushed'
        ? ''
        : ` (${outcome}: ${ours} requests of ours, ${theirs} of the peer's and ${messages} messages are left)`,
    );
  }
}

const NOTHING: DrainLoad = { ours: 0, theirs: 0, messages: 0 };

/** Of a session that had nothing to drain: it was not active, or was closed at once. */
export function undrained(cause: CloseCause, abandoned: DrainLoad = NOTHING): DrainReport {
  return {
    outcome: 'ended',
    tookMs: 0,
    flushed: { messages: 0, bytes: 0 },
    answered: { ours: 0, theirs: 0 },
    abandoned,
    cause,
  };
}
