import type { Random } from '../runtime/index.js';

/** Transactions that one peer is known to have (geth and reth: 32,768 per peer). */
export const MAX_KNOWN = 32_768;
const HASH_BYTES = 32;
/** Where a set begins; it doubles as it fills, so that a peer that says nothing costs nothing. */
const FIRST_ITEMS = 64;
/** A Mersenne prime: remainders are a shift and an addition. */
const PRIME = 2 ** 31 - 1;
const TWO_31 = 2 ** 31;
const HALF_WORDS = HASH_BYTES / 2;
/** In the ring, where a hash was taken back: no remainder is as large. */
const HOLE = 0xffff_ffff;

/** The secret of the fingerprints: drawn once per node, shared by all its sets. */
export type KnownKeys = Float64Array;

export function knownKeys(random: Pick<Random, 'bytes'>): KnownKeys {
  const keys = new Float64Array(2 * HALF_WORDS);
  const { buffer, byteOffset } = random.bytes(4 * keys.length);
  const drawn = new DataView(buffer, byteOffset);
  for (let i = 0; i < keys.length; i++) keys[i] = drawn.getUint32(4 * i) % PRIME;
  return keys;
}

/** Two numbers for each hash, by the secret of a node: half of what asking costs, and the same at all its sets. */
export type Fingerprints = Uint32Array;

/**
 * The hashes that a peer has sent or was sent, the oldest making way for the newest. Of each only a fingerprint is kept:
 * two sums of its sixteen 16-bit words, each word times a secret number, modulo 2^31 − 1. Sums of two different hashes agree
 * with a chance of 1 in 2^31 each, whatever the hashes are, so a full set takes an unknown one for known with a chance
 * below 32,768 / 2^62: 1 in 2^47. Who does not know the secret cannot choose hashes that meet in one place.
 *
 * Eight bytes per hash in a ring, in the order of arrival, and two places of two bytes in a table that finds them: 384 KiB
 * when full (whole hashes with the same table: 1,152 KiB), nothing before the first.
 */
export class KnownSet {
  readonly maxItems: number;
  readonly #keys: KnownKeys;
  /** Fingerprints, two numbers each. */
  #ring: Uint32Array = new Uint32Array(0);
  /** Open addressing: 1 + the place in the ring, 0 for nothing. Never more than half full. */
  #table: Uint16Array = new Uint16Array(0);
  /** Places of the ring that were ever taken. */
  #size = 0;
  /** Of them, those whose hash was taken back. */
  #holes = 0;
  /** The oldest one's place, once the ring is full. */
  #oldest = 0;
  /** The fingerprint of the hash that is being asked about. */
  readonly #print: Fingerprints = new Uint32Array(2);
  #first = 0;
  #second = 0;

  /** @param maxItems a power of two from 64 to 32,768 @throws RangeError */
  constructor(keys: KnownKeys, maxItems: number = MAX_KNOWN) {
    if (maxItems < FIRST_ITEMS || maxItems > MAX_KNOWN || (maxItems & (maxItems - 1)) !== 0)
      throw new RangeError(`a set of ${maxItems} hashes`);
    this.#keys = keys;
    this.maxItems = maxItems;
  }

  get size(): number {
    return this.#size - this.#holes;
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#ring.byteLength + this.#table.byteLength;
  }

  /** @param hash 32 bytes @throws RangeError */
  has(hash: Uint8Array): boolean {
    if (this.#size === 0) return false;
    writeFingerprint(this.#keys, hash, this.#print, 0);
    return this.hasPrint(this.#print, 0);
  }

  /** @param hash 32 bytes @returns whether it was not known before @throws RangeError */
  add(hash: Uint8Array): boolean {
    writeFingerprint(this.#keys, hash, this.#print, 0);
    return this.addPrint(this.#print, 0);
  }

  /** Of hashes, to be asked about and added at all sets with the same secret. @param hashes 32 bytes each @throws RangeError */
  printsOf(hashes: readonly Uint8Array[]): Fingerprints {
    const prints = new Uint32Array(2 * hashes.length);
    for (const [i, hash] of hashes.entries()) writeFingerprint(this.#keys, hash, prints, 2 * i);
    return prints;
  }

  /** As `has`. @param prints made with the same secret @param i which of them */
  hasPrint(prints: Fingerprints, i: number): boolean {
    if (this.#size === 0) return false;
    this.#ask(prints, i);
    return this.#table[this.#find()] !== 0;
  }

  /** As `add`. @param prints made with the same secret @param i which of them */
  addPrint(prints: Fingerprints, i: number): boolean {
    this.#ask(prints, i);
    if (this.#size > 0 && this.#table[this.#find()] !== 0) return false;
    let place = this.#size;
    if (this.#size === this.maxItems) {
      place = this.#oldest;
      this.#oldest = (place + 1) % this.maxItems;
      if (this.#ring[2 * place] === HOLE) this.#holes--;
      else this.#forget(place);
    } else {
      if (2 * this.#size === this.#table.length) this.#grow();
      this.#size++;
    }
    this.#ring[2 * place] = this.#first;
    this.#ring[2 * place + 1] = this.#second;
    this.#table[this.#find()] = place + 1;
    return true;
  }

  /** Takes a hash back. @param hash 32 bytes @returns whether it was known @throws RangeError */
  delete(hash: Uint8Array): boolean {
    if (!this.has(hash)) return false;
    const place = (this.#table[this.#find()] as number) - 1;
    this.#forget(place);
    this.#ring[2 * place] = HOLE;
    this.#holes++;
    return true;
  }

  /** Forgets all, memory included. */
  clear(): void {
    this.#ring = new Uint32Array(0);
    this.#table = new Uint16Array(0);
    this.#size = 0;
    this.#holes = 0;
    this.#oldest = 0;
  }

  #ask(prints: Fingerprints, i: number): void {
    this.#first = prints[2 * i] as number;
    this.#second = prints[2 * i + 1] as number;
  }

  /** Where in the table the fingerprint is, or would be put. */
  #find(): number {
    const mask = this.#table.length - 1;
    let slot = this.#first & mask;
    for (;;) {
      const entry = this.#table[slot] as number;
      if (entry === 0) return slot;
      const at = 2 * (entry - 1);
      if (this.#ring[at] === this.#first && this.#ring[at + 1] === this.#second) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Takes a place of the ring out of the table, and moves up what was put behind it because it stood there. */
  #forget(place: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = (this.#ring[2 * place] as number) & mask;
    while (table[hole] !== place + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const entry = table[slot] as number;
      const home = (this.#ring[2 * (entry - 1)] as number) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue; // it would come to stand before its home
      table[hole] = entry;
      hole = slot;
    }
    table[hole] = 0;
  }

  /** Twice the room. Only a set that is not full grows, so the ring is still in its order. */
  #grow(): void {
    const items = Math.max(FIRST_ITEMS, 2 * this.#size);
    const ring = new Uint32Array(2 * items);
    ring.set(this.#ring);
    this.#ring = ring;
    this.#table = new Uint16Array(2 * items);
    const mask = this.#table.length - 1;
    for (let place = 0; place < this.#size; place++) {
      if (ring[2 * place] === HOLE) continue;
      let slot = (ring[2 * place] as number) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = place + 1;
    }
  }
}

function writeFingerprint(keys: KnownKeys, hash: Uint8Array, prints: Fingerprints, at: number): void {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash of ${hash.length} bytes`);
  let first = 0;
  let second = 0;
  // 16 products of 16 and 31 bits stay below 2^51, so that a float holds their sum exactly
  for (let i = 0; i < HALF_WORDS; i++) {
    const word = ((hash[2 * i] as number) << 8) | (hash[2 * i + 1] as number);
    first += word * (keys[i] as number);
    second += word * (keys[HALF_WORDS + i] as number);
  }
  prints[at] = remainder(first);
  prints[at + 1] = remainder(second);
}

function remainder(sum: number): number {
  const high = Math.floor(sum / TWO_31);
  const folded = high + (sum - high * TWO_31); // below 2^32: 2^31 is 1 modulo the prime
  return folded >= PRIME ? folded - PRIME : folded;
}
