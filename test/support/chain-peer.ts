import type { ChainPeer, CompleteBlock, PeerTrust } from '../../src/chain/index.js';
import { bytesToHex } from '../../src/codec/index.js';
import type { BlockRange, HeadersQuery } from '../../src/eth/index.js';
import type { Clock } from '../../src/runtime/index.js';
import type { BuiltChain } from './chain-builder.js';

type Kind = 'headers' | 'bodies' | 'receipts' | 'accessLists';
type Items = readonly (Uint8Array | undefined)[];

export interface PeerScript {
  readonly id?: string;
  readonly trust?: PeerTrust;
  readonly ethVersion?: number;
  /** Answers come so much later. */
  readonly latencyMs?: number;
  /** Of these kinds it never answers. */
  readonly silent?: readonly Kind[];
  /** Most items in one answer. */
  readonly atMost?: number;
  /** Changes an answer on its way out. */
  readonly change?: (kind: Kind, items: Items, asked: readonly Uint8Array[]) => Items;
  /** What it announces instead of the truth; `null`: it does not say. */
  readonly announces?: BlockRange | null;
  /** Has no contents of blocks above this. */
  readonly contentsUpTo?: number;
  /** Passes over what it has not got, instead of ending there. */
  readonly skips?: boolean;
  /** Its session ends instead of this answer. */
  readonly diesAt?: number;
}

/** A peer that serves a chain from memory, as a script says. */
export class ScriptedPeer implements ChainPeer {
  readonly id: string;
  readonly trust: PeerTrust;
  readonly ethVersion: number;
  readonly accessLists?: (hashes: readonly Uint8Array[], options: { signal?: AbortSignal }) => Promise<Items>;
  /** What it was asked for, in order. */
  readonly asked: { readonly kind: Kind; readonly items: number; readonly hashes: readonly Uint8Array[] }[] =
    [];
  readonly misdeeds: string[] = [];
  /** Requests that it has not answered yet. */
  open = 0;
  readonly #clock: Clock;
  readonly #script: PeerScript;
  readonly #gone = new AbortController();
  #blocks: readonly CompleteBlock[] = [];
  #byHash = new Map<string, CompleteBlock>();
  #genesis: BuiltChain['genesis'];

  constructor(clock: Clock, chain: BuiltChain, script: PeerScript = {}) {
    this.id = script.id ?? 'peer';
    this.trust = script.trust ?? 'static';
    this.ethVersion = script.ethVersion ?? 69;
    this.#clock = clock;
    this.#script = script;
    this.#genesis = chain.genesis;
    this.switchTo(chain);
    if (this.ethVersion >= 71)
      this.accessLists = (hashes, options) => this.#answer('accessLists', hashes, hashes.length, options);
  }

  /** It is on this chain from now on; what it had before it still finds by hash, as geth does. */
  switchTo(chain: BuiltChain): void {
    this.#genesis = chain.genesis;
    this.#blocks = chain.blocks;
    for (const block of chain.blocks) this.#byHash.set(bytesToHex(block.header.hash), block);
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  leave(): void {
    this.#gone.abort();
  }

  range(): BlockRange | undefined {
    if (this.#script.announces === null) return undefined;
    if (this.#script.announces !== undefined) return this.#script.announces;
    const head = this.#blocks.at(-1)?.header ?? this.#genesis;
    return { earliest: 0n, latest: head.header.number, latestHash: head.hash };
  }

  misbehaved(says: string): void {
    this.misdeeds.push(says);
    this.leave();
  }

  async headers(query: HeadersQuery, options: { signal?: AbortSignal }): Promise<readonly Uint8Array[]> {
    const asked = query.origin instanceof Uint8Array ? [query.origin] : [];
    return (await this.#answer('headers', asked, Number(query.amount), options, () =>
      this.#headers(query),
    )) as Uint8Array[];
  }

  async bodies(
    hashes: readonly Uint8Array[],
    options: { signal?: AbortSignal },
  ): Promise<readonly Uint8Array[]> {
    return (await this.#answer('bodies', hashes, hashes.length, options)) as Uint8Array[];
  }

  async receipts(
    hashes: readonly Uint8Array[],
    options: { signal?: AbortSignal },
  ): Promise<readonly Uint8Array[]> {
    return (await this.#answer('receipts', hashes, hashes.length, options)) as Uint8Array[];
  }

  #headers({ origin, amount, reverse }: HeadersQuery): Uint8Array[] {
    const raws = [this.#genesis.raw, ...this.#blocks.map(({ header }) => header.raw)];
    if (typeof origin === 'bigint') {
      const from = Number(origin);
      if (from >= raws.length) return [];
      return reverse
        ? raws
            .slice(0, from + 1)
            .reverse()
            .slice(0, Number(amount))
        : raws.slice(from, from + Number(amount));
    }
    const headers: Uint8Array[] = [];
    for (let hash = origin; headers.length < Number(amount); ) {
      const header =
        bytesToHex(hash) === bytesToHex(this.#genesis.hash)
          ? this.#genesis
          : this.#byHash.get(bytesToHex(hash))?.header;
      if (header === undefined) break;
      headers.push(header.raw);
      hash = header.header.parentHash;
    }
    return headers;
  }

  #contents(kind: Kind, hashes: readonly Uint8Array[]): Items {
    const items: (Uint8Array | undefined)[] = [];
    for (const hash of hashes) {
      const block = this.#byHash.get(bytesToHex(hash));
      const known =
        block !== undefined &&
        block.header.header.number <= (this.#script.contentsUpTo ?? Number.POSITIVE_INFINITY);
      if (kind === 'accessLists') items.push(known ? block.accessList : undefined);
      else if (known) items.push(kind === 'bodies' ? block.body : block.receipts);
      else if (this.#script.skips !== true) break;
    }
    return items;
  }

  async #answer(
    kind: Kind,
    asked: readonly Uint8Array[],
    amount: number,
    { signal }: { signal?: AbortSignal },
    make: () => Items = () => this.#contents(kind, asked),
  ): Promise<Items> {
    this.asked.push({ kind, items: amount, hashes: asked });
    const { latencyMs = 10, silent = [], change, atMost = Number.POSITIVE_INFINITY, diesAt } = this.#script;
    if (this.asked.length === diesAt) this.leave();
    this.open++;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = silent.includes(kind) ? undefined : this.#clock.timer(latencyMs, resolve);
        signal?.addEventListener('abort', () => {
          timer?.cancel();
          reject(new Error('called off'));
        });
      });
    } finally {
      this.open--;
    }
    const items = make().slice(0, atMost);
    return change === undefined ? items : change(kind, items, asked);
  }
}
