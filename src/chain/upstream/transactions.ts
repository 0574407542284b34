import { encodeBytes, prefixedHex } from '../../codec/index.js';
import { EthError, type Hasher, transactionHash } from '../../eth/index.js';
import { Listeners, type Logger } from '../../runtime/index.js';
import type { ReadOptions, SubmitVerdict, TransactionBackend } from '../backend.js';
import { throwIfAborted } from '../errors.js';
import { dataOf, UpstreamFault } from './json-fields.js';
import type { Connected } from './line.js';
import type { RpcAnswer } from './rpc.js';

export interface UpstreamTransactionsOptions {
  readonly logger: Logger;
  readonly hasher: Hasher;
  /** The link, while one stands. */
  readonly line: () => Connected | undefined;
}

/** Transactions that are asked for at once; an upstream that tells of more at a time is not followed any faster. */
const MAX_ASKED = 1_024;
/** Hashes that are remembered as told of, or as our own. */
const MAX_REMEMBERED = 16_384;
/** RLP: from here on a list begins. */
const LEAST_LIST = 0xc0;
const HASH_HEX = /^0x[0-9a-fA-F]{64}$/;
/** How servers say that they have it already: geth, reth and Erigon, Nethermind, Besu. */
const KNOWN = /already known|alreadyknown|known transaction|already imported|already exists/i;
/** JSON-RPC itself, or the method: not a word about the transaction. */
const OWN_FAULTS = new Set([-32700, -32600, -32601, -32602, -32603]);

/** The pool of an upstream: what it accepts, and what comes into it from elsewhere. */
export class UpstreamTransactions implements TransactionBackend {
  readonly #options: UpstreamTransactionsOptions;
  readonly #listeners: Listeners<Uint8Array>;
  /** Oldest first. */
  readonly #known = new Set<string>();
  /** `id` is undefined while it is asked for, and `none` where it is refused. */
  #subscribed: { readonly link: Connected; readonly id: string | undefined } | undefined;
  #filter: { readonly link: Connected; readonly id: string } | undefined;
  #asked = 0;

  constructor(options: UpstreamTransactionsOptions) {
    this.#options = options;
    this.#listeners = new Listeners((error) =>
      options.logger.error({ error }, 'a listener of transactions failed'),
    );
  }

  async submit(raw: Uint8Array, options?: ReadOptions): Promise<SubmitVerdict> {
    throwIfAborted(options?.signal, 'handing a transaction over');
    const link = this.#options.line();
    if (link === undefined) return { accepted: false, judged: false, why: 'the upstream is not reachable' };
    // remembered before: it may be told of as pending before it is answered for
    const hash = this.#hashOf(raw);
    if (hash !== undefined) this.#remember(hash);
    const verdict = verdictOf(await link.rpc.call('eth_sendRawTransaction', [prefixedHex(raw)]));
    if (!verdict.accepted && hash !== undefined) this.#known.delete(hash);
    throwIfAborted(options?.signal, 'handing a transaction over');
    return verdict;
  }

  subscribePending(listener: (raw: Uint8Array) => void): () => void {
    const withdraw = this.#listeners.add(listener);
    const link = this.#options.line();
    if (link !== undefined) void this.connected(link);
    return withdraw;
  }

  async pooled(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    throwIfAborted(options?.signal, 'reading a transaction');
    const link = this.#options.line();
    const raw = link === undefined ? undefined : await this.#read(link, prefixedHex(hash));
    throwIfAborted(options?.signal, 'reading a transaction');
    return raw;
  }

  close(): void {
    this.#listeners.clear();
  }

  /** A link stands, or there is somebody to tell now: subscribes where that is possible and wanted. @internal */
  async connected(link: Connected): Promise<void> {
    if (!link.duplex || this.#listeners.size === 0 || this.#subscribed?.link === link) return;
    this.#subscribed = { link, id: undefined }; // once per link
    const answer = await link.rpc.call('eth_subscribe', ['newPendingTransactions']);
    const id = answer.kind === 'result' && typeof answer.result === 'string' ? answer.result : 'none';
    if (this.#subscribed.link === link) this.#subscribed = { link, id };
  }

  /** @returns whether the notification was about transactions @internal */
  notified(subscription: string, result: unknown): boolean {
    if (subscription !== this.#subscribed?.id) return false;
    this.#told([result]);
    return true;
  }

  /** Asks what is new, over links that cannot be subscribed to, and of servers that refuse it. @internal */
  async poll(link: Connected): Promise<void> {
    const refused = this.#subscribed?.link === link && this.#subscribed.id === 'none';
    if ((link.duplex && !refused) || this.#listeners.size === 0) return;
    const id = this.#filter?.link === link ? this.#filter.id : await this.#makeFilter(link);
    if (id === undefined) return;
    const answer = await link.rpc.call('eth_getFilterChanges', [id]);
    if (answer.kind === 'refused')
      this.#filter = undefined; // forgotten there: made anew next time
    else if (answer.kind === 'result' && Array.isArray(answer.result)) this.#told(answer.result as unknown[]);
  }

  async #makeFilter(link: Connected): Promise<string | undefined> {
    const made = await link.rpc.call('eth_newPendingTransactionFilter', []);
    if (made.kind !== 'result' || typeof made.result !== 'string') return undefined;
    this.#filter = { link, id: made.result };
    return made.result;
  }

  #told(hashes: readonly unknown[]): void {
    const link = this.#options.line();
    if (link === undefined || this.#listeners.size === 0) return;
    for (const hash of hashes) {
      if (typeof hash !== 'string' || !HASH_HEX.test(hash)) continue;
      if (this.#asked >= MAX_ASKED) return; // what is missed is met again among peers
      if (this.#known.has(hash.toLowerCase())) continue;
      this.#remember(hash);
      void this.#fetch(link, hash);
    }
  }

  async #fetch(link: Connected, hash: string): Promise<void> {
    this.#asked++;
    try {
      const raw = await this.#read(link, hash);
      if (raw !== undefined) this.#listeners.tell(raw);
    } finally {
      this.#asked--;
    }
  }

  async #read(link: Connected, hash: string): Promise<Uint8Array | undefined> {
    const answer = await link.rpc.call('eth_getRawTransactionByHash', [hash]);
    if (answer.kind !== 'result' || answer.result === null) return undefined;
    try {
      const raw = dataOf(answer.result, 'a transaction');
      return raw.length === 0 ? undefined : raw;
    } catch (error) {
      if (error instanceof UpstreamFault) return undefined;
      throw error;
    }
  }

  /** @returns undefined for bytes that are no transaction: what it is, the upstream says */
  #hashOf(raw: Uint8Array): string | undefined {
    try {
      const item = (raw[0] ?? 0) >= LEAST_LIST ? raw : encodeBytes(raw);
      return prefixedHex(transactionHash(item, this.#options.hasher));
    } catch (error) {
      if (error instanceof EthError) return undefined;
      throw error;
    }
  }

  #remember(hash: string): void {
    this.#known.add(hash.toLowerCase());
    for (const oldest of this.#known) {
      if (this.#known.size <= MAX_REMEMBERED) return;
      this.#known.delete(oldest);
    }
  }
}

function verdictOf(answer: RpcAnswer): SubmitVerdict {
  if (answer.kind === 'result') return { accepted: true };
  if (answer.kind === 'unreached') return { accepted: false, judged: false, why: oneLine(answer.says) };
  if (KNOWN.test(answer.says)) return { accepted: true };
  return { accepted: false, judged: !OWN_FAULTS.has(answer.code), why: oneLine(answer.says) };
}

function oneLine(says: string): string {
  return says.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 256);
}
