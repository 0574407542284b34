import { bytesToHex, hexToBytes } from '../codec/index.js';
import { type MessageSpec, peekRequestId } from '../eth/index.js';
import type { CloseCause } from './close-cause.js';
import type { Direction } from './counter.js';
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
import type { LivingEvent } from './state.js';

/** What waits to be written takes so much at most. */
export const JOURNAL_BYTES: number = 4 * 1024 * 1024;
/** Beyond it: for the entries of the session's own life, which are few and are never left out. */
export const JOURNAL_RESERVE_BYTES: number = 64 * 1024;

/** How far a journal is. */
export interface JournalRecord {
  readonly entries: number;
  /** Messages that were left out for want of room. */
  readonly missed: number;
  readonly heads: Readonly<Record<JournalChain, string>>;
}

export interface JournalOptions {
  /** Local id of the session. */
  readonly session: string;
  readonly direction: Direction;
  readonly keccak256: Keccak;
  /** Of all messages, the bytes as well as the hash. */
  readonly whole?: boolean;
  /** What is said unasked (transactions, announcements, ranges) as well. */
  readonly ambient?: boolean;
  readonly maxBytes?: number;
}

/** Whether a message belongs to the durable history; what is said unasked is ambient. */
export function isDurable(spec: Pick<MessageSpec, 'kind'>): boolean {
  return spec.kind !== 'gossip';
}

/**
 * The history of one session as far as it was accepted: append-only, each entry chained to the one before it, so that
 * nothing can be changed, dropped or swapped afterwards without being found. A message that was refused is never here,
 * since whoever keeps the journal appends after admission.
 *
 * Bounded in bytes. Entries wait until `take` hands them to a writer; where nobody takes them in time, messages are left
 * out, their number is kept, and the next entry that fits says it (`gap`). Holds no clock: every call says the time.
 */
export class SessionJournal {
  readonly #keccak256: Keccak;
  readonly #whole: boolean;
  readonly #ambient: boolean;
  readonly #maxBytes: number;
  readonly #heads: Record<JournalChain, string>;
  #waiting: { readonly entry: JournalEntry; readonly bytes: number }[] = [];
  #bytes = 0;
  #seq = 0;
  #missed = 0;
  #missedInAll = 0;
  #ended = false;

  constructor(options: JournalOptions, atMs: number) {
    const { keccak256, session, direction, whole = false } = options;
    this.#keccak256 = keccak256;
    this.#whole = whole;
    this.#ambient = options.ambient ?? false;
    this.#maxBytes = options.maxBytes ?? JOURNAL_BYTES;
    this.#heads = heads((chain) => firstLink(chain, keccak256));
    this.#life({ ...this.#linked('life', atMs), kind: 'open', session, direction, whole });
  }

  /** The last link of each chain. */
  get heads(): Readonly<Record<JournalChain, string>> {
    return { ...this.#heads };
  }

  get record(): JournalRecord {
    return { entries: this.#seq, missed: this.#missedInAll, heads: this.heads };
  }

  get gauge(): { readonly items: number; readonly bytes: number; readonly missed: number } {
    return { items: this.#waiting.length, bytes: this.#bytes, missed: this.#missedInAll };
  }

  /** The session has taken this event. */
  event(atMs: number, event: LivingEvent, facts?: Readonly<Record<string, string>>): void {
    if (this.#ended) return;
    this.#life({
      ...this.#linked('life', atMs),
      kind: 'event',
      event,
      ...(facts === undefined ? {} : { facts }),
    });
  }

  /**
   * A message was accepted, or has left. Ambient ones are left out unless asked for.
   * @param capability `eth/69`
   */
  message(
    atMs: number,
    direction: 'in' | 'out',
    capability: string,
    spec: Pick<MessageSpec, 'id' | 'name' | 'kind'>,
    payload: Uint8Array,
  ): void {
    if (this.#ended || (!this.#ambient && !isDurable(spec))) return;
    const { id, name, kind } = spec;
    const numbered = kind === 'request' || kind === 'response';
    const least = this.#whole ? 2 * payload.length : 0;
    if (this.#bytes + least > this.#maxBytes || !this.#sayGap(atMs)) {
      this.#miss();
      return;
    }
    const entry: JournalFacts = {
      ...this.#linked(direction, atMs),
      kind: 'message',
      capability,
      id,
      name,
      ...(numbered ? { requestId: String(peekRequestId(payload)) } : {}),
      bytes: payload.length,
      hash: bytesToHex(this.#keccak256(payload)),
      ...(this.#whole ? { payload: bytesToHex(payload) } : {}),
    };
    if (!this.#append(entry, this.#maxBytes)) this.#miss();
  }

  /** The session is over: nothing follows this entry. */
  end(atMs: number, cause: CloseCause): void {
    if (this.#ended) return;
    this.#sayGap(atMs, JOURNAL_RESERVE_BYTES);
    this.#life({ ...this.#linked('life', atMs), kind: 'end', cause, heads: this.heads });
    this.#ended = true;
  }

  /** Hands over what waits, oldest first, at most so many bytes of lines (but one entry always). */
  take(maxBytes: number = Number.POSITIVE_INFINITY): readonly JournalEntry[] {
    const taken: JournalEntry[] = [];
    let bytes = 0;
    for (const one of this.#waiting) {
      if (taken.length > 0 && bytes + one.bytes > maxBytes) break;
      taken.push(one.entry);
      bytes += one.bytes;
    }
    this.#waiting = this.#waiting.slice(taken.length);
    this.#bytes -= bytes;
    return taken;
  }

  #linked<C extends JournalChain>(
    chain: C,
    atMs: number,
  ): { readonly seq: number; readonly chain: C; readonly atMs: number } {
    return { seq: this.#seq, chain, atMs };
  }

  /** The session's own events: within the reserve they always fit. */
  #life(facts: JournalFacts): void {
    if (!this.#append(facts, this.#maxBytes + JOURNAL_RESERVE_BYTES)) this.#miss();
  }

  /** @returns whether nothing is missing any more, or it has been said */
  #sayGap(atMs: number, reserve = 0): boolean {
    if (this.#missed === 0) return true;
    const said = this.#append(
      { ...this.#linked('life', atMs), kind: 'gap', missed: this.#missed },
      this.#maxBytes + reserve,
    );
    if (said) this.#missed = 0;
    return said;
  }

  #miss(): void {
    this.#missed++;
    this.#missedInAll++;
  }

  #append(facts: JournalFacts, maxBytes: number): boolean {
    const link = linkOf(this.#heads[facts.chain], facts, this.#keccak256);
    const entry = { ...facts, link } as JournalEntry;
    const bytes = journalLine(entry).length + 1;
    if (this.#bytes + bytes > maxBytes) return false;
    this.#heads[facts.chain] = link;
    this.#waiting.push({ entry, bytes });
    this.#bytes += bytes;
    this.#seq++;
    return true;
  }
}

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
  const last = heads((chain) => firstLink(chain, keccak256));
  let missed = 0;
  let complete = false;
  for (const [at, { link, ...facts }] of entries.entries()) {
    const broken = (says: string): JournalVerdict => ({ intact: false, at, says });
    if (complete) return broken('something follows the end');
    if (facts.seq !== at) return broken(`entry ${facts.seq} stands where ${at} belongs`);
    if ((at === 0) !== (facts.kind === 'open')) return broken(`a journal begins with open, and only there`);
    if (linkOf(last[facts.chain], facts as JournalFacts, keccak256) !== link)
      return broken(`the link of entry ${at} does not follow from the one before it (${facts.chain})`);
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

export function decodeJournal(text: string): DecodedJournal {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const entries: JournalEntry[] = [];
  for (const [i, line] of lines.entries()) {
    const entry = readJournalLine(line);
    if (entry === undefined) {
      const isLast = i === lines.length - 1 && rest === '';
      return isLast ? { entries, torn: true } : { entries, torn: false, unreadableLine: i + 1 };
    }
    entries.push(entry);
  }
  return { entries, torn: rest !== '' };
}

function heads(of: (chain: JournalChain) => string): Record<JournalChain, string> {
  return { life: of('life'), in: of('in'), out: of('out') };
}

function payloadFault(payload: string, hash: string, keccak256: Keccak): string | undefined {
  try {
    if (bytesToHex(keccak256(hexToBytes(payload))) === hash) return undefined;
  } catch {
    return 'the payload is not written in hex';
  }
  return 'the payload is not the one that was hashed';
}
