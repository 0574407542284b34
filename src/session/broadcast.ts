import {
  type EthGossip,
  type Hasher,
  type MessageSpec,
  type NewPooledTransactionHashes,
  transactionHash,
} from '../eth/index.js';
import { type PackedMessage, packMessage } from '../rlpx/index.js';
import { SessionError } from './errors.js';
import type { EthTable } from './eth-table.js';
import type { Session } from './handle.js';
import type { Fingerprints, KnownSet } from './known-set.js';
import type { SendOutcome } from './outgoing.js';

/** What can be said to many at once. Our range has a way of its own: `announceRange`. */
export type BroadcastMessage = Exclude<EthGossip, { readonly name: 'BlockRangeUpdate' }>;

export interface BroadcastOptions {
  /** Whom to tell; everyone. */
  readonly to?: (session: Session) => boolean;
  /** Tell also those that are known to have it; false. */
  readonly repeat?: boolean;
}

/**
 * What became of a broadcast at one session. known: the peer has all of it already. unsupported: its version has no such
 * message. forbidden: its permissions do not allow it. closing: the session is being closed.
 */
export type BroadcastOutcome = SendOutcome | 'known' | 'unsupported' | 'forbidden' | 'closing';

export interface BroadcastResult {
  readonly session: Session;
  readonly outcome: BroadcastOutcome;
  /** Transactions, hashes or blocks that the peer gets; less than there are where it knows some. */
  readonly items: number;
  /** Older messages to this peer that made way in its full lane. */
  readonly dropped: number;
}

/** A broadcast as one session gets it. */
export interface BroadcastPart {
  readonly packed: PackedMessage;
  readonly items: number;
  /** Of its transactions, 32 bytes each; undefined where it is about blocks. */
  readonly hashes: readonly Uint8Array[] | undefined;
  /** Of those, where it was asked what the peer knows. */
  readonly prints: Fingerprints | undefined;
  readonly announcement: NewPooledTransactionHashes | undefined;
}

const MASK_BYTES = 16;
const BLOB_TYPE = 3;
/** Bits that are gathered into one character of a key. */
const KEY_BITS = 16;

/** A message for many sessions: encoded and compressed once for all versions that write it alike. */
export class Broadcast {
  readonly message: BroadcastMessage;
  readonly #hasher: Hasher;
  #hashes: readonly Uint8Array[] | undefined;
  #prints: Fingerprints | undefined;
  readonly #whole = new Map<MessageSpec, BroadcastPart | undefined>();
  /** For those who know some of it: by what they do not know. */
  readonly #parts = new Map<MessageSpec, Map<string, BroadcastPart | undefined>>();

  /** @throws SessionError ERR_SESSION_ARGUMENT for what is not said to many */
  constructor(message: BroadcastMessage, hasher: Hasher) {
    if (!BROADCAST_NAMES.has(message.name)) {
      throw new SessionError('ERR_SESSION_ARGUMENT', `${(message as EthGossip).name} is not broadcast`);
    }
    this.message = message;
    this.#hasher = hasher;
  }

  /** How many messages were encoded so far. */
  get encodings(): number {
    let parts = this.#whole.size;
    for (const { size } of this.#parts.values()) parts += size;
    return parts;
  }

  /**
   * @param known what the peer has, of sets with one secret; undefined: it gets all
   * @returns why the session gets nothing, or what it gets. @throws EthError ERR_ETH_ENCODE, ERR_ETH_DECODE
   */
  for(protocol: EthTable, known: KnownSet | undefined): BroadcastPart | 'known' | 'unsupported' {
    const spec = protocol.byName.get(this.message.name);
    if (spec === undefined) return 'unsupported';
    const unknown = known === undefined ? undefined : this.#unknownTo(known);
    if (unknown?.length === 0) return 'known';
    return this.#part(spec, protocol.version, unknown) ?? 'unsupported';
  }

  /** @returns places in the message; undefined where the peer knows none of it */
  #unknownTo(known: KnownSet): readonly number[] | undefined {
    const hashes = this.#allHashes();
    if (hashes === undefined || hashes.length === 0) return undefined;
    this.#prints ??= known.printsOf(hashes);
    if (known.size === 0) return undefined;
    const unknown: number[] = [];
    for (let i = 0; i < hashes.length; i++) if (!known.hasPrint(this.#prints, i)) unknown.push(i);
    return unknown.length === hashes.length ? undefined : unknown;
  }

  #part(
    spec: MessageSpec,
    version: EthTable['version'],
    places: readonly number[] | undefined,
  ): BroadcastPart | undefined {
    if (places === undefined) {
      if (!this.#whole.has(spec)) this.#whole.set(spec, this.#encode(spec, version, undefined));
      return this.#whole.get(spec);
    }
    let parts = this.#parts.get(spec);
    if (parts === undefined) {
      parts = new Map();
      this.#parts.set(spec, parts);
    }
    const key = keyOf(places);
    if (!parts.has(key)) parts.set(key, this.#encode(spec, version, places));
    return parts.get(key);
  }

  /** @returns undefined where this version cannot say it */
  #encode(
    spec: MessageSpec,
    version: EthTable['version'],
    places: readonly number[] | undefined,
  ): BroadcastPart | undefined {
    const message = inVersion(places === undefined ? this.message : only(this.message, places), version);
    if (message === undefined) return undefined;
    const hashes = this.#allHashes();
    return {
      packed: packMessage(spec.id, spec.encode(message)),
      items: itemsIn(message),
      hashes: places === undefined ? hashes : hashes === undefined ? undefined : pick(hashes, places),
      prints: places === undefined ? this.#prints : pickPrints(this.#prints, places),
      announcement: message.name === 'NewPooledTransactionHashes' ? message : undefined,
    };
  }

  #allHashes(): readonly Uint8Array[] | undefined {
    this.#hashes ??= hashesIn(this.message, this.#hasher, Number.POSITIVE_INFINITY);
    return this.#hashes;
  }
}

const BROADCAST_NAMES: ReadonlySet<string> = new Set<BroadcastMessage['name']>([
  'NewBlock',
  'NewBlockHashes',
  'NewPooledTransactionHashes',
  'Transactions',
]);

/**
 * The transactions that a message tells of.
 * @param maxBytes transactions beyond so many bytes are not hashed
 * @returns undefined where it tells of none. @throws EthError ERR_ETH_DECODE for what cannot be a transaction
 */
export function hashesIn(
  message: EthGossip,
  hasher: Hasher,
  maxBytes: number,
): readonly Uint8Array[] | undefined {
  if (message.name === 'NewPooledTransactionHashes') return message.hashes;
  if (message.name !== 'Transactions') return undefined;
  const hashes: Uint8Array[] = [];
  let bytes = 0;
  for (const raw of message.transactions) {
    bytes += raw.length;
    if (bytes > maxBytes) break;
    hashes.push(transactionHash(raw, hasher));
  }
  return hashes;
}

/** How many transactions, hashes or blocks there are in it. */
export function itemsIn(message: EthGossip): number {
  switch (message.name) {
    case 'Transactions':
      return message.transactions.length;
    case 'NewPooledTransactionHashes':
      return message.hashes.length;
    case 'NewBlockHashes':
      return message.blocks.length;
    default:
      return 1;
  }
}

function only(message: BroadcastMessage, places: readonly number[]): BroadcastMessage {
  if (message.name === 'Transactions') {
    return { ...message, transactions: pick(message.transactions, places) };
  }
  if (message.name !== 'NewPooledTransactionHashes') return message;
  return {
    ...message,
    types: Uint8Array.from(places, (i) => message.types[i] ?? 0),
    sizes: pick(message.sizes, places),
    hashes: pick(message.hashes, places),
  };
}

function pick<T>(items: readonly T[], places: readonly number[]): T[] {
  return places.flatMap((i) => items[i] ?? []);
}

function pickPrints(prints: Fingerprints | undefined, places: readonly number[]): Fingerprints | undefined {
  return (
    prints &&
    Uint32Array.from({ length: 2 * places.length }, (_, at) => {
      const place = places[at >> 1] ?? 0;
      return prints[2 * place + (at & 1)] ?? 0;
    })
  );
}

/**
 * Announcements say from eth/72 on which cells of blobs we hold, and do not before. Without blob transactions there are no
 * cells; with them, only the caller knows.
 */
function inVersion(message: BroadcastMessage, version: EthTable['version']): BroadcastMessage | undefined {
  if (message.name !== 'NewPooledTransactionHashes') return message;
  const { mask, ...plain } = message;
  if (version < 72) return plain;
  if (mask !== undefined) return message;
  return message.types.includes(BLOB_TYPE) ? undefined : { ...plain, mask: new Uint8Array(MASK_BYTES) };
}

/** A short text that is the same for the same places only. @param places ascending */
function keyOf(places: readonly number[]): string {
  const words = new Uint16Array(Math.floor((places[places.length - 1] ?? 0) / KEY_BITS) + 1);
  for (const place of places) {
    const word = Math.floor(place / KEY_BITS);
    words[word] = (words[word] as number) | (1 << (place % KEY_BITS));
  }
  let key = '';
  for (const word of words) key += String.fromCharCode(word);
  return key;
}
