import type { Random } from '../random.js';

/** A generator that replays: the same seed gives the same bytes. Never for secrets outside tests and simulations. */
export interface SeededRandom extends Random {
  /** @returns an integer in [0, limit). */
  below(limit: number): number;
  /** @returns a generator of its own, which depends on this one's seed and `label` only. */
  fork(label: string): SeededRandom;
}

/** Four 32-bit words from a text: FNV-1a with a different start per word, then mixed. */
function wordsOf(seed: string): Uint32Array {
  const words = new Uint32Array(4);
  for (let w = 0; w < 4; w++) {
    let hash = (0x811c9dc5 ^ Math.imul(w + 1, 0x9e3779b1)) >>> 0;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
    words[w] = (hash ^ (hash >>> 16)) >>> 0;
  }
  return words;
}

/** The small fast counting generator (sfc32): 128 bits of state, passes the usual statistical batteries. Not cryptographic. */
class Sfc32 implements SeededRandom {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: string) {
    this.#seed = seed;
    const words = wordsOf(seed);
    this.#a = words[0] ?? 0;
    this.#b = words[1] ?? 0;
    this.#c = words[2] ?? 0;
    this.#counter = words[3] ?? 0;
    // The first outputs still resemble the seed.
    for (let i = 0; i < 16; i++) this.#next();
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0, word = 0; i < length; i++) {
      word = i % 4 === 0 ? this.#next() : word >>> 8;
      out[i] = word & 0xff;
    }
    return out;
  }

  unit(): number {
    // 53 bits: the most that a double between 0 and 1 tells apart evenly.
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  below(limit: number): number {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('limit must be a positive integer');
    return Math.floor(this.unit() * limit);
  }

  fork(label: string): SeededRandom {
    return new Sfc32(`${this.#seed}/${label}`);
  }
}

/** @returns a replayable generator for tests and simulations; not for secrets. */
export function seededRandom(seed: number | string): SeededRandom {
  return new Sfc32(String(seed));
}
