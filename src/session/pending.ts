import {
  blockRangeFault,
  EthError,
  type EthProtocol,
  ethProtocol,
  isEthVersion,
  type Status,
} from '../eth/index.js';
import {
  type Capability,
  DISCONNECT,
  type Hello,
  type IncomingMessage,
  type RlpxConnection,
  type SharedCapability,
} from '../rlpx/index.js';
import type { TcpAddress, TcpSocket } from '../runtime/index.js';
import { ActiveSession } from './active.js';
import { withinBounds } from './admission.js';
import { mostBeforeStatus } from './before-status.js';
import { type Ending, endings } from './close-cause.js';
import { connectTo } from './connect.js';
import { Conversation } from './conversation.js';
import { type EthTable, NO_ETH } from './eth-table.js';
import type { StageTimes } from './handle.js';
import { HeldInput } from './held-input.js';
import type { Place, SessionHost } from './host.js';
import type { ManagedSession } from './managed-session.js';
import { openFault } from './satellite.js';
import { sessionConnection } from './session-connection.js';
import { StageClock } from './stage-clock.js';
import type { LivingEvent } from './state.js';

/** What has been agreed once Status has come: all that the active session starts from. */
export interface Agreement {
  readonly connection: RlpxConnection;
  readonly hello: Hello;
  readonly shared: readonly SharedCapability[];
  /** eth; undefined where the session does without, and then there is no Status. */
  readonly capability: SharedCapability | undefined;
  readonly protocol: EthTable;
  readonly conversation: Conversation;
  readonly ourStatus: Status | undefined;
  readonly remoteStatus: Status | undefined;
}

/** What is known once both Hellos are through, where eth is shared. */
interface Greeting {
  readonly hello: Hello;
  readonly shared: readonly SharedCapability[];
  readonly capability: SharedCapability;
  readonly protocol: EthProtocol;
}

/**
 * The way of a session to active: TCP, ECIES, Hello, Status. Each stage has its deadline, all after TCP have one together,
 * and nothing that the peer sends moves any of them.
 */
export class PendingSession {
  readonly session: ManagedSession;
  readonly #host: SessionHost;
  readonly #conversation = new Conversation();
  readonly #stages: StageClock;
  readonly #held = new HeldInput();
  #connection: RlpxConnection | undefined;
  #greeted: Greeting | undefined;
  #ourStatus: Status | undefined;
  #agreement: Agreement | undefined;

  constructor(session: ManagedSession, host: SessionHost) {
    this.session = session;
    this.#host = host;
    this.#stages = new StageClock(host.world.clock, host.deadlines, (ending) => session.end(ending));
    session.atEnd(() => {
      this.#stages.stop();
      this.#held.clear();
    });
  }

  /** What each end may say next. */
  get conversation(): Pick<Conversation, 'ours' | 'theirs'> {
    return { ours: this.#conversation.ours, theirs: this.#conversation.theirs };
  }

  get stagesMs(): Partial<StageTimes> {
    return this.#stages.timesMs;
  }

  /** Whether ECIES is through. */
  get isProven(): boolean {
    return this.#stages.timesMs.auth !== undefined;
  }

  /** How long no step has been made, milliseconds. */
  get stalledMs(): number {
    return this.#stages.stalledMs;
  }

  /** Whether the peer has done all that it can do at present. */
  get waitsForUs(): boolean {
    return this.isWaiting || this.#connection?.owesHandshake === true;
  }

  /** Verified, and waiting until another connection with the same peer has settled. */
  get isWaiting(): boolean {
    return this.#agreement !== undefined && this.session.state === 'verifying';
  }

  /** Looks up, connects, goes on. The deadline holds for both together. */
  async connect(
    to: { readonly host: string; readonly port: number },
    admitAddress: (address: TcpAddress) => Place,
  ): Promise<void> {
    const session = this.session;
    if (session.isOver) return;
    const calledOff = new AbortController();
    session.atEnd(() => calledOff.abort());
    this.#advance('connect');
    this.#stages.within('connect');
    const outcome = await connectTo(
      this.#host.world,
      to,
      (address) => {
        const place = admitAddress(address);
        session.located(address);
        return place.verdict === 'refuse' ? place.ending : undefined;
      },
      calledOff.signal,
    );
    if ('ending' in outcome) session.end(outcome.ending);
    else session.guard(() => this.begin(outcome.socket));
  }

  /** There is a socket: both ends prove who they are. */
  begin(socket: TcpSocket): void {
    const session = this.session;
    if (session.isOver) {
      socket.destroy();
      return;
    }
    if (session.direction === 'outbound') this.#stages.passed('connect');
    session.located(socket.remote);
    this.#advance('begin');
    this.#stages.begin();
    this.#stages.within('auth');
    this.#connection = sessionConnection(session, this.#host, socket);
    session.connected(this.#connection);
  }

  /** ECIES is through: now we know who it is, and may not want them. */
  authenticated(publicKey: Uint8Array): void {
    const session = this.session;
    this.#stages.passed('auth');
    const place = this.#host.placeAuthenticated(session, publicKey);
    if (place.verdict === 'refuse') {
      session.end(place.ending);
      return;
    }
    if (place.verdict === 'accept') session.identified(publicKey, place.kind, place.template);
    else session.identified(publicKey, session.kind);
    this.#advance('authenticated');
    this.#stages.within('hello');
  }

  /** Both Hellos are through: we say our Status without waiting for the other. */
  greeted(hello: Hello, shared: readonly SharedCapability[]): void {
    const session = this.session;
    this.#stages.passed('hello');
    const fault = openFault(shared, (capability) => this.#handledLength(capability));
    if (fault !== undefined) {
      session.end(endings.refused(DISCONNECT.uselessPeer, 'ERR_SESSION_NO_HANDLER', fault));
      return;
    }
    const capability = shared.find(({ name, version }) => name === 'eth' && isEthVersion(version));
    if (capability === undefined || !isEthVersion(capability.version)) {
      this.#withoutEth(hello, shared);
      return;
    }
    this.#advance('greeted');
    this.#conversation.greeted();
    this.#greeted = { hello, shared, capability, protocol: ethProtocol(capability.version) };
    this.#stages.within('status');
    this.#connection?.limitFrames(mostBeforeStatus(shared, this.#host.satellites));
    const { status } = this.#host;
    if (status.mirror !== true) this.#sendStatus(status.status(capability.version));
  }

  /** The first message has to be Status. */
  message(message: IncomingMessage): void {
    const session = this.session;
    const greeted = this.#greeted;
    const connection = this.#connection;
    if (connection === undefined) throw new TypeError(`a message while ${session.state}`);
    if (greeted === undefined) {
      this.#hold(message, connection); // without eth there is no Status to come first
      return;
    }
    // a protocol beside eth need not wait for Status to speak; to be heard, it does
    if (this.#agreement !== undefined || message.capability !== greeted.capability) {
      this.#hold(message, connection);
      return;
    }
    const { spec, refused } = withinBounds(message, greeted.protocol, this.#conversation);
    if (spec === undefined) {
      session.end(refused);
      return;
    }
    const decoded = spec.decode(message.payload(spec.maxBytes).slice()); // a copy: it is kept as long as the session
    if (decoded.name !== 'Status') throw new TypeError(`${decoded.name} where Status was admitted`);
    const remoteStatus = decoded.status;
    this.#conversation.statusReceived();
    connection.limitFrames(Number.POSITIVE_INFINITY);
    session.journal?.message('in', `eth/${greeted.protocol.version}`, spec, message.payload(spec.maxBytes));
    const misfit = this.#misfit(remoteStatus, greeted.protocol);
    if (misfit !== undefined) {
      session.end(misfitEnding(misfit));
      return;
    }
    if (this.#host.status.mirror === true) this.#sendStatus(remoteStatus);
    const ourStatus = this.#ourStatus;
    if (ourStatus === undefined) throw new TypeError('Status came in before ours went out');
    this.#stages.passed('status');
    this.#agreement = { ...greeted, connection, conversation: this.#conversation, ourStatus, remoteStatus };
    this.settle();
  }

  /** Takes the place among the active sessions, or is refused it, or waits for it. Called again when that may have changed. */
  settle(): void {
    const session = this.session;
    const agreement = this.#agreement;
    if (agreement === undefined || session.isOver) return;
    const place = this.#host.placeActive(session);
    this.#stages.stop(); // who waits here waits for another pending session, which has deadlines of its own
    if (place.verdict === 'refuse') session.end(place.ending);
    else if (place.verdict === 'accept') this.#activate(agreement, place);
  }

  /** The provider's judgement, and what holds whatever the chain is. */
  #misfit(remote: Status, { version }: EthProtocol): EthError | undefined {
    const misfit = this.#host.status.check(remote, version);
    if (misfit !== undefined) return misfit;
    if (remote.version !== version) {
      const says = `Status: says eth/${remote.version} where eth/${version} was agreed`;
      return new EthError('ERR_ETH_STATUS_VERSION', says);
    }
    const fault = remote.version === 68 ? undefined : blockRangeFault(remote);
    return fault === undefined ? undefined : new EthError('ERR_ETH_STATUS_RANGE', `Status: ${fault}`);
  }

  #advance(event: LivingEvent): void {
    const error = this.session.advance(event);
    if (error !== undefined) throw new TypeError(error.says);
  }

  #activate(agreement: Agreement, { kind, template }: Place & { readonly verdict: 'accept' }): void {
    const session = this.session;
    const { connection } = agreement;
    session.identified(connection.remotePublicKey ?? agreement.hello.publicKey, kind, template);
    this.#advance('verified');
    const active = new ActiveSession(session, this.#host, agreement, this.#held);
    session.establish(active);
    active.open();
    if (session.isOver) return;
    session.activate(active);
    this.#host.activated(session, active);
    active.start();
  }

  /** The peer speaks other protocols of ours, and not eth: there is no Status to wait for. */
  #withoutEth(hello: Hello, shared: readonly SharedCapability[]): void {
    const session = this.session;
    const connection = this.#connection;
    const { withoutProtocols } = session.template;
    const nothing = shared.length > 0 && shared.every(({ name }) => withoutProtocols.includes(name));
    if (this.#host.requireEth || nothing || connection === undefined) {
      const says = nothing ? 'its template allows nothing that it speaks' : 'no version of eth in common';
      session.end(endings.refused(DISCONNECT.uselessPeer, 'ERR_SESSION_NO_ETH', says));
      return;
    }
    this.#advance('greeted');
    this.#agreement = {
      ...{ connection, hello, shared, capability: undefined, protocol: NO_ETH },
      ...{ conversation: this.#conversation, ourStatus: undefined, remoteStatus: undefined },
    };
    this.settle();
  }

  /** How many messages the handler of a capability knows; undefined where there is none. */
  #handledLength({ name, version }: Capability): number | undefined {
    if (name !== 'eth') return this.#host.satellites.find({ name, version })?.length;
    return isEthVersion(version) ? ethProtocol(version).length : undefined;
  }

  #hold(message: IncomingMessage, connection: RlpxConnection): void {
    this.#held.hold(message);
    if (this.#held.isFull) connection.pause();
  }

  #sendStatus(status: Status): void {
    const { connection, greeted } = { connection: this.#connection, greeted: this.#greeted };
    const spec = greeted?.protocol.byName.get('Status');
    if (connection === undefined || greeted === undefined || spec === undefined)
      throw new TypeError('Status before Hello');
    const payload = spec.encode({ name: 'Status', status });
    connection.send(greeted.capability, spec.id, payload);
    this.session.journal?.message('out', `eth/${greeted.protocol.version}`, spec, payload);
    this.#ourStatus = status;
    this.#conversation.statusSent();
  }
}

/** Another chain is nobody's fault; a Status that contradicts itself is. */
function misfitEnding(misfit: EthError): Ending {
  if (misfit.reason === DISCONNECT.protocolBreach) return endings.breach(misfit.code, misfit.message);
  return endings.refused(misfit.reason ?? DISCONNECT.subprotocolError, misfit.code, misfit.message);
}
