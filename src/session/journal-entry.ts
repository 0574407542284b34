import { bytesToHex, hexToBytes } from '../codec/index.js';
import type { CloseCause } from './close-cause.js';
import type { Direction } from './counter.js';
import { type LiveState, type LivingEvent, SESSION_EVENTS, SESSION_STATES } from './state.js';

/** What another version writes is not read. */
export const JOURNAL_VERSION = 1;

/**
 * One chain for the life of the session and one for each direction of its messages (seen from us). What is said unasked has
 * chains of its own: with or without it, the durable history is linked alike.
 */
export type JournalChain = 'life' | MessageChain;

/** The chains that messages stand in. */
export type MessageChain = 'in' | 'out' | 'ambient-in' | 'ambient-out';

export const JOURNAL_CHAINS: readonly JournalChain[] = ['life', 'in', 'out', 'ambient-in', 'ambient-out'];

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
  readonly version: typeof JOURNAL_VERSION;
  readonly session: string;
  readonly direction: Direction;
  /** Bytes of each message are in it, not only their hash. */
  readonly whole: boolean;
}

/** The session took an event of `next` that did not end it. */
export interface EventEntry extends Linked {
  readonly kind: 'event';
  readonly event: LivingEvent;
  /** The state that it led to. */
  readonly state: LiveState;
  /** What became known with it: peer, shared id, capability. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A message that was accepted, or sent. */
export interface MessageEntry extends Linked {
  readonly kind: 'message';
  readonly chain: MessageChain;
  /** `eth/69` */
  readonly capability: string;
  /** Relative to the capability. */
  readonly id: number;
  /** As eth calls it; the messages of other protocols are called by their id. */
  readonly name: string;
  /** In decimal digits; requests and answers of eth only. */
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
  return bytesToHex(keccak256(encoder.encode(`rlpxd journal ${JOURNAL_VERSION} ${chain}`)));
}

/** The link of an entry: over the link before it and the entry's line without a link. */
export function linkOf(before: string, facts: JournalFacts, keccak256: Keccak): string {
  return linkOfLine(before, JSON.stringify(facts), keccak256);
}

function linkOfLine(before: string, line: string, keccak256: Keccak): string {
  return bytesToHex(keccak256(hexToBytes(before), encoder.encode(line)));
}

/** The entry behind the link before it, with the line that it is written as. */
export function linked(
  before: string,
  facts: JournalFacts,
  keccak256: Keccak,
): { readonly entry: JournalEntry; readonly line: string } {
  const bare = JSON.stringify(facts);
  const link = linkOfLine(before, bare, keccak256);
  return { entry: { ...facts, link } as JournalEntry, line: `${bare.slice(0, -1)},"link":"${link}"}` };
}

/** One line of JSON, without the line feed. */
export function journalLine(entry: JournalEntry): string {
  return JSON.stringify(entry);
}

/**
 * @returns undefined for what is not written as an entry is, to the letter: each entry has one line and no other. Whether it
 * is true is for its link to say.
 */
export function readJournalLine(line: string): JournalEntry | undefined {
  const value = parse(line);
  if (!isEntry(value)) return undefined;
  const { link, ...facts } = value;
  return JSON.stringify({ ...facts, link }) === line ? value : undefined;
}

/** The version of the journal that begins with this line; undefined where none does. */
export function versionInLine(line: string): number | undefined {
  const value = parse(line);
  return isObject(value) && value.kind === 'open' && isCount(value.version) ? value.version : undefined;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
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
  open: ({ version, session, direction, whole }) =>
    version === JOURNAL_VERSION &&
    typeof session === 'string' &&
    (direction === 'inbound' || direction === 'outbound') &&
    typeof whole === 'boolean',
  event: ({ event, state, facts }) =>
    SESSION_EVENTS.some((one) => one === event) &&
    SESSION_STATES.some((one) => one === state) &&
    (facts === undefined || isObject(facts)),
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
