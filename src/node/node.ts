import type { ChainBackend, ChainStore } from '../chain/index.js';
import type { ChainSpec } from '../eth/index.js';
import { type Enode, parseEnode } from '../peers/index.js';
import type { OwnReport } from '../pool/index.js';
import type { Logger, TcpAddress, World } from '../runtime/index.js';
import {
  type PeerKind,
  plainProtocol,
  type SatelliteProtocol,
  type Session,
  type SessionHandle,
  SessionManager,
  type TypedProtocol,
} from '../session/index.js';
import { ChainAnswers } from './chain-answers.js';
import { ChainUpkeep } from './chain-upkeep.js';
import type { NodeConfig } from './config.js';
import { Contacts } from './contacts.js';
import type { NodeCrypto } from './crypto-choice.js';
import { Emitter } from './emitter.js';
import { ConfigError } from './errors.js';
import type { NodeEvents } from './events.js';
import { closeHome, type Home } from './home.js';
import { identityOf, type NodeIdentity } from './identity.js';
import { introduce } from './introductions.js';
import { JournalFolder, type JournalFolderOptions } from './journal-folder.js';
import { withJournal } from './journal-options.js';
import { LocalDesk } from './local-desk.js';
import type { CloseOptions, NodeOptions, NodeStatus } from './node-options.js';
import { enodeAt } from './own-address.js';
import type { PullOptions, PullOutcome } from './pulling.js';
import type { SessionHistory } from './session-history.js';
import { chainStatus } from './status-provider.js';
import { TrafficMeter } from './traffic.js';
import { type Broadcasting, TransactionDesk, TransactionError } from './tx-desk.js';
import { NetworkFeeds } from './tx-feeds.js';
import { clientName } from './version.js';

/** What a node is made of. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly home: Home;
  readonly world: World;
  readonly crypto: NodeCrypto;
  readonly logger: Logger;
  readonly options: Pick<NodeOptions, 'metrics' | 'requireEth' | 'templates'>;
}

/** A node that runs, made by `createNode`: sessions, peers and chain, introduced to each other. */
export class RlpxdNode {
  /** The public half of the node key. */
  readonly identity: NodeIdentity;
  readonly config: NodeConfig;
  readonly chain: ChainSpec;
  /** The chain that is served. */
  readonly backend: ChainBackend;
  readonly sessions: SessionManager;
  readonly world: World;
  readonly crypto: NodeCrypto;
  /** Where sessions are written down; undefined where they are not. */
  readonly journal: JournalFolder | undefined;
  /** What peers say of transactions and blocks, as it comes. */
  readonly feeds: NetworkFeeds;
  readonly #logger: Logger;
  readonly #contacts: Contacts;
  readonly #upkeep: ChainUpkeep;
  readonly #answers: ChainAnswers;
  readonly #traffic: TrafficMeter;
  readonly #events: Emitter<NodeEvents>;
  readonly #desk: LocalDesk;
  readonly #transactions: TransactionDesk | undefined;
  readonly #home: Home;
  readonly #ending = new AbortController();
  readonly #unsubscribe: () => void;
  #address: TcpAddress | undefined;
  #closed: Promise<void> | undefined;

  /** @internal Nodes are made by `createNode`. */
  constructor({ config, home, world, crypto, logger, options }: NodeParts) {
    const { metrics, requireEth, templates } = options;
    this.config = config;
    this.#home = home;
    this.chain = home.backend.chain;
    this.backend = home.backend;
    this.world = world;
    this.crypto = crypto;
    this.#logger = logger;
    this.identity = identityOf(home.key, crypto);
    this.#events = new Emitter(logger);
    this.#contacts = new Contacts({
      ...{ world, netRestrict: config.netRestrict, sessions: () => this.sessions },
      waiting: (publicKey, wait) => this.#events.emit('peer.waiting', { publicKey, wait }),
    });
    this.#answers = new ChainAnswers({ backend: home.backend, hasher: crypto, clock: world.clock });
    this.feeds = new NetworkFeeds(world.clock);
    this.#transactions = this.#openTransactions();
    const transactions = this.#transactions;
    const failed: JournalFolderOptions['failed'] = (session, cause) =>
      this.#events.emit('journal.failed', { session, cause });
    this.journal =
      config.journal && new JournalFolder({ config: config.journal, files: world.files, failed });
    this.sessions = new SessionManager({
      world,
      crypto,
      secretKey: home.key,
      clientId: clientName(),
      ethVersions: config.ethVersions,
      status: chainStatus(home.backend),
      limits: config.limits,
      policy: this.#contacts.policy,
      ...(requireEth === undefined ? {} : { requireEth }),
      templates: withJournal(templates, config.journal),
      ...(this.journal === undefined ? {} : { journal: this.journal }),
      serve: async (request, session, { signal }) =>
        transactions?.serve(request, session, signal) ?? this.#answers.serve(request, session, signal),
      ...(transactions === undefined
        ? {}
        : { gossip: (message, session) => transactions.heard(message, session) }),
      logger,
    });
    this.#traffic = new TrafficMeter(this.sessions);
    this.#upkeep = new ChainUpkeep({
      ...{ sessions: this.sessions, store: () => this.store, hasher: crypto, clock: world.clock, logger },
      ...{ events: this.#events, ending: this.#ending.signal },
      lied: (session, says) => this.#misbehaved(session, says),
    });
    this.#desk = new LocalDesk(this, logger);
    this.#unsubscribe = introduce({
      ...{ sessions: this.sessions, backend: this.backend, feeds: this.feeds, transactions },
      ...{ contacts: this.#contacts, traffic: this.#traffic, desk: this.#desk, metrics },
      ...{ events: this.#events, ending: this.#ending.signal },
    });
  }

  /**
   * The chain where it is kept here.
   * @throws ConfigError ERR_CONFIG_VALUE where the chain comes from an upstream or a backend of your own; `backend` has it
   */
  get store(): ChainStore {
    const { store } = this.#home;
    if (store !== undefined) return store;
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      'store',
      'this node has no store: its chain comes from elsewhere',
    );
  }

  /** Where others can dial us; undefined where we do not listen. */
  get enode(): string | undefined {
    return this.#address && enodeAt(this.sessions.publicKey, this.#address);
  }

  /** Where we listen. */
  get address(): TcpAddress | undefined {
    return this.#address;
  }

  /** How sessions were that have ended; undefined where nothing of them is kept, as without a datadir. */
  get history(): SessionHistory | undefined {
    return this.#desk.history;
  }

  /** @internal Called once, by `createNode`. */
  async start(pull: boolean): Promise<void> {
    await this.#desk.open();
    this.#transactions?.open();
    await this.journal?.open(this.history?.run);
    if (this.config.listen !== undefined) this.#address = await this.sessions.listen(this.config.listen);
    for (const peer of this.config.peers) this.#contacts.add(peer, 'static');
    for (const peer of this.config.trusted) this.#contacts.add(peer, 'trusted'); // last: who is both is trusted
    if (pull) this.#upkeep.follow();
    if (this.config.keep !== undefined) this.#upkeep.prune(this.config.keep);
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Dials a peer once; the handle is there at once, `handle.active` is the session.
   * @throws PeerError ERR_PEER_ENODE; SessionError, as `SessionManager.dial`
   */
  dial(
    enode: string | Enode,
    options: { readonly kind?: PeerKind; readonly signal?: AbortSignal } = {},
  ): SessionHandle {
    return this.sessions.dial(this.#enode(enode), options);
  }

  /**
   * Offers a protocol of your own beside eth, to whoever connects from now on.
   * @returns a function that takes the offer back; sessions that speak it go on
   * @throws SessionError ERR_SESSION_ARGUMENT naming what is wrong with it
   */
  registerProtocol(protocol: SatelliteProtocol): () => void;
  registerProtocol<V>(protocol: TypedProtocol<V>): () => void;
  registerProtocol<V>(protocol: SatelliteProtocol | TypedProtocol<V>): () => void {
    return this.sessions.registerProtocol(plainProtocol(protocol));
  }

  /** Dials a peer now, and again after every end. @throws PeerError ERR_PEER_ENODE */
  addPeer(enode: string | Enode, kind: 'static' | 'trusted' = 'static'): void {
    this.#contacts.add(this.#enode(enode), kind);
  }

  /** Dials the peer no more; a session that stands is left alone. */
  removePeer(enode: string | Enode): void {
    this.#contacts.remove(this.#enode(enode).publicKey);
  }

  /**
   * Copies the chain from the peers of all sessions, present and to come, until the target is reached.
   * @throws ChainError; ConfigError where the node is pulling already
   */
  pull(options: PullOptions = {}): Promise<PullOutcome> {
    return this.#upkeep.pull(options);
  }

  status(): NodeStatus {
    const { activeInbound, activeOutbound, pendingInbound, pendingOutbound } = this.sessions.count();
    const { latest, latestHash, earliest } = this.backend.range();
    const { upstream } = this.#home;
    return {
      peers: { inbound: activeInbound, outbound: activeOutbound, pending: pendingInbound + pendingOutbound },
      head: latest,
      hash: latestHash,
      earliest,
      served: this.#answers.count,
      ...this.#traffic.total(),
      pulling: this.#upkeep.pulling,
      transactions: this.#transactions?.status(),
      ...(upstream === undefined ? {} : { upstream: upstream.status() }),
    };
  }

  /**
   * Hands a transaction of ours to the network.
   * @param raw as `eth_sendRawTransaction` takes it: an RLP list, or the type and what follows; blob transactions with their
   *   sidecar
   * @throws PoolError for what is wrong with it; TransactionError ERR_NODE_TRANSACTION where it is not taken
   */
  async broadcast(raw: Uint8Array): Promise<Broadcasting> {
    if (this.#transactions === undefined) throw new TransactionError('transactions are off in this node');
    return this.#transactions.broadcast(raw);
  }

  /** What peers were told of a transaction of ours, and what they did; undefined for one that is not, or is long ago. */
  broadcastReport(hash: Uint8Array): OwnReport | undefined {
    return this.#transactions?.report(hash);
  }

  /** Ends all sessions with a Disconnect, then closes store or upstream. Idempotent. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: CloseOptions): Promise<void> {
    this.#ending.abort();
    // first the sessions, also those on their way: a dial that the dialer called off would be told another reason
    const closed = this.sessions.close(options);
    this.#contacts.stop();
    this.feeds.close();
    await Promise.all([closed, this.#transactions?.close(), this.#upkeep.settled()]);
    await this.sessions.journalsWritten();
    try {
      await this.#desk.close();
    } finally {
      this.#unsubscribe();
      await closeHome(this.#home);
    }
  }

  #openTransactions(): TransactionDesk | undefined {
    const { config, world, crypto, feeds, backend } = this;
    if (config.transactions === 'off') return undefined;
    return new TransactionDesk({
      ...{ mode: config.transactions, backend, world, crypto, feeds, logger: this.#logger },
      sessions: () => this.sessions,
      misbehaved: (session, says) => this.#misbehaved(session, says),
      accepted: (transaction) => this.#events.emit('transaction', { transaction }),
    });
  }

  /** A peer has broken a rule: it is not let in again for a while. */
  #misbehaved(session: Session, says: string): void {
    this.#contacts.refuse(session.publicKey);
    this.#events.emit('peer.misbehaved', { session, says });
  }

  #enode(enode: string | Enode): Enode {
    return typeof enode === 'string' ? parseEnode(enode, this.crypto) : enode;
  }
}
