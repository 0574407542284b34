import { bytesToBigint } from './integers.js';
import { contentLength, LIST_PREFIX, malformed, prefixLength, STRING_PREFIX } from './rlp-prefix.js';

/**
 * A cursor over RLP items that stand one after the other. Nothing is decoded before it is asked for, nothing is allocated
 * from a length that a peer claims, no call goes deeper than one level, and every call advances by at least a byte or throws.
 * A call that throws has not moved the reader. Strict: what is not in canonical form is refused.
 *
 * All byte results are views of the input: copy what outlives it. Every method throws CodecError ERR_CODEC_RLP where the
 * next item is missing, malformed, or of another kind than asked for.
 */
export class RlpReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Where the content begins of the item that `#enter` looked at last. */
  #start = 0;

  /** Reads the items in `bytes`, from `start` (0) to `end` (all). */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw malformed(`a range ${start} to ${end} outside ${bytes.length} bytes`);
    }
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Whether no item is left at this level. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Bytes of the items left at this level, their prefixes included. */
  get remainingBytes(): number {
    return this.#end - this.#at;
  }

  /** Whether the next item is a list; looks at its first byte only. */
  isList(): boolean {
    return this.#peek() >= LIST_PREFIX;
  }

  /** Enters a list: @returns a reader of its items. This reader moves past the list. */
  list(): RlpReader {
    const length = this.#enter(true);
    this.#at = this.#start + length;
    return new RlpReader(this.#bytes, this.#start, this.#at);
  }

  /** A string of bytes, of at most `maxBytes`. @returns a view */
  bytes(maxBytes: number = Number.POSITIVE_INFINITY): Uint8Array {
    const length = this.#enter(false);
    if (length > maxBytes) throw malformed(`a string of ${length} bytes where at most ${maxBytes} may stand`);
    return this.#take(length);
  }

  /** A string of exactly `length` bytes: hashes, addresses, keys. @returns a view */
  fixed(length: number): Uint8Array {
    const actual = this.#enter(false);
    if (actual !== length) throw malformed(`a string of ${actual} bytes where ${length} must stand`);
    return this.#take(length);
  }

  /** An unsigned integer of at most `maxBytes` (8; 32 for uint256), without leading zeros. */
  uint(maxBytes = 8): bigint {
    const length = this.#enterInteger(maxBytes);
    if (length <= 6) return BigInt(this.#takeNumber(length));
    return bytesToBigint(this.#take(length));
  }

  /** An unsigned integer of at most 32 bits. */
  uint32(): number {
    return this.#takeNumber(this.#enterInteger(4));
  }

  /** An unsigned integer that a number holds exactly: at most 2^53 − 1. */
  uint53(): number {
    const length = this.#enterInteger(7);
    if (length === 7 && (this.#bytes[this.#start] as number) > 0x1f)
      throw malformed('an integer above 2^53 - 1');
    return this.#takeNumber(length);
  }

  /** 0 or 1. */
  boolean(): boolean {
    const prefix = this.#peek();
    if (prefix !== STRING_PREFIX && prefix !== 1)
      throw malformed('neither 0 nor 1 where a boolean must stand');
    this.#at++;
    return prefix === 1;
  }

  /** The next item as it stands, its prefix included: what can be kept and sent on undecoded. Its inside is not checked. @returns a view */
  raw(): Uint8Array {
    const at = this.#at;
    this.skip();
    return this.#view(at, this.#at);
  }

  /** Moves past one item, whatever it is. Its inside is not checked. */
  skip(): void {
    const prefix = this.#peek();
    this.#at += prefixLength(prefix) + contentLength(this.#bytes, this.#at, this.#end);
  }

  /**
   * Moves past up to `items` items, so that very long lists can be walked in slices with turns of the event loop between.
   * @returns how many there were
   */
  skipUpTo(items: number): number {
    let at = this.#at;
    let skipped = 0;
    for (; skipped < items && at < this.#end; skipped++) at = after(this.#bytes, at, this.#end);
    this.#at = at;
    return skipped;
  }

  /**
   * Counts the items left at this level by their prefixes, and does not move. Stops at `max`: what a list may hold is known
   * before it is read, and the work is bounded by that, not by what the peer sent.
   */
  count(max: number = Number.POSITIVE_INFINITY): number {
    let items = 0;
    for (let at = this.#at; at < this.#end; items++) {
      if (items >= max) throw malformed(`more than ${max} items in a list`);
      at = after(this.#bytes, at, this.#end);
    }
    return items;
  }

  /** Ends the reading: everything must have been read. Left out only where a specification lets further items stand (EIP-8). */
  finish(): void {
    if (this.#at < this.#end) throw malformed(`${this.#end - this.#at} bytes more than expected`);
  }

  #peek(): number {
    if (this.#at >= this.#end) throw malformed('an item is missing');
    return this.#bytes[this.#at] as number;
  }

  /** Looks at the next item without moving. @returns the length of its content, which begins at `#start`. */
  #enter(list: boolean): number {
    const prefix = this.#peek();
    if (prefix >= LIST_PREFIX !== list)
      throw malformed(list ? 'a string where a list must stand' : 'a list where a string must stand');
    const length = contentLength(this.#bytes, this.#at, this.#end);
    this.#start = this.#at + prefixLength(prefix);
    return length;
  }

  #enterInteger(maxBytes: number): number {
    const length = this.#enter(false);
    if (length > maxBytes)
      throw malformed(`an integer of ${length} bytes where at most ${maxBytes} may stand`);
    if (length > 0 && this.#bytes[this.#start] === 0) throw malformed('an integer with a leading zero');
    return length;
  }

  #take(length: number): Uint8Array {
    this.#at = this.#start + length;
    return this.#view(this.#start, this.#at);
  }

  /** At most 7 bytes. */
  #takeNumber(length: number): number {
    let value = 0;
    this.#at = this.#start + length;
    for (let at = this.#start; at < this.#at; at++) value = value * 256 + (this.#bytes[at] as number);
    return value;
  }

  /** Not `subarray`: on a Buffer that would hand out Buffers. */
  #view(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }
}

/** @returns where the item at `at` ends */
function after(bytes: Uint8Array, at: number, end: number): number {
  const prefix = bytes[at] as number;
  if (prefix < STRING_PREFIX) return at + 1; // the worst case for a peer's bytes, so it takes no call
  return at + prefixLength(prefix) + contentLength(bytes, at, end);
}

/**
 * Reads the first items of a list of which only the beginning is at hand. That the list ends where `bytes` of it do, and
 * what follows the beginning, is for `readList` to check.
 * @param bytes that the whole has
 * @throws CodecError ERR_CODEC_RLP
 */
export function readListHead(head: Uint8Array, bytes: number): RlpReader {
  const prefix = head[0];
  if (prefix === undefined || prefix < LIST_PREFIX) throw malformed('no list where one must stand');
  const length = contentLength(head, 0, Math.max(bytes, head.length));
  const start = Math.min(head.length, prefixLength(prefix));
  return new RlpReader(head, start, Math.min(head.length, start + length));
}

/**
 * Reads a message that is one list and nothing else.
 * @throws CodecError ERR_CODEC_RLP also for bytes after the list
 */
export function readList(bytes: Uint8Array): RlpReader {
  const whole = new RlpReader(bytes);
  const list = whole.list();
  whole.finish();
  return list;
}
