import { bytesToHex, hexToBytes } from '../codec/index.js';
import { chainHeads } from './journal.js';
import {
  firstLink,
  JOURNAL_CHAINS,
  type JournalChain,
  type JournalEntry,
  type JournalFacts,
  journalLine,
  type Keccak,
  linkOf,
  readJournalLine,
} from './journal-entry.js';

/** What checking a journal found. */
export type JournalVerdict =
  | {
      readonly intact: true;
      readonly entries: number;
      /** The session's end is in it: nothing is missing behind the last entry. */
      readonly complete: boolean;
      /** Messages that were left out for want of room, as the journal itself says. */
      readonly missed: number;
      readonly heads: Readonly<Record<JournalChain, string>>;
    }
  | {
      readonly intact: false;
      /** Index of the first entry that does not follow from those before it. */
      readonly at: number;
      readonly says: string;
    };

/**
 * Checks every link. Finds every entry that was changed, dropped, inserted or swapped; one that was cut off at the end is
 * found where the session's end is missing (`complete`).
 */
export function verifyJournal(entries: readonly JournalEntry[], keccak256: Keccak): JournalVerdict {
  const last = chainHeads((chain) => firstLink(chain, keccak256));
  let missed = 0;
  let complete = false;
  for (const [at, { link, ...facts }] of entries.entries()) {
    const broken = (says: string): JournalVerdict => ({ intact: false, at, says });
    if (complete) return broken('something follows the end');
    if (facts.seq !== at) return broken(`record ${facts.seq} stands where ${at} belongs`);
    if ((at === 0) !== (facts.kind === 'open')) return broken(`a journal begins with open, and only there`);
    if (linkOf(last[facts.chain], facts as JournalFacts, keccak256) !== link)
      return broken(`its link does not follow from the record before it (${facts.chain})`);
    if (facts.kind === 'message' && facts.payload !== undefined) {
      const fault = payloadFault(facts.payload, facts.hash, keccak256);
      if (fault !== undefined) return broken(fault);
    }
    if (facts.kind === 'gap') missed += facts.missed;
    if (facts.kind === 'end') {
      if (JOURNAL_CHAINS.some((chain) => facts.heads[chain] !== last[chain]))
        return broken('the end names other links than were reached');
      complete = true;
    }
    last[facts.chain] = link;
  }
  return { intact: true, entries: entries.length, complete, missed, heads: last };
}

/** Lines of JSON, each with its line feed. */
export function encodeJournal(entries: readonly JournalEntry[]): string {
  return entries.map((entry) => `${journalLine(entry)}\n`).join('');
}

/** What was read from a text, and what could not be. */
export interface DecodedJournal {
  readonly entries: readonly JournalEntry[];
  /** The last line is not whole, as after a crash: it is left out. */
  readonly torn: boolean;
  /** Number of the first line, from 1, that is none of a journal although others follow; reading stops there. */
  readonly unreadableLine?: number;
}

/** @param journal as text, or as the bytes of a file: then what is not UTF-8 is no line of a journal */
export function decodeJournal(journal: string | Uint8Array): DecodedJournal {
  const lines = typeof journal === 'string' ? journal.split('\n') : linesOf(journal);
  const rest = lines.pop();
  const entries: JournalEntry[] = [];
  for (const [i, line] of lines.entries()) {
    const entry = line === undefined ? undefined : readJournalLine(line);
    if (entry === undefined) {
      const isLast = i === lines.length - 1 && rest === '';
      return isLast ? { entries, torn: true } : { entries, torn: false, unreadableLine: i + 1 };
    }
    entries.push(entry);
  }
  return { entries, torn: rest !== '' };
}

const LINE_FEED = 0x0a;

/** undefined for a line that is not UTF-8, so that a changed byte cannot pass for the replacement character. */
function linesOf(bytes: Uint8Array): (string | undefined)[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const lines: (string | undefined)[] = [];
  for (let from = 0; from <= bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, from);
    const to = found < 0 ? bytes.length : found;
    try {
      lines.push(decoder.decode(bytes.subarray(from, to)));
    } catch {
      lines.push(undefined);
    }
    from = to + 1;
  }
  return lines;
}

function payloadFault(payload: string, hash: string, keccak256: Keccak): string | undefined {
  try {
    if (bytesToHex(keccak256(hexToBytes(payload))) === hash) return undefined;
  } catch {
    return 'the payload is not written in hex';
  }
  return 'the payload is not the one that was hashed';
}
