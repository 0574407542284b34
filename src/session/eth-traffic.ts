import type {
  BlockRange,
  EthGossip,
  EthMessage,
  EthRequest,
  EthResponse,
  MessageSpec,
} from '../eth/index.js';
import type { IncomingMessage, PackedMessage } from '../rlpx/index.js';
import { nextTurn } from '../runtime/index.js';
import { Admission } from './admission.js';
import type { Allowance } from './allowance.js';
import {
  Broadcast,
  type BroadcastMessage,
  type BroadcastOptions,
  type BroadcastOutcome,
  type BroadcastPart,
} from './broadcast.js';
import { Broadcasts } from './broadcasts.js';
import { type Ending, endings } from './close-cause.js';
import { PermissionDenied, SessionError, SessionNotActive } from './errors.js';
import { type EthSession, ethSession } from './eth-session.js';
import { faultOf } from './faults.js';
import { callForeign, textOf } from './foreign-code.js';
import type { Session } from './handle.js';
import type { SessionHost } from './host.js';
import type { JournalKeeper } from './journal-keeper.js';
import { Opening } from './opening.js';
import type { Outgoing, SendOutcome } from './outgoing.js';
import type { Agreement } from './pending.js';
import { PeerRange, RangeAnnouncer, statusRange } from './range.js';
import { rawEth } from './raw-eth.js';
import { InflightRequests } from './requests.js';
import type { CapabilityChannel } from './satellite.js';
import { Serving } from './serving.js';

export interface EthTrafficOptions {
  readonly host: SessionHost;
  readonly agreement: Agreement;
  readonly outgoing: Outgoing;
  readonly allowance: Allowance;
  readonly journal: JournalKeeper | undefined;
  /** The session that all this is heard on, as handlers are given it. */
  readonly session: () => Session;
  /** Whether messages are handled as they come. */
  readonly takes: () => boolean;
  /** Whether anything is read from the peer. */
  readonly reads: () => boolean;
  readonly readRequests: (go: boolean) => void;
  /** Not while a large message is being opened. */
  readonly readOn: (go: boolean) => void;
  /** A large message was handed over: what came behind it may follow. */
  readonly handedOver: () => void;
  /** Runs a piece of the session's work: what it throws ends the session. */
  readonly guard: (work: () => void) => void;
  /** @returns how the session ended, for whoever still wants something of it */
  readonly ended: () => SessionError | undefined;
  /** @returns why the peer gets nothing new any more */
  readonly over: () => SessionError | undefined;
  readonly isDraining: () => boolean;
  /** Something that was begun is done. */
  readonly progress: () => void;
  readonly rangeChanged: (range: BlockRange) => void;
  readonly end: (ending: Ending) => void;
}

/**
 * The eth half of an active session: each message that has come goes to the part that it is for, and what is said unasked
 * leaves by one door.
 */
export class EthTraffic {
  readonly eth: EthSession;
  /** undefined where no eth is spoken. */
  readonly raw: CapabilityChannel | undefined;
  readonly requests: InflightRequests;
  readonly serving: Serving;
  readonly broadcasts: Broadcasts;
  readonly range: PeerRange;
  readonly #options: EthTrafficOptions;
  readonly #admission: Admission;
  readonly #announcer: RangeAnnouncer | undefined;
  readonly #opening: Opening;

  constructor(id: string, options: EthTrafficOptions) {
    const { host, agreement, outgoing, allowance, journal } = options;
    const { protocol, remoteStatus, ourStatus } = agreement;
    const { clock } = host.world;
    this.#options = options;
    this.broadcasts = new Broadcasts({ protocol, outgoing, hasher: host.crypto, keys: host.knownKeys() });
    this.raw = rawEth(agreement.capability, protocol, outgoing, (spec, message) =>
      this.#sendRaw(spec, message),
    );
    this.requests = new InflightRequests({
      ...{ clock, deadlines: host.deadlines, protocol, outgoing },
      reading: () => options.reads() && options.takes(),
      over: () => options.ended(),
      breach: (ending) => options.end(ending),
    });
    this.serving = new Serving({
      ...{
        protocol,
        outgoing,
        clock,
        turns: host.turns,
        memory: host.answerMemory,
        logger: host.logger,
        sessionId: id,
      },
      handle: (request) => this.#answer(request),
      accepted: (spec, payload) => this.#recordPayload(spec, payload),
      answered: ({ name }, payload, { refused }) => {
        allowance.answered(name, payload.length);
        if (refused) journal?.leaveOut(payload);
      },
      idle: () => options.progress(),
      faulty: (error) => options.end(faultOf(error)),
      readRequests: (go) => options.readRequests(go),
      isOver: () => options.ended() !== undefined,
    });
    this.range = new PeerRange(clock, remoteStatus);
    this.#opening = new Opening({
      ...{ clock, guard: options.guard, takes: options.takes },
      unfinished: (bytes) => options.readOn(bytes < 0),
    });
    this.#admission = new Admission({
      ...{ protocol, conversation: agreement.conversation, allowance, isDraining: options.isDraining },
      match: (spec, message) => this.requests.match(spec, message),
      hears: ({ name }) => (name === 'BlockRangeUpdate' ? this.range.mayUpdate() : host.gossip !== undefined),
    });
    this.#announcer = this.#makeAnnouncer(id, statusRange(ourStatus));
    this.eth = ethSession({
      version: protocol.version,
      remoteStatus,
      range: () => this.range.current,
      known: this.broadcasts.known,
      send: (message) => this.#send(message),
      ask: (request, asked) =>
        options.isDraining() ? Promise.reject(new SessionNotActive(id)) : this.requests.ask(request, asked),
      turn: () => nextTurn(clock),
      blame: (error) => options.end(faultOf(error)),
    });
  }

  /** Whether the peer hears of our range at all: not on eth/68, and not where we mirror. */
  get announcesRange(): boolean {
    return this.#announcer !== undefined;
  }

  /** Whether a large message is being opened, or waits: what came behind it has to wait, too. */
  get isOpening(): boolean {
    return this.#opening.isBusy;
  }

  /** Messages may be handed over again. */
  goOn(): void {
    this.#opening.goOn();
  }

  /** Our own range may have changed. */
  announce(range: BlockRange): void {
    this.#announcer?.offer(range);
  }

  /** What the peer gets of a broadcast, or why nothing; nothing has been sent. */
  planBroadcast(broadcast: Broadcast, options: BroadcastOptions): BroadcastPart | BroadcastOutcome {
    if (this.#options.over() !== undefined) return 'closing';
    if (this.#options.allowance.lacks(broadcast.message.name) !== undefined) return 'forbidden';
    return this.broadcasts.plan(broadcast, options);
  }

  broadcast(
    part: BroadcastPart,
    name: BroadcastMessage['name'],
  ): { readonly outcome: SendOutcome; readonly dropped: number } {
    this.#options.allowance.sent(name);
    return this.broadcasts.say(part);
  }

  /** @returns whether the next one may follow */
  take(message: IncomingMessage): boolean {
    const admitted = this.#admission.admit(message);
    switch (admitted.kind) {
      case 'end':
        this.#options.end(admitted.ending);
        return false;
      case 'over':
        return false;
      case 'request':
        this.serving.take(admitted.spec, message.payload(admitted.spec.maxBytes), admitted.terms);
        break;
      case 'answer':
        this.requests.answered(admitted.to, message);
        this.#record(admitted.spec, message);
        this.#options.progress();
        break;
      case 'unasked':
        if (admitted.spec.name === 'BlockRangeUpdate') this.#rangeUpdate(admitted.spec, message);
        else this.#gossip(admitted.spec, message);
        break;
      case 'drop':
    }
    return this.#options.takes() && !this.isOpening;
  }

  /** Everything that waits hears of the end, nothing is left behind. */
  end(error: SessionError): void {
    this.#announcer?.stop();
    this.#opening.end();
    this.serving.end();
    this.broadcasts.end();
    this.requests.end(error);
  }

  #rangeUpdate(spec: MessageSpec, message: IncomingMessage): void {
    const update = spec.decode(message.payload(spec.maxBytes));
    if (update.name !== 'BlockRangeUpdate') return;
    const fault = this.range.update(update);
    if (fault === undefined) this.#record(spec, message);
    if (fault !== undefined) this.#options.end(endings.breach('ERR_SESSION_RANGE', fault));
    else if (this.range.current !== undefined) this.#options.rangeChanged(this.range.current);
  }

  #gossip(spec: MessageSpec, message: IncomingMessage): void {
    if (!Opening.takes(message)) {
      this.#heard(spec, message);
      return;
    }
    this.#opening.begin(message, spec.maxBytes, () => {
      this.#heard(spec, message);
      this.#options.handedOver();
    });
  }

  #heard(spec: MessageSpec, message: IncomingMessage): void {
    const { gossip, logger } = this.#options.host;
    if (gossip === undefined) return;
    const session = this.#options.session();
    const decoded = spec.decode(message.payload(spec.maxBytes));
    this.broadcasts.heard(decoded as EthGossip); // no other message is gossip
    this.#record(spec, message);
    callForeign(
      () => gossip(decoded, session),
      (error) => {
        const fields = { event: 'session.gossip', session: session.id, cause: textOf(error) };
        logger.error(fields, 'the gossip handler failed');
      },
    );
  }

  /** A message has been accepted: from here on it is history. */
  #record(spec: MessageSpec, message: IncomingMessage): void {
    if (this.#options.journal !== undefined) this.#recordPayload(spec, message.payload(spec.maxBytes));
  }

  #recordPayload(spec: MessageSpec, payload: Uint8Array): void {
    this.#options.journal?.message('in', `eth/${this.eth.version}`, spec, payload);
  }

  #answer(request: EthRequest): Promise<EthResponse | undefined> {
    const { serve } = this.#options.host;
    const session = this.#options.session();
    return serve === undefined
      ? Promise.resolve(undefined)
      : serve(request, session, { signal: session.signal });
  }

  #send(message: EthMessage): void {
    const { agreement, allowance, host, outgoing } = this.#options;
    this.#checkOver();
    const spec = agreement.protocol.byName.get(message.name);
    if (spec === undefined) {
      throw new SessionError('ERR_SESSION_UNSUPPORTED', `eth/${this.eth.version} has no ${message.name}`);
    }
    if (spec.kind !== 'gossip') {
      throw new SessionError('ERR_SESSION_ARGUMENT', `${message.name} is not sent unasked`);
    }
    this.#checkPermission(message.name);
    if (message.name === 'BlockRangeUpdate') {
      const payload = spec.encode(message);
      allowance.sent(message.name);
      outgoing.announceRange(spec.id, payload);
      return;
    }
    const said = message as BroadcastMessage; // the rest of what is said unasked
    const part = this.broadcasts.plan(new Broadcast(said, host.crypto), { repeat: true });
    if (typeof part === 'object') this.broadcast(part, said.name);
    else
      throw new SessionError(
        'ERR_SESSION_ARGUMENT',
        `${message.name} needs a mask on eth/${this.eth.version}`,
      );
  }

  #sendRaw(spec: MessageSpec, message: PackedMessage): SendOutcome {
    this.#checkOver();
    this.#checkPermission(spec.name);
    this.#options.allowance.sent(spec.name);
    return this.#options.outgoing.broadcast(message, 1).outcome;
  }

  #checkOver(): void {
    const over = this.#options.over();
    if (over !== undefined) throw over;
  }

  #checkPermission(name: MessageSpec['name']): void {
    const missing = this.#options.allowance.lacks(name);
    if (missing !== undefined) throw new PermissionDenied(this.#options.session().id, missing, name);
  }

  #makeAnnouncer(id: string, said: BlockRange | undefined): RangeAnnouncer | undefined {
    const { host, allowance } = this.#options;
    if (said === undefined || host.status.mirror === true) return undefined;
    if (!allowance.template.permissions.announce) return undefined;
    return new RangeAnnouncer(host.world.clock, host.deadlines, said, (range) =>
      callForeign(
        () => this.#send({ name: 'BlockRangeUpdate', ...range }),
        (error) => {
          const fields = { event: 'session.announce', session: id, cause: textOf(error) };
          host.logger.error(fields, 'our range cannot be said');
        },
      ),
    );
  }
}
