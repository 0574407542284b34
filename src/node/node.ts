import { type ChainBackend, type ChainStore, serveRequest, type UpstreamStatus } from '../chain/index.js';
import { hexToBytes } from '../codec/index.js';
import type { BlockRange, ChainSpec, EthResponse } from '../eth/index.js';
import { Dialer, type Enode, formatEnode, parseEnode, StaticPolicy } from '../peers/index.js';
import type { OwnReport } from '../pool/index.js';
import type { DisconnectReason } from '../rlpx/index.js';
import { type Logger, realWorld, silentLogger, type TcpAddress, type World } from '../runtime/index.js';
import {
  type CloseCause,
  isEstablished,
  type PeerKind,
  plainProtocol,
  type SatelliteProtocol,
  type Session,
  type SessionHandle,
  SessionManager,
  type SessionRecord,
  type TemplateOptions,
  type TypedProtocol,
} from '../session/index.js';
import type { GivenChain } from './chain-choice.js';
import { checkOptions, type NodeConfig, type PlainNodeOptions } from './config.js';
import { type GivenCrypto, givenCrypto, type NodeCrypto } from './crypto-choice.js';
import { dialEnd, dialOnce } from './dialing.js';
import { Emitter } from './emitter.js';
import { ConfigError } from './errors.js';
import type { NodeEvents } from './events.js';
import { closeHome, type Home, openHome } from './home.js';
import { identityOf, type NodeIdentity } from './identity.js';
import { JournalFolder, type JournalFolderOptions } from './journal-folder.js';
import { withJournal } from './journal-options.js';
import { withKept } from './kept.js';
import { LocalDesk } from './local-desk.js';
import type { NodeMetrics } from './metrics.js';
import { dialableHost } from './own-address.js';
import { pause } from './pause.js';
import { type PullOptions, type PullOutcome, type PullProgress, pullFromSessions } from './pulling.js';
import type { SessionHistory } from './session-history.js';
import { chainStatus } from './status-provider.js';
import { type Traffic, TrafficMeter } from './traffic.js';
import { type Broadcasting, TransactionDesk, TransactionError, type TransactionStatus } from './tx-desk.js';
import { NetworkFeeds } from './tx-feeds.js';
import { clientName, warnOfOldNode } from './version.js';

export interface NodeOptions extends PlainNodeOptions {
  /** The chain; without it, the one that the datadir holds. */
  readonly chain?: GivenChain | undefined;
  /** A chain of your own to serve, instead of a store; it says which chain it is, and closing it is yours. */
  readonly backend?: ChainBackend | undefined;
  /** Copy the chain from peers and follow them, for as long as the node runs; false. */
  readonly pull?: boolean | undefined;
  /** Protocols of your own, spoken beside eth; more can be added later (`registerProtocol`). */
  readonly protocols?: readonly SatelliteProtocol[] | undefined;
  /** Turn away peers that share no version of eth, whatever else they share; true. */
  readonly requireEth?: boolean | undefined;
  /** What a session may do and how much: `basic`, `static` and `trusted` by the kind of its peer, and more of your own. */
  readonly templates?: Readonly<Record<string, TemplateOptions>> | undefined;
  /** The outside world; the real one. */
  readonly world?: World | undefined;
  /** The cryptographic back end, or its name (`native`, `wasm`, `node`, `noble`); the fastest that passes its self-test. */
  readonly crypto?: GivenCrypto | undefined;
  /** Where the rooms write what happens; nowhere. `logNode` writes the events of the node itself. */
  readonly logger?: Logger | undefined;
  /** Told of what a monitor counts; one that throws is logged and hurts nobody. */
  readonly metrics?: NodeMetrics | undefined;
}

/** A node in one look. */
export interface NodeStatus extends Traffic {
  readonly peers: { readonly inbound: number; readonly outbound: number; readonly pending: number };
  readonly head: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly earliest: bigint;
  /** Requests of peers that were answered from the chain, in all. */
  readonly served: number;
  readonly pulling: boolean;
  /** Undefined where transactions are off. */
  readonly transactions: TransactionStatus | undefined;
  /** Where the chain is that of an execution client. */
  readonly upstream?: UpstreamStatus;
}

export interface CloseOptions {
  /** What the peers are told; 8, client quitting. */
  readonly reason?: DisconnectReason;
  /** How long goodbyes may take before sockets are cut, in milliseconds; 2,000. */
  readonly timeoutMs?: number;
}

/** Peers that gave false data are not let in again for so long, unless they are trusted. */
const MISBEHAVED_MS = 600_000;
/** How long a pull that broke off rests: doubled each time, up to a limit. */
const FIRST_PULL_WAIT_MS = 5_000;
const MOST_PULL_WAIT_MS = 300_000;

/**
 * Starts a node: opens its chain and key, listens where asked, dials its peers and pulls where asked.
 * @throws SessionError ERR_SESSION_ARGUMENT for a protocol that is none, ERR_SESSION_CONFIGURATION for a template; RuntimeError ERR_RUNTIME_NODE_VERSION (this Node must not face peers); CryptoError ERR_CRYPTO_BACKEND; ConfigError; ChainError; RuntimeError ERR_RUNTIME_LISTEN, ERR_RUNTIME_STORE_BUSY, ERR_RUNTIME_FILE. Nothing is
 * left open then.
 */
export async function createNode(options: NodeOptions = {}): Promise<RlpxdNode> {
  const world = options.world ?? realWorld();
  const logger = options.logger ?? silentLogger;
  warnOfOldNode(logger);
  const crypto = givenCrypto(options.crypto, logger);
  const config = checkOptions(options, crypto);
  checkBacking(options);
  const { chain, backend } = options;
  const home = await openHome({ config, chain, backend, world, crypto, logger });
  const node = await madeOf({ config, home, world, crypto, logger, options });
  try {
    for (const protocol of options.protocols ?? []) node.registerProtocol(protocol);
    await node.start(options.pull === true);
    return node;
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** One chain, from one place. @throws ConfigError ERR_CONFIG_VALUE */
function checkBacking({ backend, upstream, pull, keep }: NodeOptions): void {
  const from = backend !== undefined ? 'backend' : upstream !== undefined ? 'upstream' : undefined;
  if (from === undefined) return;
  const second =
    from === 'backend' && upstream !== undefined ? 'upstream' : pull === true ? 'pull' : undefined;
  const field = second ?? (keep === undefined ? undefined : 'keep');
  if (field === undefined) return;
  throw new ConfigError('ERR_CONFIG_VALUE', field, `${field}: the chain comes from the ${from} already`);
}

/** A mistake in what makes sessions leaves no store open. */
async function madeOf(parts: NodeParts): Promise<RlpxdNode> {
  try {
    return new RlpxdNode(parts);
  } catch (error) {
    await closeHome(parts.home);
    throw error;
  }
}

interface NodeParts {
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
  readonly #policy: StaticPolicy;
  readonly #dialer: Dialer;
  readonly #traffic: TrafficMeter;
  readonly #events: Emitter<NodeEvents>;
  readonly #desk: LocalDesk;
  readonly #transactions: TransactionDesk | undefined;
  readonly #home: Home;
  readonly #ending = new AbortController();
  #address: TcpAddress | undefined;
  #pull: Promise<unknown> | undefined;
  #pruning: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #served = 0;
  #unsubscribe: (() => void) | undefined;

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
    this.#policy = new StaticPolicy({ clock: world.clock, netRestrict: config.netRestrict });
    this.#events = new Emitter(logger);
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
      policy: this.#policy,
      ...(requireEth === undefined ? {} : { requireEth }),
      templates: withJournal(templates, config.journal),
      ...(this.journal === undefined ? {} : { journal: this.journal }),
      serve: async (request, session, { signal }) => {
        const answer = transactions?.serve(request, session, signal);
        if (answer !== undefined) return answer;
        const tools = { signal, hasher: crypto, clock: world.clock };
        // the answer that belongs to the request: `serveRequest` makes no other
        const served = (await serveRequest(home.backend, request, session.eth.version, tools)) as EthResponse;
        this.#served++;
        return served;
      },
      ...(transactions === undefined
        ? {}
        : { gossip: (message, session) => transactions.heard(message, session) }),
      logger,
    });
    this.#traffic = new TrafficMeter(this.sessions);
    this.#dialer = new Dialer({
      clock: world.clock,
      random: world.random,
      dial: (target, { signal }) => dialOnce(() => this.sessions.dial(target, { kind: target.kind, signal })),
      waiting: ({ publicKey }, wait) => this.#events.emit('peer.waiting', { publicKey, wait }),
    });
    if (metrics !== undefined) {
      this.on('session.ended', ({ session, cause }) => metrics.sessionEnded?.(cause, session.describe()));
    }
    this.#desk = new LocalDesk(this, logger);
    this.#introduce();
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
    if (this.#address === undefined) return undefined;
    const { host, port } = this.#address;
    return formatEnode({
      publicKey: this.sessions.publicKey,
      host: dialableHost(host),
      port,
      discoveryPort: port,
    });
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
    for (const peer of this.config.peers) this.#keep(peer, 'static');
    for (const peer of this.config.trusted) this.#keep(peer, 'trusted'); // last: who is both is trusted
    if (pull) this.#pull = this.#follow();
    if (this.config.keep !== undefined) this.#pruning = this.#prune(this.config.keep);
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
    this.#keep(this.#enode(enode), kind);
  }

  /** Dials the peer no more; a session that stands is left alone. */
  removePeer(enode: string | Enode): void {
    const { publicKey } = this.#enode(enode);
    this.#dialer.remove(publicKey);
    this.#policy.remove(publicKey);
  }

  /**
   * Copies the chain from the peers of all sessions, present and to come, until the target is reached.
   * @throws ChainError; ConfigError where the node is pulling already
   */
  async pull(options: PullOptions = {}): Promise<PullOutcome> {
    if (this.#pull !== undefined) {
      throw new ConfigError('ERR_CONFIG_VALUE', 'pull', 'this node is pulling already');
    }
    const { signal = this.#ending.signal, ...more } = options;
    const pulled = this.#pullFrom({ ...more, signal: AbortSignal.any([signal, this.#ending.signal]) });
    this.#pull = pulled;
    try {
      return await pulled;
    } finally {
      this.#pull = undefined;
    }
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
      served: this.#served,
      ...this.#traffic.total(),
      pulling: this.#pull !== undefined,
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
    this.#dialer.stop();
    this.feeds.close();
    await Promise.all([
      closed,
      this.#transactions?.close(),
      Promise.resolve(this.#pull).catch(() => undefined),
      this.#pruning,
    ]);
    await this.sessions.journalsWritten();
    try {
      await this.#desk.close();
    } finally {
      this.#unsubscribe?.();
      await closeHome(this.#home);
    }
  }

  /** The rooms do not know each other: what one says, the others hear through here. */
  #introduce(): void {
    this.sessions.on('activated', ({ session }) => {
      this.#dialer.established(session.publicKey);
      this.#transactions?.established(session);
      this.#sawRange(session, session.eth.range);
      this.#events.emit('session.active', { session });
    });
    this.sessions.on('closed', ({ session, cause }) => {
      this.#traffic.ended(cause);
      this.#desk.ended(session, cause);
      this.#transactions?.ended(session.id);
      const wasActive = isEstablished(cause.stage);
      this.#lost(session.describe(), cause, wasActive);
      this.#events.emit('session.ended', { session, cause, wasActive });
    });
    this.sessions.on('range', ({ session, range }) => this.#sawRange(session, range));
    this.#unsubscribe = this.backend.subscribe((range) => {
      this.#transactions?.headMoved(range);
      this.sessions.announceRange();
      this.#events.emit('chain.head', { range });
    });
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

  #sawRange(session: Session, range: BlockRange | undefined): void {
    if (range !== undefined) this.feeds.block(session.id, range.latest, range.latestHash);
  }

  /** A peer has broken a rule: it is not let in again for a while. */
  #misbehaved(session: Session, says: string): void {
    this.#policy.refuse(session.publicKey, MISBEHAVED_MS);
    this.#events.emit('peer.misbehaved', { session, says });
  }

  /** Brings a store down that was let grow; what comes later is dropped as new blocks come. */
  async #prune(keep: bigint): Promise<void> {
    const { signal } = this.#ending;
    try {
      await this.store.prune(keep, { signal });
    } catch (error) {
      if (signal.aborted) return;
      const cause = withKept(error, this.store);
      this.#logger.error({ event: 'prune.failed', cause }, `old blocks are not dropped: ${String(cause)}`);
    }
  }

  /** The dialer hears of the end, unless another session with the same peer has taken the place of this one. */
  #lost({ publicKey, activeAtMs }: SessionRecord, cause: CloseCause, wasActive: boolean): void {
    // who goes because we end is not waited for
    if (!wasActive || publicKey === undefined || this.#ending.signal.aborted) return;
    const key = hexToBytes(publicKey);
    if (this.sessions.getByPeer(key) === undefined) this.#dialer.ended(key, dialEnd(cause, activeAtMs));
  }

  #keep(peer: Enode, kind: 'static' | 'trusted'): void {
    this.#policy.add(peer.publicKey, kind, peer.host);
    this.#dialer.add({ ...peer, kind });
  }

  #enode(enode: string | Enode): Enode {
    return typeof enode === 'string' ? parseEnode(enode, this.crypto) : enode;
  }

  /** Pulls for as long as the node runs. What ends a pull early, a full disk for one, may be mended meanwhile. */
  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    const { clock } = this.world;
    for (let waitMs = FIRST_PULL_WAIT_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, MOST_PULL_WAIT_MS)) {
      const began = clock.now();
      try {
        await this.#pullFrom({ follow: true, signal });
      } catch (error) {
        if (signal.aborted) return;
        if (clock.now() - began > MOST_PULL_WAIT_MS) waitMs = FIRST_PULL_WAIT_MS; // it went well for long
        const cause = withKept(error, this.store);
        this.#logger.error({ event: 'pull.failed', cause, waitMs }, `the pull has ended: ${String(cause)}`);
      }
      await pause(clock, waitMs, signal);
    }
  }

  async #pullFrom(options: PullOptions & { readonly signal: AbortSignal }): Promise<PullOutcome> {
    const { sessions, store, crypto, world } = this;
    return pullFromSessions({
      ...options,
      sessions,
      store,
      hasher: crypto,
      clock: world.clock,
      logger: this.#logger,
      onProgress: (progress: PullProgress) => {
        options.onProgress?.(progress);
        this.#events.emit('pull.progress', progress);
      },
      onDone: (outcome) => this.#events.emit('pull.done', outcome),
      lied: (session, says) => this.#misbehaved(session, says),
    });
  }
}
