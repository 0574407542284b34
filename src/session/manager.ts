import { sameBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { type BlockRange, ETH_VERSIONS, type EthVersion, ethProtocol } from '../eth/index.js';
import {
  AuthReplays,
  DISCONNECT,
  type DisconnectReason,
  encodeHello,
  type LocalCapability,
  P2P_VERSION,
} from '../rlpx/index.js';
import {
  type Logger,
  silentLogger,
  type TcpAddress,
  type TcpListener,
  type TcpSocket,
  type World,
} from '../runtime/index.js';
import type { ActiveSession } from './active.js';
import {
  Broadcast,
  type BroadcastMessage,
  type BroadcastOptions,
  type BroadcastResult,
} from './broadcast.js';
import { broadcastTo } from './broadcasts.js';
import { type CloseCause, endings } from './close-cause.js';
import type { SessionCounts, SessionLimits } from './counter.js';
import { DEFAULT_DEADLINES, type Deadlines } from './deadlines.js';
import { deferred } from './deferred.js';
import { CreationFailed, checkReason, QuotaExceeded, SessionError, SessionNotFound } from './errors.js';
import { SessionEmitter, type SessionEventName, type SessionListener } from './events.js';
import { fitsFilter, type SessionFilter } from './filter.js';
import { callForeign, carefulLogger, textOf } from './foreign-code.js';
import type { Session, SessionHandle } from './handle.js';
import type { GossipHandler, Place, RequestHandler, SessionHost, StatusProvider } from './host.js';
import type { JournalSink } from './journal-keeper.js';
import { type KnownKeys, knownKeys } from './known-set.js';
import { ManagedSession, type WantedPeer } from './managed-session.js';
import { DEFAULT_LIMITS, duplicateOf, Places } from './places.js';
import { openPolicy, type PeerKind, type PeerPolicy } from './policy.js';
import { statusRange } from './range.js';
import { type SatelliteProtocol, SatelliteRegistry } from './satellite.js';
import { SessionIds } from './session-ids.js';
import { isEstablished } from './state.js';
import { SessionTemplates, type TemplateOptions } from './templates.js';
import { Turns } from './turn-budget.js';
import { EndedSessions, type ValidSession, validSession } from './validation.js';

/** Refused sessions whose sockets may live on at once, so that the peers can read why (each at most `lingerMs`). */
export const MAX_LINGERING = 32;
const PUBLIC_KEY_BYTES = 64;
const MAX_PORT = 65_535;

export interface SessionManagerOptions {
  readonly world: Pick<World, 'clock' | 'random' | 'tcp' | 'dns'>;
  readonly crypto: RlpxCrypto;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** As Hello says it: `rlpxd/v0.1.0/linux-x64/node20.20.2`. */
  readonly clientId: string;
  /** Those we offer; all where left out. */
  readonly ethVersions?: readonly EthVersion[];
  readonly status: StatusProvider;
  readonly limits?: Partial<SessionLimits>;
  readonly policy?: PeerPolicy;
  /** Answers requests; without it all are answered empty. */
  readonly serve?: RequestHandler;
  readonly gossip?: GossipHandler;
  readonly deadlines?: Partial<Deadlines>;
  /** The user's own templates by name, beside `basic`, `static` and `trusted`; one of those names replaces it. */
  readonly templates?: Readonly<Record<string, TemplateOptions>>;
  /** Protocols beside eth. More can be added later: `registerProtocol`. */
  readonly capabilities?: readonly SatelliteProtocol[];
  /** Turn away peers that share no version of eth, whatever else they share; true. */
  readonly requireEth?: boolean;
  /** Where the journals go of sessions whose template has `messageLogging`. */
  readonly journal?: JournalSink;
  readonly logger?: Logger;
  /** Names each session, instead of `s1`, `s2`…; an id that a living session has is not taken. */
  readonly newId?: () => string;
  readonly cleaner?: SessionCleaner;
}

/** Called once for every session, after its end and when its socket is gone too. */
export type SessionCleaner = (session: SessionHandle) => void;

export interface DialTo {
  /** An address, or a name to look up. */
  readonly host: string;
  readonly port: number;
  /** 64 bytes: whom we expect there, and no one else. */
  readonly publicKey: Uint8Array;
}

export interface DialOptions {
  readonly kind?: PeerKind;
  /** What the session may do: the name of a template, or one for this session alone. By default that of its kind. */
  readonly template?: string | TemplateOptions;
  /** Withdraws the dial; an active session is not touched any more. */
  readonly signal?: AbortSignal;
}

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
  readonly #policy: PeerPolicy;
  readonly #places: Places;
  readonly #status: StatusProvider;
  readonly #deadlines: Deadlines;
  readonly #logger: Logger;
  readonly #templates: SessionTemplates;
  readonly #satellites = new SatelliteRegistry();
  readonly #host: SessionHost;
  readonly #events: SessionEmitter;
  readonly #ids: SessionIds;
  readonly #cleaner: SessionCleaner | undefined;
  readonly #sessions = new Map<string, ManagedSession>();
  readonly #endedSessions = new EndedSessions();
  /** Ended, but the socket is still there. */
  readonly #lingering = new Set<ManagedSession>();
  #listens = false;
  #listener: TcpListener | undefined;
  #epoch = 0;
  /** Nothing begins any more. */
  #leaving = false;
  #closing: Promise<void> | undefined;
  #knownKeys: KnownKeys | undefined;
  #onAllGone: (() => void) | undefined;

  /** @throws SessionError ERR_SESSION_ARGUMENT naming the option */
  constructor(options: SessionManagerOptions) {
    const { world, crypto, secretKey, ethVersions = ETH_VERSIONS } = options;
    if (!crypto.isSecretKey(secretKey)) throw argument('secretKey is not a key of 32 bytes');
    if (ethVersions.length === 0) throw argument('ethVersions is empty');
    this.#world = world;
    this.#crypto = crypto;
    this.#policy = options.policy ?? openPolicy;
    this.#status = options.status;
    this.#logger = carefulLogger(options.logger ?? silentLogger);
    this.#deadlines = checkedDeadlines({ ...DEFAULT_DEADLINES, ...options.deadlines });
    this.#templates = new SessionTemplates(options.templates, options.journal !== undefined);
    this.#events = new SessionEmitter(this.#logger);
    this.#ids = new SessionIds(options.newId, this.#logger);
    this.#cleaner = options.cleaner;
    this.publicKey = crypto.publicKey(secretKey);
    this.nodeId = crypto.keccak256(this.publicKey);
    this.#places = new Places({
      limits: checkedLimits({ ...DEFAULT_LIMITS, ...options.limits }),
      policy: this.#policy,
      templates: this.#templates,
      crypto,
      publicKey: this.publicKey,
      logger: this.#logger,
    });
    this.#host = this.#makeHost(options, ethVersions.map(ethCapability));
    checkHello(this.#host, this.publicKey);
    for (const protocol of options.capabilities ?? []) this.registerProtocol(protocol);
  }

  /**
   * Offers one more protocol beside eth to whoever connects from now on.
   * @returns a function that takes the offer back; sessions that speak it go on
   * @throws SessionError ERR_SESSION_ARGUMENT naming what is wrong with it
   */
  registerProtocol(protocol: SatelliteProtocol): () => void {
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
    if (this.#leaving) throw closedError();
    if (this.#listens) throw argument('this manager listens already');
    this.#listens = true;
    const listener = await this.#world.tcp.listen(at, (socket) => this.#accept(socket));
    this.#listener = listener;
    if (this.#leaving) await listener.close();
    return listener.address;
  }

  /**
   * Starts a session with the peer; the handle is there at once, what comes of it is told by its promises.
   * @throws SessionError ERR_SESSION_ARGUMENT, ERR_SESSION_SELF, ERR_SESSION_ALREADY_CONNECTED, ERR_SESSION_MANAGER_CLOSED,
   *   ERR_SESSION_ABORTED; ExceedsSessionLimit, InvalidConfiguration
   */
  dial(to: DialTo, { kind = 'dynamic', template, signal }: DialOptions = {}): SessionHandle {
    if (this.#leaving) throw closedError();
    this.#checkTarget(to);
    if (signal?.aborted)
      throw new CreationFailed('ERR_SESSION_ABORTED', 'called off', { cause: signal.reason });
    const granted = template === undefined ? undefined : this.#templates.of(template);
    const exceeded = this.#places.limitToDial(kind);
    if (exceeded !== undefined) throw exceeded;
    const session = this.#create({ publicKey: to.publicKey.slice(), kind, template: granted });
    if (signal !== undefined) this.#withdrawWith(session, signal);
    // the next turn, so that whoever gets the handle is there before anything comes of it
    this.#world.clock.soon(
      () => void session.pending.connect(to, (address) => this.#places.toConnect(session, address)),
    );
    return session;
  }

  /** Any session that has not ended. @throws SessionNotFound */
  get(id: string): SessionHandle {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new SessionNotFound(id);
    return session;
  }

  /**
   * Who an active session is with, what it may do, and for how long.
   * @throws SessionNotFound, SessionNotActive, SessionExpired
   */
  validate(id: string): ValidSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw this.#endedSessions.missing(id);
    return validSession(session);
  }

  /** How many sessions have ended. A handle whose session has ended is of an older epoch, and refuses everything. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The active session with this peer. */
  getByPeer(publicKey: Uint8Array): Session | undefined {
    return this.#places.activeWith(publicKey)?.established;
  }

  /** All that have not ended, in the order of their beginning. */
  list(filter: SessionFilter = {}): readonly SessionHandle[] {
    return [...this.#sessions.values()].filter((session) => fitsFilter(session, filter));
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: DisconnectReason, timeoutMs = this.#deadlines.lingerMs): Promise<void> {
    this.#leaving = true;
    const { clock } = this.#world;
    const startedMs = clock.now();
    const listenerClosed = this.#listener?.close();
    const says = 'we shut down';
    // half of the time is for what has begun, the rest for the peers to read our Disconnect
    const drainMs = Math.min(this.#deadlines.drainMs, timeoutMs / 2);
    const closing = [...this.#sessions.values()].map((session) =>
      session.close({ reason, says, timeoutMs: drainMs }),
    );
    if (this.#sessions.size > 0) {
      const late = deferred<void>();
      const timer = clock.timer(drainMs, () => late.resolve());
      await Promise.race([Promise.all(closing), late.promise]);
      timer.cancel();
    }
    for (const session of [...this.#sessions.values()]) session.end(endings.asked(reason, says));
    await this.#allGone(Math.max(0, timeoutMs - (clock.now() - startedMs)));
    await listenerClosed;
  }

  #allGone(timeoutMs: number): Promise<void> {
    if (this.#lingering.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#world.clock.timer(timeoutMs, () => {
        for (const session of [...this.#lingering]) session.connection?.release();
        this.#lingering.clear();
        this.#onAllGone = undefined;
        resolve();
      });
      this.#onAllGone = () => {
        timer.cancel();
        this.#onAllGone = undefined;
        resolve();
      };
    });
  }

  /** Before any work is done for it: a place among the pending ones, or nothing at all. */
  #accept(socket: TcpSocket): void {
    const refusal = !this.#leaving ? this.#places.refusalToAccept(socket.remote) : 'we shut down';
    if (refusal !== undefined) {
      socket.destroy();
      this.#events.emit('refused', { address: socket.remote, says: refusal });
      return;
    }
    const session = this.#create(undefined);
    session.guard(() => session.pending.begin(socket));
  }

  #create(wanted: WantedPeer | undefined): ManagedSession {
    const isTaken = (id: string): boolean => this.#sessions.has(id);
    const session = new ManagedSession(this.#host, this.#ids.next(isTaken), wanted);
    this.#places.counter.reserve(session);
    this.#sessions.set(session.id, session);
    this.#events.emit('created', { session });
    return session;
  }

  #checkTarget({ host, port, publicKey }: DialTo): void {
    if (host === '') throw argument('host is empty');
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
      throw argument(`port ${port} is not one of 1 to ${MAX_PORT}`);
    if (publicKey.length !== PUBLIC_KEY_BYTES || !this.#crypto.isPublicKey(publicKey)) {
      throw argument('publicKey is not a key of 64 bytes');
    }
    if (sameBytes(publicKey, this.publicKey))
      throw new CreationFailed('ERR_SESSION_SELF', 'that is ourselves');
    const other = this.#places.activeWith(publicKey) ?? this.#places.pendingWith(publicKey)[0];
    if (other !== undefined) {
      throw new CreationFailed(
        'ERR_SESSION_ALREADY_CONNECTED',
        `session ${other.id} with this peer is ${other.state}`,
      );
    }
  }

  #withdrawWith(session: ManagedSession, signal: AbortSignal): void {
    const withdraw = (): void => {
      if (!isEstablished(session.state)) session.disconnect();
    };
    signal.addEventListener('abort', withdraw, { once: true });
    const forget = (): void => signal.removeEventListener('abort', withdraw);
    session.active.then(forget, forget);
  }

  #makeHost(options: SessionManagerOptions, eth: readonly LocalCapability[]): SessionHost {
    const satellites = this.#satellites;
    return {
      world: this.#world,
      crypto: this.#crypto,
      secretKey: options.secretKey,
      replays: new AuthReplays(),
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
      deadlines: this.#deadlines,
      status: this.#status,
      serve: options.serve,
      gossip: options.gossip,
      templates: this.#templates,
      journal: options.journal,
      logger: this.#logger,
      listenPort: () => this.#listener?.address.port ?? 0,
      placeAuthenticated: (session, publicKey) => this.#places.authenticated(session, publicKey),
      placeActive: (session) => this.#placeActive(session),
      activated: (session, active) => this.#activated(session, active),
      rangeChanged: (session, range) => this.#events.emit('range', { session, range }),
      quotaExceeded: (session, verdict) => {
        const error = new QuotaExceeded(session.id, verdict);
        this.#events.emit('quota', { session, verdict, error });
      },
      mayLinger: () => this.#lingering.size < MAX_LINGERING,
      epoch: () => this.#epoch,
      nextEpoch: () => ++this.#epoch,
      ended: (session, cause) => this.#ended(session, cause),
      released: (session) => this.#released(session),
    };
  }

  #placeActive(session: ManagedSession): Place {
    if (!this.#leaving) return this.#places.active(session);
    return { verdict: 'refuse', ending: endings.asked(DISCONNECT.clientQuitting, 'we shut down') };
  }

  #activated(session: ManagedSession, active: ActiveSession): void {
    const unsure = this.#places.isUnsure(session);
    this.#places.counter.activate(session);
    if (unsure) void active.becomeSure().then(() => this.#endRivals(session));
    else this.#endRivals(session);
    this.#events.after(() => {
      this.#events.emit('activated', { session: active });
      this.#told(() => this.#policy.established?.(active));
    });
    if (session.isOver || !active.announcesRange) return;
    const range = statusRange(this.#status.status(active.eth.version)); // it may have moved since our Status went out
    if (range !== undefined) active.announce(range);
  }

  /** One session per peer, and this is the one. */
  #endRivals(session: ManagedSession): void {
    if (session.isOver) return;
    for (const rival of this.#places.rivals(session)) rival.end(duplicateOf(session).ending);
  }

  #ended(session: ManagedSession, cause: CloseCause): void {
    this.#places.counter.release(session);
    this.#sessions.delete(session.id);
    this.#endedSessions.remember(session.id, cause);
    const isGone = session.isReleased;
    if (!isGone) this.#lingering.add(session);
    this.#told(() => this.#policy.ended?.(session, cause));
    if (cause.outcome === 'expired') this.#events.emit('expired', { session, cause });
    this.#events.emit('closed', { session, cause });
    this.#events.emit('epochAdvanced', { session, epoch: cause.epoch });
    if (isGone) this.#clean(session);
    for (const rival of this.#places.rivals(session))
      if (rival.pending.isWaiting) rival.guard(() => rival.pending.settle());
  }

  #released(session: ManagedSession): void {
    this.#lingering.delete(session);
    this.#clean(session);
    if (this.#lingering.size === 0) this.#onAllGone?.();
  }

  /** Nothing of the session is left with us: whoever kept something for it can let it go. */
  #clean(session: ManagedSession): void {
    callForeign(
      () => this.#cleaner?.(session),
      (error) => {
        const fields = { event: 'session.cleaner', session: session.id, cause: textOf(error) };
        this.#logger.error(fields, 'the cleaner failed');
      },
    );
  }

  #told(tell: () => unknown): void {
    callForeign(tell, (error) => {
      this.#logger.error({ event: 'session.policy', cause: textOf(error) }, 'the policy failed');
    });
  }
}

function ethCapability(version: EthVersion): LocalCapability {
  return { name: 'eth', version, length: ethProtocol(version).length };
}

function checkedLimits(limits: SessionLimits): SessionLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 0) throw argument(`limits.${name} is ${value}, not a count`);
  }
  return limits;
}

function checkedDeadlines(deadlines: Deadlines): Deadlines {
  for (const [name, value] of Object.entries(deadlines)) {
    if (!(value > 0)) throw argument(`deadlines.${name} is ${value}, not a time`);
  }
  return deadlines;
}

/** What would fail with every connection fails here, once. */
function checkHello({ clientId, capabilities }: SessionHost, publicKey: Uint8Array): void {
  try {
    encodeHello({ p2pVersion: P2P_VERSION, clientId, capabilities, listenPort: MAX_PORT, publicKey });
  } catch (error) {
    throw argument(
      `clientId, ethVersions and capabilities make no Hello: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function argument(says: string): SessionError {
  return new SessionError('ERR_SESSION_ARGUMENT', says);
}

function closedError(): SessionError {
  return new CreationFailed('ERR_SESSION_MANAGER_CLOSED', 'the session manager is closed');
}
