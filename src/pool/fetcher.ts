import type { Clock, Timer } from '../runtime/index.js';
import type { Announced } from './announcements.js';
import { type Claim, type Delivered, faultIn, lie } from './delivery.js';
import {
  ANNOUNCER_BYTES,
  ARRIVAL_WAIT_MS,
  GATHER_MS,
  MAX_ASKED_BYTES,
  MAX_ASKED_HASHES,
  MAX_FETCHER_BYTES,
  MAX_PEER_ANNOUNCEMENTS,
  REST_MS,
  WANTED_BYTES,
} from './fetch-limits.js';
import { hashKey } from './hash-key.js';
import { BLOB_TYPE } from './transaction.js';

/** A transaction that somebody has and we want. */
interface Wanted {
  readonly key: string;
  readonly hash: Uint8Array;
  /** In the order in which they said so: who comes next when one fails. */
  readonly announcers: Map<string, Claim>;
  readonly dueAtMs: number;
  /** waiting: it may still come by itself. queued: nobody is asked. asked: somebody is. checking: it came and is looked at. */
  stage: 'waiting' | 'queued' | 'asked' | 'checking';
}

interface FetchPeer {
  /** Announced by it, in the order in which they came. */
  readonly announced: Set<Wanted>;
  /** What it was asked for last, by key, in the order asked. */
  asked: ReadonlyMap<string, Wanted> | undefined;
  rest: Timer | undefined;
}

export interface FetcherOptions {
  readonly clock: Pick<Clock, 'now' | 'timer'>;
  /** Whether the transaction is wanted: not in the pool, not refused lately. */
  readonly wants: (hash: Uint8Array) => boolean;
  /** Sends a request; `delivered` or `failed` tells what came of it, once, and not before this returns. */
  readonly ask: (peer: string, hashes: readonly Uint8Array[]) => void;
  /** The peer has lied or broken a rule; it is forgotten already. */
  readonly blame: (peer: string, says: string) => void;
  readonly maxBytes?: number;
}

/** What a fetcher has in hand, and what it counted. */
export interface FetcherGauges {
  readonly wanted: number;
  readonly bytes: number;
  readonly asking: number;
  /** Announcements that found no room. */
  readonly ignored: number;
  readonly requests: number;
  /** Requests that were not answered in time, or not at all. */
  readonly failed: number;
}

/**
 * Fetches what peers announce: each transaction once, from the next announcer when one fails or lies. It waits half a
 * second for a broadcast first, asks each peer for one thing at a time, and remembers a bounded number of bytes. No I/O:
 * announcements and answers come in by calls, requests and blame go out by the two functions of its options.
 */
export class TransactionFetcher {
  readonly #options: FetcherOptions;
  readonly #maxBytes: number;
  readonly #wanted = new Map<string, Wanted>();
  /** Of them, those that wait for a broadcast; the oldest first. */
  readonly #waiting = new Set<Wanted>();
  readonly #peers = new Map<string, FetchPeer>();
  #bytes = 0;
  #ignored = 0;
  #requests = 0;
  #failed = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_FETCHER_BYTES;
  }

  gauges(): FetcherGauges {
    let asking = 0;
    for (const { asked } of this.#peers.values()) if (asked !== undefined) asking++;
    return {
      wanted: this.#wanted.size,
      bytes: this.#bytes,
      asking,
      ignored: this.#ignored,
      requests: this.#requests,
      failed: this.#failed,
    };
  }

  /** How many announcements of this peer are remembered. */
  announcedBy(peer: string): number {
    return this.#peers.get(peer)?.announced.size ?? 0;
  }

  /** A peer says what it has. @param peer any name of the session @returns how many of them are remembered now */
  announced(peer: string, entries: readonly Announced[]): number {
    if (this.#closed) return 0;
    const state = this.#peer(peer);
    let taken = 0;
    for (const entry of entries) if (this.#take(peer, state, entry)) taken++;
    if (state.announced.size === 0 && state.asked === undefined && state.rest === undefined)
      this.#peers.delete(peer);
    if (taken > 0) this.#ask(peer);
    this.#watch();
    return taken;
  }

  /**
   * The answer to the request that the peer was sent last. What is not in it is asked of others, or of the same peer again
   * where the answer was merely cut short; what is in it waits for `settled` or `lied`.
   * @returns whether it may be looked at; false for an answer that no correct node gives
   */
  delivered(peer: string, transactions: readonly Delivered[]): boolean {
    const state = this.#peers.get(peer);
    const asked = state?.asked;
    if (state === undefined || asked === undefined) return false;
    state.asked = undefined;
    const fault = faultIn(transactions, asked);
    if (fault !== undefined) {
      this.#blame(peer, asked, fault);
      return false;
    }
    const came = new Set(transactions.map(({ hash }) => hashKey(hash)));
    this.#sort(peer, state, asked, came);
    for (const transaction of transactions) this.#compare(peer, asked, transaction);
    this.#ask(...this.#announcersOf(asked.values()), peer);
    return true;
  }

  /** No answer came, or none that can be used: others are asked, and this peer is left alone for a while. */
  failed(peer: string): void {
    const state = this.#peers.get(peer);
    const asked = state?.asked;
    if (state === undefined || asked === undefined) return;
    state.asked = undefined;
    this.#failed++;
    this.#giveUp(peer, state, asked);
    state.rest = this.#options.clock.timer(REST_MS, () => {
      state.rest = undefined;
      this.#forgetIdle(peer, state);
      this.#ask(peer);
    });
    this.#ask(...this.#announcersOf(asked.values()));
  }

  /** The transaction is here, or nobody's copy of it is wanted any more: it is asked of nobody. */
  settled(hash: Uint8Array): void {
    const wanted = this.#wanted.get(hashKey(hash));
    if (wanted !== undefined) this.#forget(wanted);
  }

  /** The peer does not have all of it, or it could not be looked at: the next one is asked, and nobody is blamed. */
  missed(peer: string, hash: Uint8Array): void {
    const wanted = this.#wanted.get(hashKey(hash));
    if (wanted?.stage !== 'checking') return;
    wanted.stage = 'queued';
    const state = this.#peers.get(peer);
    if (state !== undefined) this.#release(peer, state, wanted);
    if (wanted.announcers.size === 0 && this.#isLive(wanted)) this.#forget(wanted);
    this.#ask(...wanted.announcers.keys());
  }

  /** What the peer delivered is not what its hash promises: it is blamed, and the next one is asked. */
  lied(peer: string, hash: Uint8Array, says: string): void {
    const wanted = this.#wanted.get(hashKey(hash));
    if (wanted?.stage === 'checking') wanted.stage = 'queued';
    this.#drop(peer);
    this.#options.blame(peer, says);
    if (wanted === undefined) return;
    if (wanted.announcers.size === 0 && this.#isLive(wanted)) this.#forget(wanted);
    this.#ask(...wanted.announcers.keys());
  }

  /** The session is over. */
  left(peer: string): void {
    const asked = this.#drop(peer);
    if (asked !== undefined) this.#ask(...this.#announcersOf(asked.values()));
  }

  /** Forgets everything, timers included. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { rest } of this.#peers.values()) rest?.cancel();
    this.#peers.clear();
    this.#wanted.clear();
    this.#waiting.clear();
    this.#bytes = 0;
  }

  #peer(name: string): FetchPeer {
    let state = this.#peers.get(name);
    if (state === undefined) {
      state = { announced: new Set(), asked: undefined, rest: undefined };
      this.#peers.set(name, state);
    }
    return state;
  }

  #take(peer: string, state: FetchPeer, { hash, type, bytes }: Announced): boolean {
    const key = hashKey(hash);
    const known = this.#wanted.get(key);
    if (known?.announcers.has(peer) === true) return false;
    const costs = ANNOUNCER_BYTES + (known === undefined ? WANTED_BYTES : 0);
    if (state.announced.size >= MAX_PEER_ANNOUNCEMENTS || this.#bytes + costs > this.#maxBytes) {
      this.#ignored++;
      return false;
    }
    if (known === undefined && !this.#options.wants(hash)) return false;
    const wanted = known ?? this.#want(key, hash, type);
    wanted.announcers.set(peer, { type, bytes });
    state.announced.add(wanted);
    this.#bytes += costs;
    return true;
  }

  #want(key: string, hash: Uint8Array, type: number): Wanted {
    // a blob transaction is never broadcast: there is nothing to wait for
    const waits = type !== BLOB_TYPE;
    const wanted: Wanted = {
      key,
      hash: hash.slice(), // it outlives the message
      announcers: new Map(),
      dueAtMs: this.#options.clock.now() + ARRIVAL_WAIT_MS,
      stage: waits ? 'waiting' : 'queued',
    };
    this.#wanted.set(key, wanted);
    if (waits) this.#waiting.add(wanted);
    return wanted;
  }

  /** The timer of whoever has waited longest; there is one for all. */
  #watch(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const delayMs = Math.max(0, first.dueAtMs - this.#options.clock.now());
    this.#timer = this.#options.clock.timer(delayMs, () => {
      this.#timer = undefined;
      const nowMs = this.#options.clock.now();
      const due: Wanted[] = [];
      for (const wanted of this.#waiting) {
        if (wanted.dueAtMs > nowMs + GATHER_MS) break; // they stand in the order of their time
        this.#waiting.delete(wanted);
        wanted.stage = 'queued';
        due.push(wanted);
      }
      this.#ask(...this.#announcersOf(due));
      this.#watch();
    });
  }

  #announcersOf(all: Iterable<Wanted>): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { announcers } of all) for (const name of announcers.keys()) names.add(name);
    return names;
  }

  /** Asks those of these peers that have nothing to answer yet. */
  #ask(...peers: readonly string[]): void {
    for (const peer of peers) {
      const state = this.#peers.get(peer);
      if (state === undefined || state.asked !== undefined || state.rest !== undefined) continue;
      const asked = this.#gather(peer, state);
      if (asked.size === 0) continue;
      state.asked = asked;
      this.#requests++;
      this.#options.ask(
        peer,
        [...asked.values()].map(({ hash }) => hash),
      );
    }
  }

  #gather(peer: string, { announced }: FetchPeer): Map<string, Wanted> {
    const asked = new Map<string, Wanted>();
    let bytes = 0;
    for (const wanted of announced) {
      if (wanted.stage !== 'queued') continue;
      wanted.stage = 'asked';
      asked.set(wanted.key, wanted);
      bytes += wanted.announcers.get(peer)?.bytes ?? 0;
      if (asked.size >= MAX_ASKED_HASHES || bytes >= MAX_ASKED_BYTES) break;
    }
    return asked;
  }

  /** What came is being checked; what the peer passed over it does not have; what it did not get to is asked again. */
  #sort(peer: string, state: FetchPeer, asked: ReadonlyMap<string, Wanted>, came: ReadonlySet<string>): void {
    let left = came.size;
    for (const wanted of asked.values()) {
      if (!this.#isLive(wanted)) {
        if (came.has(wanted.key)) left--;
        continue; // it arrived by another way meanwhile
      }
      if (came.has(wanted.key)) {
        wanted.stage = 'checking';
        left--;
        continue;
      }
      wanted.stage = 'queued';
      if (left > 0 || came.size === 0) this.#release(peer, state, wanted);
    }
  }

  /** Sets what was announced beside what came, and blames whoever said otherwise. */
  #compare(peer: string, asked: ReadonlyMap<string, Wanted>, delivered: Delivered): void {
    const wanted = asked.get(hashKey(delivered.hash));
    if (wanted === undefined || !this.#isLive(wanted)) return;
    for (const [announcer, claim] of [...wanted.announcers]) {
      const counts = delivered.sizeIsProven || announcer === peer;
      const says = lie(claim, delivered, counts);
      if (says === undefined) continue;
      this.#drop(announcer);
      this.#options.blame(announcer, says);
    }
  }

  #isLive(wanted: Wanted): boolean {
    return this.#wanted.get(wanted.key) === wanted;
  }

  /** Nobody is asked for these any more, and not this peer again. */
  #giveUp(peer: string, state: FetchPeer, asked: ReadonlyMap<string, Wanted>): void {
    for (const wanted of asked.values()) {
      if (wanted.stage === 'asked') wanted.stage = 'queued';
      this.#release(peer, state, wanted);
    }
  }

  /** The peer does not have it, or does not give it: the next one may be asked. */
  #release(peer: string, state: FetchPeer, wanted: Wanted): void {
    if (!this.#isLive(wanted)) return;
    state.announced.delete(wanted);
    if (wanted.announcers.delete(peer)) this.#bytes -= ANNOUNCER_BYTES;
    if (wanted.announcers.size === 0 && wanted.stage !== 'checking') this.#forget(wanted);
  }

  #forget(wanted: Wanted): void {
    this.#wanted.delete(wanted.key);
    if (this.#waiting.delete(wanted) && this.#waiting.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.#bytes -= WANTED_BYTES + ANNOUNCER_BYTES * wanted.announcers.size;
    for (const name of wanted.announcers.keys()) {
      const state = this.#peers.get(name);
      if (state === undefined) continue;
      state.announced.delete(wanted);
      this.#forgetIdle(name, state);
    }
    wanted.announcers.clear();
  }

  #forgetIdle(name: string, state: FetchPeer): void {
    const idle = state.announced.size === 0 && state.asked === undefined && state.rest === undefined;
    if (idle && this.#peers.get(name) === state) this.#peers.delete(name);
  }

  #blame(peer: string, asked: ReadonlyMap<string, Wanted>, says: string): void {
    const state = this.#peers.get(peer);
    if (state !== undefined) this.#giveUp(peer, state, asked);
    this.#drop(peer);
    this.#options.blame(peer, says);
    this.#ask(...this.#announcersOf(asked.values()));
  }

  /** @returns what it was asked for */
  #drop(peer: string): ReadonlyMap<string, Wanted> | undefined {
    const state = this.#peers.get(peer);
    if (state === undefined) return undefined;
    this.#peers.delete(peer);
    state.rest?.cancel();
    if (state.asked !== undefined) this.#giveUp(peer, state, state.asked);
    for (const wanted of [...state.announced]) this.#release(peer, state, wanted);
    return state.asked;
  }
}
