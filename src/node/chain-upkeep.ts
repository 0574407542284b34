import type { ChainStore } from '../chain/index.js';
import type { Hasher } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { Session, SessionManager } from '../session/index.js';
import type { Emitter } from './emitter.js';
import { ConfigError } from './errors.js';
import type { NodeEvents } from './events.js';
import { withKept } from './kept.js';
import { pause } from './pause.js';
import { type PullOptions, type PullOutcome, type PullProgress, pullFromSessions } from './pulling.js';

/** How long a pull that broke off rests: doubled each time, up to a limit. */
const FIRST_PULL_WAIT_MS = 5_000;
const MOST_PULL_WAIT_MS = 300_000;

export interface ChainUpkeepOptions {
  readonly sessions: SessionManager;
  /** Of a node whose chain comes from elsewhere there is none. @throws ConfigError */
  readonly store: () => ChainStore;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<NodeEvents>;
  /** A peer gave false data; its session ends. */
  readonly lied: (session: Session, says: string) => void;
  /** Aborted when the node ends. */
  readonly ending: AbortSignal;
}

/** What a node does to its store while it serves from it: fills it from peers, and drops what is old. One pull at a time. */
export class ChainUpkeep {
  readonly #options: ChainUpkeepOptions;
  #pull: Promise<unknown> | undefined;
  #pruning: Promise<void> | undefined;

  constructor(options: ChainUpkeepOptions) {
    this.#options = options;
  }

  get pulling(): boolean {
    return this.#pull !== undefined;
  }

  /** @throws ChainError; ConfigError where a pull is under way already */
  async pull(options: PullOptions): Promise<PullOutcome> {
    if (this.#pull !== undefined) {
      throw new ConfigError('ERR_CONFIG_VALUE', 'pull', 'this node is pulling already');
    }
    const { ending } = this.#options;
    const { signal = ending, ...more } = options;
    const pulled = this.#pullOnce({ ...more, signal: AbortSignal.any([signal, ending]) });
    this.#pull = pulled;
    try {
      return await pulled;
    } finally {
      this.#pull = undefined;
    }
  }

  /** Pulls for as long as the node runs. */
  follow(): void {
    this.#pull = this.#pullAgainAndAgain();
  }

  /** Brings a store down that was let grow; what comes later is dropped as new blocks come. */
  prune(keep: bigint): void {
    this.#pruning = this.#prune(keep);
  }

  /** Resolved when nothing is done to the store any more; `ending` has been aborted before. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([Promise.resolve(this.#pull).catch(() => undefined), this.#pruning]);
  }

  /** What ends a pull early, a full disk for one, may be mended meanwhile. */
  async #pullAgainAndAgain(): Promise<void> {
    const { clock, logger, store, ending: signal } = this.#options;
    for (let waitMs = FIRST_PULL_WAIT_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, MOST_PULL_WAIT_MS)) {
      const began = clock.now();
      try {
        await this.#pullOnce({ follow: true, signal });
      } catch (error) {
        if (signal.aborted) return;
        if (clock.now() - began > MOST_PULL_WAIT_MS) waitMs = FIRST_PULL_WAIT_MS; // it went well for long
        const cause = withKept(error, store());
        logger.error({ event: 'pull.failed', cause, waitMs }, `the pull has ended: ${String(cause)}`);
      }
      await pause(clock, waitMs, signal);
    }
  }

  async #pullOnce(options: PullOptions & { readonly signal: AbortSignal }): Promise<PullOutcome> {
    const { sessions, store, hasher, clock, logger, events, lied } = this.#options;
    return pullFromSessions({
      ...options,
      ...{ sessions, store: store(), hasher, clock, logger, lied },
      onProgress: (progress: PullProgress) => {
        options.onProgress?.(progress);
        events.emit('pull.progress', progress);
      },
      onDone: (outcome) => events.emit('pull.done', outcome),
    });
  }

  async #prune(keep: bigint): Promise<void> {
    const { store, logger, ending: signal } = this.#options;
    try {
      await store().prune(keep, { signal });
    } catch (error) {
      if (signal.aborted) return;
      const cause = withKept(error, store());
      logger.error({ event: 'prune.failed', cause }, `old blocks are not dropped: ${String(cause)}`);
    }
  }
}
