import { bytesToHex } from '../codec/index.js';
import { type MessageSpec, peekRequestId } from '../eth/index.js';
import type { CloseCause } from './close-cause.js';
import type { Direction } from './counter.js';
import {
  firstLink,
  JOURNAL_CHAINS,
  JOURNAL_VERSION,
  type JournalChain,
  type JournalEntry,
  type JournalFacts,
  type Keccak,
  linked,
} from './journal-entry.js';
import { JournalRoom } from './journal-room.js';
import type { LiveState, LivingEvent } from './state.js';

/** What waits to be written of one session takes so much at most. */
export const JOURNAL_BYTES: number = 4 * 1024 * 1024;
/** The same where messages are kept whole: the largest that there are, in hex. */
export const WHOLE_JOURNAL_BYTES: number = 32 * 1024 * 1024;
/** Beyond it: for the entries of the session's own life, which are few and are never left out. */
export const JOURNAL_RESERVE_BYTES: number = 64 * 1024;

/** How far a journal is. */
export interface JournalRecord {
  readonly entries: number;
  /** Messages that were left out for want of room. */
  readonly missed: number;
  /** It could not be written any more, and lacks its end. */
  readonly failed: boolean;
  readonly heads: Readonly<Record<JournalChain, string>>;
}

/** A message as the journal names it; those of protocols beside eth are of no kind. */
export interface JournaledMessage {
  readonly id: number;
  readonly name: string;
  readonly kind: MessageSpec['kind'] | undefined;
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
  /** What may wait. */
  readonly maxBytes?: number;
  /** What all lines of this journal may have together; unlimited. */
  readonly maxTotalBytes?: number;
  /** Shared with other journals. */
  readonly room?: JournalRoom;
}

/** Whether a message belongs to the durable history; what is said unasked is ambient. */
export function isDurable(spec: Pick<JournaledMessage, 'kind'>): boolean {
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
  readonly #maxTotalBytes: number;
  readonly #room: JournalRoom;
  readonly #heads: Record<JournalChain, string>;
  #waiting: { readonly entry: JournalEntry; readonly line: string }[] = [];
  #bytes = 0;
  #totalBytes = 0;
  #seq = 0;
  #missed = 0;
  #missedInAll = 0;
  #ended = false;

  constructor(options: JournalOptions, atMs: number) {
    const { keccak256, session, direction, whole = false } = options;
    this.#keccak256 = keccak256;
    this.#whole = whole;
    this.#ambient = options.ambient ?? false;
    this.#maxBytes = options.maxBytes ?? (whole ? WHOLE_JOURNAL_BYTES : JOURNAL_BYTES);
    this.#maxTotalBytes = options.maxTotalBytes ?? Number.POSITIVE_INFINITY;
    this.#room = options.room ?? new JournalRoom(Number.POSITIVE_INFINITY);
    this.#heads = chainHeads((chain) => firstLink(chain, keccak256));
    const version = JOURNAL_VERSION;
    this.#append({ ...this.#placed('life', atMs), kind: 'open', version, session, direction, whole });
  }

  /** The last link of each chain. */
  get heads(): Readonly<Record<JournalChain, string>> {
    return { ...this.#heads };
  }

  get record(): Omit<JournalRecord, 'failed'> {
    return { entries: this.#seq, missed: this.#missedInAll, heads: this.heads };
  }

  get gauge(): { readonly items: number; readonly bytes: number; readonly missed: number } {
    return { items: this.#waiting.length, bytes: this.#bytes, missed: this.#missedInAll };
  }

  /** The session has taken this event. @param state the one that it led to */
  event(atMs: number, event: LivingEvent, state: LiveState, facts?: Readonly<Record<string, string>>): void {
    if (this.#ended) return;
    const more = facts === undefined ? {} : { facts };
    const entry: JournalFacts = { ...this.#placed('life', atMs), kind: 'event', event, state, ...more };
    if (!this.#appendWithin(entry, JOURNAL_RESERVE_BYTES)) this.#miss();
  }

  /**
   * A message was accepted, or has left. Ambient ones are left out unless asked for.
   * @param capability `eth/69`
   */
  message(
    atMs: number,
    direction: 'in' | 'out',
    capability: string,
    spec: JournaledMessage,
    payload: Uint8Array,
  ): void {
    const durable = isDurable(spec);
    if (this.#ended || (!this.#ambient && !durable)) return;
    const { id, name, kind } = spec;
    const numbered = kind === 'request' || kind === 'response';
    const least = this.#whole ? 2 * payload.length : 0;
    if (!this.#fits(least, 0) || !this.#sayGap(atMs)) {
      this.#miss();
      return;
    }
    const entry: JournalFacts = {
      ...this.#placed(durable ? direction : `ambient-${direction}`, atMs),
      kind: 'message',
      capability,
      id,
      name,
      ...(numbered ? { requestId: String(peekRequestId(payload)) } : {}),
      bytes: payload.length,
      hash: bytesToHex(this.#keccak256(payload)),
      ...(this.#whole ? { payload: bytesToHex(payload) } : {}),
    };
    if (!this.#appendWithin(entry, 0)) this.#miss();
  }

  /** The session is over: nothing follows this entry, and it is never left out. */
  end(atMs: number, cause: CloseCause): void {
    if (this.#ended) return;
    if (this.#missed > 0) this.#append(this.#gap(atMs));
    this.#append({ ...this.#placed('life', atMs), kind: 'end', cause, heads: this.heads });
    this.#ended = true;
  }

  /** Hands over what waits, oldest first, at most so many bytes of lines (but one entry always). */
  take(maxBytes: number = Number.POSITIVE_INFINITY): readonly JournalEntry[] {
    const { entries, bytes } = this.takeLines(maxBytes);
    this.#room.free(bytes);
    return entries;
  }

  /** As `take`, with the lines themselves. Their bytes stay counted in the shared room until they are freed there. */
  takeLines(maxBytes: number = Number.POSITIVE_INFINITY): JournalPiece {
    const entries: JournalEntry[] = [];
    let [text, bytes] = ['', 0];
    for (const { entry, line } of this.#waiting) {
      if (entries.length > 0 && bytes + line.length + 1 > maxBytes) break;
      entries.push(entry);
      text += `${line}\n`;
      bytes += line.length + 1;
    }
    this.#waiting = this.#waiting.slice(entries.length);
    this.#bytes -= bytes;
    return { entries, text, bytes };
  }

  #placed<C extends JournalChain>(
    chain: C,
    atMs: number,
  ): { readonly seq: number; readonly chain: C; readonly atMs: number } {
    return { seq: this.#seq, chain, atMs };
  }

  #gap(atMs: number): JournalFacts {
    return { ...this.#placed('life', atMs), kind: 'gap', missed: this.#missed };
  }

  /** @returns whether nothing is missing any more, or it has been said */
  #sayGap(atMs: number): boolean {
    return this.#missed === 0 || this.#appendWithin(this.#gap(atMs), 0);
  }

  #miss(): void {
    this.#missed++;
    this.#missedInAll++;
  }

  #fits(bytes: number, reserve: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes + reserve) return false;
    if (this.#totalBytes + bytes > this.#maxTotalBytes + reserve) return false;
    return reserve > 0 || this.#room.fits(bytes);
  }

  /** @returns whether there was room for it */
  #appendWithin(facts: JournalFacts, reserve: number): boolean {
    const { entry, line } = linked(this.#heads[facts.chain], facts, this.#keccak256);
    if (!this.#fits(line.length + 1, reserve)) return false;
    this.#push(entry, line);
    return true;
  }

  #append(facts: JournalFacts): void {
    const { entry, line } = linked(this.#heads[facts.chain], facts, this.#keccak256);
    this.#push(entry, line);
  }

  #push(entry: JournalEntry, line: string): void {
    const bytes = line.length + 1;
    this.#heads[entry.chain] = entry.link;
    if (entry.kind === 'gap') this.#missed = 0;
    this.#waiting.push({ entry, line });
    this.#bytes += bytes;
    this.#totalBytes += bytes;
    this.#room.add(bytes);
    this.#seq++;
  }
}

/** Entries on their way to where they are kept. */
export interface JournalPiece {
  readonly entries: readonly JournalEntry[];
  /** The same as lines, each with its line feed. */
  readonly text: string;
  readonly bytes: number;
}

/** Something for each chain. */
export function chainHeads(of: (chain: JournalChain) => string): Record<JournalChain, string> {
  return Object.fromEntries(JOURNAL_CHAINS.map((chain) => [chain, of(chain)])) as Record<
    JournalChain,
    string
  >;
}
