import { sameBytes } from '../codec/index.js';
import type { Hasher } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import { silentLogger } from '../runtime/index.js';
import { ChainError, throwIfAborted } from './errors.js';
import { type ChainConflict, Conflicts } from './pull-conflicts.js';
import { fillSegment } from './pull-fill.js';
import { type Course, type Goal, openCourse, pinnedCourse } from './pull-goal.js';
import { type Segment, walkBack } from './pull-headers.js';
import { type ChainPeer, faultOf, PeerBook, type PullPeer } from './pull-peers.js';
import { blockBytes } from './pull-plan.js';
import { ReceiptsBackfill, type ReceiptsProgress } from './pull-receipts.js';
import type { ChainStore } from './store.js';
import { type CompleteBlock, readHeader } from './verify.js';

export interface PullerOptions {
  readonly store: ChainStore;
  readonly clock: Clock;
  readonly hasher: Hasher;
  /**
   * Where to end: a number, or the hash of a block that the chain must lead to. By default at the latest block that the
   * best trusted peers announce.
   */
  readonly target?: bigint | Uint8Array;
  /** Blocks that are stored at once, in one synced step: 256 by default. What is not stored yet is fetched again after a crash. */
  readonly batchBlocks?: number;
  /** Blocks whose headers are fetched and proven before their contents: 8,192 by default, some 5 MB. */
  readonly segmentBlocks?: number;
  readonly logger?: Logger;
  /** Told after every batch that has been stored. */
  readonly onProgress?: (progress: PullProgress) => void;
  /** Told whenever receipts have been stored that an earlier import had to leave out. */
  readonly onReceipts?: (progress: ReceiptsProgress) => void;
}

export interface PullRunOptions {
  readonly signal?: AbortSignal;
  /** Does not end at the target, but goes on as peers announce more. */
  readonly follow?: boolean;
  /** Gives up after so long without anything new from anyone. By default it waits until it is called off. */
  readonly patienceMs?: number;
}

export interface PullProgress {
  readonly head: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Where it is going, as far as is known. */
  readonly target: bigint | undefined;
  /** Stored since the run began. */
  readonly blocks: number;
  /** Of those blocks: headers, bodies, receipts, access lists. */
  readonly bytes: number;
  /** That take part now. */
  readonly peers: number;
}

export interface PullResult {
  /** Of the stored chain; with a target that of the target, though more may be stored. */
  readonly head: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly blocks: number;
  readonly bytes: number;
  readonly ms: number;
  /** How often stored blocks gave way to others. */
  readonly reorganisations: number;
  /** Blocks that were stored before without their receipts, and have them now. */
  readonly receiptsFilled: number;
  /** Blocks that still lack theirs: nobody had them. */
  readonly receiptsMissing: number;
  readonly conflicts: readonly ChainConflict[];
}

const BATCH_BLOCKS = 256;
const SEGMENT_BLOCKS = 8_192;
/**
 * While following, so often somebody is asked for more: geth announces its range every 32 blocks only, and eth/68 never.
 * About the time between two blocks.
 */
const LOOK_MS = 12_000;
/** Headers to ask a peer for that does not tell what it has. */
const PROBE_HEADERS = 192n;

/**
 * Fills a store from peers: finds the chain to take, walks its headers back to what is stored, fetches the contents from all
 * peers at once, and stores whole, verified blocks in order. Receipts that stored blocks lack are fetched thereafter. What a peer says is proven by hashes or not used, and a peer
 * that says what cannot be true is out.
 *
 * Without consensus, a chain that is false but agrees with itself cannot be told from a true one. A hash as target pins the
 * chain; otherwise better trusted peers win, and who contradicts them is reported.
 */
export class ChainPuller {
  readonly #options: PullerOptions;
  readonly #logger: Logger;
  readonly #book: PeerBook;
  readonly #segmentBlocks: bigint;
  readonly #conflicts: Conflicts;
  /** On the way to a pinned hash. */
  readonly #checkpoints = new Map<bigint, Uint8Array>();
  #targetNumber: bigint | undefined;
  #receipts: ReceiptsBackfill;
  #blocks = 0;
  #bytes = 0;
  #reorganisations = 0;
  #running = false;
  /** Times that it has looked beyond what was announced. */
  #looks = 0;
  /** The last reason why nothing came of an attempt. */
  #trouble = 'no peer has said what it has';

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#segmentBlocks = BigInt(options.segmentBlocks ?? SEGMENT_BLOCKS);
    this.#logger = options.logger ?? silentLogger;
    this.#conflicts = new Conflicts(this.#logger);
    this.#book = new PeerBook(options.clock, this.#logger);
    this.#receipts = this.#backfill();
  }

  addPeer(peer: ChainPeer): void {
    this.#book.add(peer);
  }

  /** It is not asked any more. Peers whose session ends go by themselves. */
  removePeer(peer: ChainPeer): void {
    this.#book.remove(peer);
  }

  /** Some peer has announced another range. */
  peerRangeChanged(): void {
    for (const entry of this.#book.all()) entry.emptyBeyond = undefined;
    this.#book.notify();
  }

  /**
   * Pulls until the target is stored, or until it is called off. Whatever the end: what was stored stays, and the next run
   * goes on from there.
   * @throws ChainError ERR_CHAIN_ABORTED, ERR_CHAIN_NO_PEERS (out of patience), ERR_CHAIN_TARGET (what the pinned hash stands
   * on cannot be taken); and what the store throws
   */
  async run(options: PullRunOptions = {}): Promise<PullResult> {
    if (this.#running) throw new ChainError('ERR_CHAIN_TARGET', 'pull: it is running already');
    const { clock } = this.#options;
    const signal = options.signal ?? new AbortController().signal;
    const wake = (): void => this.#book.notify();
    const began = clock.now();
    this.#begin();
    signal.addEventListener('abort', wake);
    try {
      const end = await this.#pull(options, signal);
      return {
        ...end,
        blocks: this.#blocks,
        bytes: this.#bytes,
        ms: clock.now() - began,
        reorganisations: this.#reorganisations,
        receiptsFilled: this.#receipts.filled,
        receiptsMissing: this.#options.store.receiptsMissing,
        conflicts: this.#conflicts.all(),
      };
    } finally {
      signal.removeEventListener('abort', wake);
      this.#running = false;
    }
  }

  #begin(): void {
    const { target } = this.#options;
    this.#running = true;
    this.#blocks = 0;
    this.#bytes = 0;
    this.#reorganisations = 0;
    this.#conflicts.clear();
    this.#receipts = this.#backfill();
    this.#targetNumber = typeof target === 'bigint' ? target : undefined;
  }

  async #pull(options: PullRunOptions, signal: AbortSignal): Promise<{ head: bigint; hash: Uint8Array }> {
    const { clock } = this.#options;
    let progressAtMs = clock.now();
    let lookedAtMs = clock.now();
    for (;;) {
      throwIfAborted(signal, 'pull');
      const before = this.#blocks;
      let course = await this.#course();
      if (typeof course === 'string' && this.#receipts.due) {
        const came = await this.#receipts.round(signal);
        if (came === 'filled') progressAtMs = clock.now();
        if (came !== 'nobody') continue;
        course = 'wait';
      }
      if (course === 'reached' && options.follow !== true) return this.#end();
      if (typeof course === 'object') {
        await this.#pursue(course, signal);
        if (this.#blocks > before) progressAtMs = clock.now();
        continue;
      }
      if (course === 'reached') {
        progressAtMs = clock.now();
        await this.#book.wait(Math.max(0, lookedAtMs + LOOK_MS - clock.now()));
        if (clock.now() - lookedAtMs < LOOK_MS) continue;
        lookedAtMs = clock.now();
        await this.#lookBeyond(signal);
        continue;
      }
      const leftMs = progressAtMs + (options.patienceMs ?? Number.POSITIVE_INFINITY) - clock.now();
      if (leftMs <= 0)
        throw new ChainError('ERR_CHAIN_NO_PEERS', `pull: nobody could help: ${this.#trouble}`);
      await this.#book.wait(leftMs);
    }
  }

  #backfill(): ReceiptsBackfill {
    const { store, hasher, clock, batchBlocks = BATCH_BLOCKS, onReceipts } = this.#options;
    const shared = { store, hasher, clock, batchBlocks, onReceipts };
    return new ReceiptsBackfill({ ...shared, book: this.#book, logger: this.#logger });
  }

  /** Asks the next peer in turn for what comes after our head, whatever it has announced. */
  async #lookBeyond(signal: AbortSignal): Promise<void> {
    if (this.#options.target !== undefined) return;
    const peers = this.#askable(undefined).filter((entry) => entry.refused === undefined);
    const leader = peers[this.#looks++ % Math.max(1, peers.length)];
    if (leader !== undefined) await this.#pursue({ kind: 'probe', leader, upTo: undefined }, signal);
  }

  #course(): Promise<Course> {
    const { store, target } = this.#options;
    if (target instanceof Uint8Array) return pinnedCourse(store, this.#book, target, this.#checkpoints);
    return openCourse(store, this.#book, target, this.#segmentBlocks, (entry, number, theirs, taken) =>
      this.#conflicts.report(entry, number, theirs, taken),
    );
  }

  async #end(): Promise<{ head: bigint; hash: Uint8Array }> {
    const { store, target } = this.#options;
    const { hash, header } = store.head;
    if (target === undefined) return { head: header.number, hash };
    const number = typeof target === 'bigint' ? target : await store.numberOf(target);
    const at = number ?? header.number;
    return { head: at, hash: (await store.hashOf(at)) ?? hash };
  }

  /** Takes the run of blocks that ends there. That nothing comes of it is held against whoever led there. */
  async #pursue(goal: Goal, signal: AbortSignal): Promise<void> {
    const leader = goal.kind === 'pinned' ? undefined : goal.leader;
    const end = await this.#resolve(goal, signal);
    if (end === undefined) return;
    const { store, hasher, clock, batchBlocks = BATCH_BLOCKS } = this.#options;
    const shared = { store, hasher, clock, signal, book: this.#book };
    const walked = await walkBack({
      ...shared,
      from: end.hash,
      number: end.number,
      segmentBlocks: this.#segmentBlocks,
      peers: this.#askable(leader),
      ...(leader === undefined ? { checkpoints: this.#checkpoints } : {}),
    });
    throwIfAborted(signal, 'pull');
    if (walked.outcome !== 'segment') {
      this.#nothingCame(walked.outcome, walked.says, leader);
      return;
    }
    const { segment } = walked;
    this.#aim(walked.end, leader);
    if (this.#contradicted(segment, leader)) return;
    const filled = await fillSegment({ ...shared, segment, batchBlocks, stored: this.#counter(segment) });
    if (filled.outcome !== 'done') this.#nothingCame(filled.outcome, filled.says, leader);
  }

  /** The hash that the run ends in. @returns undefined where the leader did not tell */
  async #resolve(
    goal: Goal,
    signal: AbortSignal,
  ): Promise<{ readonly hash: Uint8Array; readonly number: bigint | undefined } | undefined> {
    if (goal.kind === 'pinned' || goal.kind === 'announced') return goal;
    const { leader } = goal;
    const head = this.#options.store.head;
    const origin = goal.kind === 'numbered' ? goal.number : head.header.number + 1n;
    const most = goal.kind === 'numbered' ? 1n : (goal.upTo ?? origin + PROBE_HEADERS) - origin + 1n;
    const amount = Number(most < PROBE_HEADERS ? most : PROBE_HEADERS);
    const query = { origin, amount, skip: 0n, reverse: false };
    const asked = await leader.ask(signal, (o) => leader.peer.headers(query, o));
    if (asked.outcome === 'failed') this.#failed(leader, asked.says);
    if (asked.outcome !== 'answered') return undefined;
    const raw = asked.answer.at(-1);
    if (raw === undefined) {
      if (goal.kind === 'probe') leader.emptyBeyond = head.hash;
      else this.#failed(leader, `it has not block ${origin}, though it says so`);
      return undefined;
    }
    const number = origin + BigInt(asked.answer.length - 1);
    try {
      if (asked.answer.length > amount)
        throw new ChainError('ERR_CHAIN_HEADER', 'more headers than were asked for');
      const { hash, header } = readHeader(raw, this.#options.hasher);
      if (header.number === number) return { hash, number };
      throw new ChainError('ERR_CHAIN_HEADER', `block ${header.number} where block ${number} was asked for`);
    } catch (error) {
      this.#book.expel(leader, faultOf(error));
      return undefined;
    }
  }

  /** All who can be asked now, the leader first. */
  #askable(leader: PullPeer | undefined): PullPeer[] {
    const others = this.#book.all().filter((entry) => entry !== leader && !entry.resting);
    return leader === undefined ? others : [leader, ...others];
  }

  #aim(end: bigint, leader: PullPeer | undefined): void {
    if (typeof this.#options.target === 'bigint') return;
    if (leader !== undefined) this.#targetNumber = leader.peer.range()?.latest ?? end;
    else if (this.#targetNumber === undefined || end > this.#targetNumber) this.#targetNumber = end;
  }

  #nothingCame(
    outcome: 'unavailable' | 'false' | 'too-deep' | 'stuck',
    says: string,
    leader: PullPeer | undefined,
  ): void {
    this.#trouble = says;
    this.#logger.debug({ peer: leader?.peer.id, outcome, says }, 'pull: a run of blocks could not be taken');
    if (leader === undefined) {
      if (outcome === 'false' || outcome === 'too-deep') {
        throw new ChainError(
          'ERR_CHAIN_TARGET',
          `pull: the chain of the wanted block cannot be taken: ${says}`,
        );
      }
      // Nobody led here, so nobody is to blame, and all of them are asked again after a while.
      if (outcome === 'stuck') for (const entry of this.#askable(undefined)) entry.bench(says);
      return;
    }
    if (outcome === 'false') this.#book.expel(leader, says);
    else if (outcome !== 'unavailable') leader.bench(says);
  }

  #failed(leader: PullPeer, says: string): void {
    this.#trouble = says;
    leader.failed(says);
  }

  /** Whether somebody who is better trusted than the leader says that the chain goes otherwise. */
  #contradicted({ ancestor, headers }: Segment, leader: PullPeer | undefined): boolean {
    for (const entry of this.#book.all()) {
      const range = entry.peer.range();
      if (entry === leader || entry.benched || range === undefined) continue;
      const ours = headers[Number(range.latest - ancestor.header.number) - 1];
      if (ours === undefined || sameBytes(ours.hash, range.latestHash)) continue;
      if (leader === undefined || entry.rank >= leader.rank) {
        this.#conflicts.report(entry, range.latest, range.latestHash, ours.hash);
        continue;
      }
      this.#conflicts.report(leader, range.latest, ours.hash, range.latestHash);
      const announced = leader.peer.range()?.latestHash;
      if (announced === undefined) leader.bench('a better trusted peer contradicts it');
      else leader.refused = announced;
      return true;
    }
    return false;
  }

  /** Counts what is stored of a run, and tells of it. */
  #counter({ ancestor }: Segment): (blocks: readonly CompleteBlock[]) => void {
    const { store, onProgress } = this.#options;
    const from = store.head.header.number;
    let gaveWay = ancestor.header.number < from;
    return (blocks) => {
      if (gaveWay) {
        gaveWay = false;
        this.#reorganisations++;
        this.#logger.info(
          { from, to: store.head.header.number, ancestor: ancestor.header.number },
          'pull: the chain was reorganised',
        );
      }
      this.#blocks += blocks.length;
      for (const block of blocks) this.#bytes += blockBytes(block);
      onProgress?.({
        head: store.head.header.number,
        hash: store.head.hash,
        target: this.#targetNumber,
        blocks: this.#blocks,
        bytes: this.#bytes,
        peers: this.#book.all().filter((entry) => !entry.benched).length,
      });
    };
  }
}
