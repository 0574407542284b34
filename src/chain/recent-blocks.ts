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
}

/**
 * Parts of blocks that were read lately, up to so many bytes of them; those used longest ago go. A store tells it what is no
 * longer true, and asks with `take` before it reads and gives with `put` after: what was read before such a change is not kept.
 */
export class RecentBlocks {
  readonly #mostBytes: number;
  /** By number; the order is that of use. */
  readonly #entries = new Map<number, Entry>();
  /** Numbers by the first 48 bits of the hash. Two blocks that share them push each other out, and nobody can make such. */
  readonly #numbers = new Map<number, number>();
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
    this.#use(entry);
    return entry[part];
  }

  header(number: bigint): NumberedHeader | undefined {
    const entry = this.#entries.get(Number(number));
    if (entry?.header === undefined) return undefined;
    this.#use(entry);
    return { hash: entry.hash, header: entry.header };
  }

  /** @param turn as it was before the reading began */
  put(turn: number, number: bigint, hash: Uint8Array, part: BlockPart, value: Uint8Array): void {
    if (turn !== this.#turn || value.length + ENTRY_BYTES > this.#mostBytes) return;
    let entry = this.#entries.get(Number(number));
    if (entry !== undefined && !sameBytes(entry.hash, hash)) return; // a block that is not on the chain
    if (entry === undefined) {
      entry = { number: Number(number), hash: hash.slice(), bytes: ENTRY_BYTES }; // the hash may be a view of a whole message
      this.#bytes += entry.bytes;
      this.#numbers.set(readUint48(hash), entry.number);
    }
    const more = value.length - (entry[part]?.length ?? 0);
    entry[part] = value;
    entry.bytes += more;
    this.#bytes += more;
    this.#use(entry);
    for (const oldest of this.#entries.values()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#drop(oldest);
    }
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
    const number = this.#numbers.get(readUint48(hash));
    const entry = number === undefined ? undefined : this.#entries.get(number);
    return entry !== undefined && sameBytes(entry.hash, hash) ? entry : undefined;
  }

  #use(entry: Entry): void {
    this.#entries.delete(entry.number);
    this.#entries.set(entry.number, entry);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.number);
    this.#bytes -= entry.bytes;
    const key = readUint48(entry.hash);
    if (this.#numbers.get(key) === entry.number) this.#numbers.delete(key);
  }
}
