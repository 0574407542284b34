import { bytesToHex, sameBytes } from '../../codec/index.js';
import type { HashedHeader } from '../verify.js';

/** Below the window; with 32 bytes twice and what a map costs that is some 20 MB. */
export const MAX_INDEXED = 65_536;

interface Entry {
  readonly hash: Uint8Array;
  readonly parentHash: Uint8Array;
}

/**
 * Which block is which on the chain that counts, below the window. It is what the upstream says of numbers; that its word
 * holds together wherever two neighbours are known is checked.
 */
export class CanonicalIndex {
  readonly #byNumber = new Map<bigint, Entry>();
  readonly #byHash = new Map<string, bigint>();

  get size(): number {
    return this.#byNumber.size;
  }

  hashOf(number: bigint): Uint8Array | undefined {
    return this.#byNumber.get(number)?.hash;
  }

  numberOf(hash: Uint8Array): bigint | undefined {
    return this.#byHash.get(bytesToHex(hash));
  }

  /** @param above the header after it, where that is known otherwise. @returns false where it contradicts a neighbour; both are forgotten then */
  add({ hash, header }: HashedHeader, above?: HashedHeader): boolean {
    const { number, parentHash } = header;
    const before = this.#byNumber.get(number - 1n);
    const after = above?.header.parentHash ?? this.#byNumber.get(number + 1n)?.parentHash;
    const fits =
      (before === undefined || sameBytes(before.hash, parentHash)) &&
      (after === undefined || sameBytes(after, hash));
    if (!fits) {
      for (const other of [number - 1n, number, number + 1n]) this.#forget(other);
      return false;
    }
    this.#forget(number);
    this.#byNumber.set(number, { hash: hash.slice(), parentHash: parentHash.slice() });
    this.#byHash.set(bytesToHex(hash), number);
    for (const oldest of this.#byNumber.keys()) {
      if (this.#byNumber.size <= MAX_INDEXED) break;
      this.#forget(oldest);
    }
    return true;
  }

  clear(): void {
    this.#byNumber.clear();
    this.#byHash.clear();
  }

  #forget(number: bigint): void {
    const entry = this.#byNumber.get(number);
    if (entry === undefined) return;
    this.#byNumber.delete(number);
    this.#byHash.delete(bytesToHex(entry.hash));
  }
}
