import { bytesToHex, readUint64, sameBytes } from '../codec/index.js';
import type { KeyValueStore } from '../runtime/index.js';
import {
  ALL_CANONICAL,
  ALL_MISSING_RECEIPTS,
  ALL_NUMBERS,
  canonicalKey,
  keyedNumber,
  numberedHash,
} from './keys.js';
import type { StoredRange } from './meta.js';

/**
 * Looks for index entries that lead to no block of the chain, and counts the words of missing receipts.
 * @returns what is wrong with the first one; undefined where nothing is
 */
export async function findStrayEntry(store: KeyValueStore, range: StoredRange): Promise<string | undefined> {
  const { number: head, earliest, missingReceipts } = range;
  for await (const [key] of store.range(ALL_CANONICAL)) {
    const number = keyedNumber(key);
    if (number > head) return `block ${number} is on its chain, though its head is block ${head}`;
  }
  for await (const [key, value] of store.range(ALL_NUMBERS)) {
    const hash = numberedHash(key);
    const number = readUint64(value);
    const canonical = number > head ? undefined : await store.get(canonicalKey(number));
    if (canonical !== undefined && sameBytes(canonical, hash)) continue;
    return `block ${number} with the hash 0x${bytesToHex(hash)} is not on its chain`;
  }
  let missing = 0;
  for await (const [key] of store.range(ALL_MISSING_RECEIPTS)) {
    const number = keyedNumber(key);
    if (number < earliest || number > head) {
      return `it misses the receipts of block ${number}, though it holds blocks ${earliest} to ${head}`;
    }
    missing++;
  }
  if (missing === missingReceipts) return undefined;
  return `it counts ${missingReceipts} blocks without receipts, though there are ${missing}`;
}
