import { sameBytes } from '../../codec/index.js';
import type { Hasher } from '../../eth/index.js';
import { type Clock, Listeners, type Logger } from '../../runtime/index.js';
import type { ChainRange } from '../backend.js';
import type { HashedHeader } from '../verify.js';
import { CanonicalIndex } from './canonical.js';
import { findEarliest } from './earliest.js';
import { followHead } from './follow.js';
import type { Connected } from './line.js';
import { HeaderWindow } from './window.js';

/** How often it is asked where the contents of blocks begin: they go as blocks come. */
const EARLIEST_EVERY_MS = 30_000;
/** And so soon after something was not there. */
const MISS_MS = 500;

export interface UpstreamHeadOptions {
  readonly genesis: HashedHeader;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Which blocks the upstream has, as far as that is known and verified: what range and announcements are made of. */
export class UpstreamHead {
  readonly window: HeaderWindow;
  readonly index: CanonicalIndex = new CanonicalIndex();
  readonly #options: UpstreamHeadOptions;
  readonly #listeners: Listeners<ChainRange>;
  /** Undefined until the upstream was asked. */
  #earliest: bigint | undefined;
  #earliestDueMs = 0;
  #told: ChainRange;
  #looking: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #stirred = false;

  constructor(options: UpstreamHeadOptions) {
    this.#options = options;
    this.#listeners = new Listeners((error) =>
      options.logger.error({ error }, 'a listener of the chain failed'),
    );
    this.window = new HeaderWindow(options.genesis);
    this.#told = this.range();
  }

  /** Of contents that were not asked for yet nothing is said: the range is the head alone then. */
  range(): ChainRange {
    const { hash, header } = this.window.head;
    const known = this.#earliest ?? header.number;
    const earliest = known < header.number ? known : header.number;
    return { earliest, latest: header.number, latestHash: hash, latestTime: header.timestamp };
  }

  subscribe(listener: (range: ChainRange) => void): () => void {
    return this.#listeners.add(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.wake();
  }

  /** Something is said to have changed: the rest ends, or the next one does not begin. */
  wake(): void {
    this.#stirred = true;
    this.#wake?.();
  }

  /** Contents that should be there are not. The next look asks for them, however many miss them. */
  missed(): void {
    this.#earliestDueMs = Math.min(this.#earliestDueMs, this.#options.clock.now() + MISS_MS);
  }

  /** Resolves when it is woken, or after so long. */
  rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#stirred = false;
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#options.clock.timer(this.#stirred ? 0 : ms, end);
      this.#wake = end;
    });
  }

  /** One look at a time; who comes meanwhile gets the one that is under way. */
  look(link: Connected): Promise<void> {
    this.#looking ??= this.#look(link).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** At the next look everything is asked for: the upstream may be another one now. */
  forget(): void {
    this.#earliestDueMs = 0;
  }

  /** A look at everything that begins now: one that is under way may have begun before what the caller knows of. */
  async lookAnew(link: Connected): Promise<void> {
    await this.#looking;
    this.#earliestDueMs = 0;
    await this.look(link);
  }

  async #look({ source }: Connected): Promise<void> {
    const { hasher, clock, genesis, logger } = this.#options;
    const followed = await followHead(source, this.window, { hasher, genesisHash: genesis.hash });
    if (followed.kind === 'unclear') {
      logger.debug({ event: 'upstream.unclear', says: followed.says }, `upstream: ${followed.says}`);
      return;
    }
    // above the window nothing is in the index, so only a whole new window can make it wrong
    if (followed.kind === 'moved' && followed.kept === undefined) this.index.clear();
    const nowMs = clock.now();
    if (nowMs >= this.#earliestDueMs) {
      const probe = async (number: bigint): Promise<boolean | undefined> => {
        const has = await source.hasContents(number);
        return has === 'unreached' ? undefined : has !== 'none';
      };
      const earliest = await findEarliest(probe, this.window.head.header.number, this.#earliest ?? 0n);
      if (earliest !== undefined) {
        this.#earliest = earliest;
        this.#earliestDueMs = nowMs + EARLIEST_EVERY_MS;
      }
    }
    this.#tell();
  }

  #tell(): void {
    const range = this.range();
    const { earliest, latestHash } = this.#told;
    if (range.earliest === earliest && sameBytes(range.latestHash, latestHash)) return;
    this.#told = range;
    this.#listeners.tell(range);
  }
}
