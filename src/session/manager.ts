import type { RlpxCrypto } from '../crypto/index.js';
import { type BlockRange, ETH_VERSIONS } from '../eth/index.js';
import {
  AuthReplays,
  DISCONNECT,
  type DisconnectReason,
  EphemeralKeys,
  type LocalCapability,
} from '../rlpx/index.js';
import {
  type Logger,
  silentLogger,
  type TcpAddress,
  type TcpListener,
  type TcpSocket,
} from '../runtime/index.js';
import { AnswerMemory } from './answer-memory.js';
import {
  Broadcast,
  type BroadcastMessage,
  type BroadcastOptions,
  type BroadcastResult,
} from './broadcast.js';
import { broadcastTo } from './broadcasts.js';
import { endings } from './close-cause.js';
import type { SessionCounts } from './counter.js';
import { DEFAULT_DEADLINES, type Deadlines } from './deadlines.js';
import { checkTarget, withdrawWith } from './dial-wish.js';
import { CreationFailed, checkReason, QuotaExceeded, type SessionError, SessionNotFound } from './errors.js';
import { SessionEmitter, type SessionEventName, type SessionListener } from './events.js';
import { fitsFilter, type SessionFilter } from './filter.js';
import { carefulLogger } from './foreign-code.js';
import type { Session, SessionHandle } from './handle.js';
import { HandshakeQueue } from './handshake-queue.js';
import type { SessionHost, StatusProvider } from './host.js';
import { JournalDesk } from './journal-keeper.js';
import { type KnownKeys, knownKeys } from './known-set.js';
import { ManagedSession, type WantedPeer } from './managed-session.js';
import {
  argument,
  checkedDeadlines,
  checkedLimits,
  checkHello,
  type DialOptions,
  type DialTo,
  ethCapability,
  type SessionManagerOptions,
} from './manager-options.js';
import { DEFAULT_LIMITS, Places } from './places.js';
import { openPolicy } from './policy.js';
import { statusRange } from './range.js';
import { Roster } from './roster.js';
import { type SatelliteProtocol, SatelliteRegistry } from './satellite.js';
import { SessionIds } from './session-ids.js';
import { SessionTemplates } from './templates.js';
import { Turns } from './turn-budget.js';
import { plainProtocol, type TypedProtocol } from './typed-protocol.js';
import { type ValidSession, validSession } from './validation.js';

/**
 * All sessions of one node: accepts and dials under limits, keeps one session per node id and none with itself, and knows
 * each session from its first moment until its socket is gone.
 */
export class SessionManager {
  /** Ours: 64 bytes. */
  readonly publicKey: Uint8Array;
  /** keccak256 of it. */
  readonly nodeId: Uint8Array;
  readonly #world: SessionManagerOptions['world'];
  readonly #crypto: RlpxCrypto;
  readonly #places: Places;
  readonly #status: StatusProvider;
  readonly #deadlines: Deadlines;
  readonly #logger: Logger;
  readonly #templates: SessionTemplates;
  readonly #satellites = new SatelliteRegistry();
  readonly #host: SessionHost;
  readonly #events: SessionEmitter;
  readonly #journals: JournalDesk | undefined;
  readonly #ids: SessionIds;
  readonly #roster: Roster;
  #listens = false;
  #listener: TcpListener | undefined;
  #closing: Promise<void> | undefined;
  #knownKeys: KnownKeys | undefined;

  /** @throws SessionError ERR_SESSION_ARGUMENT naming the option */
  constructor(options: SessionManagerOptions) {
    const { world, crypto, secretKey, ethVersions = ETH_VERSIONS } = options;
    if (!crypto.isSecretKey(secretKey)) throw argument('secretKey is not a key of 32 bytes');
    if (ethVersions.length === 0) throw argument('ethVersions is empty');
    this.#world = world;
    this.#crypto = crypto;
    const policy = options.policy ?? openPolicy;
    this.#status = options.status;
    this.#logger = carefulLogger(options.logger ?? silentLogger);
    this.#deadlines = checkedDeadlines({ ...DEFAULT_DEADLINES, ...options.deadlines });
    this.#templates = new SessionTemplates(options.templates, options.journal !== undefined);
    this.#events = new SessionEmitter(this.#logger);
    this.#ids = new SessionIds(options.newId, this.#logger);
    this.publicKey = crypto.publicKey(secretKey);
    this.nodeId = crypto.keccak256(this.publicKey);
    this.#places = new Places({
      limits: checkedLimits({ ...DEFAULT_LIMITS, ...options.limits }),
      policy,
      templates: this.#templates,
      crypto,
      publicKey: this.publicKey,
      logger: this.#logger,
    });
    this.#roster = new Roster({
      ...{ clock: world.clock, places: this.#places, policy, status: this.#status, events: this.#events },
      ...{ deadlines: this.#deadlines, logger: this.#logger, cleaner: options.cleaner },
    });
    const { journal: sink } = options;
    this.#journals = sink && new JournalDesk({ sink, clock: world.clock, crypto, logger: this.#logger });
    this.#host = this.#makeHost(options, ethVersions.map(ethCapability));
    checkHello(this.#host, this.publicKey);
    for (const protocol of options.capabilities ?? []) this.registerProtocol(protocol);
  }

  /**
   * Offers one more protocol beside eth to whoever connects from now on: of raw messages, or of values (`messages`).
   * @returns a function that takes the offer back; sessions that speak it go on
   * @throws SessionError ERR_SESSION_ARGUMENT naming what is wrong with it
   */
  registerProtocol(protocol: SatelliteProtocol): () => void;
  registerProtocol<V>(protocol: TypedProtocol<V>): () => void;
  registerProtocol<V>(given: SatelliteProtocol | TypedProtocol<V>): () => void {
    const protocol = plainProtocol(given);
    this.#satellites.add(protocol);
    try {
      checkHello(this.#host, this.publicKey);
    } catch (error) {
      this.#satellites.remove(protocol);
      throw error;
    }
    return () => {
      this.#satellites.remove(protocol);
    };
  }

  /** Accepts connections. @returns the address with the real port. @throws RuntimeError ERR_RUNTIME_LISTEN, SessionError */
  async listen(at: TcpAddress): Promise<TcpAddress> {
    if (this.#roster.isLeaving) throw closedError();
    if (this.#listens) throw argument('this manager listens already');
    this.#listens = true;
    const listener = await this.#world.tcp.listen(at, (socket) => this.#accept(socket));
    this.#listener = listener;
    if (this.#roster.isLeaving) await listener.close();
    return listener.address;
  }

  /**
   * Starts a session with the peer; the handle is there at once, what comes of it is told by its promises.
   * @throws SessionError ERR_SESSION_ARGUMENT, ERR_SESSION_SELF, ERR_SESSION_ALREADY_CONNECTED, ERR_SESSION_MANAGER_CLOSED,
   *   ERR_SESSION_ABORTED; ExceedsSessionLimit, InvalidConfiguration
   */
  dial(to: DialTo, { kind = 'dynamic', template, signal }: DialOptions = {}): SessionHandle {
    if (this.#roster.isLeaving) throw closedError();
    checkTarget(to, this.publicKey, this.#crypto, this.#places);
    if (signal?.aborted)
      throw new CreationFailed('ERR_SESSION_ABORTED', 'called off', { cause: signal.reason });
    const granted = template === undefined ? undefined : this.#templates.of(template);
    const exceeded = this.#places.limitToDial(kind);
    if (exceeded !== undefined) throw exceeded;
    const session = this.#create({ publicKey: to.publicKey.slice(), kind, template: granted });
    if (signal !== undefined) withdrawWith(session, signal);
    // the next turn, so that whoever gets the handle is there before anything comes of it
    this.#world.clock.soon(
      () => void session.pending.connect(to, (address) => this.#places.toConnect(session, address)),
    );
    return session;
  }

  /** Any session that has not ended. @throws SessionNotFound */
  get(id: string): SessionHandle {
    const session = this.#roster.get(id);
    if (session === undefined) throw new SessionNotFound(id);
    return session;
  }

  /**
   * Who an active session is with, what it may do, and for how long.
   * @throws SessionNotFound, SessionNotActive, SessionExpired
   */
  validate(id: string): ValidSession {
    const session = this.#roster.get(id);
    if (session === undefined) throw this.#roster.missing(id);
    return validSession(session);
  }

  /** How many sessions have ended. A handle whose session has ended is of an older epoch, and refuses everything. */
  get epoch(): number {
    return this.#roster.epoch;
  }

  /** The active session with this peer. */
  getByPeer(publicKey: Uint8Array): Session | undefined {
    return this.#places.activeWith(publicKey)?.established;
  }

  /** All that have not ended, in the order of their beginning. */
  list(filter: SessionFilter = {}): readonly SessionHandle[] {
    return this.#roster.all().filter((session) => fitsFilter(session, filter));
  }

  /** The active ones. */
  active(): readonly Session[] {
    return [...this.#places.counter.active()].flatMap(({ established }) => established ?? []);
  }

  count(): SessionCounts {
    return this.#places.counter.counts();
  }

  /** @returns a function that takes the listener away again. */
  on<N extends SessionEventName>(event: N, listener: SessionListener<N>): () => void {
    return this.#events.on(event, listener);
  }

  /** Head or earliest block have changed: peers on eth/69 and later hear of it as often as is good for them. */
  announceRange(): void {
    let range: BlockRange | undefined;
    for (const { established } of this.#places.counter.active()) {
      if (established?.announcesRange !== true) continue;
      range ??= statusRange(this.#status.status(established.eth.version));
      if (range !== undefined) established.announce(range);
    }
  }

  /**
   * Says something unasked to all sessions, or to some: encoded and compressed once for all of them. Peers that are known
   * to have a transaction are not told of it again.
   * @returns what became of it at each session that it is for
   * @throws SessionError ERR_SESSION_ARGUMENT for what is not broadcast, EthError ERR_ETH_ENCODE, ERR_ETH_DECODE; nothing
   *   has been sent then
   */
  broadcast(message: BroadcastMessage, options: BroadcastOptions = {}): readonly BroadcastResult[] {
    const active = [...this.#places.counter.active()].flatMap(({ established }) => established ?? []);
    const { to = () => true } = options;
    return broadcastTo(active.filter(to), new Broadcast(message, this.#crypto), options);
  }

  /**
   * Ends everything: no socket is accepted or opened any more, every session gets a Disconnect, and the promise waits until
   * all sockets are gone. Idempotent. @throws SessionError ERR_SESSION_ARGUMENT for a reason that is no byte
   */
  close(options: { readonly reason?: DisconnectReason; readonly timeoutMs?: number } = {}): Promise<void> {
    const { reason = DISCONNECT.clientQuitting, timeoutMs } = options;
    checkReason(reason);
    this.#closing ??= this.#close(reason, timeoutMs);
    return this.#closing;
  }

  /** Resolves when nothing of any journal waits to be written: after `close`, when all of them are. */
  journalsWritten(): Promise<void> {
    return this.#journals?.written() ?? Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: DisconnectReason, timeoutMs = this.#deadlines.lingerMs): Promise<void> {
    const listenerClosed = this.#listener?.close();
    this.#host.ephemeralKeys.close();
    await this.#roster.close(reason, timeoutMs);
    await listenerClosed;
  }

  /** Before any work is done for it: a place among the pending ones, or nothing at all. */
  #accept(socket: TcpSocket): void {
    const refusal = this.#refusalToAccept(socket.remote);
    if (refusal !== undefined) {
      socket.destroy();
      this.#events.emit('refused', { address: socket.remote, says: refusal });
      return;
    }
    const session = this.#create(undefined);
    session.guard(() => session.pending.begin(socket));
  }

  /** Whoever has to make way has ended when this returns. */
  #refusalToAccept(address: TcpAddress): string | undefined {
    const says = 'we shut down';
    if (this.#roster.isLeaving) return says;
    const { refusal, evicted } = this.#places.toAccept(address);
    evicted?.end(endings.evicted(evicted.pending.stalledMs));
    return this.#roster.isLeaving ? says : refusal; // whoever heard of that end may have closed us
  }

  #create(wanted: WantedPeer | undefined): ManagedSession {
    const isTaken = (id: string): boolean => this.#roster.get(id) !== undefined;
    const session = new ManagedSession(this.#host, this.#ids.next(isTaken), wanted);
    this.#roster.add(session);
    return session;
  }

  #makeHost(options: SessionManagerOptions, eth: readonly LocalCapability[]): SessionHost {
    const satellites = this.#satellites;
    return {
      world: this.#world,
      crypto: this.#crypto,
      secretKey: options.secretKey,
      replays: new AuthReplays(),
      handshakes: new HandshakeQueue(this.#world.clock, () => this.#places.counter.hasActive),
      ephemeralKeys: new EphemeralKeys(this.#crypto, this.#world.random, this.#world.clock),
      clientId: options.clientId,
      get capabilities(): readonly LocalCapability[] {
        return [...eth, ...satellites.capabilities];
      },
      satellites,
      requireEth: options.requireEth ?? true,
      knownKeys: () => {
        this.#knownKeys ??= knownKeys(this.#world.random);
        return this.#knownKeys;
      },
      turns: new Turns(this.#world.clock),
      answerMemory: new AnswerMemory(),
      deadlines: this.#deadlines,
      status: this.#status,
      serve: options.serve,
      gossip: options.gossip,
      templates: this.#templates,
      journals: this.#journals,
      logger: this.#logger,
      listenPort: () => this.#listener?.address.port ?? 0,
      placeAuthenticated: (session, publicKey) => this.#places.authenticated(session, publicKey),
      placeActive: (session) => this.#roster.placeActive(session),
      activated: (session, active) => this.#roster.activated(session, active),
      rangeChanged: (session, range) => this.#events.emit('range', { session, range }),
      satelliteClosed: (session, what) => this.#events.emit('satelliteClosed', { session, ...what }),
      quotaExceeded: (session, verdict) => {
        const error = new QuotaExceeded(session.id, verdict);
        this.#events.emit('quota', { session, verdict, error });
      },
      mayLinger: () => this.#roster.mayLinger,
      epoch: () => this.#roster.epoch,
      nextEpoch: () => this.#roster.nextEpoch(),
      ended: (session, cause) => this.#roster.ended(session, cause),
      released: (session) => this.#roster.released(session),
    };
  }
}

function closedError(): SessionError {
  return new CreationFailed('ERR_SESSION_MANAGER_CLOSED', 'the session manager is closed');
}
