import { encodeUint } from '../codec/index.js';
import type { Hasher } from './hasher.js';
import { TrieBuilder } from './trie.js';

/**
 * Trie of a list: keys are the RLP of the positions. Items are taken one after the other, so that a long list can be hashed
 * in slices, and nothing is held of what is done.
 */
export class OrderedTrie {
  readonly #trie: TrieBuilder;
  /** Position 0 is `80` and so comes between 127 (`7f`) and 128 (`8180`). */
  #first: Uint8Array | undefined;
  #count = 0;

  constructor(hasher: Hasher) {
    this.#trie = new TrieBuilder(hasher);
  }

  add(item: Uint8Array): void {
    if (this.#count === 0) {
      this.#first = item;
    } else {
      if (this.#count === 128) this.#placeFirst();
      this.#trie.add(encodeUint(this.#count), item);
    }
    this.#count++;
  }

  /** @returns 32 bytes. The trie is spent. */
  root(): Uint8Array {
    this.#placeFirst();
    return this.#trie.root();
  }

  #placeFirst(): void {
    if (this.#first === undefined) return;
    this.#trie.add(encodeUint(0), this.#first);
    this.#first = undefined;
  }
}

/** Root over the items of a list: of transactions (envelopes), withdrawals, receipts. @returns 32 bytes */
export function orderedTrieRoot(items: Iterable<Uint8Array>, hasher: Hasher): Uint8Array {
  const trie = new OrderedTrie(hasher);
  for (const item of items) trie.add(item);
  return trie.root();
}
