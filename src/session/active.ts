import { bytesToHex } from '../codec/index.js';
import type { BlockRange } from '../eth/index.js';
import type { DisconnectReason, IncomingMessage, RlpxConnection } from '../rlpx/index.js';
import { Allowance } from './allowance.js';
import type {
  Broadcast,
  BroadcastMessage,
  BroadcastOptions,
  BroadcastOutcome,
  BroadcastPart,
} from './broadcast.js';
import { type CloseCause, endings } from './close-cause.js';
import type { Direction } from './counter.js';
import { type CloseOptions, Drain, type DrainLoad, type DrainReport, type DrainWish } from './draining.js';
import { endedError, type SessionError, SessionNotActive } from './errors.js';
import type { EthSession } from './eth-session.js';
import { EthTraffic } from './eth-traffic.js';
import { queueGauges, unfinishedLoad } from './gauges.js';
import type { RemotePeer, Session, SessionRecord, StageTimes } from './handle.js';
import type { HeldInput } from './held-input.js';
import type { SessionHost } from './host.js';
import { Input } from './input.js';
import { journaledSink } from './journal-keeper.js';
import { KeepAlive } from './keep-alive.js';
import type { ManagedSession } from './managed-session.js';
import { Outgoing, type SendOutcome } from './outgoing.js';
import type { Agreement } from './pending.js';
import type { PeerKind } from './policy.js';
import type { CapabilityChannel } from './satellite.js';
import { Satellites } from './satellites.js';
import type { SessionState } from './state.js';
import type { SessionTemplate } from './templates.js';

/** A session after Status: what comes in goes to eth or to the protocols beside it, and what they say to the lanes. */
export class ActiveSession implements Session {
  readonly publicKey: Uint8Array;
  readonly nodeId: Uint8Array;
  readonly sharedId: Uint8Array;
  readonly remote: RemotePeer;
  readonly stagesMs: StageTimes;
  readonly #session: ManagedSession;
  readonly #host: SessionHost;
  readonly #connection: RlpxConnection;
  readonly #activeAtMs: number;
  readonly #input: Input;
  readonly #keepAlive: KeepAlive;
  readonly #allowance: Allowance;
  readonly #outgoing: Outgoing;
  readonly #traffic: EthTraffic;
  readonly #satellites: Satellites;
  readonly #gone = new AbortController();
  #sure = true;
  #drain: Drain | undefined;

  constructor(session: ManagedSession, host: SessionHost, agreement: Agreement, held: HeldInput) {
    const { connection, hello, protocol, capability } = agreement;
    const { clock } = host.world;
    this.#session = session;
    this.#host = host;
    this.#connection = connection;
    this.#activeAtMs = clock.wallMs();
    this.publicKey = connection.remotePublicKey ?? hello.publicKey;
    this.nodeId = host.crypto.keccak256(this.publicKey);
    this.sharedId = connection.sharedId ?? new Uint8Array(0);
    this.remote = {
      client: hello.clientId,
      capabilities: hello.capabilities,
      address: connection.remote,
      listenPort: hello.listenPort,
      p2pVersion: hello.p2pVersion,
    };
    this.stagesMs = { auth: 0, hello: 0, status: 0, ...session.pending.stagesMs };
    this.#keepAlive = new KeepAlive({
      clock,
      deadlines: host.deadlines,
      yields: session.direction === 'inbound',
      ping: () => connection.ping(),
      idle: () =>
        session.end(
          endings.deadline('ERR_SESSION_IDLE', `nothing was heard for ${host.deadlines.idleMs} ms`),
        ),
    });
    this.#input = new Input({
      ...{ clock, connection, held, keepAlive: this.#keepAlive, turns: host.turns },
      takes: () => this.#takes && !this.#traffic.isOpening,
      isOver: () => session.isOver,
      guard: (work) => session.guard(work),
      take: (message) =>
        message.capability === capability ? this.#traffic.take(message) : this.#takeBeside(message),
    });
    this.#allowance = new Allowance({
      template: session.template,
      clock,
      load: () => this.#load(),
      throttle: (on) => this.#input.stop('quota', on),
      told: (verdict) => host.quotaExceeded(this, verdict),
      end: (ending) => session.end(ending),
    });
    const announcements = protocol.byName.get('NewPooledTransactionHashes');
    this.#outgoing = new Outgoing(
      journaledSink(connection, protocol, session.journal),
      agreement.capability,
      clock,
      {
        ...(announcements === undefined ? {} : { encode: (message) => announcements.encode(message) }),
        dropped: (message) => this.#traffic.broadcasts.dropped(message),
        room: (capability) => this.#satellites.room(capability),
      },
    );
    this.#traffic = new EthTraffic(session.id, {
      ...{ host, agreement, outgoing: this.#outgoing, allowance: this.#allowance, journal: session.journal },
      session: () => this,
      takes: () => this.#takes,
      reads: () => this.#input.reads,
      readRequests: (go) => this.#input.stop('serving', !go),
      readOn: (go) => this.#input.stop('opening', !go),
      handedOver: () => {
        if (!session.isOver) this.#input.release();
      },
      guard: (work) => session.guard(work),
      ended: () => this.#endedError(),
      over: () => this.#sendsNothing(),
      isDraining: () => this.#drain !== undefined,
      progress: () => this.#drain?.look(),
      rangeChanged: (range) => host.rangeChanged(this, range),
      end: (ending) => session.end(ending),
    });
    this.#satellites = new Satellites({
      ...{ shared: agreement.shared, registry: host.satellites, outgoing: this.#outgoing },
      ...{ clock, logger: host.logger, sessionId: session.id, hasEth: capability !== undefined },
      forbidden: session.template.withoutProtocols,
      takes: () => this.#takes,
      guard: (work) => session.guard(work),
      over: () => this.#sendsNothing(),
      heard: (protocol, id, payload) => session.journal?.heardBeside(protocol, id, payload),
      end: (ending) => session.end(ending),
      read: (go) => this.#input.stop('satellites', !go),
      told: (verdict) => host.quotaExceeded(this, verdict),
      closed: (what) => host.satelliteClosed(this, what),
    });
  }

  get eth(): EthSession {
    return this.#traffic.eth;
  }

  get id(): string {
    return this.#session.id;
  }

  get direction(): Direction {
    return this.#session.direction;
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get kind(): PeerKind {
    return this.#session.kind;
  }

  get template(): SessionTemplate {
    return this.#allowance.template;
  }

  /** Until the maximum age of the template, in milliseconds; Infinity where it has none. */
  get remainingMs(): number {
    return this.#allowance.remainingMs;
  }

  get active(): Promise<Session> {
    return this.#session.active;
  }

  get ended(): Promise<CloseCause> {
    return this.#session.ended;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  disconnect(reason?: DisconnectReason, says?: string): void {
    this.#session.disconnect(reason, says);
  }

  describe(): SessionRecord {
    return this.#session.describe();
  }

  ping(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    const ended = this.#endedError();
    if (ended !== undefined) return Promise.reject(ended);
    return this.#keepAlive.measure(options.signal);
  }

  /** Whether the peer holds this session for its own, too; only a race of two dials makes us doubt it. */
  get isSure(): boolean {
    return this.#sure;
  }

  /** Asks the peer: a Pong to a Ping that followed our Status comes from one that has not turned the session away. */
  async becomeSure(): Promise<void> {
    this.#sure = false;
    await this.ping().catch(() => undefined); // it ended, or was silent until it will: then nothing hangs on this any more
    this.#sure = true;
  }

  pause(): void {
    if (this.state !== 'paused') this.#advance('pause');
  }

  resume(): void {
    if (this.state === 'active') return;
    this.#advance('resume');
    this.#goOn();
  }

  close(options?: CloseOptions): Promise<DrainReport> {
    return this.#session.close(options);
  }

  /** Finishes what has begun, and ends the session. Called by the session, once, in state `draining`. */
  drain(options: DrainWish): Drain {
    const { world } = this.#host;
    this.#drain = new Drain({
      clock: world.clock,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      load: () => this.unfinished,
      blocked: () => this.#outgoing.blocked,
      counts: () => ({
        messagesOut: this.#connection.stats.messagesOut,
        bytesOut: this.#connection.stats.bytesOut,
        answeredOurs: this.#traffic.requests.answeredInAll,
        answeredTheirs: this.#traffic.serving.answeredInAll,
      }),
      finish: (left) => this.#session.end(endings.asked(options.reason, `${options.says}${left}`)),
    });
    this.#goOn();
    this.#drain.look();
    return this.#drain;
  }

  /** What both ends speak, raw; eth among it. */
  capability(name: string): CapabilityChannel | undefined {
    return name === 'eth' ? this.#traffic.raw : this.#satellites.channel(name);
  }

  /** What the peer gets of a broadcast, or why nothing; nothing has been sent. */
  planBroadcast(broadcast: Broadcast, options: BroadcastOptions): BroadcastPart | BroadcastOutcome {
    return this.#traffic.planBroadcast(broadcast, options);
  }

  broadcast(
    part: BroadcastPart,
    name: BroadcastMessage['name'],
  ): { readonly outcome: SendOutcome; readonly dropped: number } {
    return this.#traffic.broadcast(part, name);
  }

  /** The protocols beside eth begin. @throws what one of them throws */
  open(): void {
    this.#satellites.open(this);
  }

  /** Takes up what came while the session waited for its place. */
  start(): void {
    this.#input.start();
  }

  message(message: IncomingMessage): void {
    this.#input.message(message);
  }

  heard(): void {
    this.#keepAlive.heard();
    this.#input.heard();
  }

  pong(): void {
    this.#keepAlive.pong();
  }

  /** The peer takes bytes again. */
  drained(): void {
    this.#outgoing.drained();
    this.#traffic.serving.roomAgain();
    this.#drain?.look();
  }

  /** Our own range may have changed. */
  announce(range: BlockRange): void {
    if (!this.#session.isOver) this.#traffic.announce(range);
  }

  /** Whether the peer hears of our range at all. */
  get announcesRange(): boolean {
    return this.#traffic.announcesRange;
  }

  /** Everything that waits hears of the end, nothing is left behind. Called by the session, once. */
  end(cause: CloseCause): void {
    this.#drain?.ended();
    this.#allowance.end();
    this.#outgoing.clear();
    const error = endedError(this.id, cause);
    this.#keepAlive.end(error);
    this.#traffic.end(error);
    this.#gone.abort(error);
    this.#satellites.end(cause);
  }

  /** What this stage adds to the record of the session. */
  details(): Partial<SessionRecord> {
    const range = this.#traffic.range.current;
    const rttMs = this.#keepAlive.rttMs ?? this.#traffic.requests.roundTrips.lastMs;
    return {
      activeAtMs: this.#activeAtMs,
      lastSeenAtMs: this.#keepAlive.lastSeenAtMs,
      nodeId: bytesToHex(this.nodeId),
      queues: queueGauges(this.#outgoing, this.#traffic, this.#satellites),
      usage: this.#allowance.usage,
      ...(this.#traffic.raw === undefined ? {} : { ethVersion: this.eth.version }),
      ...(range === undefined ? {} : { range }),
      ...(rttMs === undefined ? {} : { rttMs }),
    };
  }

  /** What closing now would abandon. */
  get unfinished(): DrainLoad {
    return unfinishedLoad(this.#outgoing, this.#traffic);
  }

  /** Whether messages are handled as they come. */
  get #takes(): boolean {
    return this.state === 'active' || this.state === 'draining';
  }

  /** What waited while nothing was handed over. */
  #goOn(): void {
    this.#traffic.goOn();
    this.#satellites.goOn();
    this.#input.release();
  }

  /** A message of a protocol beside eth. */
  #takeBeside(message: IncomingMessage): boolean {
    if (!this.#satellites.take(message) && !this.#allowance.beside(message.wireBytes)) return false;
    return this.#takes;
  }

  /** @returns why the peer gets nothing new any more */
  #sendsNothing(): SessionError | undefined {
    return this.#endedError() ?? (this.#drain === undefined ? undefined : new SessionNotActive(this.id));
  }

  #endedError(): SessionError | undefined {
    const { cause } = this.#session;
    return cause === undefined ? undefined : endedError(this.id, cause);
  }

  #advance(event: 'pause' | 'resume'): void {
    if (this.#session.advance(event) !== undefined) throw new SessionNotActive(this.id, this.#session.cause);
  }

  #load(): { readonly inflight: number; readonly queuedBytes: number } {
    const { running, parked } = this.#traffic.serving;
    return { inflight: running + parked.items, queuedBytes: this.#outgoing.responses.bytes };
  }
}
