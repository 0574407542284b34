import { BLOB_TYPE, type PooledTransaction } from './transaction.js';

/** In percent; geth: PriceBump of its two pools. */
const PRICE_BUMP = 10n;
const BLOB_PRICE_BUMP = 100n;

/**
 * Whether a transaction pays so much more than the one with the same sender and nonce that it takes its place: all its caps
 * are higher by 10 %, or, where one of the two has blobs, by 100 %. Else the network would carry endless replacements for
 * next to nothing.
 */
export function outbids(later: PooledTransaction, earlier: PooledTransaction): boolean {
  const blobs = later.type === BLOB_TYPE || earlier.type === BLOB_TYPE;
  const percent = 100n + (blobs ? BLOB_PRICE_BUMP : PRICE_BUMP);
  const enough = (cap: bigint, before: bigint) => cap > before && cap * 100n >= before * percent;
  if (!enough(later.gasFeeCap, earlier.gasFeeCap) || !enough(later.gasTipCap, earlier.gasTipCap))
    return false;
  if (earlier.blobFeeCap === undefined || later.blobFeeCap === undefined) return true;
  return enough(later.blobFeeCap, earlier.blobFeeCap);
}
