import { contentLength, LIST_PREFIX, malformed, prefixLength } from './rlp-prefix.js';

/** Lists within lists. The deepest structure of eth and snap has 7. */
export const MAX_RLP_DEPTH = 32;

export interface RlpLimits {
  /** Lists within lists, the outermost counted; 32 by default. */
  readonly maxDepth?: number;
  /** Strings and lists at all levels together; by default what the bytes can hold. */
  readonly maxItems?: number;
}

/**
 * Checks that the bytes are exactly one item that is canonical through and through, for what is kept or sent on undecoded
 * (`RlpReader.raw`). One pass without recursion; its only memory is a number per level.
 * @returns how many items there are, at all levels together
 * @throws CodecError ERR_CODEC_RLP
 */
export function rlpWellFormed(bytes: Uint8Array, limits: RlpLimits = {}): number {
  const { maxDepth = MAX_RLP_DEPTH, maxItems = Number.POSITIVE_INFINITY } = limits;
  const ends: number[] = []; // where the lists end that we are in, the innermost last
  let end = bytes.length;
  let items = 0;
  let at = 0;
  if (end === 0) throw malformed('an item is missing');
  while (at < end) {
    if (++items > maxItems) throw malformed(`more than ${maxItems} items`);
    const prefix = bytes[at] as number;
    const length = contentLength(bytes, at, end);
    at += prefixLength(prefix);
    if (items === 1 && at + length !== end) throw malformed(`${end - at - length} bytes more than expected`);
    if (prefix < LIST_PREFIX) {
      at += length;
    } else {
      if (ends.length >= maxDepth) throw malformed(`lists more than ${maxDepth} deep`);
      ends.push(end);
      end = at + length;
    }
    while (at === end && ends.length > 0) end = ends.pop() as number;
  }
  return items;
}
