import { readUint64, writeUint64 } from '../codec/index.js';
import type { KeyRange } from '../runtime/index.js';

/*
 * Where things are in the store. Numbers are 8 bytes, big-endian, so that the order of keys is the order of the chain.
 *
 *   00                       what store this is: schema version and chain      (meta.ts)
 *   01                       where the chain ends and begins: head, earliest   (meta.ts)
 *   'h' | number | hash      RLP of the header
 *   'b' | number | hash      RLP of the body
 *   'r' | number | hash      RLP of the receipts, as eth/69 carries them
 *   'a' | number | hash      RLP of the access list; absent where nobody had it
 *   'c' | number             hash of the block of that number
 *   'n' | hash               number of the block of that hash
 *   'm' | number             nothing: the receipts of the block of that number are missing
 *
 * A block before the earliest has its header, 'c' and 'n' only; the genesis keeps its (empty) contents.
 */

/** Changes whenever what stands under a key does. A store of another version is refused, never guessed at. */
export const SCHEMA_VERSION = 2;
/** Version 1 knew no missing receipts and no earliest block: all that it says is still true. It is read, and becomes 2. */
export const OLDEST_READABLE_SCHEMA = 1;

export const META_KEY: Uint8Array = Uint8Array.of(0x00);
export const HEAD_KEY: Uint8Array = Uint8Array.of(0x01);

const HEADER = 0x68;
const BODY = 0x62;
const RECEIPTS = 0x72;
const ACCESS_LIST = 0x61;
const CANONICAL = 0x63;
const NUMBER = 0x6e;
const MISSING_RECEIPTS = 0x6d;

/** All keys of `canonicalKey`. */
export const ALL_CANONICAL: KeyRange = { from: Uint8Array.of(CANONICAL), to: Uint8Array.of(CANONICAL + 1) };
/** All keys of `numberKey`. */
export const ALL_NUMBERS: KeyRange = { from: Uint8Array.of(NUMBER), to: Uint8Array.of(NUMBER + 1) };
/** All keys of `missingReceiptsKey`. */
export const ALL_MISSING_RECEIPTS: KeyRange = {
  from: Uint8Array.of(MISSING_RECEIPTS),
  to: Uint8Array.of(MISSING_RECEIPTS + 1),
};

const NUMBER_BYTES = 8;
const HASH_BYTES = 32;

export function headerKey(number: bigint, hash: Uint8Array): Uint8Array {
  return blockKey(HEADER, number, hash);
}

export function bodyKey(number: bigint, hash: Uint8Array): Uint8Array {
  return blockKey(BODY, number, hash);
}

export function receiptsKey(number: bigint, hash: Uint8Array): Uint8Array {
  return blockKey(RECEIPTS, number, hash);
}

export function accessListKey(number: bigint, hash: Uint8Array): Uint8Array {
  return blockKey(ACCESS_LIST, number, hash);
}

export function canonicalKey(number: bigint): Uint8Array {
  return numberedKey(CANONICAL, number);
}

export function missingReceiptsKey(number: bigint): Uint8Array {
  return numberedKey(MISSING_RECEIPTS, number);
}

/** @returns the number in a key that `canonicalKey` or `missingReceiptsKey` made */
export function keyedNumber(key: Uint8Array): bigint {
  return readUint64(key, 1);
}

export function numberKey(hash: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + HASH_BYTES);
  key[0] = NUMBER;
  key.set(hash, 1);
  return key;
}

/** @returns the hash in a key that `numberKey` made */
export function numberedHash(key: Uint8Array): Uint8Array {
  return key.slice(1);
}

/** 8 bytes: what stands under a `numberKey`. */
export function numberValue(number: bigint): Uint8Array {
  const value = new Uint8Array(NUMBER_BYTES);
  writeUint64(value, number);
  return value;
}

function numberedKey(kind: number, number: bigint): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES);
  key[0] = kind;
  writeUint64(key, number, 1);
  return key;
}

function blockKey(kind: number, number: bigint, hash: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES + HASH_BYTES);
  key[0] = kind;
  writeUint64(key, number, 1);
  key.set(hash, 1 + NUMBER_BYTES);
  return key;
}
