import { bytesToHex, hexToBytes } from '../codec/index.js';
import type { CloseCause } from './close-cause.js';
import type { Direction } from './counter.js';
import { type LivingEvent, SESSION_EVENTS, type SessionEvent } from './state.js';

/** One chain for the life of the session, one for each direction of its messages (seen from us). */
export type JournalChain = 'life' | 'in' | 'out';

export const JOURNAL_CHAINS: readonly JournalChain[] = ['life', 'in', 'out'];

interface Linked {
  /** The place in the whole journal: 0, 1, 2… without a gap. */
  readonly seq: number;
  readonly chain: JournalChain;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** keccak256 of the link before it in the same chain and of this entry: 64 hex digits. */
  readonly link: string;
}

/** The first entry: whose journal it is. */
export interface OpenEntry extends Linked {
  readonly kind: 'open';
  readonly session: string;
  readonly direction: Direction;
  /** Bytes of each message are in it, not only their hash. */
  readonly whole: boolean;
}

/** The session took an event of `next` that did not end it. */
export interface EventEntry extends Linked {
  readonly kind: 'event';
  readonly event: LivingEvent;
  /** What became known with it: peer, shared id, capability. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A message that was accepted, or sent. */
export interface MessageEntry extends Linked {
  readonly kind: 'message';
  /** `eth/69` */
  readonly capability: string;
  /** Relative to the capability. */
  readonly id: number;
  readonly name: string;
  /** In decimal digits; requests and answers only. */
  readonly requestId?: string;
  /** Of the payload, decompressed. */
  readonly bytes: number;
  /** keccak256 of the payload. */
  readonly hash: string;
  readonly payload?: string;
}

/** There was no room for so many messages before this entry. */
export interface GapEntry extends Linked {
  readonly kind: 'gap';
  readonly missed: number;
}

/** The last entry: how the session ended, and where each chain stood. Without it the journal is cut, or still open. */
export interface EndEntry extends Linked {
  readonly kind: 'end';
  readonly cause: CloseCause;
  /** The last link of each chain before this entry. */
  readonly heads: Readonly<Record<JournalChain, string>>;
}

export type JournalEntry = OpenEntry | EventEntry | MessageEntry | GapEntry | EndEntry;

type Unlinked<E> = E extends Linked ? Omit<E, 'link'> : never;
/** An entry before its link is known. */
export type JournalFacts = Unlinked<JournalEntry>;

export type Keccak = (...parts: readonly Uint8Array[]) => Uint8Array;

const encoder = new TextEncoder();

/** What stands before the first entry of a chain. */
export function firstLink(chain: JournalChain, keccak256: Keccak): string {
  return bytesToHex(keccak256(encoder.encode(`rlpxd journal 1 ${chain}`)));
}

/** The link of an entry: over the link before it and the entry's line without a link. */
export function linkOf(before: string, facts: JournalFacts, keccak256: Keccak): string {
  return bytesToHex(keccak256(hexToBytes(before), encoder.encode(JSON.stringify(facts))));
}

/** One line of JSON, without the line feed. */
export function journalLine(entry: JournalEntry): string {
  return JSON.stringify(entry);
}

/** @returns undefined for what has not the shape of an entry. Whether it is true is for its link to say. */
export function readJournalLine(line: string): JournalEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(value) ? value : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value)) return false;
  const { seq, chain, atMs, link, kind } = value;
  if (!isCount(seq) || typeof atMs !== 'number' || !isHash(link)) return false;
  if (!JOURNAL_CHAINS.some((one) => one === chain)) return false;
  if (typeof kind !== 'string' || !Object.hasOwn(SHAPES, kind)) return false;
  return (chain === 'life') !== (kind === 'message') && SHAPES[kind as JournalEntry['kind']](value);
}

const SHAPES: Readonly<Record<JournalEntry['kind'], (entry: Fields) => boolean>> = {
  open: ({ session, direction, whole }) =>
    typeof session === 'string' &&
    (direction === 'inbound' || direction === 'outbound') &&
    typeof whole === 'boolean',
  event: ({ event, facts }) => isEvent(event) && (facts === undefined || isObject(facts)),
  message: ({ capability, id, name, requestId, bytes, hash, payload }) =>
    typeof capability === 'string' &&
    isCount(id) &&
    typeof name === 'string' &&
    isTextOrLeftOut(requestId) &&
    isCount(bytes) &&
    isHash(hash) &&
    isTextOrLeftOut(payload),
  gap: ({ missed }) => isCount(missed),
  end: ({ cause, heads }) =>
    isObject(cause) && isObject(heads) && JOURNAL_CHAINS.every((chain) => isHash(heads[chain])),
};

const HASH = /^[0-9a-f]{64}$/;

function isEvent(value: unknown): value is SessionEvent {
  return SESSION_EVENTS.some((event) => event === value);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}

function isTextOrLeftOut(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
