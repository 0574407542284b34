import type { IncomingMessage, PackedMessage, SharedCapability } from '../rlpx/index.js';
import type { Logger } from '../runtime/logger.js';
import { type CloseCause, type Ending, endings } from './close-cause.js';
import { SessionError } from './errors.js';
import { callForeign, textOf } from './foreign-code.js';
import type { Session } from './handle.js';
import type { Outgoing, SendOutcome } from './outgoing.js';
import {
  type CapabilityChannel,
  type SatelliteHandler,
  type SatelliteProtocol,
  type SatelliteRegistry,
  satelliteCap,
} from './satellite.js';

/** So much that handlers have not finished with; beyond it reading stops. */
export const MAX_UNFINISHED_BYTES: number = 1024 * 1024;
/** What an unfinished message costs at least. */
const UNFINISHED_BYTES_LEAST = 256;

interface Satellite {
  readonly protocol: SatelliteProtocol;
  readonly capability: SharedCapability;
  readonly channel: CapabilityChannel;
  handler: SatelliteHandler | undefined;
}

export interface SatellitesOptions {
  readonly shared: readonly SharedCapability[];
  readonly registry: Pick<SatelliteRegistry, 'find'>;
  readonly outgoing: Pick<Outgoing, 'satellite' | 'satelliteGauge'>;
  readonly logger: Logger;
  readonly sessionId: string;
  /** @returns why nothing can be sent any more */
  readonly over: () => SessionError | undefined;
  readonly breach: (ending: Ending) => void;
  /** Reading has to stop, or may go on. */
  readonly read: (go: boolean) => void;
}

/** The protocols beside eth on one session. */
export class Satellites {
  readonly #options: SatellitesOptions;
  readonly #satellites = new Map<string, Satellite>();
  #unfinishedBytes = 0;
  #ended = false;

  constructor(options: SatellitesOptions) {
    this.#options = options;
    for (const capability of options.shared) {
      const protocol = options.registry.find(capability);
      if (protocol === undefined) continue;
      const channel = this.#channel(protocol, capability);
      this.#satellites.set(capability.name, { protocol, capability, channel, handler: undefined });
    }
  }

  channel(name: string): CapabilityChannel | undefined {
    return this.#satellites.get(name)?.channel;
  }

  /** Bytes of messages that handlers have not finished with. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /** Calls each protocol's `open`, in the order of their names. @throws what one of them throws */
  open(session: Session): void {
    for (const satellite of this.#satellites.values()) {
      if (this.#ended) return;
      const handler: unknown = satellite.protocol.open(session, satellite.channel);
      if (!isHandler(handler))
        throw new TypeError(`${satellite.protocol.name}: open returned no handler of messages`);
      satellite.handler = handler;
      // it ended the session within its own opening
      if (this.#ended) return;
    }
  }

  /** A message of one of them. Its size is asked before it is decompressed. */
  take(message: IncomingMessage): void {
    const { name, version } = message.capability;
    const satellite = this.#satellites.get(name);
    const handler = satellite?.handler;
    if (satellite === undefined || handler === undefined)
      throw new TypeError(`a message of ${name}/${version}`);
    const cap = satelliteCap(satellite.protocol, message.id);
    if (cap === undefined) {
      const says = `${name}/${version} has no message ${message.id}`;
      this.#options.breach(endings.breach('ERR_SESSION_MESSAGE_UNKNOWN', says));
      return;
    }
    if (message.declaredBytes > cap) {
      const says = `${name}/${version} message ${message.id} of ${message.declaredBytes} bytes, ${cap} are allowed`;
      this.#options.breach(endings.breach('ERR_SESSION_MESSAGE_SIZE', says));
      return;
    }
    const payload = message.payload(cap);
    this.#guard(name, () => {
      const finished = handler.message(message.id, payload);
      if (finished instanceof Promise) this.#await(name, finished, payload.length);
    });
  }

  /** All that waited of this capability has left. */
  room({ name }: SharedCapability): void {
    this.#guard(name, () => this.#satellites.get(name)?.handler?.room?.());
  }

  end(cause: CloseCause): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const [name, { handler }] of this.#satellites) this.#guard(name, () => handler?.closed?.(cause));
  }

  #channel(protocol: SatelliteProtocol, capability: SharedCapability): CapabilityChannel {
    const { outgoing } = this.#options;
    const send = (id: number, message: Uint8Array | PackedMessage): SendOutcome =>
      this.#send(protocol, capability, id, message);
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
    id: number,
    message: Uint8Array | PackedMessage,
  ): SendOutcome {
    const over = this.#options.over();
    if (over !== undefined) throw over;
    const which = `${capability.name}/${capability.version} message ${id}`;
    const cap = satelliteCap(protocol, id);
    if (cap === undefined) throw new SessionError('ERR_SESSION_ARGUMENT', `there is no ${which}`);
    const bytes = message instanceof Uint8Array ? message.length : message.plainBytes;
    if (bytes > cap)
      throw new SessionError('ERR_SESSION_ARGUMENT', `${which} of ${bytes} bytes, ${cap} are allowed`);
    if (!(message instanceof Uint8Array) && message.id !== id)
      throw new SessionError('ERR_SESSION_ARGUMENT', `${which} was packed as message ${message.id}`);
    const outcome = this.#options.outgoing.satellite(capability, id, message);
    if (outcome === undefined)
      throw new SessionError('ERR_SESSION_QUEUE_FULL', `the lane of ${which} is full`);
    return outcome;
  }

  #await(name: string, finished: Promise<void>, payloadBytes: number): void {
    const bytes = Math.max(UNFINISHED_BYTES_LEAST, payloadBytes);
    this.#unfinishedBytes += bytes;
    if (this.#unfinishedBytes >= MAX_UNFINISHED_BYTES) this.#options.read(false);
    const done = (): void => {
      this.#unfinishedBytes -= bytes;
      if (!this.#ended && this.#unfinishedBytes < MAX_UNFINISHED_BYTES) this.#options.read(true);
    };
    finished.then(done, (error: unknown) => {
      this.#failed(name, error);
      done();
    });
  }

  #guard(name: string, work: () => unknown): void {
    callForeign(work, (error) => this.#failed(name, error));
  }

  #failed(protocol: string, error: unknown): void {
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
