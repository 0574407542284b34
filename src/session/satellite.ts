import type { Capability, LocalCapability, PackedMessage } from '../rlpx/index.js';
import type { CloseCause } from './close-cause.js';
import { SessionError } from './errors.js';
import type { Gauge, Session } from './handle.js';
import type { SendOutcome } from './outgoing.js';
import { checkedBudget, type SatelliteBudget } from './satellite-budget.js';

/** What a message of a protocol beside eth may have where the protocol does not say, decompressed. */
export const DEFAULT_SATELLITE_MESSAGE_BYTES: number = 1024 * 1024;
/** No message on a connection is larger, whatever a protocol says: 2^24 − 1 bytes are the most that a frame carries. */
const MOST_MESSAGE_BYTES = 2 ** 24 - 1;
/** A node with more would have no room left for them in its Hello. */
export const MAX_SATELLITES = 32;
/** More than any protocol has; snap has 8. */
export const MAX_SATELLITE_IDS = 256;
/** At most 8 ASCII characters (devp2p, "Hello"); the same as a peer's names are read by. */
export const SATELLITE_NAME: RegExp = /^[\x21-\x7e]{1,8}$/;

/** A protocol that is spoken beside eth, or without it, on the same connection. */
export interface SatelliteProtocol extends LocalCapability {
  /** 1 to 8 printable ASCII characters, and not `eth`. */
  readonly name: string;
  readonly version: number;
  /** How many message ids it takes. */
  readonly length: number;
  /**
   * The most that a message may have, decompressed: for all, or by id; where the list says undefined there is no such
   * message, and who sends it breaks the protocol. 1 MiB where left out, never above 2^24 − 1.
   */
  readonly maxBytes?: number | readonly (number | undefined)[];
  /** Whoever sends a message of an id within `length` that there is not breaks the protocol; `ignore` throws it away unread. */
  readonly unknownIds?: 'breach' | 'ignore';
  /** What one session may have of it; the rest is as in `DEFAULT_SATELLITE_BUDGET`. Nothing of it is charged to eth. */
  readonly budget?: Partial<SatelliteBudget>;
  /**
   * There is a session in which both ends speak it. Called before anyone is told that the session is active; whoever throws
   * here ends it.
   */
  onSession(session: Session, channel: CapabilityChannel): SatelliteHandler;
}

/** Takes what comes on one session. What it throws is logged and hurts nobody, but for a `ProtocolBreach`: that ends the session. */
export interface SatelliteHandler {
  /**
   * @param id 0 to `length − 1` @param payload decompressed, yours to keep
   * @returns nothing, or a promise: until it is settled the message counts as unread, and when 1 MiB are, reading stops. One
   *   that is not settled after `budget.handlerMs` closes the protocol on this session
   */
  message(id: number, payload: Uint8Array): void | Promise<void>;
  /** After a `send` that found no room: all that waited has left. */
  room?(): void;
  /** Called once. @param cause how the session ended; undefined where it goes on without this protocol */
  closed?(cause: CloseCause | undefined): void;
}

/** One protocol on one session: raw messages, by id and bytes. */
export interface CapabilityChannel extends LocalCapability {
  /** What waits to be sent. */
  readonly waiting: Gauge;
  /**
   * Sends a message, ready or made ready for many (`packMessage`). On eth only what is said unasked: questions and answers
   * have their ways.
   * @throws SessionError ERR_SESSION_ARGUMENT for an id that is none or a message that is too large,
   *   ERR_SESSION_QUEUE_FULL, ERR_SESSION_NOT_ACTIVE, ERR_SESSION_EXPIRED, ERR_SESSION_HANDLER (closed on this session)
   */
  send(id: number, message: Uint8Array | PackedMessage): SendOutcome;
}

/** The protocols that a node speaks beside eth. */
export class SatelliteRegistry {
  #protocols: readonly SatelliteProtocol[] = [];

  get capabilities(): readonly LocalCapability[] {
    return this.#protocols.map(({ name, version, length }) => ({ name, version, length }));
  }

  /** The one that was agreed on. */
  find({ name, version }: Capability): SatelliteProtocol | undefined {
    return this.#protocols.find((protocol) => protocol.name === name && protocol.version === version);
  }

  /** @throws SessionError ERR_SESSION_ARGUMENT naming what is wrong; nothing has changed then */
  add(protocol: SatelliteProtocol): void {
    const fault = protocolFault(protocol);
    if (fault !== undefined) throw argument(fault);
    if (this.find(protocol) !== undefined)
      throw argument(`${protocol.name}/${protocol.version} is there already`);
    if (this.#protocols.length >= MAX_SATELLITES) throw argument(`more than ${MAX_SATELLITES} protocols`);
    this.#protocols = [...this.#protocols, protocol];
  }

  /** Sessions that speak it go on; new ones do not offer it. @returns whether it was there */
  remove(protocol: SatelliteProtocol): boolean {
    const before = this.#protocols.length;
    this.#protocols = this.#protocols.filter((other) => other !== protocol);
    return this.#protocols.length < before;
  }
}

/** @returns how many bytes message `id` may have; undefined where there is no such message */
export function satelliteCap(
  { length, maxBytes = DEFAULT_SATELLITE_MESSAGE_BYTES }: SatelliteProtocol,
  id: number,
): number | undefined {
  if (!Number.isInteger(id) || id < 0 || id >= length) return undefined;
  return typeof maxBytes === 'number' ? maxBytes : maxBytes[id];
}

/**
 * Whether a session may open on what was agreed: every capability has a handler, its message range is the one that the
 * handler's protocol has, and no two ranges meet.
 * @param handlers whether there is one for the capability, and of which length
 */
export function openFault(
  shared: readonly (LocalCapability & { readonly offset: number })[],
  handlers: (capability: Capability) => number | undefined,
): string | undefined {
  const names = new Set<string>();
  let free = 0;
  for (const { name, version, length, offset } of [...shared].sort((a, b) => a.offset - b.offset)) {
    const which = `${name}/${version}`;
    const handled = handlers({ name, version });
    if (handled === undefined) return `${which} has no handler`;
    if (handled !== length) return `${which} was agreed with ${length} messages, its handler has ${handled}`;
    if (names.has(name)) return `${name} was agreed twice`;
    if (offset < free) return `${which} begins within the messages of another`;
    names.add(name);
    free = offset + length;
  }
  return undefined;
}

function protocolFault({
  name,
  version,
  length,
  maxBytes,
  budget,
  unknownIds,
  onSession,
}: SatelliteProtocol): string | undefined {
  const which = `protocol ${name}/${version}`;
  if (!SATELLITE_NAME.test(name)) return 'name of a protocol: 1 to 8 printable ASCII characters are wanted';
  if (name === 'eth') return 'eth is spoken by the session itself';
  if (!isCount(version, 2 ** 32 - 1)) return `${which}: version is no count`;
  if (length === 0 || !isCount(length, MAX_SATELLITE_IDS))
    return `${which}: length is not one of 1 to ${MAX_SATELLITE_IDS}`;
  if (typeof onSession !== 'function') return `${which} has no handler`;
  if (unknownIds !== undefined && unknownIds !== 'breach' && unknownIds !== 'ignore')
    return `${which}: unknownIds is neither breach nor ignore`;
  const checked = checkedBudget(budget);
  if (typeof checked === 'string') return `${which}: ${checked}`;
  if (maxBytes === undefined) return undefined;
  const caps = typeof maxBytes === 'number' ? [maxBytes] : maxBytes;
  if (typeof maxBytes !== 'number' && maxBytes.length !== length)
    return `${which}: maxBytes has ${maxBytes.length} entries for ${length} messages`;
  const wrong = caps.find((cap) => cap !== undefined && !isCount(cap, MOST_MESSAGE_BYTES));
  return wrong === undefined
    ? undefined
    : `${which}: maxBytes ${wrong} is not one of 0 to ${MOST_MESSAGE_BYTES}`;
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function argument(says: string): SessionError {
  return new SessionError('ERR_SESSION_ARGUMENT', says);
}
