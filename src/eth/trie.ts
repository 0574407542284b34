import { compareBytes, encodeBytes, encodeList } from '../codec/index.js';
import { EthError } from './errors.js';
import type { Hasher } from './hasher.js';

/** A branch on the path to the newest leaf, whose last children are still to come. */
interface Branch {
  /** Nibbles above it. */
  readonly depth: number;
  /** 16 children, as they stand in their parent, and the value that no branch here has. */
  readonly items: Uint8Array[];
}

const EMPTY_STRING: Uint8Array = encodeBytes(new Uint8Array(0));
const HASH_BYTES = 32;

/**
 * Root of a Merkle Patricia trie whose leaves come in the order of their keys (yellow paper, appendix D). Only the branches
 * on the path to the newest leaf are held, so memory does not grow with the leaves, and nothing recurses. No key may be the
 * beginning of another, which holds where all are equally long and where they are RLP items.
 */
export class TrieBuilder {
  readonly #hasher: Hasher;
  /** From the root down, depths rising. */
  readonly #open: Branch[] = [];
  #key: Uint8Array | undefined;
  #value: Uint8Array = EMPTY_STRING;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** @throws EthError ERR_ETH_TRIE where the key does not come after the one before, or one begins with the other */
  add(key: Uint8Array, value: Uint8Array): void {
    const nibbles = toNibbles(key);
    if (this.#key !== undefined) this.#attach(this.#key, forkDepth(this.#key, nibbles));
    this.#key = nibbles;
    this.#value = value;
  }

  /** @returns 32 bytes. The builder is spent. */
  root(): Uint8Array {
    return this.#hasher.keccak256(this.#key === undefined ? EMPTY_STRING : this.#fold(this.#key, -1));
  }

  /** Puts the newest leaf, and all that is complete with it, into the branch where the next leaf leaves its path. */
  #attach(key: Uint8Array, depth: number): void {
    const node = this.#fold(key, depth);
    let branch = this.#open.at(-1);
    if (branch?.depth !== depth) {
      branch = { depth, items: new Array<Uint8Array>(17).fill(EMPTY_STRING) };
      this.#open.push(branch);
    }
    branch.items[key[depth] as number] = this.#reference(node);
  }

  /** Encodes the newest leaf and closes the branches below `depth`. @returns the node whose path begins after `depth` */
  #fold(key: Uint8Array, depth: number): Uint8Array {
    let above = this.#deepest(depth);
    let node = encodeList([encodePath(key.subarray(above + 1), true), encodeBytes(this.#value)]);
    while (above > depth) {
      const branch = this.#open.pop() as Branch; // `above` is its depth
      branch.items[key[branch.depth] as number] = this.#reference(node);
      node = encodeList(branch.items);
      above = this.#deepest(depth);
      if (above + 1 < branch.depth) {
        node = encodeList([encodePath(key.subarray(above + 1, branch.depth), false), this.#reference(node)]);
      }
    }
    return node;
  }

  #deepest(floor: number): number {
    return Math.max(floor, this.#open.at(-1)?.depth ?? -1);
  }

  /** What stands for a node in its parent: its hash, or itself where it is shorter. */
  #reference(node: Uint8Array): Uint8Array {
    return node.length < HASH_BYTES ? node : encodeBytes(this.#hasher.keccak256(node));
  }
}

/**
 * Root of a trie whose keys are hashed: accounts by address, slots by position.
 * @param entries in any order. @throws EthError ERR_ETH_TRIE where a key comes twice
 */
export function secureTrieRoot(
  entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  hasher: Hasher,
): Uint8Array {
  const hashed = Array.from(entries, ([key, value]) => [hasher.keccak256(key), value] as const);
  hashed.sort(([a], [b]) => compareBytes(a, b));
  const trie = new TrieBuilder(hasher);
  for (const [key, value] of hashed) trie.add(key, value);
  return trie.root();
}

/** @returns how many nibbles both paths share. */
function forkDepth(before: Uint8Array, after: Uint8Array): number {
  const shared = Math.min(before.length, after.length);
  for (let depth = 0; depth < shared; depth++) {
    const difference = (after[depth] as number) - (before[depth] as number);
    if (difference > 0) return depth;
    if (difference < 0) throw new EthError('ERR_ETH_TRIE', 'trie: keys out of order');
  }
  throw new EthError('ERR_ETH_TRIE', 'trie: a key is the beginning of another');
}

function toNibbles(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(2 * key.length);
  for (let i = 0; i < key.length; i++) {
    nibbles[2 * i] = (key[i] as number) >> 4;
    nibbles[2 * i + 1] = (key[i] as number) & 15;
  }
  return nibbles;
}

/** Hex-prefix form of a path: its first nibble tells whether a leaf ends it, and whether its length is odd. */
function encodePath(nibbles: Uint8Array, leaf: boolean): Uint8Array {
  const odd = nibbles.length % 2;
  const path = new Uint8Array(1 + (nibbles.length - odd) / 2);
  path[0] = (leaf ? 0x20 : 0) + (odd === 1 ? 0x10 + (nibbles[0] as number) : 0);
  for (let i = 1, at = odd; i < path.length; i++, at += 2) {
    path[i] = ((nibbles[at] as number) << 4) | (nibbles[at + 1] as number);
  }
  return encodeBytes(path);
}
