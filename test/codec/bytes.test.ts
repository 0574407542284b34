import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bigintToBytes,
  bytesToBigint,
  bytesToHex,
  compareBytes,
  concatBytes,
  EMPTY_BYTES,
  hexToBytes,
  numberToBytes,
  prefixedHex,
  readUint16,
  readUint24,
  readUint64,
  sameBytes,
  significantBytes,
  writeUint16,
  writeUint24,
  writeUint64,
} from '../../src/codec/index.js';

const integerRefused = expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_INTEGER' });

describe('bytes', () => {
  it('joins parts into memory of its own', () => {
    const part = Uint8Array.of(1, 2);
    const whole = concatBytes([part, EMPTY_BYTES, Uint8Array.of(3)]);
    part[0] = 9;
    expect(whole).toEqual(Uint8Array.of(1, 2, 3));
    expect(whole.buffer.byteLength).toBe(3);
    expect(concatBytes([])).toEqual(EMPTY_BYTES);
  });

  it('tells same from different', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(sameBytes(bytes, bytes)).toBe(true);
    expect(sameBytes(bytes, bytes.slice())).toBe(true);
    expect(sameBytes(bytes, Uint8Array.of(1, 2, 4))).toBe(false);
    expect(sameBytes(bytes, Uint8Array.of(1, 2))).toBe(false);
    expect(sameBytes(EMPTY_BYTES, new Uint8Array())).toBe(true);
  });

  it('orders as hexadecimal text does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        const [left, right] = [bytesToHex(a), bytesToHex(b)];
        expect(Math.sign(compareBytes(a, b))).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
    );
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
  });
});

describe('hex', () => {
  it('writes two lower-case digits per byte', () => {
    expect(bytesToHex(Uint8Array.of(0, 15, 16, 0xab, 255))).toBe('000f10abff');
    expect(prefixedHex(Uint8Array.of(0xab))).toBe('0xab');
    expect(prefixedHex(EMPTY_BYTES)).toBe('0x');
  });

  it('reads both cases, with 0x and without', () => {
    expect(hexToBytes('000f10ABff')).toEqual(Uint8Array.of(0, 15, 16, 0xab, 255));
    expect(hexToBytes('0xaB')).toEqual(Uint8Array.of(0xab));
    expect(hexToBytes('')).toEqual(EMPTY_BYTES);
    expect(hexToBytes('0x')).toEqual(EMPTY_BYTES);
  });

  it.each([
    'a',
    '0xa',
    '0X00',
    'ag',
    'a g0',
    ' 00',
    '00 ',
    '0x0x00',
    '-1',
    '1.',
    '００',
    'a\n',
    '\u0000\u0000',
    '@@',
    '``',
    '//',
    '::',
  ])('refuses %j', (text) => {
    expect(() => hexToBytes(text)).toThrowError(
      expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_HEX' }),
    );
  });

  it('reads what it writes, and what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(hexToBytes(prefixedHex(bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('integers', () => {
  it.each([
    [0n, ''],
    [1n, '01'],
    [255n, 'ff'],
    [256n, '0100'],
    [2n ** 48n, '01000000000000'],
    [2n ** 64n - 1n, 'ffffffffffffffff'],
    [2n ** 64n, '010000000000000000'],
    [2n ** 256n - 1n, 'ff'.repeat(32)],
  ])('%s is %s in its smallest form', (value, text) => {
    expect(bytesToHex(bigintToBytes(value))).toBe(text);
    expect(bytesToBigint(hexToBytes(text))).toBe(value);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      expect(bytesToHex(numberToBytes(Number(value)))).toBe(text);
      expect(significantBytes(Number(value))).toBe(text.length / 2);
    }
  });

  it('reads leading zeros as nothing', () => {
    expect(bytesToBigint(hexToBytes('0000000000000000000005'))).toBe(5n);
    expect(bytesToBigint(hexToBytes('00'))).toBe(0n);
  });

  it('reads what it writes, at every size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), (value) => {
        const bytes = bigintToBytes(value);
        expect(bytes[0]).not.toBe(0);
        expect(bytesToBigint(bytes)).toBe(value);
        const shifted = new Uint8Array(bytes.length + 3);
        shifted.set(bytes, 3);
        expect(bytesToBigint(shifted.subarray(3))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(numberToBytes(value)).toEqual(bigintToBytes(BigInt(value)));
      }),
    );
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses the number %s', (value) => {
    expect(() => numberToBytes(value)).toThrowError(integerRefused);
  });

  it('refuses a bigint below zero', () => {
    expect(() => bigintToBytes(-1n)).toThrowError(integerRefused);
  });

  it('reads and writes two, three and eight bytes where it is told', () => {
    const bytes = new Uint8Array(13);
    writeUint16(bytes, 0xfedc, 0);
    writeUint24(bytes, 0xffeedd, 2);
    writeUint64(bytes, 2n ** 64n - 2n, 5);
    expect(bytesToHex(bytes)).toBe('fedcffeeddfffffffffffffffe');
    expect(readUint16(bytes)).toBe(0xfedc);
    expect(readUint24(bytes, 2)).toBe(0xffeedd);
    expect(readUint64(bytes, 5)).toBe(2n ** 64n - 2n);
    expect(readUint64(bytes.subarray(5))).toBe(2n ** 64n - 2n);
  });

  it('refuses fixed widths that do not fit, in value or in place', () => {
    const bytes = new Uint8Array(8);
    const attempts: readonly (() => void)[] = [
      () => writeUint16(bytes, 0x10000),
      () => writeUint16(bytes, -1),
      () => writeUint24(bytes, 0x1000000),
      () => writeUint24(bytes, 1.5),
      () => writeUint64(bytes, 2n ** 64n),
      () => writeUint64(bytes, -1n),
      () => writeUint16(bytes, 1, 7),
      () => writeUint24(bytes, 1, 6),
      () => writeUint64(bytes, 1n, 1),
      () => readUint16(bytes, 7),
      () => readUint24(bytes, 6),
      () => readUint64(bytes, 1),
      () => readUint16(bytes, -1),
      () => readUint16(bytes, 0.5),
    ];
    for (const attempt of attempts) expect(attempt).toThrowError(integerRefused);
    expect(bytes).toEqual(new Uint8Array(8));
  });
});
