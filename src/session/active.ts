import { bytesToHex } from '../codec/index.js';
import type {
  BlockRange,
  EthGossip,
  EthMessage,
  EthRequest,
  EthResponse,
  MessageSpec,
} from '../eth/index.js';
import type { DisconnectReason, IncomingMessage, PackedMessage, RlpxConnection } from '../rlpx/index.js';
import { admit } from './admission.js';
import { Allowance, type Allowed } from './allowance.js';
import {
  Broadcast,
  type BroadcastMessage,
  type BroadcastOptions,
  type BroadcastOutcome,
  type BroadcastPart,
} from './broadcast.js';
import { Broadcasts } from './broadcasts.js';
import { type CloseCause, endings } from './close-cause.js';
import type { Direction } from './counter.js';
import { type CloseOptions, Drain, type DrainLoad, type DrainReport, type DrainWish } from './draining.js';
import { endedError, PermissionDenied, SessionError, SessionNotActive } from './errors.js';
import { type EthSession, ethSession } from './eth-session.js';
import { faultOf } from './faults.js';
import { callForeign, textOf } from './foreign-code.js';
import type { QueueGauges, RemotePeer, Session, SessionRecord, StageTimes } from './handle.js';
import type { HeldInput } from './held-input.js';
import type { SessionHost } from './host.js';
import { Input } from './input.js';
import { journaledSink } from './journal-keeper.js';
import { KeepAlive } from './keep-alive.js';
import type { ManagedSession } from './managed-session.js';
import { Outgoing, type SendOutcome } from './outgoing.js';
import type { Agreement } from './pending.js';
import type { PeerKind } from './policy.js';
import { PeerRange, RangeAnnouncer, statusRange } from './range.js';
import { rawEth } from './raw-eth.js';
import { InflightRequests } from './requests.js';
import type { CapabilityChannel } from './satellite.js';
import { Satellites } from './satellites.js';
import { EMPTY_TERMS, FULL_TERMS, REFUSED_TERMS, Serving, type ServingTerms } from './serving.js';
import type { SessionState } from './state.js';
import type { SessionTemplate } from './templates.js';

/** A session after Status: hands each message that comes to the part that it is for, and what is sent to the lanes. */
export class ActiveSession implements Session {
  readonly publicKey: Uint8Array;
  readonly nodeId: Uint8Array;
  readonly sharedId: Uint8Array;
  readonly remote: RemotePeer;
  readonly stagesMs: StageTimes;
  readonly eth: EthSession;
  readonly #session: ManagedSession;
  readonly #host: SessionHost;
  readonly #agreement: Agreement;
  readonly #connection: RlpxConnection;
  readonly #activeAtMs: number;
  readonly #input: Input;
  readonly #keepAlive: KeepAlive;
  readonly #allowance: Allowance;
  readonly #outgoing: Outgoing;
  readonly #requests: InflightRequests;
  readonly #serving: Serving;
  readonly #broadcasts: Broadcasts;
  readonly #satellites: Satellites;
  readonly #rawEth: CapabilityChannel | undefined;
  readonly #range: PeerRange;
  readonly #announcer: RangeAnnouncer | undefined;
  readonly #gone = new AbortController();
  #sure = true;
  #drain: Drain | undefined;

  constructor(session: ManagedSession, host: SessionHost, agreement: Agreement, held: HeldInput) {
    const { connection, hello, protocol, remoteStatus, ourStatus } = agreement;
    const { clock } = host.world;
    this.#session = session;
    this.#host = host;
    this.#agreement = agreement;
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
      ping: () => connection.ping(),
      idle: () =>
        session.end(
          endings.deadline('ERR_SESSION_IDLE', `nothing was heard for ${host.deadlines.idleMs} ms`),
        ),
    });
    this.#input = new Input({
      ...{ clock, connection, held, keepAlive: this.#keepAlive, turns: host.turns },
      takes: () => this.#takes,
      isOver: () => session.isOver,
      guard: (work) => session.guard(work),
      take: (message) => this.#take(message),
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
        dropped: (message) => this.#broadcasts.dropped(message),
        room: (capability) => this.#satellites.room(capability),
      },
    );
    this.#broadcasts = new Broadcasts({
      protocol,
      outgoing: this.#outgoing,
      hasher: host.crypto,
      keys: host.knownKeys(),
    });
    this.#satellites = new Satellites({
      shared: agreement.shared,
      registry: host.satellites,
      outgoing: this.#outgoing,
      logger: host.logger,
      sessionId: session.id,
      over: () => this.#sendsNothing(),
      breach: (ending) => session.end(ending),
      read: (go) => this.#input.stop('satellites', !go),
    });
    this.#rawEth = rawEth(agreement.capability, protocol, this.#outgoing, (spec, message) =>
      this.#sendRaw(spec, message),
    );
    this.#requests = new InflightRequests({
      clock,
      deadlines: host.deadlines,
      protocol,
      outgoing: this.#outgoing,
      reading: () => this.#input.reads && this.#takes,
      breach: (ending) => session.end(ending),
    });
    this.#serving = new Serving({
      protocol,
      outgoing: this.#outgoing,
      logger: host.logger,
      sessionId: session.id,
      handle: (request) => this.#answer(request),
      accepted: (spec, payload) => this.#record(spec, payload),
      answered: ({ name }, payload, { refused }) => {
        this.#allowance.answered(name, payload.length);
        if (refused) session.journal?.leaveOut(payload);
      },
      idle: () => this.#drain?.look(),
      faulty: (error) => session.end(faultOf(error)),
      readRequests: (go) => this.#input.stop('serving', !go),
    });
    this.#range = new PeerRange(clock, remoteStatus);
    this.#announcer = this.#makeAnnouncer(statusRange(ourStatus));
    this.eth = ethSession({
      version: protocol.version,
      remoteStatus,
      range: () => this.#range.current,
      known: this.#broadcasts.known,
      send: (message) => this.#send(message),
      ask: (request, options) =>
        this.#drain === undefined
          ? this.#requests.ask(request, options)
          : Promise.reject(new SessionNotActive(this.id)),
      turn: () => new Promise((resolve) => clock.soon(resolve)),
      blame: (error) => session.end(faultOf(error)),
    });
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
    const { cause } = this.#session;
    if (cause !== undefined) return Promise.reject(endedError(this.id, cause));
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
    this.#input.release();
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
        answeredOurs: this.#requests.answeredInAll,
        answeredTheirs: this.#serving.answeredInAll,
      }),
      finish: (left) => this.#session.end(endings.asked(options.reason, `${options.says}${left}`)),
    });
    this.#input.release();
    this.#drain.look();
    return this.#drain;
  }

  /** What both ends speak, raw; eth among it. */
  capability(name: string): CapabilityChannel | undefined {
    return name === 'eth' ? this.#rawEth : this.#satellites.channel(name);
  }

  /** What the peer gets of a broadcast, or why nothing; nothing has been sent. */
  planBroadcast(broadcast: Broadcast, options: BroadcastOptions): BroadcastPart | BroadcastOutcome {
    if (this.#sendsNothing() !== undefined) return 'closing';
    if (this.#allowance.lacks(broadcast.message.name) !== undefined) return 'forbidden';
    return this.#broadcasts.plan(broadcast, options);
  }

  broadcast(
    part: BroadcastPart,
    name: BroadcastMessage['name'],
  ): { readonly outcome: SendOutcome; readonly dropped: number } {
    this.#allowance.sent(name);
    return this.#broadcasts.say(part);
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
    this.#serving.roomAgain();
    this.#drain?.look();
  }

  /** Our own range may have changed. */
  announce(range: BlockRange): void {
    if (!this.#session.isOver) this.#announcer?.offer(range);
  }

  /** Whether the peer hears of our range at all: not on eth/68, and not where we mirror. */
  get announcesRange(): boolean {
    return this.#announcer !== undefined;
  }

  /** Everything that waits hears of the end, nothing is left behind. Called by the session, once. */
  end(cause: CloseCause): void {
    this.#drain?.ended();
    this.#announcer?.stop();
    this.#allowance.end();
    this.#serving.end();
    this.#outgoing.clear();
    this.#broadcasts.end();
    const error = endedError(this.id, cause);
    this.#keepAlive.end(error);
    this.#requests.end(error);
    this.#gone.abort(error);
    this.#satellites.end(cause);
  }

  /** What this stage adds to the record of the session. */
  details(): Partial<SessionRecord> {
    const range = this.#range.current;
    const rttMs = this.#keepAlive.rttMs ?? this.#requests.roundTrips.lastMs;
    return {
      activeAtMs: this.#activeAtMs,
      lastSeenAtMs: this.#keepAlive.lastSeenAtMs,
      nodeId: bytesToHex(this.nodeId),
      queues: this.#gauges(),
      usage: this.#allowance.usage,
      ...(this.#rawEth === undefined ? {} : { ethVersion: this.eth.version }),
      ...(range === undefined ? {} : { range }),
      ...(rttMs === undefined ? {} : { rttMs }),
    };
  }

  /** A message has been accepted: from here on it is history. */
  #record(spec: MessageSpec, payload: Uint8Array): void {
    this.#session.journal?.message('in', `eth/${this.eth.version}`, spec, payload);
  }

  /** What closing now would abandon. */
  get unfinished(): DrainLoad {
    const { responses, requests, range, broadcasts, satellites } = this.#outgoing;
    return {
      ours: this.#requests.waiting,
      theirs: this.#serving.running + this.#serving.parked.items,
      messages: responses.items + requests.items + range.items + broadcasts.items + satellites.items,
    };
  }

  /** Whether messages are handled as they come. */
  get #takes(): boolean {
    return this.state === 'active' || this.state === 'draining';
  }

  #gauges(): QueueGauges {
    return {
      responses: this.#outgoing.responses,
      requests: this.#outgoing.requests,
      range: this.#outgoing.range,
      broadcasts: this.#outgoing.broadcasts,
      broadcastsDropped: this.#outgoing.broadcastsDropped,
      satellites: this.#outgoing.satellites,
      known: this.#broadcasts.known.size,
      requestsOpen: this.#requests.size,
      callers: this.#requests.callers,
      serving: this.#serving.running,
      parked: this.#serving.parked,
    };
  }

  /** @returns whether the next one may follow */
  #take(message: IncomingMessage): boolean {
    const { capability, protocol, conversation } = this.#agreement;
    if (message.capability !== capability) return this.#takeBeside(message);
    const { spec, refused } = admit(message, protocol, conversation);
    if (spec === undefined) {
      this.#session.end(refused);
      return false;
    }
    if (this.#drain !== undefined && spec.kind !== 'response') return this.#takeLast(spec, message);
    const allowed = this.#allowance.incoming(spec, message.wireBytes);
    if (allowed.verdict === 'over') return false;
    if (spec.kind === 'request') this.#serving.take(spec, message.payload(spec.maxBytes), termsOf(allowed));
    else if (allowed.verdict !== 'take')
      return true; // and never decompressed
    else if (spec.kind === 'response') this.#answered(spec, message);
    else if (spec.name === 'BlockRangeUpdate') this.#rangeUpdate(spec, message);
    else this.#gossip(spec, message);
    return this.#takes;
  }

  /** A message of a protocol beside eth. */
  #takeBeside(message: IncomingMessage): boolean {
    if (!this.#allowance.beside(message.wireBytes)) return false;
    this.#satellites.take(message);
    return this.#takes;
  }

  /** While we are about to close: questions are answered empty, what is said unasked is not heard any more. */
  #takeLast(spec: MessageSpec, message: IncomingMessage): boolean {
    if (spec.kind === 'request') this.#serving.take(spec, message.payload(spec.maxBytes), EMPTY_TERMS);
    return this.#takes;
  }

  #answered(spec: MessageSpec, message: IncomingMessage): void {
    if (!this.#requests.expects(spec)) {
      this.#session.end(
        endings.breach(
          'ERR_SESSION_ANSWER_UNASKED',
          `${spec.name} came, and nothing that it could answer is open`,
        ),
      );
      return;
    }
    const breach = this.#requests.answered(spec, message);
    if (breach !== undefined) {
      this.#session.end(breach);
      return;
    }
    this.#record(spec, message.payload(spec.maxBytes));
    this.#drain?.look();
  }

  #rangeUpdate(spec: MessageSpec, message: IncomingMessage): void {
    if (!this.#range.mayUpdate()) return;
    const update = spec.decode(message.payload(spec.maxBytes));
    if (update.name !== 'BlockRangeUpdate') return;
    const fault = this.#range.update(update);
    if (fault === undefined) this.#record(spec, message.payload(spec.maxBytes));
    if (fault !== undefined) this.#session.end(endings.breach('ERR_SESSION_RANGE', fault));
    else if (this.#range.current !== undefined) this.#host.rangeChanged(this, this.#range.current);
  }

  #gossip(spec: MessageSpec, message: IncomingMessage): void {
    const { gossip, logger } = this.#host;
    if (gossip === undefined) return;
    const decoded = spec.decode(message.payload(spec.maxBytes));
    this.#broadcasts.heard(decoded as EthGossip); // no other message is gossip
    this.#record(spec, message.payload(spec.maxBytes));
    callForeign(
      () => gossip(decoded, this),
      (error) => {
        const fields = { event: 'session.gossip', session: this.id, cause: textOf(error) };
        logger.error(fields, 'the gossip handler failed');
      },
    );
  }

  #answer(request: EthRequest): Promise<EthResponse | undefined> {
    const { serve } = this.#host;
    return serve === undefined ? Promise.resolve(undefined) : serve(request, this, { signal: this.signal });
  }

  #send(message: EthMessage): void {
    const over = this.#sendsNothing();
    if (over !== undefined) throw over;
    const spec = this.#agreement.protocol.byName.get(message.name);
    if (spec === undefined) {
      throw new SessionError('ERR_SESSION_UNSUPPORTED', `eth/${this.eth.version} has no ${message.name}`);
    }
    if (spec.kind !== 'gossip') {
      throw new SessionError('ERR_SESSION_ARGUMENT', `${message.name} is not sent unasked`);
    }
    const missing = this.#allowance.lacks(message.name);
    if (missing !== undefined) throw new PermissionDenied(this.id, missing, message.name);
    if (message.name === 'BlockRangeUpdate') {
      const payload = spec.encode(message);
      this.#allowance.sent(message.name);
      this.#outgoing.announceRange(spec.id, payload);
      return;
    }
    const said = message as BroadcastMessage; // the rest of what is said unasked
    const part = this.#broadcasts.plan(new Broadcast(said, this.#host.crypto), { repeat: true });
    if (typeof part === 'object') this.broadcast(part, said.name);
    else
      throw new SessionError(
        'ERR_SESSION_ARGUMENT',
        `${message.name} needs a mask on eth/${this.eth.version}`,
      );
  }

  #sendRaw(spec: MessageSpec, message: PackedMessage): SendOutcome {
    const over = this.#sendsNothing();
    if (over !== undefined) throw over;
    const missing = this.#allowance.lacks(spec.name);
    if (missing !== undefined) throw new PermissionDenied(this.id, missing, spec.name);
    this.#allowance.sent(spec.name);
    return this.#outgoing.broadcast(message, 1).outcome;
  }

  /** @returns why the peer gets nothing new any more */
  #sendsNothing(): SessionError | undefined {
    const { cause } = this.#session;
    if (cause !== undefined) return endedError(this.id, cause);
    return this.#drain === undefined ? undefined : new SessionNotActive(this.id);
  }

  #makeAnnouncer(said: BlockRange | undefined): RangeAnnouncer | undefined {
    if (said === undefined || this.#host.status.mirror === true) return undefined;
    if (!this.template.permissions.announce) return undefined;
    const { world, deadlines, logger } = this.#host;
    return new RangeAnnouncer(world.clock, deadlines, said, (range) =>
      callForeign(
        () => this.#send({ name: 'BlockRangeUpdate', ...range }),
        (error) => {
          const fields = { event: 'session.announce', session: this.id, cause: textOf(error) };
          logger.error(fields, 'our range cannot be said');
        },
      ),
    );
  }

  #advance(event: 'pause' | 'resume'): void {
    if (this.#session.advance(event) !== undefined) throw new SessionNotActive(this.id, this.#session.cause);
  }

  #load(): { readonly inflight: number; readonly queuedBytes: number } {
    const { running, parked } = this.#serving;
    return { inflight: running + parked.items, queuedBytes: this.#outgoing.responses.bytes };
  }
}

function termsOf(allowed: Allowed): ServingTerms {
  if (allowed.verdict !== 'take') return REFUSED_TERMS;
  return allowed.share === 1 ? FULL_TERMS : { share: allowed.share, refused: false };
}
