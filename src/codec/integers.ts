import { EMPTY_BYTES } from './bytes.js';
import { CodecError } from './errors.js';

/**
 * Smallest big-endian form, as RLP has it: no leading zero, 0 is no bytes at all.
 * @throws CodecError ERR_CODEC_INTEGER below 0
 */
export function bigintToBytes(value: bigint): Uint8Array {
  if (value < 0n) throw new CodecError('ERR_CODEC_INTEGER', 'integer: below zero');
  if (value === 0n) return EMPTY_BYTES;
  const digits = value.toString(16);
  const bytes = new Uint8Array((digits.length + 1) >> 1);
  // From the end, 12 digits (6 bytes) at a time: numbers are exact there, and a bigint shift per byte would be quadratic.
  for (let at = bytes.length, end = digits.length; at > 0; end -= 12) {
    let part = Number.parseInt(digits.slice(Math.max(0, end - 12), end), 16);
    for (let i = 0; i < 6 && at > 0; i++) {
      bytes[--at] = part % 256;
      part = Math.floor(part / 256);
    }
  }
  return bytes;
}

/** The unsigned big-endian integer that the bytes stand for; leading zeros count for nothing, no bytes are 0. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = bytes.length % 8;
  let value = 0n;
  if (head > 0) {
    let high = 0;
    for (let i = 0; i < Math.min(head, 4); i++) high = high * 256 + view.getUint8(i);
    value = BigInt(high);
    for (let i = 4; i < head; i++) value = (value << 8n) | BigInt(view.getUint8(i));
  }
  for (let at = head; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}

/**
 * Smallest big-endian form of a number, as `bigintToBytes`.
 * @throws CodecError ERR_CODEC_INTEGER for fractions, below 0 and above 2^53 − 1
 */
export function numberToBytes(value: number): Uint8Array {
  assertUnsigned(value, Number.MAX_SAFE_INTEGER);
  if (value === 0) return EMPTY_BYTES;
  const bytes = new Uint8Array(significantBytes(value));
  let rest = value;
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** How many bytes the smallest big-endian form of a safe, unsigned integer has: 0 for 0. */
export function significantBytes(value: number): number {
  let bytes = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes++;
  return bytes;
}

/** Two bytes, big-endian. @throws CodecError ERR_CODEC_INTEGER where fewer than 2 bytes are left at `at` */
export function readUint16(bytes: Uint8Array, at = 0): number {
  assertRoom(bytes, at, 2);
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Three bytes, big-endian: the size of an RLPx frame. @throws CodecError ERR_CODEC_INTEGER where fewer than 3 bytes are left */
export function readUint24(bytes: Uint8Array, at = 0): number {
  assertRoom(bytes, at, 3);
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

/** The first six bytes as a number: of a hash, a key for a map. @throws CodecError ERR_CODEC_INTEGER where fewer are left at `at` */
export function readUint48(bytes: Uint8Array, at = 0): number {
  assertRoom(bytes, at, 6);
  const high = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  return high * 0x100_0000 + readUint24(bytes, at + 3);
}

/** Eight bytes, big-endian. @throws CodecError ERR_CODEC_INTEGER where fewer than 8 bytes are left at `at` */
export function readUint64(bytes: Uint8Array, at = 0): bigint {
  assertRoom(bytes, at, 8);
  return new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0);
}

/** @throws CodecError ERR_CODEC_INTEGER where the value needs more than 2 bytes or there is no room */
export function writeUint16(bytes: Uint8Array, value: number, at = 0): void {
  assertUnsigned(value, 0xffff);
  assertRoom(bytes, at, 2);
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

/** @throws CodecError ERR_CODEC_INTEGER where the value needs more than 3 bytes or there is no room */
export function writeUint24(bytes: Uint8Array, value: number, at = 0): void {
  assertUnsigned(value, 0xffffff);
  assertRoom(bytes, at, 3);
  bytes[at] = value >> 16;
  bytes[at + 1] = (value >> 8) & 0xff;
  bytes[at + 2] = value & 0xff;
}

/** @throws CodecError ERR_CODEC_INTEGER where the value needs more than 8 bytes or there is no room */
export function writeUint64(bytes: Uint8Array, value: bigint, at = 0): void {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new CodecError('ERR_CODEC_INTEGER', 'integer: outside 64 bits');
  }
  assertRoom(bytes, at, 8);
  new DataView(bytes.buffer, bytes.byteOffset + at, 8).setBigUint64(0, value);
}

function assertUnsigned(value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return;
  throw new CodecError('ERR_CODEC_INTEGER', `integer: ${value} is not between 0 and ${max}`);
}

function assertRoom(bytes: Uint8Array, at: number, wanted: number): void {
  if (Number.isSafeInteger(at) && at >= 0 && bytes.length - at >= wanted) return;
  throw new CodecError('ERR_CODEC_INTEGER', `integer: ${wanted} bytes wanted at ${at} of ${bytes.length}`);
}
