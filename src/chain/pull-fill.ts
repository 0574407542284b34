import { setMaxListeners } from 'node:events';
import type { Hasher } from '../eth/index.js';
import type { Clock } from '../runtime/index.js';
import { Breather } from './breathe.js';
import { throwIfAborted } from './errors.js';
import { type Matched, matchAccessLists, matchBodies, matchReceipts } from './pull-answers.js';
import type { Segment } from './pull-headers.js';
import type { Asked, PartKind, PeerBook, PullPeer } from './pull-peers.js';
import { blockBytes, PART_KINDS, type PlannedBlock, SegmentPlan } from './pull-plan.js';
import type { ChainStore } from './store.js';
import { type CompleteBlock, emptyRoots, type HashedHeader } from './verify.js';

export interface FillOptions {
  /** Of the blocks that are to be filled, in the order in which they are to be kept. */
  readonly headers: readonly HashedHeader[];
  readonly kinds: readonly PartKind[];
  /** What a block can do without, when nobody has it. Who has none of it is not to blame. */
  readonly optional: ReadonlySet<PartKind>;
  readonly book: PeerBook;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Blocks to be kept at once; fewer where they are large or come slowly. */
  readonly batchBlocks: number;
  /** Nothing is kept before the block of this number is at hand: the new chain of a reorganisation. */
  readonly holdUntil: bigint;
  /** Keeps a batch. What it throws ends the filling. */
  readonly keep: (blocks: readonly PlannedBlock[]) => Promise<void>;
}

export interface FillSegmentOptions
  extends Pick<FillOptions, 'book' | 'hasher' | 'clock' | 'signal' | 'batchBlocks'> {
  readonly segment: Segment;
  readonly store: ChainStore;
  /** Told of every batch that has been stored. */
  readonly stored: (blocks: readonly CompleteBlock[]) => void;
}

/** `stuck`: nobody who is left has what is missing. `false`: the headers contradict what they name. */
export type FillResult =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'stuck' | 'false'; readonly says: string };

/** Most blocks in one request (geth asks for so many). */
const MAX_AMOUNTS: Readonly<Record<PartKind, number>> = { body: 128, receipts: 256, accessList: 128 };
const MIN_AMOUNT = 4;
/** Blocks beyond the last stored one that may be asked for, and bytes of them that are held. */
const WINDOW_BLOCKS = 2_048;
const BUFFERED_BYTES = 64 * 1024 * 1024;
/** A batch for the store goes there at so many bytes, or so long after the last one, whatever blocks there are. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_MS = 1_000;
/** geth announces its range every 32 blocks, so a peer may well have a little more than it said. */
export const RANGE_SLACK: bigint = 64n;

const OPTIONAL: ReadonlySet<PartKind> = new Set<PartKind>(['accessList']);
/** Who has answered so often that it has none of what can be done without is not asked for more of it. */
const EMPTY_ANSWERS = 2;

/** Fetches the contents of a run of blocks from all peers at once, and stores them in order. */
export function fillSegment(options: FillSegmentOptions): Promise<FillResult> {
  const { segment, store, stored } = options;
  const { ancestor, headers } = segment;
  const head = store.head.header.number;
  const number = ancestor.header.number;
  let first = true;
  const keep = async (planned: readonly PlannedBlock[]): Promise<void> => {
    const blocks = planned.map(completeBlock);
    await store.append(blocks, first ? { rollbackTo: number } : {});
    first = false;
    stored(blocks);
  };
  const holdUntil = number < head ? head + 1n : 0n;
  return fillBlocks({ ...options, headers, kinds: PART_KINDS, optional: OPTIONAL, holdUntil, keep });
}

/** Fetches parts of blocks from all peers at once. */
export async function fillBlocks(options: FillOptions): Promise<FillResult> {
  const fill = new SegmentFill(options);
  try {
    return await fill.run();
  } finally {
    await fill.close();
  }
}

class SegmentFill {
  readonly #options: FillOptions;
  readonly #plan: SegmentPlan;
  /** What a peer answered that it has not got, by position. */
  readonly #lacking = new Map<PullPeer, Record<PartKind, Set<number>>>();
  /** Ends with the fill: requests under way are called off. */
  readonly #over = new AbortController();
  readonly #stop: () => void;
  #asking = 0;
  #storing: Promise<void> | undefined;
  #storedAtMs: number;
  #failure: { readonly error: unknown } | undefined;
  #falseChain: string | undefined;
  /** Answers without anything of what can be done without. */
  readonly #emptyAnswers = new Map<PullPeer, number>();

  constructor(options: FillOptions) {
    const { headers, kinds, hasher, clock, signal } = options;
    this.#options = options;
    const limits = { windowBlocks: WINDOW_BLOCKS, bufferedBytes: BUFFERED_BYTES };
    this.#plan = new SegmentPlan(headers, emptyRoots(hasher), limits, kinds);
    this.#storedAtMs = clock.now();
    this.#stop = () => this.#over.abort();
    setMaxListeners(0, this.#over.signal); // each request listens, three at once per peer: not the leak Node would warn of
    signal.addEventListener('abort', this.#stop);
    if (signal.aborted) this.#stop();
  }

  async run(): Promise<FillResult> {
    const { book, signal } = this.#options;
    for (;;) {
      throwIfAborted(signal, 'pull');
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#falseChain !== undefined) return { outcome: 'false', says: this.#falseChain };
      this.#doWithout();
      this.#startRequests();
      this.#startStoring();
      if (this.#plan.done) return { outcome: 'done' };
      if (this.#asking === 0 && this.#storing === undefined && !this.#canGoOn()) {
        return {
          outcome: 'stuck',
          says: `nobody has all of block ${this.#header(this.#plan.gap).header.number}`,
        };
      }
      await book.wait();
    }
  }

  /** Calls off what is under way, and waits for the store. */
  async close(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#stop);
    this.#over.abort();
    await this.#storing;
  }

  #header(at: number): HashedHeader {
    const header = this.#options.headers[at];
    if (header === undefined) throw new RangeError(`no block at ${at}`);
    return header;
  }

  /** Some parts are worth having, not worth waiting for: the first block that waits for nothing else goes on without. */
  #doWithout(): void {
    while (!this.#plan.done && this.#plan.gap < this.#options.headers.length) {
      const at = this.#plan.gap;
      for (const kind of this.#options.optional) {
        if (!this.#plan.isMissing(kind, at) || this.#someoneMayHave(kind, at)) continue;
        this.#plan.put(kind, at, undefined);
      }
      if (this.#plan.gap === at) return; // it waits for more than that
    }
  }

  #startRequests(): void {
    for (const entry of this.#options.book.all()) {
      if (entry.resting) continue;
      for (const kind of PART_KINDS) {
        if (entry.busy.has(kind)) continue;
        const positions = this.#plan.assign(kind, entry.amounts[kind], (at) =>
          this.#mayHave(entry, kind, at),
        );
        if (positions.length > 0) this.#fetch(entry, kind, positions);
      }
    }
  }

  #fetch(entry: PullPeer, kind: PartKind, positions: readonly number[]): void {
    entry.busy.add(kind);
    this.#asking++;
    const asked = positions.map((at) => this.#header(at));
    this.#ask(entry, kind, asked)
      .then((matched) => this.#settle(entry, kind, positions, matched))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        for (const at of positions) this.#plan.giveBack(kind, at);
        entry.busy.delete(kind);
        this.#asking--;
        this.#options.book.notify();
      });
  }

  /** @returns undefined where no answer came */
  async #ask(entry: PullPeer, kind: PartKind, asked: readonly HashedHeader[]): Promise<Matched | undefined> {
    const { hasher, clock } = this.#options;
    const { peer } = entry;
    const signal = this.#over.signal;
    const breather = new Breather(clock, undefined, 1);
    const hashes = asked.map(({ hash }) => hash);
    if (kind === 'body') {
      const answer = taken(entry, kind, await entry.ask(signal, (o) => peer.bodies(hashes, o)));
      return answer && matchBodies(asked, answer, hasher, breather);
    }
    if (kind === 'receipts') {
      const answer = taken(entry, kind, await entry.ask(signal, (o) => peer.receipts(hashes, o)));
      return answer && matchReceipts(asked, answer, hasher, breather);
    }
    const lists = await entry.ask(signal, async (o) => (await peer.accessLists?.(hashes, o)) ?? []);
    const answer = taken(entry, kind, lists);
    return answer && matchAccessLists(asked, answer, hasher, breather);
  }

  #settle(entry: PullPeer, kind: PartKind, positions: readonly number[], matched: Matched | undefined): void {
    const { book } = this.#options;
    if (matched === undefined || this.#over.signal.aborted || !book.has(entry)) return;
    if (matched.fault !== undefined) {
      book.expel(entry, matched.fault);
      return;
    }
    this.#falseChain ??= matched.falseChain;
    let got = 0;
    const here = new Set<number>();
    for (const [position, bytes] of matched.found) {
      const at = positions[position];
      if (at === undefined || bytes === undefined) continue;
      this.#plan.put(kind, at, bytes);
      here.add(at);
      got++;
    }
    // Before the last one that came, what is missing was left out. After it the answer may just have been full.
    const last = matched.found.at(-1)?.[0] ?? -1;
    const lacking = this.#lacks(entry, kind);
    positions.forEach((at, position) => {
      if (!here.has(at) && (position <= last || last === -1)) lacking.add(at);
    });
    if (got > 0) entry.succeeded();
    else if (this.#options.optional.has(kind))
      this.#emptyAnswers.set(entry, (this.#emptyAnswers.get(entry) ?? 0) + 1);
    else entry.failed(`nothing of ${positions.length} blocks that it should have`);
    if (got < positions.length) entry.amounts[kind] = Math.max(MIN_AMOUNT, got);
    else entry.amounts[kind] = Math.min(MAX_AMOUNTS[kind], Math.max(entry.amounts[kind], 2 * got));
  }

  #lacks(entry: PullPeer, kind: PartKind): Set<number> {
    let lacking = this.#lacking.get(entry);
    if (lacking === undefined) {
      lacking = { body: new Set(), receipts: new Set(), accessList: new Set() };
      this.#lacking.set(entry, lacking);
    }
    return lacking[kind];
  }

  #mayHave(entry: PullPeer, kind: PartKind, at: number): boolean {
    if (kind === 'accessList' && entry.peer.accessLists === undefined) return false;
    if (kind === 'receipts' && (this.#emptyAnswers.get(entry) ?? 0) >= EMPTY_ANSWERS) return false;
    if (this.#lacking.get(entry)?.[kind].has(at)) return false;
    const range = entry.peer.range();
    if (range === undefined) return true;
    const { number } = this.#header(at).header;
    return number >= range.earliest && number <= range.latest + RANGE_SLACK;
  }

  /** Of those who take part; who only rests counts. */
  #someoneMayHave(kind: PartKind, at: number): boolean {
    return this.#options.book.all().some((entry) => !entry.benched && this.#mayHave(entry, kind, at));
  }

  #canGoOn(): boolean {
    const at = this.#plan.gap;
    if (at >= this.#options.headers.length) return true;
    return PART_KINDS.every((kind) => !this.#plan.isMissing(kind, at) || this.#someoneMayHave(kind, at));
  }

  #startStoring(): void {
    if (this.#storing !== undefined) return;
    const blocks = this.#batch();
    if (blocks.length === 0) return;
    this.#storing = this.#keep(blocks)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#storing = undefined;
        this.#options.book.notify();
      });
  }

  /** The blocks to be stored now; none where it is worth waiting for more. */
  #batch(): readonly PlannedBlock[] {
    const { headers, holdUntil, clock, batchBlocks } = this.#options;
    const plan = this.#plan;
    const whole = plan.gap === headers.length;
    const waited = clock.now() - this.#storedAtMs >= BATCH_MS;
    const crowded = plan.bufferedBytes >= BUFFERED_BYTES || plan.gap - plan.stored >= WINDOW_BLOCKS;
    if (plan.stored === 0 && holdUntil > 0n) {
      const top = headers[plan.gap - 1]?.header.number ?? 0n;
      return whole || crowded || top >= holdUntil ? plan.ready(WINDOW_BLOCKS, BUFFERED_BYTES) : [];
    }
    const blocks = plan.ready(batchBlocks, BATCH_BYTES);
    if (whole || waited || crowded || blocks.length >= batchBlocks) return blocks;
    let bytes = 0;
    for (const block of blocks) bytes += blockBytes(block);
    return bytes >= BATCH_BYTES ? blocks : [];
  }

  async #keep(blocks: readonly PlannedBlock[]): Promise<void> {
    await this.#options.keep(blocks);
    this.#plan.taken(blocks.length);
    this.#storedAtMs = this.#options.clock.now();
  }
}

function completeBlock({ header, body, receipts, accessList }: PlannedBlock): CompleteBlock {
  if (body !== undefined && receipts !== undefined) return { header, body, receipts, accessList };
  throw new RangeError(`block ${header.header.number} is not whole`);
}

function taken<T>(entry: PullPeer, kind: PartKind, asked: Asked<T>): T | undefined {
  if (asked.outcome === 'answered') return asked.answer;
  if (asked.outcome === 'failed') {
    entry.failed(asked.says);
    entry.amounts[kind] = Math.max(MIN_AMOUNT, entry.amounts[kind] >> 1);
  }
  return undefined;
}
