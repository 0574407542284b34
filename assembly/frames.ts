import { finish, INPUT, STATE, update } from './keccak';

/*
 * One direction of RLPx frames at a time, in one memory: the running MAC (a Keccak state and AES on single blocks) and the
 * key stream that was made ahead. What is at work here is copied in and out by the caller; nothing is allocated.
 *
 * AES takes the same time whatever key and block: the S-box is looked up in registers (sixteen rows of sixteen bytes, all
 * read for every byte; a lane that is not of the row answers 0), and no address depends on a secret. 14 rounds take 0.15 µs (unrolled: no less),
 * where a call into native code takes 0.45.
 */

/** FIPS 197, section 5.1.1. */
const SBOX: usize = memory.data<u8>([
  0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76, 0xca, 0x82,
  0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26,
  0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15, 0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96,
  0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0,
  0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb,
  0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf, 0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f,
  0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff,
  0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
  0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32,
  0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
  0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08, 0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6,
  0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e,
  0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e,
  0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf, 0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f,
  0xb0, 0x54, 0xbb, 0x16,
]);

/** The hash of the MAC state as it stands: what closed one frame opens the next. */
export const DIGEST: usize = memory.data(32, 16);
/** 15 round keys. */
export const ROUND_KEYS: usize = memory.data(240, 16);
/** header ‖ MAC ‖ body, filled up to 16 ‖ MAC. */
export const FRAME: usize = memory.data(4144, 16);
export const FRAME_BYTES: usize = 4144;
/** Key stream, of which the caller says where it begins. */
export const STREAM: usize = memory.data(8192, 16);
export const STREAM_BYTES: usize = 8192;
/** Where large bodies pass through, a piece at a time: the input area of Keccak. */
export { INPUT, INPUT_BYTES, STATE } from './keccak';

/** A state that a digest is made of, so that the one at work goes on. */
const KEPT: usize = memory.data(200, 16);
const FOLDED: usize = memory.data(16, 16);
const KEY_WORDS: usize = 60;

/** How many bytes of the block at work are filled; the caller keeps it together with the state. */
export let position: usize = 0;

export function setPosition(bytes: usize): void {
  position = bytes;
}

/** Takes in a piece of the encrypted body that stands in the input area. */
export function absorb(length: usize): void {
  position = update(position, length);
}

/** Round keys of the 32 bytes at ROUND_KEYS (FIPS 197, section 5.2). */
export function expandKey(): void {
  let constant: u32 = 1;
  for (let i: usize = 8; i < KEY_WORDS; i++) {
    const at = ROUND_KEYS + (i << 2);
    let word = load<u32>(at - 4);
    if ((i & 7) === 0) {
      word = subWord(rotr<u32>(word, 8)) ^ constant;
      constant <<= 1;
    } else if ((i & 7) === 4) {
      word = subWord(word);
    }
    store<u32>(at, load<u32>(at - 32) ^ word);
  }
}

/** Encrypts and MACs the header at FRAME and the body of `length` bytes behind its MAC: the frame is then complete. */
export function seal(streamAt: usize, length: usize): void {
  mask(FRAME, STREAM + streamAt, 16);
  foldHeader();
  copyDigest(FRAME + 16);
  mask(FRAME + 32, STREAM + streamAt + 16, length);
  mixIn(FRAME + 32, length);
  closeBody();
  copyDigest(FRAME + 32 + length);
}

/** MACs the header at FRAME, and decrypts it. @returns whether the MAC behind it was right; else it is left as it was */
export function openHeader(streamAt: usize): bool {
  foldHeader();
  if (!isDigest(FRAME + 16)) return false;
  mask(FRAME, STREAM + streamAt, 16);
  return true;
}

/** The same with the body at FRAME + 32. */
export function openBody(streamAt: usize, length: usize): bool {
  mixIn(FRAME + 32, length);
  closeBody();
  if (!isDigest(FRAME + 32 + length)) return false;
  mask(FRAME + 32, STREAM + streamAt, length);
  return true;
}

/** Folds the encrypted header in: DIGEST then begins with its MAC. */
export function foldHeader(): void {
  fold(v128.load(FRAME));
}

/** Folds in that the body is through: DIGEST then begins with its MAC. */
export function closeBody(): void {
  digest();
  fold(v128.load(DIGEST));
}

function fold(seed: v128): void {
  v128.store(FOLDED, v128.xor(encrypt(v128.load(DIGEST)), seed));
  mixIn(FOLDED, 16);
  digest();
}

/** Keccak reads from its input area only. */
function mixIn(at: usize, length: usize): void {
  memory.copy(INPUT, at, length);
  position = update(position, length);
}

function digest(): void {
  memory.copy(KEPT, STATE, 200);
  finish(position);
  memory.copy(DIGEST, STATE, 32);
  memory.copy(STATE, KEPT, 200);
}

/** Computes DIGEST anew: after a state was brought in that has none. */
export function refresh(): void {
  digest();
}

function copyDigest(to: usize): void {
  v128.store(to, v128.load(DIGEST));
}

/** Compares all 16 bytes at once, whatever they are. */
function isDigest(at: usize): bool {
  return !v128.any_true(v128.xor(v128.load(at), v128.load(DIGEST)));
}

function mask(at: usize, stream: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 16)
    v128.store(at + i, v128.xor(v128.load(at + i), v128.load(stream + i)));
}

function subWord(word: u32): u32 {
  return i32x4.extract_lane(subBytes(i32x4.splat(word)), 0);
}

function subBytes(x: v128): v128 {
  let result = i8x16.swizzle(v128.load(SBOX), x);
  for (let row: usize = 1; row < 16; row++) {
    x = i8x16.sub(x, i8x16.splat(16));
    result = v128.or(result, i8x16.swizzle(v128.load(SBOX + (row << 4)), x));
  }
  return result;
}

/** One block, AES-256. ShiftRows and the turns of MixColumns are one movement each. */
function encrypt(block: v128): v128 {
  let x = v128.xor(block, v128.load(ROUND_KEYS));
  for (let round: usize = 1; round < 14; round++) {
    const y = subBytes(x);
    const a = i8x16.swizzle(y, i8x16(0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11));
    const b = i8x16.swizzle(y, i8x16(5, 10, 15, 0, 9, 14, 3, 4, 13, 2, 7, 8, 1, 6, 11, 12));
    const c = i8x16.swizzle(y, i8x16(10, 15, 0, 5, 14, 3, 4, 9, 2, 7, 8, 13, 6, 11, 12, 1));
    const d = i8x16.swizzle(y, i8x16(15, 0, 5, 10, 3, 4, 9, 14, 7, 8, 13, 2, 11, 12, 1, 6));
    const sum = v128.xor(a, b);
    const carried = v128.and(i8x16.lt_s(sum, i8x16.splat(0)), i8x16.splat(0x1b));
    const doubled = v128.xor(i8x16.add(sum, sum), carried);
    x = v128.xor(v128.xor(doubled, b), v128.xor(v128.xor(c, d), v128.load(ROUND_KEYS + (round << 4))));
  }
  const last = i8x16.swizzle(subBytes(x), i8x16(0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11));
  return v128.xor(last, v128.load(ROUND_KEYS, 224));
}
