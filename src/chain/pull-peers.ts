import type { BlockRange, HeadersQuery } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { ReadOptions } from './backend.js';
import { ChainError } from './errors.js';
import { Wake } from './wake.js';

/** Trusted peers win over static ones, and those over others, where they disagree about the chain. */
export type PeerTrust = 'trusted' | 'static' | 'other';

/**
 * A peer that blocks can be pulled from. Its answers are as they came: nothing of them is believed. A method rejects where
 * no answer came, and stops waiting when `signal` is aborted.
 */
export interface ChainPeer {
  /** For logs and reports. */
  readonly id: string;
  readonly trust: PeerTrust;
  readonly ethVersion: number;
  /** What it says it has; undefined where its version does not say. */
  range(): BlockRange | undefined;
  headers(query: HeadersQuery, options: ReadOptions): Promise<readonly Uint8Array[]>;
  bodies(hashes: readonly Uint8Array[], options: ReadOptions): Promise<readonly Uint8Array[]>;
  /** Whole blocks only, in the form of eth/69. */
  receipts(hashes: readonly Uint8Array[], options: ReadOptions): Promise<readonly Uint8Array[]>;
  /** There for peers whose version knows access lists. */
  accessLists?(
    hashes: readonly Uint8Array[],
    options: ReadOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** It said what cannot be true: to be disconnected. */
  misbehaved(says: string): void;
  /** Aborted when the session is over. */
  readonly gone: AbortSignal;
}

export type PartKind = 'body' | 'receipts' | 'accessList';

/** How an asking ended. Only `failed` is held against the peer. */
export type Asked<T> =
  | { readonly outcome: 'answered'; readonly answer: T }
  | { readonly outcome: 'failed'; readonly says: string }
  | { readonly outcome: 'gone' | 'stopped' };

/** A request without an answer is given up after this. Sessions have shorter, adaptive deadlines of their own. */
const REQUEST_DEADLINE_MS = 30_000;
/** After a failure a peer rests so long; twice that after the next one in a row… */
const FIRST_REST_MS = 500;
/** …and after so many in a row it takes no part for a while. */
const STRIKES = 5;
const BENCH_MS = 60_000;

const RANKS: Readonly<Record<PeerTrust, number>> = { trusted: 0, static: 1, other: 2 };

/** Smaller is better. */
export function trustRank(trust: PeerTrust): number {
  return RANKS[trust];
}

/** One peer as the pull sees it. */
export class PullPeer {
  readonly peer: ChainPeer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #strikes = 0;
  #restUntilMs = 0;
  #benched = false;
  /** Kinds that an answer is awaited of. */
  readonly busy: Set<PartKind> = new Set();
  /** How many blocks to ask for at once. */
  readonly amounts: Record<PartKind, number> = { body: 16, receipts: 16, accessList: 16 };
  /** Head that it had nothing beyond when it was asked; for peers that do not tell their range. */
  emptyBeyond: Uint8Array | undefined;
  /** Announced head that is not followed, since a better trusted peer contradicts it. */
  refused: Uint8Array | undefined;

  constructor(peer: ChainPeer, clock: Clock, logger: Logger) {
    this.peer = peer;
    this.#clock = clock;
    this.#logger = logger;
  }

  get rank(): number {
    return trustRank(this.peer.trust);
  }

  /** Takes no part for now, and is not waited for. */
  get benched(): boolean {
    return this.#benched && this.resting;
  }

  /** May not be asked now. */
  get resting(): boolean {
    return this.restMs > 0;
  }

  /** How long it still rests; 0 or less where it does not. */
  get restMs(): number {
    return this.#restUntilMs - this.#clock.now();
  }

  succeeded(): void {
    this.#strikes = 0;
    this.#benched = false;
  }

  /** No answer, or an empty one where there should have been something. */
  failed(says: string): void {
    this.#strikes++;
    this.#benched = this.#strikes >= STRIKES;
    if (this.#benched) this.bench(says);
    else this.#restFor(FIRST_REST_MS * 2 ** (this.#strikes - 1));
  }

  /** Leaves it out for a minute: it is of no use at present, though it did nothing wrong that could be proven. */
  bench(says: string): void {
    this.#logger.info({ peer: this.peer.id, says }, 'pull: a peer is left out for a minute');
    this.#strikes = 0;
    this.#benched = true;
    this.#restFor(BENCH_MS);
  }

  /** Asks the peer, under a deadline. Never rejects. */
  ask<T>(signal: AbortSignal, request: (options: ReadOptions) => Promise<T>): Promise<Asked<T>> {
    return new Promise((resolve) => {
      const calledOff = new AbortController();
      const settle = (asked: Asked<T>): void => {
        timer.cancel();
        signal.removeEventListener('abort', stop);
        this.peer.gone.removeEventListener('abort', leave);
        resolve(asked);
        calledOff.abort();
      };
      const stop = (): void => settle({ outcome: 'stopped' });
      const leave = (): void => settle({ outcome: 'gone' });
      const timer = this.#clock.timer(REQUEST_DEADLINE_MS, () =>
        settle({ outcome: 'failed', says: `no answer within ${REQUEST_DEADLINE_MS / 1000} s` }),
      );
      if (signal.aborted) return stop();
      if (this.peer.gone.aborted) return leave();
      signal.addEventListener('abort', stop);
      this.peer.gone.addEventListener('abort', leave);
      const begin = async (): Promise<void> => {
        try {
          settle({ outcome: 'answered', answer: await request({ signal: calledOff.signal }) });
        } catch (error) {
          settle({ outcome: 'failed', says: error instanceof Error ? error.message : String(error) });
        }
      };
      void begin();
    });
  }

  #restFor(ms: number): void {
    this.#restUntilMs = this.#clock.now() + ms;
  }
}

/** The peers of a pull. */
export class PeerBook {
  readonly #wake = new Wake();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #peers = new Map<ChainPeer, { readonly entry: PullPeer; readonly leave: () => void }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  add(peer: ChainPeer): void {
    if (this.#peers.has(peer) || peer.gone.aborted) return;
    const leave = (): void => this.remove(peer);
    peer.gone.addEventListener('abort', leave);
    this.#peers.set(peer, { entry: new PullPeer(peer, this.#clock, this.#logger), leave });
    this.#wake.notify();
  }

  remove(peer: ChainPeer): void {
    const known = this.#peers.get(peer);
    if (known === undefined) return;
    peer.gone.removeEventListener('abort', known.leave);
    this.#peers.delete(peer);
    this.#wake.notify();
  }

  has(entry: PullPeer): boolean {
    return this.#peers.get(entry.peer)?.entry === entry;
  }

  /** Proven wrong: out of the pull, and to be disconnected. */
  expel(entry: PullPeer, says: string): void {
    if (!this.has(entry)) return;
    this.#logger.warn({ peer: entry.peer.id, says }, 'pull: a peer sent what cannot be true');
    this.remove(entry.peer);
    entry.peer.misbehaved(says);
  }

  /** Best trusted first, then the longest chain, then by name, so that the order is always the same. */
  all(): PullPeer[] {
    return [...this.#peers.values()].map(({ entry }) => entry).sort(compare);
  }

  /** Something happened that the pull should look at. */
  notify(): void {
    this.#wake.notify();
  }

  /** Sleeps until something happened, a peer has rested enough, or `ms` have passed. */
  async wait(ms: number = Number.POSITIVE_INFINITY): Promise<void> {
    let soonest = ms;
    for (const { entry } of this.#peers.values())
      if (entry.resting) soonest = Math.min(soonest, entry.restMs);
    const timer =
      soonest < Number.POSITIVE_INFINITY ? this.#clock.timer(soonest, () => this.#wake.notify()) : undefined;
    await this.#wake.wait();
    timer?.cancel();
  }
}

function compare(a: PullPeer, b: PullPeer): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  const latestOfA = a.peer.range()?.latest ?? -1n;
  const latestOfB = b.peer.range()?.latest ?? -1n;
  if (latestOfA !== latestOfB) return latestOfA > latestOfB ? -1 : 1;
  return a.peer.id < b.peer.id ? -1 : 1;
}

/** @returns the fault that a reading of a peer's bytes ended with. @throws whatever is no fault of the peer's */
export function faultOf(error: unknown): string {
  if (error instanceof ChainError) return error.message;
  throw error;
}
