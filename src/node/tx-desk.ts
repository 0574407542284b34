import type { ChainBackend, ChainRange } from '../chain/index.js';
import {
  EthError,
  type EthMessage,
  type EthRequest,
  type EthResponse,
  transactionHash,
} from '../eth/index.js';
import {
  type AddOutcome,
  type Announced,
  BlobCells,
  BlobVerifier,
  checkTransaction,
  type FetcherGauges,
  hashKey,
  type Intake,
  type Offer,
  type OwnReport,
  OwnTransactions,
  type PooledTransaction,
  RefusedHashes,
  readTransaction,
  TransactionFetcher,
  TransactionIntake,
  TransactionPool,
  transactionItem,
} from '../pool/index.js';
import { DISCONNECT } from '../rlpx/index.js';
import type { Logger, World } from '../runtime/index.js';
import type { Session, SessionManager } from '../session/index.js';
import type { NodeCrypto } from './crypto-choice.js';
import type { NetworkFeeds } from './tx-feeds.js';
import { fetchBlobs, fetchTransactions } from './tx-fetching.js';
import { TransactionHearing } from './tx-hearing.js';
import type { TransactionMode } from './tx-mode.js';
import { TransactionRelay } from './tx-relaying.js';
import { HeadWatch } from './tx-rules.js';
import { serveTransactions } from './tx-serving.js';

/** Transactions in numbers. */
export interface TransactionStatus {
  /** Different ones that peers have spoken of. */
  readonly seen: number;
  /** In the pool, and their bytes. */
  readonly pooled: number;
  readonly pooledBytes: number;
  /** Told to at least one peer. */
  readonly relayed: number;
  readonly refused: number;
  /** Messages that were not read, since their sender had said too much. */
  readonly unheard: number;
  /** That came, and found no room to wait in. */
  readonly dropped: number;
  readonly fetching: FetcherGauges;
}

/** A transaction of ours that has been handed to the network. */
export interface Broadcasting {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** What every peer was told and did so far; there is no acknowledgement in the protocol. */
  report(): OwnReport;
}

export interface TransactionDeskOptions {
  readonly mode: Exclude<TransactionMode, 'off'>;
  readonly backend: ChainBackend;
  readonly sessions: () => SessionManager;
  readonly world: Pick<World, 'clock' | 'random' | 'workers'>;
  readonly crypto: NodeCrypto;
  readonly feeds: NetworkFeeds;
  readonly logger: Logger;
  /** A peer has broken a rule; its session is being ended. */
  readonly misbehaved: (session: Session, says: string) => void;
  /** A transaction is in the pool. */
  readonly accepted: (transaction: PooledTransaction) => void;
}

/** A transaction cannot be taken. */
export class TransactionError extends Error {
  override readonly name = 'TransactionError';
  readonly code = 'ERR_NODE_TRANSACTION';
}

/** What the pool says of what it does not take. */
const WHY_NOT: Readonly<Record<Exclude<AddOutcome, 'added' | 'replaced'>, string>> = {
  known: 'it is in the pool already',
  included: 'it is in a block already',
  underpriced: 'another with the same nonce stays, since this one does not pay enough more',
  'sender-full': 'its sender has as many in the pool as may be',
  full: 'the pool is full of transactions that pay as much',
};

type Waiting = {
  readonly resolve: (transaction: PooledTransaction) => void;
  readonly reject: (why: unknown) => void;
};

/** Where sessions and the pool meet: what peers say of transactions is looked at here, and what they ask for is answered. */
export class TransactionDesk {
  readonly #options: TransactionDeskOptions;
  readonly #pool: TransactionPool;
  readonly #verifier: BlobVerifier;
  readonly #cells: BlobCells;
  readonly #fetcher: TransactionFetcher;
  readonly #intake: TransactionIntake;
  readonly #hearing: TransactionHearing;
  readonly #relay: TransactionRelay;
  readonly #head: HeadWatch;
  readonly #own = new OwnTransactions();
  readonly #refused = new RefusedHashes();
  readonly #sessions = new Map<string, Session>();
  /** Hashes of what is in the intake, so that what many peers send is looked at once. */
  readonly #inHand = new Set<string>();
  readonly #callers = new Map<string, Waiting[]>();
  #stopPending: (() => void) | undefined;
  #refusals = 0;

  constructor(options: TransactionDeskOptions) {
    this.#options = options;
    const { backend, sessions, world, crypto, logger } = options;
    const { clock } = world;
    this.#pool = new TransactionPool({ clock, logger });
    this.#verifier = new BlobVerifier({ workers: world.workers });
    this.#cells = new BlobCells({ extend: (blob, options) => this.#verifier.extend(blob, options) });
    this.#head = new HeadWatch({
      ...{ backend, clock, hasher: crypto, logger },
      included: (hashes) => this.#pool.forget(hashes),
      reorganised: () => this.#pool.reorganised(),
      wantsIncluded: () => this.#pool.size > 0,
      baseFee: (fee) => this.#pool.setBaseFee(fee),
    });
    this.#relay = new TransactionRelay({
      ...{ sessions, clock, random: world.random, hasher: crypto },
      told: (hash, session, event) => this.#own.note(hash, session.nodeId, event),
    });
    this.#hearing = new TransactionHearing({
      ...{ clock, hasher: crypto, feeds: options.feeds },
      sent: (session, hash, item) => this.#sent(session, hash, item),
      announced: (session, entries) => this.#announced(session, entries),
    });
    this.#fetcher = new TransactionFetcher({
      clock,
      wants: (hash) => this.#wants(hash),
      ask: (peer, hashes) => void this.#fetch(peer, hashes),
      blame: (peer, says) => this.#blame(peer, says),
    });
    // to ask is to hand over, which who only observes does not
    const judge = options.mode === 'relay' ? backend.transactions : undefined;
    this.#intake = new TransactionIntake({
      clock,
      read: ({ item, elided }) => readTransaction(item, { crypto, elided }),
      check: (transaction) => checkTransaction(transaction, this.#head.rules),
      complete: (transaction, offer) => this.#complete(transaction, offer),
      prove: async ({ sidecar }, signal) =>
        sidecar !== undefined && (await this.#verifier.verify(sidecar, { signal })),
      judge: judge === undefined ? undefined : ({ network }, signal) => judge.submit(network, { signal }),
      add: (transaction) => this.#add(transaction),
      done: (offer, intake) => this.#done(offer, intake),
    });
  }

  /** From now on what the execution client behind us has is passed on, too. */
  open(): void {
    this.#stopPending = this.#options.backend.transactions?.subscribePending((raw) => this.#pending(raw));
  }

  status(): TransactionStatus {
    return {
      seen: this.#options.feeds.transactionsSeen,
      pooled: this.#pool.size,
      pooledBytes: this.#pool.bytes,
      relayed: this.#relay.relayed,
      refused: this.#refusals,
      unheard: this.#hearing.unheard,
      dropped: this.#intake.dropped,
      fetching: this.#fetcher.gauges(),
    };
  }

  established(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#relay.established(session, (which) =>
      [...this.#pool.transactions()].filter(({ hash }) =>
        which === 'ours' ? this.#own.has(hash) : this.#mayGive(hash),
      ),
    );
  }

  ended(id: string): void {
    this.#sessions.delete(id);
    this.#hearing.ended(id);
    this.#relay.ended(id);
    this.#fetcher.left(id);
  }

  headMoved(range: ChainRange): void {
    this.#head.moved(range);
  }

  /** What a peer says unasked. */
  heard(message: EthMessage, session: Session): void {
    if (!this.#sessions.has(session.id)) return; // it was blamed, and more was on its way
    const breach = this.#hearing.heard(message, session);
    if (breach !== undefined) this.#blame(session.id, breach);
  }

  /** @returns undefined for a request that is not about transactions */
  serve(request: EthRequest, session: Session, signal: AbortSignal): Promise<EthResponse> | undefined {
    return serveTransactions(request, session.eth.version, {
      lookup: (hash) => {
        this.#own.note(hash, session.nodeId, 'askedFor');
        return this.#lookup(hash);
      },
      cells: async (hash, mask) => {
        const transaction = this.#lookup(hash);
        return transaction === undefined ? undefined : this.#cells.of(transaction, mask, { signal });
      },
    });
  }

  /**
   * Takes a transaction of ours, and tells all peers of it.
   * @param raw as `eth_sendRawTransaction` takes it
   * @throws PoolError for what is wrong with it, TransactionError ERR_NODE_TRANSACTION where it is not taken
   */
  async broadcast(raw: Uint8Array): Promise<Broadcasting> {
    const item = transactionItem(raw);
    const { crypto } = this.#options;
    const read = readTransaction(item, { crypto }); // here, so that the caller hears at once what is wrong with it
    const { hash } = read;
    checkTransaction(read, this.#head.rules);
    const known = this.#pool.get(hash);
    const transaction =
      known ?? (await this.#accepted({ hash, item, from: undefined, asked: true, elided: false }));
    this.#own.add(hash);
    this.#relay.tell(transaction, undefined);
    return { hash, report: () => this.#own.report(hash) ?? { hash, peers: [] } };
  }

  /** @returns undefined for what is not ours, or was forgotten */
  report(hash: Uint8Array): OwnReport | undefined {
    return this.#own.report(hash);
  }

  async close(): Promise<void> {
    this.#stopPending?.();
    this.#fetcher.close();
    this.#intake.close();
    this.#relay.close();
    this.#sessions.clear();
    this.#inHand.clear();
    const closed = new TransactionError('the node is closed');
    for (const waiting of this.#callers.values()) for (const { reject } of waiting) reject(closed);
    this.#callers.clear();
    await this.#verifier.close();
    await this.#head.close();
    this.#pool.close();
  }

  /** A whole transaction. */
  #sent(session: Session, hash: Uint8Array, item: Uint8Array): void {
    this.#own.note(hash, session.nodeId, 'seenBack');
    if (!this.#wants(hash)) return;
    const taken = this.#offer({ hash, item, from: session.id, asked: false, elided: false });
    if (taken) this.#fetcher.settled(hash);
  }

  #announced(session: Session, entries: readonly Announced[]): void {
    for (const { hash } of entries) this.#own.note(hash, session.nodeId, 'seenBack');
    this.#fetcher.announced(session.id, entries);
  }

  /** A transaction of the execution client behind us: it has judged already. */
  #pending(raw: Uint8Array): void {
    try {
      const item = transactionItem(raw);
      const hash = transactionHash(item, this.#options.crypto);
      if (this.#wants(hash))
        this.#offer({ hash, item, from: undefined, asked: false, elided: false, judged: true });
    } catch (error) {
      this.#options.logger.debug({ event: 'transactions.pending', cause: error }, 'cannot be read');
    }
  }

  #wants(hash: Uint8Array): boolean {
    const { clock } = this.#options.world;
    return (
      !this.#pool.knows(hash) && !this.#inHand.has(hashKey(hash)) && !this.#refused.has(hash, clock.now())
    );
  }

  #offer(offer: Offer): boolean {
    if (!this.#intake.offer(offer)) return false;
    this.#inHand.add(hashKey(offer.hash));
    return true;
  }

  #accepted(offer: Offer): Promise<PooledTransaction> {
    const key = hashKey(offer.hash);
    return new Promise((resolve, reject) => {
      if (!this.#inHand.has(key) && !this.#offer(offer)) {
        reject(new TransactionError('too many transactions are being looked at'));
        return;
      }
      const waiting = this.#callers.get(key) ?? [];
      waiting.push({ resolve, reject });
      this.#callers.set(key, waiting);
    });
  }

  async #fetch(peer: string, hashes: readonly Uint8Array[]): Promise<void> {
    const session = this.#sessions.get(peer);
    try {
      if (session === undefined) throw new TransactionError('the session is over');
      const elided = session.eth.version >= 72;
      const deliveries = await fetchTransactions(session, hashes, this.#options.crypto);
      if (!this.#fetcher.delivered(peer, deliveries)) return;
      for (const { hash, item } of deliveries) {
        const taken = this.#wants(hash) && this.#offer({ hash, item, from: peer, asked: true, elided });
        if (!taken && !this.#inHand.has(hashKey(hash))) this.#fetcher.settled(hash);
      }
    } catch (error) {
      if (error instanceof EthError) this.#blame(peer, error.message);
      else this.#fetcher.failed(peer);
    }
  }

  async #complete(transaction: PooledTransaction, { from }: Offer): Promise<readonly PooledTransaction[]> {
    const session = from === undefined ? undefined : this.#sessions.get(from);
    if (session === undefined) throw new TransactionError('who had the blobs is gone');
    const put = await fetchBlobs(session, transaction);
    if (put === undefined) throw new TransactionError('the blobs are not there');
    return transaction.blobHashes.length > 1 ? [put('by blob'), put('by cell')] : [put('by blob')];
  }

  #add(transaction: PooledTransaction): string | undefined {
    const outcome = this.#pool.add(transaction);
    return outcome === 'added' || outcome === 'replaced' ? undefined : WHY_NOT[outcome];
  }

  #done({ hash, from, asked }: Offer, intake: Intake): void {
    const key = hashKey(hash);
    this.#inHand.delete(key);
    const callers = this.#callers.get(key) ?? [];
    this.#callers.delete(key);
    if (intake.outcome === 'accepted') {
      this.#fetcher.settled(hash);
      for (const { resolve } of callers) resolve(intake.transaction);
      const { mode, accepted } = this.#options;
      if (mode === 'relay' && callers.length === 0) this.#relay.tell(intake.transaction, from);
      accepted(intake.transaction);
      return;
    }
    for (const { reject } of callers) reject(intake.cause ?? new TransactionError(intake.says));
    if (intake.outcome !== 'dropped') this.#refusals++;
    if (intake.outcome === 'breach' && from !== undefined) {
      if (asked) this.#fetcher.lied(from, hash, intake.says);
      else this.#blame(from, intake.says);
      return;
    }
    if (intake.outcome === 'dropped' && asked && from !== undefined) {
      this.#fetcher.missed(from, hash);
      return;
    }
    if (intake.outcome === 'refused') this.#refused.add(hash, this.#options.world.clock.now());
    this.#fetcher.settled(hash);
  }

  /** What a peer may have of us: all that we hold where we relay, else our own. */
  #lookup(hash: Uint8Array): PooledTransaction | undefined {
    return this.#mayGive(hash) ? this.#pool.get(hash) : undefined;
  }

  #mayGive(hash: Uint8Array): boolean {
    return this.#options.mode === 'relay' || this.#own.has(hash);
  }

  #blame(id: string, says: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id); // what it still has on its way is not listened to
    this.#fetcher.left(id);
    this.#options.misbehaved(session, says);
    session.disconnect(DISCONNECT.protocolBreach, says);
  }
}
