import { describe, expect, it } from 'vitest';
import {
  CodecError,
  encodeBytes,
  encodeList,
  encodeUint,
  hexToBytes,
  RlpReader,
  readList,
  readListHead,
} from '../../src/codec/index.js';
import { decodeWhole } from '../support/codec-rlp-decode.js';

const hex = hexToBytes;
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_RLP' });

describe('RlpReader', () => {
  it.each([
    ['the string dog', '83646f67', ascii('dog')],
    ['the list cat, dog', 'c88363617483646f67', [ascii('cat'), ascii('dog')]],
    ['the empty string', '80', new Uint8Array()],
    ['the empty list', 'c0', []],
    ['the byte 0', '00', Uint8Array.of(0)],
    ['the byte 15', '0f', Uint8Array.of(15)],
    ['two bytes 04 00', '820400', Uint8Array.of(4, 0)],
    ['three, as sets', 'c7c0c1c0c3c0c1c0', [[], [[]], [[], [[]]]]],
    ['a string of 56 bytes', `b838${'61'.repeat(56)}`, ascii('a'.repeat(56))],
    ['a list of 56 bytes', `f838${'61'.repeat(56)}`, Array.from({ length: 56 }, () => ascii('a'))],
    ['a string of 256 bytes', `b90100${'ff'.repeat(256)}`, new Uint8Array(256).fill(255)],
  ])('reads %s', (_name, encoded, item) => {
    expect(decodeWhole(hex(encoded))).toEqual(item);
  });

  it('reads items one after the other, and says what is left', () => {
    const reader = new RlpReader(hex('0183646f67c20304'));
    expect(reader.remainingBytes).toBe(8);
    expect(reader.count()).toBe(3);
    expect(reader.uint32()).toBe(1);
    expect(reader.isList()).toBe(false);
    expect(reader.bytes()).toEqual(ascii('dog'));
    expect(reader.isList()).toBe(true);
    const list = reader.list();
    expect(reader.done).toBe(true);
    expect(list.count()).toBe(2);
    expect(list.uint53()).toBe(3);
    expect(list.remainingBytes).toBe(1);
    expect(list.uint()).toBe(4n);
    list.finish();
    reader.finish();
  });

  it('hands out views of the input, plain ones even of a Buffer', () => {
    const input = Buffer.from('c483646f67', 'hex');
    const view = readList(input).bytes();
    expect(view.constructor).toBe(Uint8Array);
    input[2] = 'D'.charCodeAt(0);
    expect(view).toEqual(ascii('Dog'));
  });

  it('reads within its range only', () => {
    const bytes = hex('ff83646f67ff');
    expect(new RlpReader(bytes, 1, 5).bytes()).toEqual(ascii('dog'));
    expect(() => new RlpReader(bytes, 1, 4).bytes()).toThrowError(refused);
    for (const [start, end] of [
      [-1, 2],
      [3, 2],
      [0, 7],
      [Number.NaN, 2],
    ] as const) {
      expect(() => new RlpReader(bytes, start, end)).toThrowError(refused);
    }
  });

  it('takes an item as it stands, and passes over items, without looking inside', () => {
    const reader = new RlpReader(hex('c3820102c28101b838'.padEnd(18 + 112, '61')));
    expect(reader.raw()).toEqual(hex('c3820102'));
    expect(reader.raw()).toEqual(hex('c28101')); // not canonical inside: `rlpWellFormed` is for that
    reader.skip();
    expect(reader.done).toBe(true);
  });

  it('passes over a long list in slices', () => {
    const reader = new RlpReader(new Uint8Array(1000).fill(7));
    expect(reader.skipUpTo(400)).toBe(400);
    expect(reader.remainingBytes).toBe(600);
    expect(reader.skipUpTo(1000)).toBe(600);
    expect(reader.skipUpTo(1)).toBe(0);
    expect(() => new RlpReader(hex('0701b8')).skipUpTo(3)).toThrowError(refused);
  });

  it('counts up to a maximum without moving', () => {
    const reader = new RlpReader(hex('0102c20304'));
    expect(reader.count(3)).toBe(3);
    expect(() => reader.count(2)).toThrowError(refused);
    expect(reader.remainingBytes).toBe(5);
    expect(new RlpReader(new Uint8Array()).count(0)).toBe(0);
  });

  it('keeps strings to the length asked for', () => {
    expect(new RlpReader(hex('83646f67')).bytes(3)).toEqual(ascii('dog'));
    expect(() => new RlpReader(hex('83646f67')).bytes(2)).toThrowError(refused);
    expect(new RlpReader(hex('83646f67')).fixed(3)).toEqual(ascii('dog'));
    expect(() => new RlpReader(hex('83646f67')).fixed(4)).toThrowError(refused);
    expect(() => new RlpReader(hex('83646f67')).fixed(2)).toThrowError(refused);
    expect(new RlpReader(hex('05')).fixed(1)).toEqual(Uint8Array.of(5));
  });

  it.each([
    ['80', 0n],
    ['01', 1n],
    ['7f', 127n],
    ['8180', 128n],
    ['820100', 256n],
    ['86ffffffffffff', 2n ** 48n - 1n],
    ['87ffffffffffffff', 2n ** 56n - 1n],
    ['88ffffffffffffffff', 2n ** 64n - 1n],
  ])('reads the integer %s', (encoded, value) => {
    expect(new RlpReader(hex(encoded)).uint()).toBe(value);
    expect(new RlpReader(hex(encoded)).uint(32)).toBe(value);
    if (value <= 0xffff_ffffn) expect(new RlpReader(hex(encoded)).uint32()).toBe(Number(value));
    else expect(() => new RlpReader(hex(encoded)).uint32()).toThrowError(refused);
    if (value <= 2n ** 53n - 1n) expect(new RlpReader(hex(encoded)).uint53()).toBe(Number(value));
    else expect(() => new RlpReader(hex(encoded)).uint53()).toThrowError(refused);
  });

  it('tells 2^53 − 1, which a number holds, from 2^53, which it does not', () => {
    expect(new RlpReader(hex('871fffffffffffff')).uint53()).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => new RlpReader(hex('8720000000000000')).uint53()).toThrowError(refused);
  });

  it('does not move when it throws', () => {
    const reader = new RlpReader(hex('c20102820000'));
    expect(() => reader.bytes()).toThrowError(refused);
    expect(() => reader.uint()).toThrowError(refused);
    expect(() => reader.fixed(3)).toThrowError(refused);
    expect(() => reader.boolean()).toThrowError(refused);
    expect(reader.remainingBytes).toBe(6);
    reader.skip();
    expect(() => reader.list()).toThrowError(refused);
    expect(() => reader.uint()).toThrowError(refused);
    expect(() => reader.bytes(1)).toThrowError(refused);
    expect(reader.remainingBytes).toBe(3);
    expect(reader.bytes(2)).toEqual(Uint8Array.of(0, 0));
  });

  it('throws one kind of error in every method where nothing is left', () => {
    const calls: readonly ((reader: RlpReader) => unknown)[] = [
      (reader) => reader.isList(),
      (reader) => reader.list(),
      (reader) => reader.bytes(),
      (reader) => reader.fixed(0),
      (reader) => reader.uint(),
      (reader) => reader.uint32(),
      (reader) => reader.uint53(),
      (reader) => reader.boolean(),
      (reader) => reader.raw(),
      (reader) => reader.skip(),
    ];
    for (const call of calls) expect(() => call(new RlpReader(new Uint8Array()))).toThrowError(refused);
    expect(() => readList(new Uint8Array())).toThrowError(CodecError);
  });
});

describe('readList', () => {
  it('reads a message that is one list', () => {
    expect(readList(hex('c20102')).count()).toBe(2);
    expect(readList(hex('c0')).done).toBe(true);
  });

  it.each([
    ['a string', '820102'],
    ['bytes after the list', 'c2010203'],
    ['a list cut short', 'c201'],
  ])('refuses %s', (_name, encoded) => {
    expect(() => readList(hex(encoded))).toThrowError(refused);
  });
});

describe('readListHead', () => {
  const message = encodeList([encodeUint(0x1234567890n), encodeBytes(new Uint8Array(500))]);

  it('S4: reads what is at hand of a list, and no item that is not', () => {
    const reader = readListHead(message.subarray(0, 18), message.length);
    expect(reader.uint()).toBe(0x1234567890n);
    expect(() => reader.bytes()).toThrow(expect.objectContaining({ code: 'ERR_CODEC_RLP' }));
  });

  it('refuses what is no list, and a list that is longer than the message', () => {
    for (const head of [Uint8Array.of(), Uint8Array.of(0x80), Uint8Array.of(0xf9), Uint8Array.of(0xc2, 1)]) {
      expect(() => readListHead(head, head.length)).toThrow(
        expect.objectContaining({ code: 'ERR_CODEC_RLP' }),
      );
    }
    expect(() => readListHead(message.subarray(0, 18), message.length - 1)).toThrow(
      expect.objectContaining({ code: 'ERR_CODEC_RLP' }),
    );
    expect(readListHead(Uint8Array.of(0xc0), 1).done).toBe(true);
  });
});
