import type { Clock, KeyValueChange, KeyValueStore, Logger, Timer } from '../runtime/index.js';
import type { CloseCause, SessionHandle, SessionRecord } from '../session/index.js';
import { Lru } from './lru.js';

/** How a session was, kept after its end. */
export interface SessionSummary {
  /** `3-s17`: unique in this history. 3 is the run of the node, s17 the id that the session had in it. */
  readonly name: string;
  readonly id: string;
  readonly run: number;
  readonly direction: SessionRecord['direction'];
  readonly kind: SessionRecord['kind'];
  readonly createdAtMs: number;
  readonly activeAtMs?: number;
  readonly publicKey?: string;
  readonly nodeId?: string;
  readonly sharedId?: string;
  readonly address?: string;
  readonly client?: string;
  readonly ethVersion?: number;
  readonly cause: CloseCause;
}

export interface HistoryLimits {
  /** 10,000. */
  readonly maxSummaries: number;
  /** 8 MiB, of values as they are stored. */
  readonly maxBytes: number;
  /** Summaries in memory; 256. */
  readonly cached: number;
}

export const HISTORY_LIMITS: HistoryLimits = { maxSummaries: 10_000, maxBytes: 8_388_608, cached: 256 };
/** Those that are not written yet; where the disk is slower than sessions end, the oldest of them go. */
const MAX_WAITING = 1_000;
/** One batch for all that end within this time. */
const WRITE_DELAY_MS = 1_000;

const RUN_KEY: Uint8Array = Uint8Array.of(0x00);
const SUMMARY = 0x73;
const RANGE = { from: Uint8Array.of(SUMMARY), to: Uint8Array.of(SUMMARY + 1) };

interface Place {
  readonly name: string;
  readonly key: Uint8Array;
  readonly bytes: number;
}

export interface HistoryStats {
  readonly summaries: number;
  readonly bytes: number;
  /** Looked up and found in memory. */
  readonly hits: number;
  /** Looked up and read from the store. */
  readonly misses: number;
  /** Ended and not written yet. */
  readonly waiting: number;
  /** Never written: the store failed, or was too slow. */
  readonly lost: number;
  /** Records that could not be read, left out. */
  readonly unreadable: number;
}

/**
 * Summaries of sessions that have ended, in a key-value store: written behind, read first from memory, bounded in number
 * and bytes (the oldest go). A batch is written whole or not at all, so a crash costs what had not been written yet.
 */
export class SessionHistory {
  readonly run: number;
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: HistoryLimits;
  /** All that are stored or wait for it, by name, the oldest first. */
  readonly #places = new Map<string, Place>();
  readonly #cache: Lru<SessionSummary>;
  #waiting = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>();
  /** On their way to the disk. */
  #inFlight: ReadonlyMap<string, { readonly value: Uint8Array }> = new Map();
  #dropped: Uint8Array[] = [];
  #next: number;
  #bytes = 0;
  #lost = 0;
  #unreadable = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly #readOnly: boolean;
  #closed = false;

  private constructor(parts: HistoryParts & { readonly readOnly?: boolean }, run: number, next: number) {
    this.run = run;
    this.#next = next;
    this.#store = parts.store;
    this.#readOnly = parts.readOnly === true;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#limits = { ...HISTORY_LIMITS, ...parts.limits };
    this.#cache = new Lru(this.#limits.cached);
  }

  /**
   * @param parts its store is closed with the history
   * @throws RuntimeError ERR_RUNTIME_STORE
   */
  static async open(parts: HistoryParts & { readonly readOnly?: boolean }): Promise<SessionHistory> {
    const { store, readOnly = false } = parts;
    const before = readRun(await store.get(RUN_KEY));
    const run = readOnly ? before : before + 1;
    if (!readOnly) await store.batch([{ key: RUN_KEY, value: new TextEncoder().encode(String(run)) }]);
    const entries: (Place | Uint8Array)[] = [];
    let next = 0;
    for await (const [key, value] of store.range(RANGE)) {
      next = sequenceOf(key) + 1;
      const summary = decode(value);
      entries.push(summary === undefined ? key : { name: summary.name, key, bytes: value.length });
    }
    const history = new SessionHistory(parts, run, next);
    for (const place of entries) history.#found(place);
    return history;
  }

  /** Takes down how a session was. */
  add(session: SessionHandle, cause: CloseCause): void {
    if (this.#closed || this.#readOnly || !isKept(session)) return;
    const summary = summaryOf(session.describe(), cause, this.run);
    const value = new TextEncoder().encode(JSON.stringify(summary));
    const place: Place = { name: summary.name, key: keyOf(this.#next++), bytes: value.length };
    this.#places.set(place.name, place);
    this.#bytes += place.bytes;
    this.#cache.set(place.name, summary);
    this.#waiting.set(place.name, { key: place.key, value });
    if (this.#waiting.size > MAX_WAITING) this.#lose();
    this.#bound();
    this.#timer ??= this.#clock.timer(WRITE_DELAY_MS, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  /**
   * By its name (`3-s17`), or by the id of a session (`s17`): the latest of that id.
   * @returns undefined where there is none (any more)
   */
  async get(name: string): Promise<SessionSummary | undefined> {
    const place = this.#places.get(name) ?? this.#latest(name);
    return place === undefined ? undefined : this.#read(place);
  }

  /** The latest first. */
  async list(options: {
    readonly limit: number;
    fits?(summary: SessionSummary): boolean;
  }): Promise<readonly SessionSummary[]> {
    const { limit, fits = () => true } = options;
    const found: SessionSummary[] = [];
    for (const place of [...this.#places.values()].reverse()) {
      if (found.length >= limit) break;
      const summary = await this.#read(place);
      if (summary !== undefined && fits(summary)) found.push(summary);
    }
    return found;
  }

  stats(): HistoryStats {
    const { hits, misses } = this.#cache;
    const [summaries, bytes, waiting] = [this.#places.size, this.#bytes, this.#waiting.size];
    return { summaries, bytes, hits, misses, waiting, lost: this.#lost, unreadable: this.#unreadable };
  }

  /** Writes what waits. Never rejects: what cannot be written is counted as lost, and said. */
  flush(options: { readonly sync?: boolean } = {}): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(options));
    return this.#writing;
  }

  /** Writes what waits, and closes the store. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    if (!this.#readOnly) await this.flush({ sync: true });
    await this.#store.close();
  }

  async #write(options: { readonly sync?: boolean }): Promise<void> {
    if (this.#waiting.size === 0 && this.#dropped.length === 0) return;
    const [waiting, dropped] = [this.#waiting, this.#dropped];
    const changes: KeyValueChange[] = [...waiting.values(), ...dropped.map((key) => ({ key }))];
    this.#waiting = new Map();
    this.#inFlight = waiting;
    this.#dropped = [];
    try {
      await this.#store.batch(changes, options);
    } catch (error) {
      this.#lost += waiting.size;
      for (const name of waiting.keys()) this.#forget(name);
      this.#logger.warn(
        { event: 'sessions.lost', count: waiting.size, cause: error },
        'summaries of sessions could not be written',
      );
    } finally {
      this.#inFlight = new Map();
    }
  }

  async #read(place: Place): Promise<SessionSummary | undefined> {
    const cached = this.#cache.get(place.name);
    if (cached !== undefined) return cached;
    const waiting = this.#waiting.get(place.name) ?? this.#inFlight.get(place.name);
    const value = waiting?.value ?? (await this.#store.get(place.key));
    const summary = value === undefined ? undefined : decode(value);
    if (summary !== undefined) this.#cache.set(place.name, summary);
    return summary;
  }

  /** @param place the key alone of what cannot be read: it goes with the next batch */
  #found(place: Place | Uint8Array): void {
    if (place instanceof Uint8Array) {
      this.#unreadable++;
      this.#dropped.push(place);
      return;
    }
    this.#places.set(place.name, place);
    this.#bytes += place.bytes;
    this.#bound();
  }

  #latest(id: string): Place | undefined {
    return [...this.#places.values()].reverse().find(({ name }) => name.slice(name.indexOf('-') + 1) === id);
  }

  #bound(): void {
    const { maxSummaries, maxBytes } = this.#limits;
    for (const place of this.#places.values()) {
      if (this.#places.size <= maxSummaries && this.#bytes <= maxBytes) return;
      this.#forget(place.name);
      if (!this.#waiting.delete(place.name)) this.#dropped.push(place.key);
    }
  }

  #lose(): void {
    for (const name of this.#waiting.keys()) {
      this.#waiting.delete(name);
      this.#forget(name);
      this.#lost++;
      return;
    }
  }

  #forget(name: string): void {
    this.#bytes -= this.#places.get(name)?.bytes ?? 0;
    this.#places.delete(name);
    this.#cache.delete(name);
  }
}

export interface HistoryParts {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<HistoryLimits>;
}

/** An inbound session that proved no identity leaves nothing: strangers could fill the disk. */
export function isKept({ publicKey, direction }: SessionHandle): boolean {
  return publicKey !== undefined || direction === 'outbound';
}

function summaryOf(record: SessionRecord, cause: CloseCause, run: number): SessionSummary {
  const { id, direction, kind, createdAtMs, activeAtMs, publicKey, nodeId, sharedId, address, client } =
    record;
  const { ethVersion } = record;
  const place = address === undefined ? undefined : `${address.host} ${address.port}`;
  const known = { activeAtMs, publicKey, nodeId, sharedId, address: place, client, ethVersion };
  const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return { name: `${run}-${id}`, id, run, direction, kind, createdAtMs, ...given, cause };
}

function keyOf(sequence: number): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = SUMMARY;
  new DataView(key.buffer).setBigUint64(1, BigInt(sequence));
  return key;
}

function sequenceOf(key: Uint8Array): number {
  if (key.length !== 9) return 0;
  return Number(new DataView(key.buffer, key.byteOffset).getBigUint64(1));
}

function readRun(value: Uint8Array | undefined): number {
  const run = value === undefined ? 0 : Number(new TextDecoder().decode(value));
  return Number.isSafeInteger(run) && run >= 0 ? run : 0;
}

/** What we wrote; undefined for anything else, a damaged record for one. */
function decode(value: Uint8Array): SessionSummary | undefined {
  try {
    const summary: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    return isSummary(summary) ? summary : undefined;
  } catch {
    return undefined;
  }
}

function isSummary(value: unknown): value is SessionSummary {
  if (typeof value !== 'object' || value === null) return false;
  const { name, cause } = value as Partial<SessionSummary>;
  return typeof name === 'string' && typeof cause === 'object' && cause !== null && isCloseCause(cause);
}

/** Whether it has what `explainCause` reads. */
export function isCloseCause(value: object): value is CloseCause {
  const { outcome, by, stage, says, counters } = value as Partial<CloseCause>;
  const texts: readonly unknown[] = [outcome, by, stage, says];
  return texts.every((text) => typeof text === 'string') && typeof counters === 'object' && counters !== null;
}
