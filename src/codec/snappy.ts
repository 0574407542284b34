import { unfilled } from './byte-pool.js';
import { fastestElements } from './snappy-engine.js';
import { BLOCK_BYTES, damaged, littleEndian, type SnappyElements } from './snappy-format.js';
import { PortableReading } from './snappy-portable.js';

/** A length of 32 bits needs at most five bytes of seven bits. */
const MAX_VARINT_BYTES = 5;
/** Shorter ones are copied as fast; and no more than one in so many bytes is looked at. */
const LONG_LITERAL_BYTES = 4_096;
/** The best that content can do: a copy of three bytes that yields 64. */
const MAX_YIELD = 64 / 3;

/**
 * The length of the content that compressed bytes claim. Reads five bytes at most and allocates nothing.
 * @throws CodecError ERR_CODEC_SNAPPY where the length is cut short, longer than it need be, or above 2^32 − 1
 */
export function snappyDeclaredBytes(compressed: Uint8Array): number {
  let declared = 0;
  let weight = 1; // 35 bits in all, so no shifts
  for (let i = 0; i < MAX_VARINT_BYTES; i++, weight *= 0x80) {
    const byte = compressed[i];
    if (byte === undefined) throw damaged('the length is cut short');
    declared += (byte & 0x7f) * weight;
    if (byte >= 0x80) continue;
    if (byte === 0 && i > 0) throw damaged('the length is longer than it need be');
    if (declared > 0xffff_ffff) throw damaged('the length is above 32 bits');
    return declared;
  }
  throw damaged('the length has more than five bytes');
}

/**
 * Undoes `snappyCompress`, and every other encoder of the format. Allocates once, and only after the claimed length was
 * found to be at most `maxBytes` and no more than so many compressed bytes can yield.
 * @returns exactly the declared number of bytes; below 512, they hold 4 KiB of memory as long as they are held (`unfilled`)
 * @throws CodecError ERR_CODEC_SNAPPY for everything that is not exactly one block
 */
export function snappyDecompress(
  compressed: Uint8Array,
  maxBytes: number,
  elements: SnappyElements = fastestElements(),
): Uint8Array {
  const { at, declared } = start(compressed, maxBytes);
  const content = unfilled(declared); // all of it is written, or this throws
  elements.read(compressed, at, content);
  return content;
}

/**
 * As `snappyDecompress`, in steps, where all at once would hold the loop: 10 MiB take 2 to 7 ms, most of which is memory that is
 * touched for the first time.
 */
export class SnappySteps {
  readonly #content: Uint8Array;
  readonly #reading: PortableReading;

  /** @throws CodecError ERR_CODEC_SNAPPY as `snappyDecompress`, for all that is known before an element is read */
  constructor(compressed: Uint8Array, maxBytes: number) {
    const { at, declared } = start(compressed, maxBytes);
    this.#content = unfilled(declared); // nobody sees it before all of it is written
    this.#reading = new PortableReading(compressed, at, this.#content);
  }

  /**
   * @param bytes of the content that come with this step; more where a literal begins within them
   * @returns the content, once all of it is there
   * @throws CodecError ERR_CODEC_SNAPPY for what is damaged so far
   */
  next(bytes: number): Uint8Array | undefined {
    const until = this.#reading.filled + bytes;
    const isLast = until >= this.#content.length;
    this.#reading.read(isLast ? Number.POSITIVE_INFINITY : until);
    return isLast ? this.#content : undefined;
  }
}

/** Where the elements begin, and the length of the content, once that is found to be allowed and possible. */
function start(compressed: Uint8Array, maxBytes: number): { readonly at: number; readonly declared: number } {
  const declared = snappyDeclaredBytes(compressed);
  if (declared > maxBytes) throw damaged(`${declared} bytes declared where at most ${maxBytes} may be`);
  const at = varintBytes(declared);
  const rest = compressed.length - at;
  if (declared > Math.ceil(rest * MAX_YIELD) + 1) {
    throw damaged(`${declared} bytes declared, more than ${rest} can yield`);
  }
  return { at, declared };
}

/**
 * As `snappyDecompress`, where nobody wants the compressed bytes any more: content that did not compress (a blob, a signature,
 * what was enciphered) stands in them as a few long literals, and what follows the first is moved up to it. 100 kB take 2 µs so
 * instead of 25, most of which is memory.
 * @param spent is overwritten, and must have no other reader
 * @returns a view of `spent`, or memory of its own
 * @throws CodecError ERR_CODEC_SNAPPY as `snappyDecompress`; `spent` is then as it was
 */
export function snappyDecompressSpent(spent: Uint8Array, maxBytes: number): Uint8Array {
  const declared = snappyDeclaredBytes(spent);
  if (declared < LONG_LITERAL_BYTES || declared > maxBytes) return snappyDecompress(spent, maxBytes);
  const first = varintBytes(declared);
  if (!isLongLiterals(spent, first, declared)) return snappyDecompress(spent, maxBytes);
  const { start: begin, next: behindFirst } = elementAt(spent, first);
  let end = behindFirst;
  for (let at = behindFirst; at < spent.length; ) {
    const { start, next } = elementAt(spent, at);
    spent.copyWithin(end, start, next); // always to the left: an element's head was there
    end += next - start;
    at = next;
  }
  return spent.subarray(begin, begin + declared);
}

/** Whether all elements are literals that it pays to move, and make up the content. */
function isLongLiterals(compressed: Uint8Array, first: number, declared: number): boolean {
  let filled = 0;
  for (let at = first; at < compressed.length; ) {
    if ((compressed[at] as number) & 3) return false;
    const { start, next } = elementAt(compressed, at);
    filled += next - start;
    if (next - start < LONG_LITERAL_BYTES && filled < declared) return false;
    at = next;
  }
  return filled === declared;
}

/**
 * The first bytes of the content alone: enough to tell whose a message is before anything is spent on the rest of it, which
 * stays unseen and unchecked.
 * @returns `bytes` of it, or all where there are no more
 * @throws CodecError ERR_CODEC_SNAPPY for what is damaged so far
 */
export function snappyHead(compressed: Uint8Array, bytes: number): Uint8Array {
  const declared = snappyDeclaredBytes(compressed);
  const head = new Uint8Array(Math.min(declared, bytes));
  let at = varintBytes(declared);
  for (let filled = 0; filled < head.length; ) {
    const { start, length, offset, next } = elementAt(compressed, at);
    if (offset > filled) throw damaged('a copy from before the start');
    for (const end = Math.min(filled + length, head.length), from = filled; filled < end; filled++) {
      head[filled] =
        offset === 0 ? (compressed[start + filled - from] as number) : (head[filled - offset] as number);
    }
    at = next;
  }
  return head;
}

/**
 * The element at `at`: where a literal's bytes start, or how far back a copy's lie (0 for a literal).
 * @throws CodecError ERR_CODEC_SNAPPY where it is cut short, or copies from itself
 */
function elementAt(
  compressed: Uint8Array,
  at: number,
): { readonly start: number; readonly length: number; readonly offset: number; readonly next: number } {
  const tag = compressed[at];
  if (tag === undefined) throw damaged('an element is missing');
  const kind = tag & 3;
  const short = (tag >> 2) + 1;
  const moreBytes = kind === 3 ? 4 : kind > 0 ? kind : Math.max(0, short - 60);
  const start = at + 1 + moreBytes;
  if (start > compressed.length) throw damaged('an element is cut short');
  const more = littleEndian(compressed, at + 1, moreBytes);
  if (kind === 0) {
    const length = moreBytes === 0 ? short : more + 1;
    if (length > compressed.length - start) throw damaged('a literal is cut short');
    return { start, length, offset: 0, next: start + length };
  }
  const length = kind === 1 ? 4 + ((tag >> 2) & 7) : short;
  const offset = kind === 1 ? more + ((tag >> 5) << 8) : more;
  if (offset === 0) throw damaged('a copy from before the start');
  return { start, length, offset, next: start };
}

/**
 * Compresses into one block that every decoder of the format reads.
 * @param bytes at most 2^32 − 1
 * @throws CodecError ERR_CODEC_SNAPPY above that
 */
export function snappyCompress(bytes: Uint8Array, elements: SnappyElements = fastestElements()): Uint8Array {
  const out = new Uint8Array(snappyMostBytes(bytes.length));
  return out.slice(0, snappyCompressInto(bytes, out, 0, elements));
}

/**
 * The most that so many bytes take once compressed. Where nothing matches, each block is one literal with a head of three
 * bytes. Where matches are worst, 61 bytes of literal with a head of two stand before each copy of four bytes that takes
 * three: one byte more in 65.
 */
export function snappyMostBytes(length: number): number {
  return MAX_VARINT_BYTES + length + Math.ceil(length / 65) + 3 * Math.ceil(length / BLOCK_BYTES);
}

/**
 * As `snappyCompress`, into memory of the caller: two allocations and a copy less, 0.5 µs for 200 bytes.
 * @param out with room for `snappyMostBytes` from `start` on; bytes behind what is written stay as they are
 * @returns where the output ends
 * @throws CodecError ERR_CODEC_SNAPPY as `snappyCompress`
 */
export function snappyCompressInto(
  bytes: Uint8Array,
  out: Uint8Array,
  start: number,
  elements: SnappyElements = fastestElements(),
): number {
  const total = bytes.length;
  if (total > 0xffff_ffff) throw damaged(`${total} bytes are more than a block can declare`);
  let at = start;
  let rest = total;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return elements.write(bytes, out, at);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
