import { ProtocolBreach, SessionError } from './errors.js';
import { textOf } from './foreign-code.js';
import type { Session } from './handle.js';
import type { SendOutcome } from './outgoing.js';
import {
  type CapabilityChannel,
  DEFAULT_SATELLITE_MESSAGE_BYTES,
  MAX_SATELLITE_IDS,
  type SatelliteHandler,
  type SatelliteProtocol,
} from './satellite.js';

/** One kind of message of a protocol: its id, and how its values become bytes and come back. */
export interface ProtocolMessage<T> {
  /** 0 to `length − 1`. */
  readonly id: number;
  /** The most that it may have, decompressed; 1 MiB where left out. */
  readonly maxBytes?: number;
  encode(value: T): Uint8Array;
  /** Whatever it throws is the peer's breach: the session ends with reason 2, ERR_SESSION_MESSAGE_CONTENT. */
  decode(payload: Uint8Array): T;
}

/** A protocol beside eth whose messages are values: `V` says of which type under each name. */
export interface TypedProtocol<V> extends Omit<SatelliteProtocol, 'maxBytes' | 'onSession'> {
  /** By name. Ids that nobody has here are unknown ones. */
  readonly messages: { readonly [N in keyof V]: ProtocolMessage<V[N]> };
  /** As of a raw protocol: called before anyone is told that the session is active. */
  onSession(session: Session, channel: TypedChannel<V>): TypedHandler<V>;
}

/** Takes the values that come on one session; kinds without a function here are not decoded. */
export interface TypedHandler<V> extends Omit<SatelliteHandler, 'message'> {
  readonly on?: { readonly [N in keyof V]?: (value: V[N]) => void | Promise<void> };
}

/** One typed protocol on one session. */
export interface TypedChannel<V> extends Omit<CapabilityChannel, 'send'> {
  /** @throws what `encode` throws, and as `CapabilityChannel.send`; ERR_SESSION_ARGUMENT for a name that is none */
  send<N extends keyof V>(name: N, value: V[N]): SendOutcome;
}

interface Kind {
  readonly name: string;
  readonly spec: ProtocolMessage<unknown>;
}

/**
 * The protocol as raw messages, which is what sessions carry.
 * @throws SessionError ERR_SESSION_ARGUMENT for two kinds of one id, or an id beyond `length`
 */
export function defineProtocol<V>(typed: TypedProtocol<V>): SatelliteProtocol {
  const { messages, onSession: _, ...rest } = typed;
  const which = `protocol ${rest.name}/${rest.version}`;
  const maxBytes = new Array<number | undefined>(checkedLength(which, rest.length)).fill(undefined);
  const kinds = new Map<string, Kind>();
  const byId = new Map<number, Kind>();
  for (const [name, spec] of Object.entries(messages) as [string, ProtocolMessage<unknown>][]) {
    if (!(spec.id in maxBytes))
      throw argument(`${which}: ${name} has id ${spec.id}, not 0 to ${rest.length - 1}`);
    if (byId.has(spec.id)) throw argument(`${which}: id ${spec.id} has two names`);
    const kind = { name, spec };
    kinds.set(name, kind);
    byId.set(spec.id, kind);
    maxBytes[spec.id] = spec.maxBytes ?? DEFAULT_SATELLITE_MESSAGE_BYTES;
  }
  return {
    ...rest,
    maxBytes,
    onSession(session, channel) {
      const { on = {}, ...hooks } = typed.onSession(session, typedChannel<V>(channel, kinds, which));
      const take = on as Readonly<Record<string, ((value: unknown) => void | Promise<void>) | undefined>>;
      return { ...hooks, message: (id, payload) => hand(byId.get(id), take, payload) };
    },
  };
}

/** Either kind of protocol, as a raw one. */
export function plainProtocol<V>(protocol: SatelliteProtocol | TypedProtocol<V>): SatelliteProtocol {
  return 'messages' in protocol ? defineProtocol(protocol) : protocol;
}

function hand(
  kind: Kind | undefined,
  take: Readonly<Record<string, ((value: unknown) => void | Promise<void>) | undefined>>,
  payload: Uint8Array,
): void | Promise<void> {
  const call = kind === undefined ? undefined : take[kind.name];
  if (kind === undefined || call === undefined) return undefined;
  return call(decoded(kind, payload));
}

function decoded({ name, spec }: Kind, payload: Uint8Array): unknown {
  try {
    return spec.decode(payload);
  } catch (error) {
    throw new ProtocolBreach(`${name} does not decode: ${textOf(error)}`, { cause: error });
  }
}

function typedChannel<V>(
  channel: CapabilityChannel,
  kinds: ReadonlyMap<string, Kind>,
  which: string,
): TypedChannel<V> {
  const { name, version, length } = channel;
  return {
    ...{ name, version, length },
    get waiting() {
      return channel.waiting;
    },
    send(message, value) {
      const kind = kinds.get(String(message));
      if (kind === undefined) throw argument(`${which} has no message ${JSON.stringify(String(message))}`);
      return channel.send(kind.spec.id, kind.spec.encode(value));
    },
  };
}

/** Before an array of so many is made. */
function checkedLength(which: string, length: number): number {
  if (Number.isInteger(length) && length >= 1 && length <= MAX_SATELLITE_IDS) return length;
  throw argument(`${which}: length is not one of 1 to ${MAX_SATELLITE_IDS}`);
}

function argument(says: string): SessionError {
  return new SessionError('ERR_SESSION_ARGUMENT', says);
}
