import type { ChainBackend, ChainRange } from '../chain/index.js';
import { sameBytes } from '../codec/index.js';
import { decodeBody, decodeHeader, type Hasher, transactionHash } from '../eth/index.js';
import { rulesAfter, type TransactionRules } from '../pool/index.js';
import type { Clock, Logger } from '../runtime/index.js';

/** Blocks that are looked into for transactions of ours when the head has moved: more at once is a pull, not the network. */
const MAX_INCLUDED_BLOCKS = 24n;
/** Where the head says nothing: no block has had a fifth of this. */
const OPEN_GAS_LIMIT = 1_000_000_000n;

export interface HeadWatchOptions {
  readonly backend: Pick<ChainBackend, 'chain' | 'range' | 'headerByHash' | 'hashOf' | 'body'>;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly hasher: Hasher;
  readonly logger: Logger;
  /** Transactions that a block holds now. */
  readonly included: (hashes: readonly Uint8Array[]) => void;
  /** Blocks have left the chain. */
  readonly reorganised: () => void;
  /** Wei per gas in the block at the head. */
  readonly baseFee: (fee: bigint) => void;
  /** Whether anybody wants to know what blocks hold. */
  readonly wantsIncluded: () => boolean;
}

/** What the head of the chain means for transactions: the rules after it, and which are in a block now. */
export class HeadWatch {
  readonly #options: HeadWatchOptions;
  readonly #gone = new AbortController();
  #rules: TransactionRules;
  /** The head that was told last. */
  #number: bigint;
  /** The last block that was looked into: the head of then. */
  #looked: bigint;
  #lookedHash: Uint8Array;
  #work: Promise<void> = Promise.resolve();

  constructor(options: HeadWatchOptions) {
    this.#options = options;
    const { backend } = options;
    this.#number = backend.range().latest;
    this.#looked = this.#number;
    this.#lookedHash = backend.range().latestHash;
    this.#rules = this.#rulesOf(backend.chain.genesisHeader, backend.range());
    this.moved(backend.range());
  }

  get rules(): TransactionRules {
    return this.#rules;
  }

  /** The head is another one. */
  moved(range: ChainRange): void {
    this.#number = range.latest;
    this.#work = this.#work
      .then(() => this.#follow(range))
      .catch((cause: unknown) => {
        if (this.#gone.signal.aborted) return;
        const line = { event: 'transactions.head', head: range.latest, cause };
        this.#options.logger.warn(line, `what block ${range.latest} means for transactions is not known`);
      });
  }

  /** Resolves when nothing is read any more. */
  close(): Promise<void> {
    this.#gone.abort();
    return this.#work;
  }

  async #follow(range: ChainRange): Promise<void> {
    const { backend, hasher, included, wantsIncluded, baseFee } = this.#options;
    const { signal } = this.#gone;
    if (signal.aborted || range.latest !== this.#number) return; // a later one is on its way
    const header = await backend.headerByHash(range.latestHash, { signal });
    if (header !== undefined) {
      this.#rules = this.#rulesOf(header, range);
      baseFee(this.#rules.head.baseFee ?? 0n);
    }
    const first = await this.#firstNew(range.latest, signal);
    this.#looked = range.latest;
    this.#lookedHash = range.latestHash;
    if (!wantsIncluded()) return;
    for (let number = first; number <= range.latest; number++) {
      const hash = await backend.hashOf(number, { signal });
      const body = hash === undefined ? undefined : await backend.body(hash, { signal });
      if (body === undefined) continue;
      included(decodeBody(body).transactions.map((raw) => transactionHash(raw, hasher)));
    }
  }

  /** From which block on transactions may be in a block now that were not, when the head was looked at last. */
  async #firstNew(latest: bigint, signal: AbortSignal): Promise<bigint> {
    const { backend, reorganised } = this.#options;
    const standing = await backend.hashOf(this.#looked, { signal });
    if (standing === undefined || !sameBytes(standing, this.#lookedHash)) {
      reorganised();
      return latest < MAX_INCLUDED_BLOCKS ? 0n : latest - MAX_INCLUDED_BLOCKS + 1n;
    }
    const behind = latest - this.#looked;
    return behind < 1n || behind > MAX_INCLUDED_BLOCKS ? latest : this.#looked + 1n;
  }

  /**
   * Those of the header; but a node that holds nothing but a genesis of long ago would know only rules of long ago: it goes
   * by all forks instead.
   */
  #rulesOf(header: Uint8Array, { latest }: ChainRange): TransactionRules {
    const { backend, clock } = this.#options;
    const { chain } = backend;
    const decoded = decodeHeader(header);
    const rules = rulesAfter(decoded, chain);
    const nowSeconds = BigInt(Math.floor(clock.wallMs() / 1_000));
    const forked = chain.forkBlocks.length > 0 || chain.forkTimes.some((time) => time <= nowSeconds);
    if (latest > 0n || !forked) return rules;
    return {
      ...rules,
      head: { ...rules.head, time: nowSeconds, gasLimit: OPEN_GAS_LIMIT },
      ...{ london: true, shanghai: true, cancun: true, prague: true },
      osaka: chain.osakaTime !== undefined && chain.osakaTime <= nowSeconds,
    };
  }
}
