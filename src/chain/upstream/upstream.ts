import { bytesToHex, sameBytes } from '../../codec/index.js';
import type { ChainSpec, Steps } from '../../eth/index.js';
import { type Logger, silentLogger } from '../../runtime/index.js';
import type { BlockPart, ChainBackend, ChainRange, ReadOptions } from '../backend.js';
import { Breather } from '../breathe.js';
import { ChainError, throwIfAborted } from '../errors.js';
import { readPart } from '../read-ahead.js';
import {
  checkAccessList,
  checkBodySteps,
  checkReceiptsSteps,
  EMPTY_LIST,
  type EmptyRoots,
  emptyBody,
  emptyRoots,
  type HashedHeader,
  hasBody,
  hasReceipts,
  readHeader,
} from '../verify.js';
import { raced } from './abortion.js';
import { ByteLru } from './byte-lru.js';
import { readVerified } from './follow.js';
import { UpstreamHead } from './head.js';
import { type Connected, type LineState, UpstreamLine } from './line.js';
import { upstreamName } from './link.js';
import type { UpstreamOptions, UpstreamStatus } from './options.js';
import { isFound, type UpstreamSource } from './source.js';
import { StateWatch } from './state-watch.js';
import { UpstreamTransactions } from './transactions.js';

const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_POLL_MS = 1_000;
/** A subscription tells of new heads, but not of each way back (debug_setHead), so it is asked all the same. */
const SUBSCRIBED_POLL_MS = 3_000;
/** At a start: how long the upstream may take to say which chain it has. After that the node goes on without. */
const FIRST_WAIT_MS = 5_000;
/** In the first moments of an outage a read waits for its end, such as a restart, before it finds nothing. */
const GRACE_MS = 2_500;
/** Blocks that one request has read at once: of some hundred peers all together stay below what may wait. */
const BLOCKS_AT_ONCE = 32;
const HASH_BYTES = 32;
const READING = 'reading the chain';

/**
 * The chain of an execution client over JSON-RPC. What it answers is handed on only after it was verified: headers by their
 * hash, or number and neighbours; bodies, receipts and access lists by what their header commits to. Whatever cannot be had or
 * verified is not there.
 */
export class UpstreamBackend implements ChainBackend {
  readonly chain: ChainSpec;
  readonly transactions: UpstreamTransactions;
  readonly #options: UpstreamOptions;
  readonly #logger: Logger;
  readonly #genesis: HashedHeader;
  readonly #empty: EmptyRoots;
  readonly #head: UpstreamHead;
  readonly #cache: ByteLru;
  readonly #reading = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #line: UpstreamLine;
  readonly #changes: StateWatch;
  #downSinceMs: number;
  #wasUp = false;
  /** @internal Made by `openUpstream`. */
  constructor(options: UpstreamOptions) {
    const { url, chain, hasher, world, logger = silentLogger, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#options = options;
    this.#logger = logger;
    this.chain = chain;
    this.#genesis = readHeader(chain.genesisHeader, hasher);
    this.#empty = emptyRoots(hasher);
    this.#head = new UpstreamHead({ genesis: this.#genesis, hasher, clock: world.clock, logger });
    this.#cache = new ByteLru(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#downSinceMs = world.clock.now();
    this.#changes = new StateWatch(world.clock, () => this.#line.state === 'closed');
    this.transactions = new UpstreamTransactions({ logger, hasher, line: () => this.#line.current });
    this.#line = new UpstreamLine({
      ...{ url, chain, hasher, world, logger, timeoutMs },
      connected: (link) => this.#connected(link),
      notified: (subscription, result) => this.#notified(subscription, result),
      changed: () => this.#stateChanged(),
    });
  }

  /** Resolves with the first state that is one, or where none comes in time, as it is then. @internal */
  async firstState(
    signal?: AbortSignal,
  ): Promise<{ readonly state: LineState; readonly says: string | undefined }> {
    const within = (isSo: () => boolean): Promise<void> =>
      this.#changes.within(FIRST_WAIT_MS, () => signal?.aborted === true || isSo());
    const calledOff = (): void => this.#changes.notify();
    signal?.addEventListener('abort', calledOff);
    try {
      await within(() => this.#line.state !== 'connecting');
      if (this.#line.state === 'up') {
        // the head, so that the first Status tells of it; who is slow is not waited for
        let looked = false;
        void this.refresh().then(() => {
          looked = true;
          this.#changes.notify();
        });
        await within(() => looked);
      }
    } finally {
      signal?.removeEventListener('abort', calledOff);
    }
    return { state: this.#line.state, says: this.#line.says };
  }

  status(): UpstreamStatus {
    const { state, says, current } = this.#line;
    const upstream = upstreamName(this.#options.url);
    return { upstream, state, client: current?.client, says, cacheBytes: this.#cache.bytes };
  }

  range(): ChainRange {
    return this.#head.range();
  }

  subscribe(listener: (range: ChainRange) => void): () => void {
    return this.#head.subscribe(listener);
  }

  async headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const hash = await this.hashOf(number, options);
    return hash === undefined ? undefined : this.#headerOf(hash, number, options);
  }

  async headerByHash(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const number = await this.numberOf(hash, options);
    return number === undefined ? undefined : this.#headerOf(hash, number, options);
  }

  async hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    throwIfAborted(options?.signal, READING);
    if (number === 0n) return this.#genesis.hash;
    if (number < 0n || number > this.#head.window.head.header.number) return undefined;
    const known = this.#head.window.at(number)?.hash ?? this.#head.index.hashOf(number);
    return known ?? this.#read(`n${number}`, options, (source) => this.#hashFrom(source, number));
  }

  async numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined> {
    throwIfAborted(options?.signal, READING);
    if (hash.length !== HASH_BYTES) return undefined;
    const known = this.#numberKnown(hash);
    if (known !== undefined) return known;
    const raw = await this.#read(`h${bytesToHex(hash)}`, options, (source) => this.#headerFrom(source, hash));
    if (raw === undefined) return undefined;
    const { number } = readHeader(raw, this.#options.hasher).header;
    // one that is newer than what we know: the head has moved, and we may be the last to hear of it
    if (number > this.#head.window.head.header.number) await raced(this.refresh(), options?.signal);
    const canonical = await this.hashOf(number, options);
    return canonical !== undefined && sameBytes(canonical, hash) ? number : undefined;
  }

  async body(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const header = await this.#whole(hash, options);
    if (header === undefined) return undefined;
    if (!hasBody(header.header, this.#empty)) return emptyBody(header.header);
    return this.#read(`b${bytesToHex(hash)}`, options, (source) => this.#blockFrom(source, header, 'body'));
  }

  async receipts(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const header = await this.#whole(hash, options);
    if (header === undefined) return undefined;
    if (!hasReceipts(header.header, this.#empty)) return EMPTY_LIST;
    return this.#read(`r${bytesToHex(hash)}`, options, async (source) => {
      const receipts = await source.receipts(hash);
      if (!isFound(receipts)) return this.#missing(receipts);
      const { hasher } = this.#options;
      const fits = await this.#fits('receipts', header, () =>
        checkReceiptsSteps(header.header, receipts, hasher),
      );
      return fits ? receipts : undefined;
    });
  }

  async accessList(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const header = await this.#whole(hash, options);
    if (header?.header.blockAccessListHash === undefined) return undefined;
    if (header.header.number === 0n) return EMPTY_LIST;
    return this.#read(`a${bytesToHex(hash)}`, options, (source) =>
      this.#blockFrom(source, header, 'accessList'),
    );
  }

  /** Some at once: they go together in few batches, and leave room for what others ask for. */
  async many(
    part: BlockPart,
    hashes: readonly Uint8Array[],
    options: ReadOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const read: (Uint8Array | undefined)[] = [];
    while (read.length < hashes.length) {
      const next = hashes.slice(read.length, read.length + BLOCKS_AT_ONCE);
      read.push(...(await Promise.all(next.map((hash) => readPart(this, part, hash, options)))));
    }
    return read;
  }

  /** Looks now for what has changed, and tells of it. Resolves when that is done; without a link at once. */
  async refresh(): Promise<void> {
    const link = this.#line.current;
    if (link === undefined) return;
    await this.#head.lookAnew(link);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.transactions.close();
    this.#head.close();
    await this.#line.close();
  }

  /** A link stands: follows the head over it until it ends. */
  async #connected(link: Connected): Promise<void> {
    const name = upstreamName(this.#options.url);
    this.#logger.info(
      { event: 'upstream.up', upstream: name, client: link.client },
      `upstream ${name} is there: ${link.client ?? 'a client without a name'}`,
    );
    this.#head.forget();
    const subscribed = link.duplex ? await this.#subscribe(link) : false;
    const pollMs = this.#options.pollMs ?? (subscribed ? SUBSCRIBED_POLL_MS : DEFAULT_POLL_MS);
    let over = false;
    void link.ended.then(() => {
      over = true;
      this.#head.wake();
    });
    while (!over) {
      await this.#head.look(link);
      if (over) break;
      await this.transactions.poll(link);
      if (over) break;
      await this.#head.rest(pollMs);
    }
  }

  async #subscribe(link: Connected): Promise<boolean> {
    const heads = await link.rpc.call('eth_subscribe', ['newHeads']);
    await this.transactions.connected(link);
    return heads.kind === 'result';
  }

  #notified(subscription: string, result: unknown): void {
    if (!this.transactions.notified(subscription, result)) this.#head.wake();
  }

  #numberKnown(hash: Uint8Array): bigint | undefined {
    if (sameBytes(hash, this.#genesis.hash)) return 0n;
    return this.#head.window.numberOf(hash) ?? this.#head.index.numberOf(hash);
  }

  /** The bytes of a header of our chain. */
  async #headerOf(hash: Uint8Array, number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    if (number === 0n) return this.#genesis.raw;
    const inWindow = this.#head.window.at(number);
    if (inWindow !== undefined) return sameBytes(inWindow.hash, hash) ? inWindow.raw : undefined;
    return this.#read(`h${bytesToHex(hash)}`, options, (source) => this.#headerFrom(source, hash));
  }

  /** The header of a block of our chain whose contents are said to be there. */
  async #whole(hash: Uint8Array, options?: ReadOptions): Promise<HashedHeader | undefined> {
    const number = await this.numberOf(hash, options);
    if (number === undefined || (number !== 0n && number < this.#head.range().earliest)) return undefined;
    const known = number === 0n ? this.#genesis : this.#head.window.at(number);
    if (known !== undefined) return known;
    const raw = await this.#headerOf(hash, number, options);
    return raw === undefined ? undefined : readHeader(raw, this.#options.hasher);
  }

  async #headerFrom(source: UpstreamSource, hash: Uint8Array): Promise<Uint8Array | 'unreached' | undefined> {
    const found = await readVerified(source, hash, this.#options.hasher);
    return isFound(found) ? found.raw : nothing(found);
  }

  /** @returns the hash of a block below the window, where it fits its neighbours */
  async #hashFrom(source: UpstreamSource, number: bigint): Promise<Uint8Array | 'unreached' | undefined> {
    const found = await readVerified(source, number, this.#options.hasher);
    if (!isFound(found)) return nothing(found);
    // the window may have moved meanwhile
    const known = this.#head.window.at(number);
    if (known !== undefined) return known.hash;
    if (number > this.#head.window.head.header.number) return undefined;
    const { oldest } = this.#head.window;
    if (!this.#head.index.add(found, oldest.header.number === number + 1n ? oldest : undefined)) {
      const says = `what the upstream shows as block ${number} does not fit the blocks beside it`;
      this.#logger.warn({ event: 'upstream.false', number }, says);
      return undefined;
    }
    this.#cache.set(`h${bytesToHex(found.hash)}`, found.raw);
    return found.hash;
  }

  async #blockFrom(
    source: UpstreamSource,
    header: HashedHeader,
    part: 'body' | 'accessList',
  ): Promise<Uint8Array | 'unreached' | undefined> {
    const { hasher } = this.#options;
    const found = await source.block(header.hash);
    if (!isFound(found)) return this.#missing(found);
    const { accessList } = found;
    const key = bytesToHex(header.hash);
    const isBody = await this.#fits('body', header, () => checkBodySteps(header.header, found.body, hasher));
    const body = isBody ? found.body : undefined;
    const isList =
      accessList !== undefined &&
      // one hash: at 10 MiB some 25 ms
      (await this.#fits('access list', header, () => checkAccessList(header.header, accessList, hasher)));
    const list = isList ? accessList.slice() : undefined; // it was a view of the whole block
    if (body !== undefined) this.#cache.set(`b${key}`, body);
    if (list !== undefined) this.#cache.set(`a${key}`, list);
    return part === 'body' ? body : list;
  }

  /** Checks in slices, so that a large block holds up nobody else; what is false is logged. */
  async #fits(what: string, { header }: HashedHeader, check: () => Steps<void> | void): Promise<boolean> {
    try {
      const steps = check();
      if (steps !== undefined)
        await new Breather(this.#options.world.clock, undefined, 1).drive(steps, READING);
      return true;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      const says = `the upstream gave a false ${what} of block ${header.number}: ${error.message}`;
      this.#logger.warn({ event: 'upstream.false', number: header.number, what }, says);
      return false;
    }
  }

  /** Contents that should be there are not: they may have been pruned. */
  #missing(found: 'none' | 'unreached'): 'unreached' | undefined {
    if (found === 'none') this.#head.missed();
    return nothing(found);
  }

  /** What the cache has, else what the upstream says; who asks for the same at the same time gets the same. */
  async #read(
    key: string,
    options: ReadOptions | undefined,
    ask: (source: UpstreamSource) => Promise<Uint8Array | 'unreached' | undefined>,
  ): Promise<Uint8Array | undefined> {
    throwIfAborted(options?.signal, READING);
    const cached = key.startsWith('n') ? undefined : this.#cache.get(key);
    if (cached !== undefined) return cached;
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#ask(ask).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
      reading = reading.then((value) => {
        if (value !== undefined && !key.startsWith('n')) this.#cache.set(key, value);
        return value;
      });
    }
    return raced(reading, options?.signal);
  }

  /** Twice, where the link broke off in the middle and stands again at once. */
  async #ask(
    ask: (source: UpstreamSource) => Promise<Uint8Array | 'unreached' | undefined>,
  ): Promise<Uint8Array | undefined> {
    for (let turn = 0; turn < 2; turn++) {
      const source = await this.#source();
      if (source === undefined) return undefined;
      const value = await ask(source);
      if (value !== 'unreached') return value;
      if (this.#line.current?.source === source) return undefined; // it is there, but does not answer
    }
    return undefined;
  }

  async #source(): Promise<UpstreamSource | undefined> {
    const { clock } = this.#options.world;
    const leftMs = this.#downSinceMs + GRACE_MS - clock.now();
    if (this.#line.current === undefined && leftMs > 0)
      await this.#changes.within(leftMs, () => this.#line.current !== undefined);
    return this.#line.current?.source;
  }

  #stateChanged(): void {
    if (this.#line?.state === 'down' && this.#wasUp) this.#downSinceMs = this.#options.world.clock.now();
    this.#wasUp = this.#line?.state === 'up';
    this.#changes?.notify();
  }
}

function nothing(found: 'none' | 'unreached'): 'unreached' | undefined {
  return found === 'none' ? undefined : found;
}
