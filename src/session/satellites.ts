import type { Capability, IncomingMessage, PackedMessage, SharedCapability } from '../rlpx/index.js';
import { DISCONNECT } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';
import type { Logger } from '../runtime/logger.js';
import { type CloseCause, type Ending, endings } from './close-cause.js';
import { ProtocolBreach, SessionError } from './errors.js';
import { callForeign, textOf } from './foreign-code.js';
import type { Gauge, Session } from './handle.js';
import type { HeldMessage } from './journal-keeper.js';
import type { LaneBounds } from './lane.js';
import type { Outgoing, SendOutcome } from './outgoing.js';
import type { SatelliteVerdict } from './quota.js';
import {
  type CapabilityChannel,
  type SatelliteHandler,
  type SatelliteProtocol,
  type SatelliteRegistry,
  satelliteCap,
} from './satellite.js';
import { checkedBudget, DEFAULT_SATELLITE_BUDGET, type SatelliteBudget } from './satellite-budget.js';
import { SatelliteInbox } from './satellite-inbox.js';

/** So much that handlers have not finished with; beyond it reading stops. */
export const MAX_UNFINISHED_BYTES: number = 1024 * 1024;

/** A protocol beside eth is closed on one session, which goes on without it. */
export interface SatelliteClosed {
  readonly name: string;
  readonly version: number;
  readonly error: SessionError;
}

interface Satellite {
  readonly protocol: SatelliteProtocol;
  readonly capability: SharedCapability;
  readonly channel: CapabilityChannel;
  readonly budget: SatelliteBudget;
  readonly inbox: SatelliteInbox;
  handler: SatelliteHandler | undefined;
  /** Why nothing of it passes any more on this session. */
  closed: SessionError | undefined;
}

export interface SatellitesOptions {
  readonly shared: readonly SharedCapability[];
  readonly registry: Pick<SatelliteRegistry, 'find'>;
  /** Names that the session's template forbids: what comes of them is thrown away unread. */
  readonly forbidden: readonly string[];
  readonly outgoing: Pick<Outgoing, 'satellite' | 'satelliteGauge'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionId: string;
  /** Whether the session is of use without them: eth is spoken. */
  readonly hasEth: boolean;
  /** Whether messages are handed over at present. */
  readonly takes: () => boolean;
  /** Runs a piece of the session's work: what it throws ends the session. */
  readonly guard: (work: () => void) => void;
  /** @returns why nothing can be sent any more */
  readonly over: () => SessionError | undefined;
  /** A message is handed to its handler, who says whether it is accepted. */
  readonly heard?: (capability: Capability, id: number, payload: Uint8Array) => HeldMessage | undefined;
  readonly end: (ending: Ending) => void;
  /** Reading has to stop, or may go on. */
  readonly read: (go: boolean) => void;
  /** A budget was exceeded, and what is done about it. */
  readonly told: (verdict: SatelliteVerdict) => void;
  readonly closed: (what: SatelliteClosed) => void;
}

/** The protocols beside eth on one session. */
export class Satellites {
  readonly #options: SatellitesOptions;
  readonly #satellites = new Map<string, Satellite>();
  #unfinishedBytes = 0;
  #reads = true;
  #ended = false;

  constructor(options: SatellitesOptions) {
    this.#options = options;
    for (const capability of options.shared) {
      const protocol = options.registry.find(capability);
      if (protocol === undefined || options.forbidden.includes(capability.name)) continue;
      this.#satellites.set(capability.name, this.#satellite(protocol, capability));
    }
  }

  /** @returns undefined where it is not spoken, or not any more */
  channel(name: string): CapabilityChannel | undefined {
    const satellite = this.#satellites.get(name);
    return satellite?.closed === undefined ? satellite?.channel : undefined;
  }

  /** What waits beyond budgets, of all of them together. */
  get held(): Gauge {
    let [items, bytes] = [0, 0];
    for (const { inbox } of this.#satellites.values()) {
      items += inbox.held.items;
      bytes += inbox.held.bytes;
    }
    return { items, bytes };
  }

  /** Bytes of messages that handlers have not finished with. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /** Calls each protocol's `onSession`, in the order of their names. @throws what one of them throws */
  open(session: Session): void {
    for (const satellite of this.#satellites.values()) {
      if (this.#ended) return;
      const handler: unknown = satellite.protocol.onSession(session, satellite.channel);
      if (!isHandler(handler))
        throw new TypeError(`${satellite.protocol.name}: onSession returned no handler of messages`);
      satellite.handler = handler;
      // it ended the session within its own opening
      if (this.#ended) return;
    }
  }

  /** A message of one of them. Its size is asked before it is decompressed. @returns false where it was thrown away unread */
  take(message: IncomingMessage): boolean {
    const { name, version } = message.capability;
    const satellite = this.#satellites.get(name);
    if (satellite === undefined && this.#options.forbidden.includes(name)) return false;
    if (satellite?.handler === undefined) throw new TypeError(`a message of ${name}/${version}`);
    if (satellite.closed !== undefined) return false;
    const cap = satelliteCap(satellite.protocol, message.id);
    if (cap === undefined) {
      if (satellite.protocol.unknownIds === 'ignore') return false;
      const says = `${name}/${version} has no message ${message.id}`;
      this.#options.end(endings.breach('ERR_SESSION_MESSAGE_UNKNOWN', says));
    } else if (message.declaredBytes > cap) {
      const says = `${name}/${version} message ${message.id} of ${message.declaredBytes} bytes, ${cap} are allowed`;
      this.#options.end(endings.breach('ERR_SESSION_MESSAGE_SIZE', says));
    } else satellite.inbox.take(message);
    return true;
  }

  /** The session takes messages again. */
  goOn(): void {
    for (const { inbox } of this.#satellites.values()) inbox.goOn();
  }

  /** All that waited of this capability has left. */
  room({ name }: SharedCapability): void {
    const satellite = this.#satellites.get(name);
    if (satellite?.closed === undefined) this.#guard(name, () => satellite?.handler?.room?.());
  }

  end(cause: CloseCause): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const [name, satellite] of this.#satellites) {
      satellite.inbox.end();
      if (satellite.closed === undefined) this.#guard(name, () => satellite.handler?.closed?.(cause));
    }
  }

  #satellite(protocol: SatelliteProtocol, capability: SharedCapability): Satellite {
    const checked = checkedBudget(protocol.budget);
    const budget = typeof checked === 'string' ? DEFAULT_SATELLITE_BUDGET : checked; // it was checked when it was registered
    const { clock, guard, takes } = this.#options;
    const inbox: SatelliteInbox = new SatelliteInbox({
      ...{ protocol: protocol.name, budget, clock, guard, takes },
      cap: ({ id }) => satelliteCap(protocol, id) ?? 0,
      hand: (message) => this.#hand(protocol, message),
      unfinished: (bytes) => this.#unfinished(bytes),
      told: (verdict) => this.#exceeded(verdict),
      hangs: () => this.#hangs(protocol.name),
    });
    const channel = this.#channel(protocol, capability, budget);
    return { ...{ protocol, capability, channel, budget, inbox }, handler: undefined, closed: undefined };
  }

  #channel(
    protocol: SatelliteProtocol,
    capability: SharedCapability,
    { queuedBytes, queuedMessages }: SatelliteBudget,
  ): CapabilityChannel {
    const { outgoing } = this.#options;
    const bounds = { maxItems: queuedMessages, maxBytes: queuedBytes };
    const send = (id: number, message: Uint8Array | PackedMessage): SendOutcome =>
      this.#send(protocol, capability, bounds, id, message);
    const { name, version, length } = capability;
    return {
      ...{ name, version, length, send },
      get waiting() {
        return outgoing.satelliteGauge(capability);
      },
    };
  }

  #send(
    protocol: SatelliteProtocol,
    capability: SharedCapability,
    bounds: LaneBounds,
    id: number,
    message: Uint8Array | PackedMessage,
  ): SendOutcome {
    const over = this.#options.over() ?? this.#satellites.get(capability.name)?.closed;
    if (over !== undefined) throw over;
    const which = `${capability.name}/${capability.version} message ${id}`;
    const cap = satelliteCap(protocol, id);
    if (cap === undefined) throw new SessionError('ERR_SESSION_ARGUMENT', `there is no ${which}`);
    const bytes = message instanceof Uint8Array ? message.length : message.plainBytes;
    if (bytes > cap)
      throw new SessionError('ERR_SESSION_ARGUMENT', `${which} of ${bytes} bytes, ${cap} are allowed`);
    if (!(message instanceof Uint8Array) && message.id !== id)
      throw new SessionError('ERR_SESSION_ARGUMENT', `${which} was packed as message ${message.id}`);
    const outcome = this.#options.outgoing.satellite(capability, id, message, bounds);
    if (outcome === undefined)
      throw new SessionError('ERR_SESSION_QUEUE_FULL', `the lane of ${which} is full`);
    return outcome;
  }

  /** @returns what the handler is not done with yet */
  #hand(
    protocol: SatelliteProtocol,
    message: IncomingMessage,
  ): { bytes: number; done: Promise<void> } | undefined {
    const { name } = protocol;
    const handler = this.#satellites.get(name)?.handler;
    const payload = message.payload(satelliteCap(protocol, message.id) ?? 0);
    const heard = this.#options.heard?.(message.capability, message.id, payload);
    try {
      const outcome = handler?.message(message.id, payload);
      heard?.accepted();
      if (!(outcome instanceof Promise)) return undefined;
      return { bytes: payload.length, done: outcome.catch((error: unknown) => this.#failed(name, error)) };
    } catch (error) {
      if (error instanceof ProtocolBreach) heard?.refused();
      else heard?.accepted();
      this.#failed(name, error);
      return undefined;
    }
  }

  #unfinished(bytes: number): void {
    this.#unfinishedBytes += bytes;
    const reads = this.#unfinishedBytes < MAX_UNFINISHED_BYTES;
    if (this.#ended || reads === this.#reads) return;
    this.#reads = reads;
    this.#options.read(reads);
  }

  #exceeded(verdict: SatelliteVerdict): void {
    this.#options.told(verdict);
    if (verdict.step === 'close')
      this.#options.end(endings.refused(DISCONNECT.requested, 'ERR_SESSION_QUOTA', verdict.says));
  }

  /** A handler was not done in time: nothing of its protocol passes any more, and what else is spoken goes on. */
  #hangs(name: string): void {
    const satellite = this.#satellites.get(name);
    if (satellite === undefined || satellite.closed !== undefined || this.#ended) return;
    const { version, handlerMs } = { ...satellite.capability, ...satellite.budget };
    const says = `${name}/${version}: its handler was not done with a message within ${handlerMs} ms`;
    const error = new SessionError('ERR_SESSION_HANDLER', says);
    satellite.closed = error;
    satellite.inbox.end();
    this.#failed(name, error);
    this.#guard(name, () => satellite.handler?.closed?.(undefined));
    this.#options.closed({ name, version, error });
    const speaks =
      this.#options.hasEth || [...this.#satellites.values()].some(({ closed }) => closed === undefined);
    if (!speaks)
      this.#options.end({
        ...{ kind: 'fault', by: 'local', reason: DISCONNECT.subprotocolError },
        ...{ code: error.code, says },
      });
  }

  #guard(name: string, work: () => unknown): void {
    callForeign(work, (error) => this.#failed(name, error));
  }

  #failed(protocol: string, error: unknown): void {
    if (error instanceof ProtocolBreach) {
      this.#options.end(endings.breach(error.code, `${protocol}: ${error.message}`));
      return;
    }
    const { logger, sessionId } = this.#options;
    logger.error(
      { event: 'session.satellite', session: sessionId, protocol, cause: textOf(error) },
      'the handler of a protocol beside eth failed',
    );
  }
}

function isHandler(value: unknown): value is SatelliteHandler {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'function'
  );
}
