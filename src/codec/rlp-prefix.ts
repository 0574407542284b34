import { CodecError } from './errors.js';

/*
 * How an item begins (Ethereum yellow paper, appendix B):
 *   00..7f  the byte itself            80..b7  string of 0..55 bytes     b8..bf  string, 1..8 bytes of length follow
 *                                      c0..f7  list of 0..55 bytes       f8..ff  list, 1..8 bytes of length follow
 */

/** From here on a first byte announces a string of so many bytes; below, it is the whole item. */
export const STRING_PREFIX = 0x80;
/** From here on a first byte announces a list. */
export const LIST_PREFIX = 0xc0;
/** Content longer than this needs its length written out. */
export const SHORT_BYTES = 55;

export function malformed(message: string): CodecError {
  return new CodecError('ERR_CODEC_RLP', `rlp: ${message}`);
}

/** How many bytes stand before the content of an item that begins with this byte: 0 to 9. */
export function prefixLength(prefix: number): number {
  if (prefix < STRING_PREFIX) return 0;
  const short = prefix < LIST_PREFIX ? prefix - STRING_PREFIX : prefix - LIST_PREFIX;
  return short <= SHORT_BYTES ? 1 : 1 + short - SHORT_BYTES;
}

/**
 * Length of the content of the item at `at`, which must lie below `end`. All that makes a prefix canonical is checked here
 * and nowhere else, and the content is known to end at or before `end` afterwards.
 * @throws CodecError ERR_CODEC_RLP
 */
export function contentLength(bytes: Uint8Array, at: number, end: number): number {
  const prefix = bytes[at] as number;
  if (prefix < STRING_PREFIX) return 1;
  const isList = prefix >= LIST_PREFIX;
  const short = prefix - (isList ? LIST_PREFIX : STRING_PREFIX);
  const room = end - at - 1;
  if (short <= SHORT_BYTES) {
    if (short > room) throw malformed(`an item of ${short} bytes where ${room} are left, at byte ${at}`);
    if (short === 1 && !isList && (bytes[at + 1] as number) < STRING_PREFIX) {
      throw malformed(`a byte below 0x80 written as a string, at byte ${at}`);
    }
    return short;
  }
  const lengthBytes = short - SHORT_BYTES;
  if (lengthBytes > room) throw malformed(`a length cut short, at byte ${at}`);
  if (bytes[at + 1] === 0) throw malformed(`a length with a leading zero, at byte ${at}`);
  // Eight bytes make at most 2^64: beyond 2^53 a number is rounded, but never to below the size of any memory.
  let length = 0;
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[at + i] as number);
  if (length <= SHORT_BYTES) throw malformed(`a long form for ${length} bytes, at byte ${at}`);
  if (length > room - lengthBytes) {
    throw malformed(`an item of ${length} bytes where ${room - lengthBytes} are left, at byte ${at}`);
  }
  return length;
}
