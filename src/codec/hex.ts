import { CodecError } from './errors.js';

const DIGITS = '0123456789abcdef';

/** @returns two lower-case digits per byte, without `0x`. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
  return text;
}

/** @returns as `bytesToHex`, with `0x` in front: how JSON, genesis files and `admin` answers write bytes. */
export function prefixedHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

/**
 * The bytes that a hexadecimal text stands for. Upper and lower case, with or without one `0x`; nothing else: no spaces,
 * no odd number of digits.
 * @throws CodecError ERR_CODEC_HEX
 */
export function hexToBytes(text: string): Uint8Array {
  const start = text.startsWith('0x') ? 2 : 0;
  const digits = text.length - start;
  if (digits % 2 !== 0) throw new CodecError('ERR_CODEC_HEX', `hex: an odd number of digits (${digits})`);
  const bytes = new Uint8Array(digits / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digitValue(text, start + 2 * i) << 4) | digitValue(text, start + 2 * i + 1);
  }
  return bytes;
}

function digitValue(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20; // lower case; a code that is no letter lands outside the range below
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x57;
  throw new CodecError('ERR_CODEC_HEX', `hex: no digit at position ${at}`);
}
