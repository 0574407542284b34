import { encryptBlock, expandKey } from './aes';
import { BLOCK_BYTES, begin, block, finish, forget } from './sha256';

/*
 * What ECIES does behind the product (RLPx, "Initial Handshake"): keys by SHA-256, AES-128 in counter mode, and HMAC-SHA-256 over
 * iv ‖ ciphertext ‖ shared data. One message at a time, in one memory, of which no secret stays; nothing is allocated.
 */

/** counter of the KDF (00000001) ‖ the product's x coordinate. */
export const SECRET: usize = memory.data(36, 16);
/** iv (16) ‖ text ‖ shared data. */
export const MESSAGE: usize = memory.data(2176, 16);
export const MESSAGE_BYTES: usize = 2176;
export const TAG: usize = memory.data(32, 16);

/** key of the cipher (16) ‖ what the key of the tag is made of (16). */
const MATERIAL: usize = memory.data(32, 16);
/** Key of the tag, filled up to a block. */
const TAG_KEY: usize = memory.data(64, 16);
/** 11 round keys. */
const ROUND_KEYS: usize = memory.data(176, 16);
const KEY_WORDS: usize = 44;
const MADE_TAG: usize = memory.data(32, 16);
/** The block that encrypts to key stream: kept in two words, most significant byte first. */
const COUNTER: usize = memory.data(16, 16);
const STREAM: usize = memory.data(16, 16);

/** Encrypts the text of `length` bytes where it lies, and makes TAG. */
export function seal(length: usize, sharedBytes: usize): void {
  deriveKeys();
  crypt(length);
  makeTag(length + sharedBytes);
  v128.store(TAG, v128.load(MADE_TAG));
  v128.store(TAG, v128.load(MADE_TAG, 16), 16);
  clear();
}

/** Decrypts the text where TAG is right, compared whole whatever it is. */
export function open(length: usize, sharedBytes: usize): bool {
  deriveKeys();
  makeTag(length + sharedBytes);
  const low = v128.xor(v128.load(TAG), v128.load(MADE_TAG));
  const high = v128.xor(v128.load(TAG, 16), v128.load(MADE_TAG, 16));
  const right = !v128.any_true(v128.or(low, high));
  if (right) crypt(length);
  clear();
  return right;
}

/** NIST SP 800-56A, one round. */
function deriveKeys(): void {
  store<u32>(SECRET, bswap<u32>(1));
  begin();
  finish(SECRET, 36, 0, MATERIAL);
  memory.fill(TAG_KEY, 0, BLOCK_BYTES);
  begin();
  finish(MATERIAL + 16, 16, 0, TAG_KEY);
  v128.store(ROUND_KEYS, v128.load(MATERIAL));
  expandKey(ROUND_KEYS, 4, KEY_WORDS);
}

/** The last block may be a part: what stands behind the text is put back. */
function crypt(length: usize): void {
  const text = MESSAGE + 16;
  const behind = v128.load(text + length);
  let high = bswap<u64>(load<u64>(MESSAGE));
  let low = bswap<u64>(load<u64>(MESSAGE, 8));
  for (let at: usize = 0; at < length; at += 16) {
    store<u64>(COUNTER, bswap<u64>(high));
    store<u64>(COUNTER, bswap<u64>(low), 8);
    encryptBlock(COUNTER, ROUND_KEYS, 10, STREAM);
    v128.store(text + at, v128.xor(v128.load(text + at), v128.load(STREAM)));
    if (++low === 0) high++;
  }
  v128.store(text + length, behind);
}

/** RFC 2104; the key is shorter than a block. */
function makeTag(length: usize): void {
  turnKey(0x36);
  begin();
  block(TAG_KEY);
  finish(MESSAGE, 16 + length, BLOCK_BYTES, MADE_TAG);
  turnKey(0x36 ^ 0x5c);
  begin();
  block(TAG_KEY);
  finish(MADE_TAG, 32, BLOCK_BYTES, MADE_TAG);
}

function turnKey(pad: i8): void {
  for (let i: usize = 0; i < BLOCK_BYTES; i += 16)
    v128.store(TAG_KEY + i, v128.xor(v128.load(TAG_KEY + i), i8x16.splat(pad)));
}

function clear(): void {
  memory.fill(SECRET, 0, 36);
  memory.fill(MATERIAL, 0, 32);
  memory.fill(TAG_KEY, 0, BLOCK_BYTES);
  memory.fill(ROUND_KEYS, 0, 176);
  memory.fill(MADE_TAG, 0, 32);
  memory.fill(STREAM, 0, 16);
  forget();
}
