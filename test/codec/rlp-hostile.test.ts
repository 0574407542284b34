import { AsyncLocalStorage } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  CodecError,
  concatBytes,
  hexToBytes,
  RlpReader,
  readList,
  rlpWellFormed,
} from '../../src/codec/index.js';
import { seeded } from '../support/codec-random.js';
import { decodeWhole } from '../support/codec-rlp-decode.js';
import { firstItem } from '../support/codec-rlp-oracle.js';

const hex = hexToBytes;
const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_RLP' });

/** Lists within lists, nothing else: the innermost is empty. */
function nested(depth: number): Uint8Array {
  const prefixes: Uint8Array[] = [];
  let length = 0;
  for (let i = 0; i < depth; i++) {
    const prefix =
      length <= 55
        ? Uint8Array.of(0xc0 + length)
        : length <= 0xff
          ? Uint8Array.of(0xf8, length)
          : length <= 0xffff
            ? Uint8Array.of(0xf9, length >> 8, length & 0xff)
            : Uint8Array.of(0xfa, length >> 16, (length >> 8) & 0xff, length & 0xff);
    prefixes.push(prefix);
    length += prefix.length;
  }
  return concatBytes(prefixes.reverse());
}

/** Refused as every other malformed input, by every way there is into the bytes. */
function expectDepthRefused(bytes: Uint8Array): void {
  expect(() => rlpWellFormed(bytes)).toThrowError(refused);
  const reader = new RlpReader(bytes);
  expect(reader.count()).toBe(1);
  expect(reader.raw().length).toBe(bytes.length);
}

describe('RLP from a peer', () => {
  it('E8: lists 8,000 deep are refused by the cap on depth, without recursion', () => {
    const bytes = nested(8_000);
    expect(bytes.length).toBeGreaterThan(20_000);
    expectDepthRefused(bytes);
    let innermost = new RlpReader(bytes);
    let depth = 0;
    for (; !innermost.done; depth++) innermost = innermost.list();
    expect(depth).toBe(8_000);
  });

  it('E8: the cap is 32 lists and can be set', () => {
    expect(rlpWellFormed(nested(32))).toBe(32);
    expect(() => rlpWellFormed(nested(33))).toThrowError(refused);
    expect(rlpWellFormed(nested(33), { maxDepth: 33 })).toBe(33);
    expect(() => rlpWellFormed(hex('c0'), { maxDepth: 0 })).toThrowError(refused);
    expect(rlpWellFormed(hex('05'), { maxDepth: 0 })).toBe(1);
    // Depth is how many lists are open at once, not how many there are: 40 empty ones in a list are two deep.
    const flat = concatBytes([hex('e8'), new Uint8Array(40).fill(0xc0)]);
    expect(rlpWellFormed(flat, { maxDepth: 2 })).toBe(41);
  });

  it('S9: the same bytes are refused the same way where AsyncLocalStorage is in use', () => {
    new AsyncLocalStorage<string>().run('a context', () => expectDepthRefused(nested(8_000)));
  });

  describe('S5: 16 MiB of one-byte items', () => {
    const items = 16 * 1024 * 1024 - 4;
    const bytes = new Uint8Array(items + 4).fill(1);
    bytes.set([0xfa, items >> 16, (items >> 8) & 0xff, items & 0xff]);

    it('are not counted beyond what a list may hold', () => {
      let looked = 0;
      const watched = new Proxy(bytes, {
        get(target, property) {
          looked++;
          return Reflect.get(target, property, target);
        },
      });
      expect(() => readList(watched).count(1024)).toThrowError(refused);
      expect(looked).toBeLessThan(1024 + 64);
    });

    it('are walked in slices below 50 ms, in no memory to speak of', () => {
      const list = readList(bytes);
      const before = process.memoryUsage().heapUsed;
      let counted = 0;
      let slowest = 0;
      while (!list.done) {
        const started = process.cpuUsage(); // not the wall's clock: on a busy machine that counts other work, too
        counted += list.skipUpTo(65_536);
        const { user, system } = process.cpuUsage(started);
        slowest = Math.max(slowest, (user + system) / 1_000);
      }
      expect(counted).toBe(items);
      expect(slowest).toBeLessThan(50);
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 * 1024);
    });

    it('are not validated beyond a budget of items', () => {
      expect(() => rlpWellFormed(bytes, { maxItems: 65_536 })).toThrowError(/more than 65536 items/);
    });
  });

  describe('S6: every first byte with every number of length bytes', () => {
    /** Claims around every border: too small for the long form, exact, one off, and those that overflow 32, 53 and 64 bits. */
    const claims: readonly bigint[] = [
      ...[
        0n,
        1n,
        54n,
        55n,
        56n,
        57n,
        58n,
        59n,
        60n,
        61n,
        62n,
        63n,
        64n,
        65n,
        66n,
        255n,
        256n,
        65_535n,
        65_536n,
      ],
      ...[2n ** 24n - 1n, 2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 56n],
      ...[
        2n ** 53n - 1n,
        2n ** 53n,
        2n ** 53n + 1n,
        2n ** 63n - 1n,
        2n ** 63n,
        2n ** 64n - 57n,
        2n ** 64n - 1n,
      ],
    ];

    it('agrees with the definition in all of them', () => {
      let accepted = 0;
      let cases = 0;
      const disagreements: string[] = []; // not an expectation for each: 150,000 of them take seconds
      const check = (bytes: Uint8Array): void => {
        cases++;
        const opinion = firstItem(bytes);
        const whole = opinion.ok && opinion.consumed === bytes.length;
        if (whole) accepted++;
        const decoded = outcome(() => decodeWhole(bytes));
        const agreed =
          isWellFormed(bytes) === whole && isDeepStrictEqual(decoded, whole ? opinion.item : 'refused');
        if (!agreed)
          disagreements.push(`${Buffer.from(bytes.subarray(0, 12)).toString('hex')}… of ${bytes.length}`);
      };
      for (let first = 0; first < 256; first++) {
        // what follows: nothing, bytes below and above 0x80, and enough of them for every short form
        for (const filler of [0x00, 0x7f, 0x80, 0xc0]) {
          for (const rest of [0, 1, 2, 3, 54, 55, 56, 57]) {
            const bytes = new Uint8Array(1 + rest).fill(filler);
            bytes[0] = first;
            check(bytes);
          }
          const short = first < 0xc0 ? first - 0x80 : first - 0xc0;
          if (first >= 0x80 && short <= 55) {
            for (const rest of [short - 1, short, short + 1].filter((length) => length >= 0)) {
              const bytes = new Uint8Array(1 + rest).fill(filler);
              bytes[0] = first;
              check(bytes);
            }
          }
        }
        // one to nine length bytes, whatever the first byte asks for
        for (let lengthBytes = 1; lengthBytes <= 9; lengthBytes++) {
          for (const claim of claims) {
            const digits = claim.toString(16).padStart(2 * lengthBytes, '0');
            if (digits.length > 2 * lengthBytes) continue;
            for (const content of [0, 55, 56, 64]) {
              const bytes = new Uint8Array(1 + lengthBytes + content).fill(0x05);
              bytes[0] = first;
              bytes.set(hex(digits), 1);
              check(bytes);
            }
          }
        }
      }
      expect(disagreements).toEqual([]);
      expect(cases).toBeGreaterThan(150_000);
      expect(accepted).toBeGreaterThan(500);
    });

    it.each([
      ['8100', 'a byte below 0x80 as a string'],
      ['817f', 'a byte below 0x80 as a string'],
      [`b837${'61'.repeat(55)}`, 'the long form for 55 bytes'],
      [`f837${'61'.repeat(55)}`, 'the long form for a list of 55 bytes'],
      [`b90038${'61'.repeat(56)}`, 'a length with a leading zero'],
      [`f90038${'61'.repeat(56)}`, 'a list length with a leading zero'],
      ['bfffffffffffffffff', 'a length of 2^64 − 1'],
      ['ffffffffffffffffff', 'a list length of 2^64 − 1'],
      ['bf0020000000000000', 'a length of 2^53'],
      ['b8', 'a length that is missing'],
      ['c3820102', 'nothing wrong: the next ones are this, damaged'],
      ['c2820102', 'a string beyond its list'],
      ['c4820102', 'a list beyond its bytes'],
    ])('%s (%s)', (encoded, says) => {
      const bytes = hex(encoded);
      if (says.startsWith('nothing wrong')) {
        expect(rlpWellFormed(bytes)).toBe(2);
        return;
      }
      expect(() => rlpWellFormed(bytes)).toThrowError(refused);
      expect(() => decodeWhole(bytes)).toThrowError(refused);
    });
  });

  describe('S7: only the canonical form of each kind of field', () => {
    type Read = (reader: RlpReader) => unknown;
    const uint64: Read = (reader) => reader.uint();
    const uint256: Read = (reader) => reader.uint(32);
    const uint32: Read = (reader) => reader.uint32();
    const boolean: Read = (reader) => reader.boolean();
    const hash: Read = (reader) => reader.fixed(32);
    const matrix: readonly (readonly [string, Read, string, boolean])[] = [
      ['uint64', uint64, '80', true],
      ['uint64 as the byte 0', uint64, '00', false],
      ['uint64 5 with a prefix', uint64, '8105', false],
      ['uint64 with a leading zero', uint64, '820001', false],
      ['uint64 128', uint64, '8180', true],
      ['uint64 of 8 bytes', uint64, '88ffffffffffffffff', true],
      ['uint64 of 9 bytes', uint64, '89010000000000000000', false],
      ['uint64 as a list', uint64, 'c0', false],
      ['uint32 of 4 bytes', uint32, '84ffffffff', true],
      ['uint32 of 5 bytes', uint32, '850100000000', false],
      ['uint256 of 32 bytes', uint256, `a0${'ff'.repeat(32)}`, true],
      ['uint256 of 33 bytes', uint256, `a1${'ff'.repeat(33)}`, false],
      ['uint256 of 32 bytes with a leading zero', uint256, `a000${'ff'.repeat(31)}`, false],
      ['boolean 0', boolean, '80', true],
      ['boolean 1', boolean, '01', true],
      ['boolean as the byte 0', boolean, '00', false],
      ['boolean 2', boolean, '02', false],
      ['boolean 1 with a prefix', boolean, '8101', false],
      ['boolean as a list', boolean, 'c0', false],
      ['hash of 32 bytes', hash, `a0${'00'.repeat(32)}`, true],
      ['hash of 31 bytes', hash, `9f${'00'.repeat(31)}`, false],
      ['hash of 33 bytes', hash, `a1${'00'.repeat(33)}`, false],
      ['empty hash', hash, '80', false],
    ];

    it.each(matrix)('%s', (_name, read, encoded, accepted) => {
      const reader = new RlpReader(hex(encoded));
      if (accepted) {
        read(reader);
        reader.finish();
      } else {
        expect(() => read(reader)).toThrowError(refused);
        expect(reader.remainingBytes).toBe(encoded.length / 2);
      }
    });

    it('refuses items after the last one a list should have, unless nobody asks', () => {
      const list = readList(hex('c20102'));
      list.skip();
      expect(() => list.finish()).toThrowError(refused);
      list.skip();
      list.finish();
    });
  });

  describe('S8: always on, or an end', () => {
    const calls: readonly ((reader: RlpReader) => unknown)[] = [
      (reader) => reader.skip(),
      (reader) => reader.raw(),
      (reader) => reader.list(),
      (reader) => reader.bytes(),
      (reader) => reader.bytes(2),
      (reader) => reader.fixed(1),
      (reader) => reader.uint(),
      (reader) => reader.uint(32),
      (reader) => reader.uint32(),
      (reader) => reader.uint53(),
      (reader) => reader.boolean(),
      (reader) => reader.skipUpTo(1),
    ];

    it('takes no more steps than there are bytes, whatever the bytes and the calls (seed 1)', () => {
      const random = seeded(1);
      for (let round = 0; round < 20_000; round++) {
        const bytes = random.bytes(random.below(64));
        // mostly short items, so that the walk gets somewhere
        for (let i = 0; i < bytes.length; i++) {
          if (random.below(4) > 0) bytes[i] = ((bytes[i] as number) & 0x43) | (random.below(2) * 0x80);
        }
        const readers = [new RlpReader(bytes)];
        let steps = 0;
        for (let reader = readers.pop(); reader !== undefined; reader = readers.pop()) {
          while (!reader.done) {
            const before = reader.remainingBytes;
            const call = calls[random.below(calls.length)] as (reader: RlpReader) => unknown;
            try {
              const result = call(reader);
              steps++;
              expect(reader.remainingBytes).toBeLessThan(before);
              if (result instanceof RlpReader) readers.push(result);
            } catch (error) {
              expect(error).toBeInstanceOf(CodecError);
              expect(reader.remainingBytes).toBe(before);
              break;
            }
          }
        }
        expect(steps).toBeLessThanOrEqual(bytes.length);
      }
    });

    it('a truncated item inside a list ends its reading', () => {
      const list = readList(hex('c301b901')); // the last item claims two length bytes and has one
      expect(list.uint32()).toBe(1);
      expect(() => list.skip()).toThrowError(refused);
      expect(() => list.count()).toThrowError(refused);
      expect(() => list.skipUpTo(10)).toThrowError(refused);
    });
  });
});

function isWellFormed(bytes: Uint8Array): boolean {
  return outcome(() => rlpWellFormed(bytes)) !== 'refused';
}

function outcome<T>(read: () => T): T | 'refused' {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodecError && error.code === 'ERR_CODEC_RLP') return 'refused';
    throw error;
  }
}
