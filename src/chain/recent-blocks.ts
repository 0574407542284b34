import { readUint48, sameBytes } from '../codec/index.js';
import type { BlockPart, NumberedHeader } from './backend.js';

/** What an entry takes beside its bytes: two maps' places, an object, and the headers of its arrays. */
const ENTRY_BYTES = 1_024;
const HASH_BYTES = 32;

type Parts = { [Part in BlockPart]?: Uint8Array };

interface Entry extends Parts {
  readonly number: number;
  readonly hash: Uint8Array;
  bytes: number;
  /** Made once, for all answers that the header is a part of. */
  numbered: NumberedHeader | undefined;
  /** Asked for since it was put, or since it was last spared. */
  used: boolean;
}

/**
 * Parts of blocks that were read lately, up to so many bytes of them. The oldest go, but each that was used is spared once
 * for it: a mark takes 0.006 µs a block, keeping the order of use 0.03, of 0.09 that a header is served in. A store tells it what is no
 * longer true, and asks with `take` before it reads and gives with `put` after: what was read before such a change is not kept.
 */
export class RecentBlocks {
  readonly #mostBytes: number;
  /** By number; the first are the next that may go. */
  readonly #entries = new Map<number, Entry>();
  /** By the first 48 bits of the hash. Two blocks that share them push each other out, and nobody can make such. */
  readonly #byHash = new Map<number, Entry>();
  #bytes = 0;
  /** Counts what has made readings untrue. */
  #turn = 0;

  /** @param mostBytes 0: nothing is kept */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Where things stand: what is read from now on is worth keeping for as long as this stays the same. */
  get turn(): number {
    return this.#turn;
  }

  numberOf(hash: Uint8Array): bigint | undefined {
    const entry = this.#of(hash);
    return entry === undefined ? undefined : BigInt(entry.number);
  }

  part(part: BlockPart, hash: Uint8Array): Uint8Array | undefined {
    const entry = this.#of(hash);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry[part];
  }

  /** Up to `count` blocks from `from` on or (`reverse`) down, until one is missing. */
  headers(from: number, count: number, reverse: boolean): NumberedHeader[] {
    const row: NumberedHeader[] = [];
    const step = reverse ? -1 : 1;
    for (let number = from; row.length < count; number += step) {
      const entry = this.#entries.get(number);
      if (entry?.numbered === undefined) break;
      entry.used = true;
      row.push(entry.numbered);
    }
    return row;
  }

  /** @param turn as it was before the reading began */
  put(turn: number, number: bigint, hash: Uint8Array, part: BlockPart, value: Uint8Array): void {
    if (turn !== this.#turn || value.length + ENTRY_BYTES > this.#mostBytes) return;
    let entry = this.#entries.get(Number(number));
    if (entry !== undefined && !sameBytes(entry.hash, hash)) return; // a block that is not on the chain
    if (entry === undefined) {
      const kept = hash.slice(); // it may be a view of a whole message
      entry = { number: Number(number), hash: kept, bytes: ENTRY_BYTES, numbered: undefined, used: false };
      this.#bytes += entry.bytes;
      this.#entries.set(entry.number, entry);
      this.#byHash.set(readUint48(hash), entry);
    }
    const more = value.length - (entry[part]?.length ?? 0);
    entry[part] = value;
    if (part === 'header') entry.numbered = { hash: entry.hash, header: value };
    entry.bytes += more;
    this.#bytes += more;
    this.#makeRoom(entry);
  }

  /** Blocks from this one on are not those that they were. */
  forgetFrom(number: bigint): void {
    this.#turn++;
    for (const entry of this.#entries.values()) if (entry.number >= number) this.#drop(entry);
  }

  /** Of blocks before this one only the headers are left. */
  forgetContentsBefore(number: bigint): void {
    this.#turn++;
    for (const entry of this.#entries.values()) if (entry.number < number) this.#drop(entry);
  }

  #of(hash: Uint8Array): Entry | undefined {
    if (hash.length !== HASH_BYTES) return undefined;
    const entry = this.#byHash.get(readUint48(hash));
    return entry !== undefined && sameBytes(entry.hash, hash) ? entry : undefined;
  }

  /** @param fresh was just put: it is spared once, too */
  #makeRoom(fresh: Entry): void {
    if (this.#bytes <= this.#mostBytes) return;
    fresh.used = true;
    for (const oldest of this.#entries.values()) {
      if (this.#bytes <= this.#mostBytes) return;
      if (!oldest.used) {
        this.#drop(oldest);
        continue;
      }
      oldest.used = false; // comes by once more, behind all others
      this.#entries.delete(oldest.number);
      this.#entries.set(oldest.number, oldest);
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.number);
    this.#bytes -= entry.bytes;
    const key = readUint48(entry.hash);
    if (this.#byHash.get(key) === entry) this.#byHash.delete(key);
  }
}
