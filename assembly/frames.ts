import { encryptBlock, expandKey as expand } from './aes';
import { finish, INPUT, STATE, update } from './keccak';

/*
 * One direction of RLPx frames at a time, in one memory: the running MAC (a Keccak state and AES on single blocks) and the
 * key stream that was made ahead. What is at work here is copied in and out by the caller; nothing is allocated.
 */

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

/** Round keys of the 32 bytes at ROUND_KEYS. */
export function expandKey(): void {
  expand(ROUND_KEYS, 8, KEY_WORDS);
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
  encryptBlock(DIGEST, ROUND_KEYS, 14, FOLDED);
  v128.store(FOLDED, v128.xor(v128.load(FOLDED), seed));
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
