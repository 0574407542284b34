import { encodeBytes, encodeFixedList, encodeUint, type RlpReader } from '../../codec/index.js';
import { EthError } from '../errors.js';

export const HASH_BYTES = 32;

/** Hashes in one message. The specification advises 4,096 per announcement and 1,024 or less per request; this is room for more. */
export const MAX_HASHES = 16_384;
/** Headers, bodies, receipts of blocks and access lists in one answer that nobody bounded (geth serves so many). */
export const MAX_BLOCKS = 1_024;

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/** @throws EthError ERR_ETH_ENCODE outside 0 … 2^64 − 1 */
export function encodeUint64(value: bigint | number, field: string): Uint8Array {
  if (value < 0 || value > MAX_UINT64 || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw new EthError('ERR_ETH_ENCODE', `${field}: ${value} is no integer of 64 bits`);
  }
  return encodeUint(value);
}

/** @throws EthError ERR_ETH_ENCODE for any other length */
export function encodeFixed(bytes: Uint8Array, length: number, field: string): Uint8Array {
  checkLength(bytes, length, field);
  return encodeBytes(bytes);
}

function checkLength(bytes: Uint8Array, length: number, field: string): void {
  if (bytes.length === length) return;
  throw new EthError('ERR_ETH_ENCODE', `${field}: ${length} bytes wanted, ${bytes.length} given`);
}

export function encodeHash(hash: Uint8Array, field: string): Uint8Array {
  return encodeFixed(hash, HASH_BYTES, field);
}

export function encodeHashes(hashes: readonly Uint8Array[], field: string): Uint8Array {
  for (const hash of hashes) checkLength(hash, HASH_BYTES, field);
  return encodeFixedList(hashes, HASH_BYTES);
}

/** A list of hashes, counted before it is built. */
export function readHashes(elements: RlpReader, maxItems: number): Uint8Array[] {
  return readHashItems(elements.list(), maxItems);
}

/** As `readHashes`, within the list. */
export function readHashItems(list: RlpReader, maxItems: number): Uint8Array[] {
  const hashes = new Array<Uint8Array>(list.count(maxItems));
  for (let i = 0; i < hashes.length; i++) hashes[i] = list.fixed(HASH_BYTES);
  return hashes;
}

/** A list of lists that stay raw, counted before it is built. */
export function readRawLists(elements: RlpReader, maxItems: number): Uint8Array[] {
  const list = elements.list();
  const items = new Array<Uint8Array>(list.count(maxItems));
  for (let i = 0; i < items.length; i++) items[i] = readRawList(list);
  return items;
}

/** The next element as it stands, which must be a list. */
export function readRawList(elements: RlpReader): Uint8Array {
  if (!elements.isList()) elements.list(); // the codec's own words for what is wrong
  return elements.raw();
}
