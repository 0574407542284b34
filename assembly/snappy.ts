/*
 * The elements of a snappy block (src/codec/snappy-format.ts has the format), compiled to WebAssembly. Two areas of fixed
 * size, one for content and one for elements; the caller copies in and out. Elements to be read come from a peer: nothing
 * is written beyond the declared content but the slack of its area, and nothing is accepted that was not there. Reading
 * only says whether all was right; what was wrong, the portable codec tells. What is written is the portable codec's, byte
 * for byte.
 *
 * Bytes are moved 8 and 16 at a time, and may run over what they are meant for: into what is written next, or the slack.
 */

/** How much of an area is in use; 64 bytes of slack are behind it. Zeros that nobody touched take no memory. */
export const ROOM: usize = 2621440;
export const CONTENT: usize = memory.data(2621504, 16);
export const ELEMENTS: usize = memory.data(2621504, 16);

/** Last position of each hash of four bytes in the block at hand. */
const TABLE: usize = memory.data(32768, 16);
const TABLE_BITS: u32 = 14;
const HASH: u32 = 0x9e3779b1;
/** The last bytes are literals: matching reads eight bytes at once, one position back. */
const MATCH_MARGIN: usize = 15;
/** Above, a call of the engine's own copy is faster than a loop. */
const LONG_MOVE: usize = 128;

/**
 * Compresses the first bytes of CONTENT, which are one block of at most 65,536.
 * @returns how many bytes of ELEMENTS are written
 */
export function write(length: usize): usize {
  const end = CONTENT + length;
  if (length <= MATCH_MARGIN) return close(ELEMENTS, CONTENT, end);
  const limit = end - MATCH_MARGIN;
  let at = ELEMENTS;
  let literal = CONTENT; // where the bytes begin that no element covers yet
  // A small block needs few slots, and clearing all of them would cost more than compressing it.
  let bits: u32 = 8;
  while (bits < TABLE_BITS && (<usize>1) << bits < length) bits++;
  const shift = 32 - bits;
  memory.fill(TABLE, 0, 2 << bits);
  let position = CONTENT + 1;
  // The longer nothing is found, the wider the steps: what does not compress costs little.
  let misses: usize = 32;
  while (position < limit) {
    let word = load<u32>(position);
    let candidate = lookUp(word, shift, position);
    while (load<u32>(candidate) !== word) {
      position += misses >> 5;
      misses++;
      if (position >= limit) return close(at, literal, end);
      word = load<u32>(position);
      candidate = lookUp(word, shift, position);
    }
    if (literal < position) at = writeLiteral(at, literal, position - literal);
    do {
      const matchEnd = endOfMatch(position, position - candidate, end);
      at = writeCopy(at, <u32>(position - candidate), <u32>(matchEnd - position));
      position = matchEnd;
      literal = matchEnd;
      if (position >= limit) return close(at, literal, end);
      // The position before the next one may begin a match for what follows; the next one may go on at once.
      const words = load<u64>(position - 1);
      store<u16>(slotOf(<u32>words, shift), <u32>(position - 1 - CONTENT));
      word = <u32>(words >> 8);
      candidate = lookUp(word, shift, position);
    } while (load<u32>(candidate) === word);
    position++;
    misses = 33;
  }
  return close(at, literal, end);
}

/**
 * Fills CONTENT from the elements that stand in ELEMENTS between `from` and `to`.
 * @returns whether they are all right, and exactly `declared` bytes
 */
export function read(from: usize, to: usize, declared: usize): bool {
  let at = ELEMENTS + from;
  const end = ELEMENTS + to;
  let filled = CONTENT;
  const full = CONTENT + declared;
  while (at < end) {
    const tag = <u32>load<u8>(at);
    const behind = load<u32>(at, 1);
    if ((tag & 3) === 0) {
      let most = tag >> 2; // one less than the length, which may be 2^32
      at++;
      if (most >= 60) {
        const lengthBytes = most - 59;
        most = lengthBytes === 4 ? behind : behind & ((1 << (lengthBytes << 3)) - 1);
        at += lengthBytes;
      }
      if (at >= end || <usize>most >= end - at || <usize>most >= full - filled) return false;
      const length = <usize>most + 1;
      move(filled, at, length);
      at += length;
      filled += length;
      continue;
    }
    let offset: usize;
    let length: usize = (tag >> 2) + 1;
    if ((tag & 3) === 1) {
      length = 4 + ((tag >> 2) & 7);
      offset = ((tag >> 5) << 8) | (behind & 0xff);
      at += 2;
    } else if ((tag & 3) === 2) {
      offset = behind & 0xffff;
      at += 3;
      if (length === 64) {
        // Long runs and repetitions are the same element again and again: one long copy.
        const element = load<u32>(at - 3) << 8;
        for (; at + 3 <= end && load<u32>(at) << 8 === element; at += 3) length += 64;
      }
    } else {
      offset = behind;
      at += 5;
    }
    if (at > end || offset === 0 || offset > filled - CONTENT || length > full - filled) return false;
    repeat(filled, offset, length);
    filled += length;
  }
  return filled === full;
}

function slotOf(word: u32, shift: u32): usize {
  return TABLE + (((word * HASH) >> shift) << 1);
}

/** @returns where these four bytes may have been before */
function lookUp(word: u32, shift: u32, position: usize): usize {
  const slot = slotOf(word, shift);
  const candidate = CONTENT + load<u16>(slot);
  store<u16>(slot, <u32>(position - CONTENT));
  return candidate;
}

/** The first four bytes are known to match. */
function endOfMatch(position: usize, offset: usize, end: usize): usize {
  let at = position + 4;
  for (; at + 8 <= end; at += 8) {
    const difference = load<u64>(at) ^ load<u64>(at - offset);
    if (difference !== 0) return at + <usize>(ctz(difference) >> 3);
  }
  while (at < end && load<u8>(at) === load<u8>(at - offset)) at++;
  return at;
}

/** The rest is a literal. @returns how many bytes all elements are */
function close(at: usize, literal: usize, end: usize): usize {
  if (literal < end) at = writeLiteral(at, literal, end - literal);
  return at - ELEMENTS;
}

function writeLiteral(at: usize, from: usize, length: usize): usize {
  const most = <u32>length - 1;
  if (most < 60) {
    store<u8>(at, most << 2);
    at += 1;
  } else if (most < 0x100) {
    store<u16>(at, (60 << 2) | (most << 8));
    at += 2;
  } else {
    store<u8>(at, 61 << 2);
    store<u16>(at, most, 1);
    at += 3;
  }
  move(at, from, length);
  return at + length;
}

/** @param offset below 65,536 @param length at least 4 */
function writeCopy(at: usize, offset: u32, length: u32): usize {
  for (; length >= 68; length -= 64) at = writeLongCopy(at, offset, 64);
  if (length > 64) {
    // so that what remains is long enough for the short form
    at = writeLongCopy(at, offset, 60);
    length -= 60;
  }
  if (length > 11 || offset >= 2048) return writeLongCopy(at, offset, length);
  store<u16>(at, 1 | ((length - 4) << 2) | ((offset >> 8) << 5) | (offset << 8));
  return at + 2;
}

function writeLongCopy(at: usize, offset: u32, length: u32): usize {
  store<u32>(at, 2 | ((length - 1) << 2) | (offset << 8));
  return at + 3;
}

function move(to: usize, from: usize, length: usize): void {
  if (length > LONG_MOVE) {
    memory.copy(to, from, length);
    return;
  }
  for (let i: usize = 0; i < length; i += 16) {
    const low = load<u64>(from + i);
    const high = load<u64>(from + i, 8);
    store<u64>(to + i, low);
    store<u64>(to + i, high, 8);
  }
}

/** Copies forwards from `offset` bytes before: what was just written is read again. */
function repeat(to: usize, offset: usize, length: usize): void {
  let source = to - offset;
  const end = to + length;
  if (offset >= 16) {
    for (; to < end; to += 16, source += 16) {
      const low = load<u64>(source);
      const high = load<u64>(source, 8);
      store<u64>(to, low);
      store<u64>(to, high, 8);
    }
    return;
  }
  // Of each move as many bytes count as lie between; then twice as many do.
  while (to < end && to - source < 8) {
    store<u64>(to, load<u64>(source));
    to += to - source;
  }
  for (; to < end; to += 8, source += 8) store<u64>(to, load<u64>(source));
}
