import type { Hasher } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import { fillBlocks, RANGE_SLACK } from './pull-fill.js';
import type { PartKind, PeerBook } from './pull-peers.js';
import type { PlannedBlock } from './pull-plan.js';
import type { ChainStore } from './store.js';
import { type BlockReceipts, type HashedHeader, readHeader } from './verify.js';

/** How far the receipts of stored blocks are, which an import had to leave out. */
export interface ReceiptsProgress {
  /** Blocks whose receipts came since the run began. */
  readonly filled: number;
  /** Blocks that still lack theirs. */
  readonly missing: number;
  /** Of the receipts that came. */
  readonly bytes: number;
}

export interface BackfillOptions {
  readonly store: ChainStore;
  readonly book: PeerBook;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly batchBlocks: number;
  readonly onReceipts: ((progress: ReceiptsProgress) => void) | undefined;
}

/** Blocks of one round: between two rounds new blocks have their turn. */
const ROUND_BLOCKS = 1_024;
/** What nobody had is asked for again after so long. */
const PASS_MS = 60_000;

/**
 * Fetches the receipts that stored blocks lack, from the head downwards: so the range that peers are told grows from its
 * useful end. Each is proven by the root in the stored header. What nobody has is passed over.
 */
export class ReceiptsBackfill {
  readonly #options: BackfillOptions;
  /** Blocks from here on have had their turn in this pass. */
  #below: bigint | undefined;
  #endedAtMs: number | undefined;
  #filled = 0;
  #bytes = 0;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** Blocks whose receipts have come. */
  get filled(): number {
    return this.#filled;
  }

  /** Whether receipts are missing that nobody was asked for yet, or not of late. */
  get due(): boolean {
    if (this.#options.store.receiptsMissing === 0) return false;
    return this.#endedAtMs === undefined || this.#options.clock.now() - this.#endedAtMs >= PASS_MS;
  }

  /** @returns what came of it; `nobody`: there is no peer to ask */
  async round(signal: AbortSignal): Promise<'filled' | 'over' | 'nobody'> {
    const { book, store, hasher, clock, logger, batchBlocks } = this.#options;
    const window = this.#window();
    if (window === undefined) return 'nobody';
    const numbers = await store.missingReceipts(ROUND_BLOCKS, window.below);
    const headers = await this.#headers(numbers.filter((number) => number >= window.from));
    if (headers.length === 0) return this.#over();
    const before = this.#filled;
    const result = await fillBlocks({
      ...{ headers, book, hasher, clock, signal, batchBlocks, holdUntil: 0n },
      kinds: RECEIPTS,
      optional: OPTIONAL,
      keep: (blocks) => this.#keep(blocks),
    });
    this.#below = numbers.at(-1);
    if (result.outcome === 'false')
      logger.error({ says: result.says }, 'pull: a stored block contradicts its own receipts');
    return result.outcome === 'false' || this.#filled === before ? this.#over() : 'filled';
  }

  /** Where those who can be asked say that they have blocks. */
  #window(): { readonly from: bigint; readonly below: bigint | undefined } | undefined {
    const peers = this.#options.book.all().filter((entry) => !entry.benched);
    if (peers.length === 0) return undefined;
    let from: bigint | undefined;
    let top = 0n;
    for (const { peer } of peers) {
      const range = peer.range();
      if (range === undefined) return { from: 0n, below: this.#below };
      if (from === undefined || range.earliest < from) from = range.earliest;
      if (range.latest > top) top = range.latest;
    }
    const reach = top + RANGE_SLACK + 1n;
    const below = this.#below === undefined || reach < this.#below ? reach : this.#below;
    return { from: from ?? 0n, below };
  }

  async #headers(numbers: readonly bigint[]): Promise<HashedHeader[]> {
    const { store, hasher } = this.#options;
    const raws = await Promise.all(numbers.map((number) => store.headerByNumber(number)));
    return raws.flatMap((raw) => (raw === undefined ? [] : [readHeader(raw, hasher)]));
  }

  async #keep(blocks: readonly PlannedBlock[]): Promise<void> {
    const { store, onReceipts } = this.#options;
    const came = blocks.filter(hasReceipts);
    if (came.length === 0) return;
    this.#filled += await store.fillReceipts(came);
    for (const { receipts } of came) this.#bytes += receipts.length;
    onReceipts?.({ filled: this.#filled, missing: store.receiptsMissing, bytes: this.#bytes });
  }

  #over(): 'over' {
    this.#below = undefined;
    this.#endedAtMs = this.#options.clock.now();
    return 'over';
  }
}

const RECEIPTS: readonly PartKind[] = ['receipts'];
const OPTIONAL: ReadonlySet<PartKind> = new Set(RECEIPTS);

function hasReceipts(block: PlannedBlock): block is PlannedBlock & BlockReceipts {
  return block.receipts !== undefined;
}
