import {
  type ConnectionEnd,
  DISCONNECT,
  type DisconnectReason,
  type Hello,
  type IncomingMessage,
  type RlpxConnection,
  type SharedCapability,
} from '../rlpx/index.js';
import type { TcpAddress } from '../runtime/index.js';
import type { ActiveSession } from './active.js';
import { type CloseCause, closeCause, type Ending, endingEvent, endings, NO_TRAFFIC } from './close-cause.js';
import type { Direction } from './counter.js';
import { type Deferred, deferred } from './deferred.js';
import { type CloseOptions, type Drain, type DrainReport, undrained } from './draining.js';
import { activationError, checkReason } from './errors.js';
import { connectionEnding, faultOf } from './faults.js';
import type { Session, SessionHandle, SessionRecord } from './handle.js';
import { History } from './history.js';
import type { SessionHost } from './host.js';
import type { JournalKeeper } from './journal-keeper.js';
import { PendingSession } from './pending.js';
import type { PeerKind } from './policy.js';
import { recordOf } from './session-record.js';
import {
  isPending,
  isTerminal,
  isTransitionError,
  type LiveState,
  type LivingEvent,
  next,
  type SessionState,
  type TransitionError,
} from './state.js';
import type { SessionTemplate } from './templates.js';

/** Whom a session was dialed for, and what it may do; by default what its kind may. */
export interface WantedPeer {
  /** 64 bytes. */
  readonly publicKey: Uint8Array;
  readonly kind: PeerKind;
  readonly template?: SessionTemplate | undefined;
}

/** Which template a kind of peer has where nobody names one. */
const TEMPLATE_OF: Readonly<Record<PeerKind, string>> = {
  dynamic: 'basic',
  static: 'static',
  trusted: 'trusted',
};

/**
 * One session from its first moment to its last: owns its state, its connection, and the one function that ends it. What
 * a stage does is the business of `PendingSession` and `ActiveSession`; the connection's words are passed on to them.
 */
export class ManagedSession implements SessionHandle {
  readonly id: string;
  readonly direction: Direction;
  readonly ended: Promise<CloseCause>;
  readonly createdAtMs: number;
  readonly #host: SessionHost;
  readonly #pending: PendingSession;
  readonly #history: History;
  readonly #epoch: number;
  readonly #releases: (() => void)[] = [];
  #state: SessionState;
  #kind: PeerKind;
  /** What `dial` or the policy named. */
  #template: SessionTemplate | undefined;
  #publicKey: Uint8Array | undefined;
  #address: TcpAddress | undefined;
  #connection: RlpxConnection | undefined;
  #connectionEnd: ConnectionEnd | undefined;
  #established: ActiveSession | undefined;
  #cause: CloseCause | undefined;
  #ignoredEndings = 0;
  #released = false;
  #drain: Drain | undefined;
  /** Made when somebody asks for it: nobody does where strangers come and go, and an error for each is not for nothing. */
  #active: Deferred<Session> | undefined;
  #activated: Session | undefined;
  readonly #settleEnded: Deferred<CloseCause>;

  /** @param wanted undefined for a socket that came in */
  constructor(host: SessionHost, id: string, wanted: WantedPeer | undefined) {
    this.#host = host;
    this.id = id;
    this.direction = wanted === undefined ? 'inbound' : 'outbound';
    this.#state = wanted === undefined ? 'accepted' : 'requested';
    this.#publicKey = wanted?.publicKey;
    this.#kind = wanted?.kind ?? 'dynamic';
    this.#template = wanted?.template;
    this.createdAtMs = host.world.clock.wallMs();
    this.#epoch = host.epoch();
    const ended = deferred<CloseCause>();
    this.ended = ended.promise;
    this.#settleEnded = ended;
    this.#history = new History(this, host);
    this.#pending = new PendingSession(this, host);
  }

  get state(): SessionState {
    return this.#state;
  }

  get active(): Promise<Session> {
    if (this.#active === undefined) {
      this.#active = deferred();
      this.#active.promise.catch(() => undefined); // who only looks is not to be punished for its failure
      this.#settleActive();
    }
    return this.#active.promise;
  }

  get kind(): PeerKind {
    return this.#kind;
  }

  get template(): SessionTemplate {
    return this.#template ?? this.#host.templates.get(TEMPLATE_OF[this.#kind]);
  }

  /** Proven once the session is past `authenticating`; before, the one that we want to reach. */
  get publicKey(): Uint8Array | undefined {
    return this.#publicKey;
  }

  get address(): TcpAddress | undefined {
    return this.#address;
  }

  get connection(): RlpxConnection | undefined {
    return this.#connection;
  }

  get established(): ActiveSession | undefined {
    return this.#established;
  }

  get cause(): CloseCause | undefined {
    return this.#cause;
  }

  /** Ends that came after the first one; they changed nothing. */
  get ignoredEndings(): number {
    return this.#ignoredEndings;
  }

  get isOver(): boolean {
    return isTerminal(this.#state);
  }

  /** Whether no socket is left, or never was. */
  get isReleased(): boolean {
    return this.#released || this.#connection === undefined;
  }

  get pending(): PendingSession {
    return this.#pending;
  }

  /** @returns an error where the state does not accept the event; then nothing has changed. */
  advance(event: LivingEvent): TransitionError | undefined {
    const outcome = next(this.#state, event);
    if (isTransitionError(outcome)) return outcome;
    this.#state = outcome;
    this.#history.event(event);
    return undefined;
  }

  /** Called when the session ends, the last one first; at once where it has ended. */
  atEnd(release: () => void): void {
    if (this.isOver) release();
    else this.#releases.push(release);
  }

  located(address: TcpAddress): void {
    this.#address = address;
  }

  connected(connection: RlpxConnection): void {
    this.#connection = connection;
  }

  /** @param template of the policy, which has the last word; undefined leaves what there was */
  identified(publicKey: Uint8Array, kind: PeerKind, template?: SessionTemplate): void {
    this.#publicKey = publicKey;
    this.#kind = kind;
    this.#template = template ?? this.#template;
    this.#history.open();
  }

  /** What is written down of the session; undefined where its template says nothing is. */
  get journal(): JournalKeeper | undefined {
    return this.#history.journal;
  }

  /** What it holds is let go of at the end from now on; nobody has been told. */
  establish(session: ActiveSession): void {
    this.#established = session;
  }

  activate(session: ActiveSession): void {
    this.#activated = session;
    this.#settleActive();
  }

  disconnect(reason: DisconnectReason = DISCONNECT.requested, says?: string): void {
    checkReason(reason);
    const plain = isPending(this.#state) ? 'withdrawn before it was active' : 'we asked for it';
    this.end(endings.asked(reason, says ?? plain));
  }

  close(options: CloseOptions = {}): Promise<DrainReport> {
    const { drain = true, reason = DISCONNECT.requested, says = 'we asked for it', signal } = options;
    const active = this.#established;
    const timeoutMs = options.timeoutMs ?? this.#host.deadlines.drainMs;
    const unfinished = this.isOver ? undefined : active?.unfinished;
    if (drain && active !== undefined && this.advance('drain') === undefined) {
      this.guard(() => {
        this.#drain = active.drain({ reason, says, timeoutMs, signal });
      });
    } else if (!drain || this.#drain === undefined) {
      this.disconnect(reason, options.says);
    }
    return this.ended.then((cause) => this.#drain?.report(cause) ?? undrained(cause, unfinished));
  }

  /**
   * Ends the session, and is the only way to. The first ending decides; later ones are counted and change nothing. All
   * that the session held is released here: its deadlines, its requests, its queues, its place, its socket.
   * @returns whether this ending decided
   */
  end(ending: Ending): boolean {
    const stage = this.#state;
    if (isTerminal(stage)) {
      this.#ignoredEndings++;
      return false;
    }
    const outcome = next(stage, endingEvent(ending, stage));
    if (isTransitionError(outcome) || !isTerminal(outcome))
      throw new TypeError(`no way from ${stage} to an end`);
    this.#state = outcome;
    const sent = this.#hangUp(ending, stage);
    const cause = closeCause(ending, {
      outcome,
      stage,
      sent,
      atMs: this.#host.world.clock.wallMs(),
      epoch: this.#host.nextEpoch(),
      counters: { ...(this.#connection?.stats ?? NO_TRAFFIC) },
    });
    this.#cause = cause;
    this.#history.end(cause);
    for (const release of this.#releases.splice(0).reverse()) release();
    this.#established?.end(cause);
    this.#settleActive();
    this.#host.ended(this, cause);
    this.#settleEnded.resolve(cause);
    return true;
  }

  describe(): SessionRecord {
    return recordOf(this, this.#epoch, this.#host.crypto);
  }

  /** Runs a piece of this session's work; a mistake of ours in it ends this session and no other. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  authenticated(peer: { readonly publicKey: Uint8Array }): void {
    if (!this.isOver) this.guard(() => this.#pending.authenticated(peer.publicKey));
  }

  greeted(hello: Hello, shared: readonly SharedCapability[]): void {
    if (!this.isOver) this.guard(() => this.#pending.greeted(hello, shared));
  }

  message(message: IncomingMessage): void {
    if (this.isOver) return;
    try {
      if (this.#established === undefined) this.#pending.message(message);
      else this.#established.message(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  pong(): void {
    this.#established?.pong();
  }

  drained(): void {
    if (!this.isOver) this.#established?.drained();
  }

  activity(): void {
    this.#established?.heard();
  }

  /** The connection's own end: a Disconnect, a breach below eth, the network; or the echo of ours. */
  connectionEnded(end: ConnectionEnd): void {
    this.#connectionEnd = end;
    if (!this.isOver) this.end(connectionEnding(end));
  }

  /** The socket is gone. */
  released(): void {
    this.#released = true;
    this.#host.released(this);
  }

  #settleActive(): void {
    if (this.#activated !== undefined) this.#active?.resolve(this.#activated);
    else if (this.#cause !== undefined) this.#active?.reject(activationError(this.#cause));
  }

  #fail(error: unknown): void {
    const ending = faultOf(error);
    if (ending.code === 'ERR_SESSION_INTERNAL') {
      const stack = error instanceof Error ? error.stack : undefined;
      this.#host.logger.error({ event: 'session.internal', session: this.id, stack }, ending.says);
    }
    this.end(ending);
  }

  /** @returns the reason that really left */
  #hangUp(ending: Ending, stage: LiveState): DisconnectReason | undefined {
    const connection = this.#connection;
    if (connection === undefined) return undefined;
    if (this.#connectionEnd === undefined) {
      const cause = { says: ending.says, ...(ending.code === undefined ? {} : { code: ending.code }) };
      const silent = ending.reason === undefined || (isPending(stage) && !this.#host.mayLinger(this));
      if (silent || ending.reason === undefined) connection.destroy(cause);
      else connection.disconnect(ending.reason, cause);
    }
    return this.#connectionEnd?.sent;
  }
}
