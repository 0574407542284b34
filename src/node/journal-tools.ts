import { realWorld, type World } from '../runtime/index.js';
import {
  type CloseCause,
  type DecodedJournal,
  decodeJournal,
  explainCause,
  JOURNAL_VERSION,
  type JournalEntry,
  type JournalVerdict,
  type ReplayOutcome,
  replayJournal,
  verifyJournal,
  versionInLine,
} from '../session/index.js';
import { type GivenCrypto, givenCrypto } from './crypto-choice.js';
import { JournalError } from './errors.js';
import { MAX_JOURNAL_FILE_BYTES } from './journal-options.js';
import { entryWords, utcText } from './journal-words.js';
import { type Json, toJson } from './json.js';
import { readBytes } from './read-text.js';
import { isCloseCause } from './session-history.js';

export interface JournalToolOptions {
  /** The outside world; the real one. */
  readonly world?: Pick<World, 'files'> | undefined;
  /** Who hashes; the fastest that works. */
  readonly crypto?: GivenCrypto | undefined;
}

/** What checking a journal found. Plain data. */
export interface JournalCheck {
  /** Nothing was changed, dropped, inserted or swapped, and nothing is cut off. */
  readonly sound: boolean;
  /** One plain sentence. */
  readonly says: string;
  /** Records that can be read. */
  readonly records: number;
  /** The first record that is wrong or missing, counted from 0; undefined where all are sound. */
  readonly at?: number;
  /** Messages that were left out for want of room, as the journal itself says. */
  readonly missed: number;
  /** The last link of each chain, 64 hex digits; where it is sound. */
  readonly heads?: Readonly<Record<string, string>>;
}

/**
 * Checks every link of a journal, and that the session's end is the last record.
 * @throws ConfigError ERR_CONFIG_FILE for what cannot be read; JournalError ERR_NODE_JOURNAL for what is no journal
 */
export async function verifyJournalFile(
  path: string,
  options: JournalToolOptions = {},
): Promise<JournalCheck> {
  return check(await readJournalFile(path, options), options);
}

/** One record, ready to be printed or put into JSON. */
export interface JournalRecordLine {
  readonly seq: number;
  /** Since the first record, in milliseconds. */
  readonly afterMs: number;
  readonly says: string;
  /** As it was written. */
  readonly entry: JournalEntry;
}

/** What stands in a journal, as far as it can be read. @throws as `verifyJournalFile` */
export async function showJournalFile(
  path: string,
  options: JournalToolOptions = {},
): Promise<{
  readonly began: string;
  readonly records: readonly JournalRecordLine[];
  readonly check: JournalCheck;
}> {
  const decoded = await readJournalFile(path, options);
  const { entries } = decoded;
  const first = entries[0]?.atMs ?? 0;
  const records = entries.map((entry) => ({
    seq: entry.seq,
    afterMs: entry.atMs - first,
    says: entryWords(entry),
    entry,
  }));
  return { began: utcText(first), records, check: check(decoded, options) };
}

/** What living through a session again came to. Plain data. */
export interface JournalReplay {
  /** The journal is sound, and the engine comes to the same states and the same end. */
  readonly arrived: boolean;
  readonly says: string;
  /** The first record where the engine differs, or that is not sound. */
  readonly at?: number;
  /** In their order, as far as it came. */
  readonly states: readonly string[];
  /** The end that the engine comes to. */
  readonly cause?: CloseCause;
  readonly messagesIn?: number;
  readonly messagesOut?: number;
  /** Requests without an answer at the end: ours, and the peer's. */
  readonly openRequests?: { readonly out: number; readonly in: number };
}

/**
 * Feeds a journal through the pure engine (`next`, the table of the version, the function that makes causes).
 * @throws as `verifyJournalFile`
 */
export async function replayJournalFile(
  path: string,
  options: JournalToolOptions = {},
): Promise<JournalReplay> {
  const decoded = await readJournalFile(path, options);
  const checked = check(decoded, options);
  const outcome = replayJournal(decoded.entries);
  return replayed(outcome, checked);
}

/**
 * How a session ended, by its journal.
 * @returns undefined where the file is not one
 */
export async function explainJournalFile(
  path: string,
  options: JournalToolOptions = {},
): Promise<{ readonly says: string; readonly session: Json } | undefined> {
  const decoded = await readJournalFile(path, options).catch((error: unknown) => {
    if (error instanceof JournalError) return undefined;
    throw error;
  });
  if (decoded === undefined) return undefined;
  const { entries } = decoded;
  const [open] = entries;
  const end = entries.find((entry) => entry.kind === 'end');
  const facts = entries.flatMap((entry) => (entry.kind === 'event' ? Object.entries(entry.facts ?? {}) : []));
  const cause = end !== undefined && isCloseCause(end.cause) ? end.cause : undefined;
  const session = {
    ...(open?.kind === 'open' ? { id: open.session, direction: open.direction, createdAtMs: open.atMs } : {}),
    ...Object.fromEntries(facts),
    cause,
  };
  const { sound, says } = check(decoded, options);
  const how = cause === undefined ? 'how it ended is not in this journal' : explainCause(cause);
  return { says: sound ? how : `${how} (the journal is not sound: ${says})`, session: toJson(session) };
}

function replayed(outcome: ReplayOutcome, checked: JournalCheck): JournalReplay {
  if (!outcome.possible) {
    const says = `record ${outcome.at}: ${outcome.says}`;
    return { arrived: false, says, at: outcome.at, states: outcome.states };
  }
  const { possible: _, cause, ...reached } = outcome;
  const way = outcome.states.join(' → ');
  const ended = { ...reached, ...(cause === undefined ? {} : { cause }) };
  if (!checked.sound) {
    const at = checked.at === undefined ? {} : { at: checked.at };
    return { ...ended, ...at, arrived: false, says: `${way}; but the journal is not sound: ${checked.says}` };
  }
  const end = cause === undefined ? '' : `; the same end: ${explainCause(cause)}`;
  return { ...ended, arrived: true, says: `${way}${end}` };
}

function check({ entries, torn, unreadableLine }: DecodedJournal, options: JournalToolOptions): JournalCheck {
  const crypto = givenCrypto(options.crypto);
  const verdict = verifyJournal(entries, (...parts) => crypto.keccak256(...parts));
  const records = entries.length;
  if (!verdict.intact) {
    return {
      sound: false,
      says: `record ${verdict.at}: ${verdict.says}`,
      records,
      at: verdict.at,
      missed: 0,
    };
  }
  const fault = faultBehind(verdict, unreadableLine !== undefined, torn);
  const { missed } = verdict;
  if (fault !== undefined) return { sound: false, says: fault, records, at: records, missed };
  const without =
    missed === 0 ? '' : `; ${missed} messages were left out for want of room, which it says itself`;
  const says = `${records} records, each linked to the one before it, the last one is the end of the session${without}`;
  return { sound: true, says, records, missed, heads: verdict.heads };
}

/** What is wrong behind records that are sound. */
function faultBehind(
  { entries, complete }: JournalVerdict & { readonly intact: true },
  unreadable: boolean,
  torn: boolean,
): string | undefined {
  if (unreadable) return `record ${entries}: its line is none of a journal`;
  const before = entries === 0 ? 'nothing stands before it' : `the ${entries} before it are sound`;
  if (torn && complete) return `record ${entries}: something torn follows the end`;
  if (torn) return `record ${entries}: its line is torn, and the end of the session is missing; ${before}`;
  if (complete) return undefined;
  return `record ${entries} and what follows is missing: the session lives, or the journal was cut; ${before}`;
}

async function readJournalFile(
  path: string,
  { world = realWorld() }: JournalToolOptions,
): Promise<DecodedJournal> {
  const bytes = await readBytes(world.files, 'journal', path, MAX_JOURNAL_FILE_BYTES);
  if (bytes.length === 0) throw notOne(`journal file ${path} is empty`);
  const decoded = decodeJournal(bytes);
  const version = versionInLine(firstLine(bytes));
  if (version !== undefined && version !== JOURNAL_VERSION) {
    throw notOne(
      `journal file ${path} is of version ${version}, and version ${JOURNAL_VERSION} is read here`,
    );
  }
  if (decoded.entries.length === 0 && !looksLikeJournal(bytes)) {
    throw notOne(`${path} is no journal of a session`);
  }
  return decoded;
}

const BEGINNING = '{"seq":';
const LINE_FEED = 0x0a;
/** The first record has about 250. */
const FIRST_LINE_BYTES = 4_096;

function firstLine(bytes: Uint8Array): string {
  const head = bytes.subarray(0, FIRST_LINE_BYTES);
  const end = head.indexOf(LINE_FEED);
  return new TextDecoder().decode(end < 0 ? head : head.subarray(0, end));
}

/** Whether it may have been one before its first record was torn or changed: it, or the next one, begins as they do. */
function looksLikeJournal(bytes: Uint8Array): boolean {
  const first = firstLine(bytes);
  if (first.startsWith(BEGINNING)) return true;
  const second = firstLine(bytes.subarray(bytes.indexOf(LINE_FEED) + 1));
  return second !== first && second.startsWith(BEGINNING);
}

function notOne(says: string): JournalError {
  return new JournalError('ERR_NODE_JOURNAL', says);
}
