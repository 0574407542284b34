import { CodecError } from './errors.js';

/*
 * The snappy block format, as RLPx uses it (EIP-706): a varint with the length of the content, then elements. The two low
 * bits of an element's first byte tell its kind:
 *   00  literal; length − 1 in the six upper bits, or 60..63: in the 1..4 bytes that follow, little-endian
 *   01  copy of 4..11 bytes, offset of 11 bits: three in the upper bits, eight in the byte that follows
 *   10  copy of 1..64 bytes, offset in two bytes     11  copy of 1..64 bytes, offset in four bytes
 * Written here because a peer's bytes reach it: what the claim may be, what is allocated and when it is refused is ours.
 */

/** Matches are looked for within this many bytes, so that their offsets fit in two. */
export const BLOCK_BYTES = 65_536;
export const MAX_COPY_BYTES = 64;

/** What writes and reads the elements of a block. The length before them, and its limits, are the caller's. */
export interface SnappyElements {
  /**
   * Compresses `content` to `out`, from `at` on, where there is room for the worst.
   * @returns where the output ends; bytes behind it stay as they are
   */
  write(content: Uint8Array, out: Uint8Array, at: number): number;
  /**
   * Fills `content` from the elements that begin at `from`: to its last byte, with their last.
   * @throws CodecError ERR_CODEC_SNAPPY where they are damaged, or yield less or more
   */
  read(compressed: Uint8Array, from: number, content: Uint8Array): void;
}

export function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
  return value;
}

export function damaged(message: string): CodecError {
  return new CodecError('ERR_CODEC_SNAPPY', `snappy: ${message}`);
}
