import { bytesToHex } from '../codec/index.js';
import type { Clock, Random, Timer } from '../runtime/index.js';
import {
  BACKOFF,
  type BackoffRules,
  backoffMs,
  type DialEnd,
  type DialFailure,
  failureOf,
  STEADY_MS,
} from './backoff.js';
import type { Enode } from './enode.js';

/** A peer that we want a session with for as long as we run. */
export interface DialTarget extends Pick<Enode, 'publicKey' | 'host' | 'port'> {
  readonly kind: 'static' | 'trusted';
}

export interface DialerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Starts one dial.
   * @returns undefined once the session is active, else how it failed; a rejection counts as unreachable
   */
  readonly dial: (
    target: DialTarget,
    options: { readonly signal: AbortSignal },
  ) => Promise<DialEnd | undefined>;
  /** How many dials may be under way at once; 16. */
  readonly maxDials?: number;
  readonly backoff?: BackoffRules;
  /** Told before each wait: for logs. `failures` in a row, this one included. */
  readonly waiting?: (target: DialTarget, wait: DialWait) => void;
}

export interface DialWait {
  readonly failure: DialFailure;
  readonly failures: number;
  readonly waitMs: number;
  /** What the dial or the session said of its end, where it said anything. */
  readonly says?: string | undefined;
}

/** Where a target stands: due for a dial, being dialed, in session, or waiting for its next turn. */
export type DialState = 'due' | 'dialing' | 'connected' | 'waiting';

interface Entry {
  readonly target: DialTarget;
  readonly key: string;
  state: DialState;
  /** The last failure and how often it came in a row; undefined after a success. */
  failed: { readonly failure: DialFailure; readonly times: number } | undefined;
  timer: Timer | undefined;
  abort: AbortController | undefined;
}

const MAX_DIALS = 16;

/**
 * Keeps sessions with a given set of peers: dials each of them, and again after each end, with waits that grow by what
 * went wrong. It is told when a session with a peer stands, whoever dialed it, and does not dial that peer meanwhile.
 */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #rules: BackoffRules;
  readonly #entries = new Map<string, Entry>();
  #stopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#rules = options.backoff ?? BACKOFF;
  }

  /** Adds a peer and dials it at the next chance. A peer that is known already gets the new endpoint, and a turn now. */
  add(target: DialTarget): void {
    if (this.#stopped) return;
    const key = bytesToHex(target.publicKey);
    const old = this.#entries.get(key);
    const state = old?.state === 'connected' ? 'connected' : 'due';
    if (old !== undefined) this.#forget(old);
    this.#entries.set(key, { target, key, state, failed: undefined, timer: undefined, abort: undefined });
    this.#dialDue();
  }

  /** Forgets a peer and calls its dial off; a session that stands is left alone. */
  remove(publicKey: Uint8Array): void {
    const entry = this.#entries.get(bytesToHex(publicKey));
    if (entry === undefined) return;
    this.#forget(entry);
    this.#dialDue();
  }

  /** A session with this peer is active, in whichever direction. */
  established(publicKey: Uint8Array): void {
    const entry = this.#entries.get(bytesToHex(publicKey));
    if (entry === undefined) return;
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.state = 'connected';
  }

  /** The active session with this peer is over. */
  ended(publicKey: Uint8Array, end: DialEnd): void {
    const entry = this.#entries.get(bytesToHex(publicKey));
    if (entry?.state === 'connected') this.#wait(entry, end);
  }

  stateOf(publicKey: Uint8Array): DialState | undefined {
    return this.#entries.get(bytesToHex(publicKey))?.state;
  }

  get targets(): readonly DialTarget[] {
    return [...this.#entries.values()].map((entry) => entry.target);
  }

  /** Calls all dials off and dials no more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    for (const entry of [...this.#entries.values()]) this.#forget(entry);
  }

  #dialDue(): void {
    if (this.#stopped) return;
    let free = this.#options.maxDials ?? MAX_DIALS;
    for (const entry of this.#entries.values()) if (entry.abort !== undefined) free--;
    for (const entry of this.#entries.values()) {
      if (free <= 0) return;
      if (entry.state !== 'due') continue;
      free--;
      this.#start(entry);
    }
  }

  #start(entry: Entry): void {
    const abort = new AbortController();
    entry.abort = abort;
    entry.state = 'dialing';
    // the call itself may throw (a limit, ourselves): that is a failure of this dial like any other
    const dialed = new Promise<DialEnd | undefined>((resolve) => {
      resolve(this.#options.dial(entry.target, { signal: abort.signal }));
    });
    dialed.then(
      (end) => this.#settle(entry, end),
      (error: unknown) =>
        this.#settle(entry, { says: error instanceof Error ? error.message : String(error) }),
    );
  }

  #settle(entry: Entry, end: DialEnd | undefined): void {
    entry.abort = undefined;
    if (this.#entries.get(entry.key) === entry && entry.state === 'dialing') {
      // otherwise `established`, and perhaps `ended`, came first and know better
      if (end === undefined) entry.state = 'connected';
      else this.#wait(entry, end);
    }
    this.#dialDue();
  }

  #wait(entry: Entry, end: DialEnd): void {
    const failure = failureOf(end);
    const steady = (end.activeMs ?? 0) >= STEADY_MS;
    const before = !steady && entry.failed?.failure === failure ? entry.failed.times : 0;
    entry.failed = { failure, times: before + 1 };
    const waitMs = backoffMs(this.#rules[failure], before, this.#options.random.unit());
    entry.state = 'waiting';
    entry.timer = this.#options.clock.timer(waitMs, () => {
      entry.timer = undefined;
      entry.state = 'due';
      this.#dialDue();
    });
    this.#options.waiting?.(entry.target, { failure, failures: entry.failed.times, waitMs, says: end.says });
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.key);
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.abort?.abort();
  }
}
