import { isDeepStrictEqual } from 'node:util';
import { RLP } from '@ethereumjs/rlp';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CodecError,
  encodeBoolean,
  encodeBytes,
  encodedListBytes,
  encodeFixedList,
  encodeList,
  encodeLists,
  encodeUint,
  prefixedHex,
  RlpReader,
  readList,
  rlpWellFormed,
  sameBytes,
} from '../../src/codec/index.js';
import { seeded } from '../support/codec-random.js';
import { decodeWhole } from '../support/codec-rlp-decode.js';
import type { Item } from '../support/codec-rlp-oracle.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const { item } = fc.letrec<{ item: Item }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 5 },
    fc.uint8Array({ maxLength: 70 }),
    fc.uint8Array({ minLength: 250, maxLength: 300 }),
    fc.array(tie('item'), { maxLength: 8 }),
  ),
}));

function encodeItem(value: Item): Uint8Array {
  return value instanceof Uint8Array ? encodeBytes(value) : encodeList(value.map(encodeItem));
}

/** The other library's type has mutable arrays; the values are the same. */
function encodeElsewhere(value: Item): Uint8Array {
  return RLP.encode(value as Parameters<typeof RLP.encode>[0]);
}

describe('the RLP writer', () => {
  it.each([
    ['the string dog', encodeBytes(ascii('dog')), '0x83646f67'],
    ['a list', encodeList([encodeBytes(ascii('cat')), encodeBytes(ascii('dog'))]), '0xc88363617483646f67'],
    ['the empty string', encodeBytes(new Uint8Array()), '0x80'],
    ['the empty list', encodeList([]), '0xc0'],
    ['the byte 7f', encodeBytes(Uint8Array.of(0x7f)), '0x7f'],
    ['the byte 80', encodeBytes(Uint8Array.of(0x80)), '0x8180'],
    ['55 bytes', encodeBytes(new Uint8Array(55)), `0xb7${'00'.repeat(55)}`],
    ['56 bytes', encodeBytes(new Uint8Array(56)), `0xb838${'00'.repeat(56)}`],
    ['a list of 55 bytes', encodeList([new Uint8Array(55)]), `0xf7${'00'.repeat(55)}`],
    [
      'a list of 256 bytes',
      encodeList([new Uint8Array(200), new Uint8Array(56)]),
      `0xf90100${'00'.repeat(256)}`,
    ],
    ['0', encodeUint(0), '0x80'],
    ['0n', encodeUint(0n), '0x80'],
    ['127', encodeUint(127), '0x7f'],
    ['128', encodeUint(128), '0x8180'],
    ['1024', encodeUint(1024), '0x820400'],
    ['2^53 − 1', encodeUint(Number.MAX_SAFE_INTEGER), '0x871fffffffffffff'],
    ['2^64 − 1', encodeUint(2n ** 64n - 1n), '0x88ffffffffffffffff'],
    ['2^256 − 1', encodeUint(2n ** 256n - 1n), `0xa0${'ff'.repeat(32)}`],
    ['true', encodeBoolean(true), '0x01'],
    ['false', encodeBoolean(false), '0x80'],
  ])('writes %s', (_name, encoded, expected) => {
    expect(prefixedHex(encoded)).toBe(expected);
  });

  it.each([-1, -1n, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])(
    'refuses the integer %s',
    (value) => {
      expect(() => encodeUint(value)).toThrowError(expect.objectContaining({ code: 'ERR_CODEC_INTEGER' }));
    },
  );

  it('writes what it is given into memory of its own', () => {
    const input = Uint8Array.of(5);
    const encoded = encodeBytes(input);
    input[0] = 6;
    expect(encoded).toEqual(Uint8Array.of(5));
  });

  it('knows the size of a list beforehand', () => {
    for (const content of [0, 1, 55, 56, 255, 256, 65_535, 65_536]) {
      expect(encodeList([new Uint8Array(content)]).length).toBe(encodedListBytes(content));
    }
  });

  it('writes what the reader reads: decode(encode(x)) = x', () => {
    fc.assert(
      fc.property(item, (value) => {
        const encoded = encodeItem(value);
        rlpWellFormed(encoded);
        expect(decodeWhole(encoded)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('writes integers that the reader reads back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(new RlpReader(encodeUint(value)).uint(32)).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(encodeUint(value)).toEqual(encodeUint(BigInt(value)));
        expect(new RlpReader(encodeUint(value)).uint53()).toBe(value);
      }),
    );
  });
});

describe('beside @ethereumjs/rlp', () => {
  it('writes the same bytes', () => {
    fc.assert(
      fc.property(item, (value) => {
        expect(encodeItem(value)).toEqual(encodeElsewhere(value));
      }),
      { numRuns: 300 },
    );
  });

  it('reads the same from valid and from damaged bytes, or refuses what the other lets pass (seed 7)', () => {
    const random = seeded(7);
    const samples = fc
      .sample(item, { numRuns: 200, seed: 7 })
      .map(encodeItem)
      .filter((encoded) => encoded.length < 400);
    let accepted = 0;
    const disagreements: string[] = [];
    const stricter = new Map<string, number>();
    for (let round = 0; round < 30_000; round++) {
      const bytes = (samples[random.below(samples.length)] as Uint8Array).slice(random.below(2));
      for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.below(Math.min(bytes.length, 12))] = random.u32();
      }
      const theirs = outcome(() => RLP.decode(bytes) as Item);
      const ours = outcome(() => decodeWhole(bytes));
      if (ours instanceof Error) {
        expect(ours).toBeInstanceOf(CodecError);
        if (!(theirs instanceof Error)) {
          const reason = ours.message.replace(/\d+/g, 'N');
          stricter.set(reason, (stricter.get(reason) ?? 0) + 1);
        }
      } else {
        accepted++;
        // What we let pass, the other does too, and reads the same in it; and there is only one way to write it.
        if (!isDeepStrictEqual(theirs, ours) || !sameBytes(encodeItem(ours), bytes))
          disagreements.push(prefixedHex(bytes));
      }
    }
    expect(disagreements).toEqual([]);
    expect(accepted).toBeGreaterThan(5_000);
    // The other reads an empty string in no bytes at all; in all else both draw the same line.
    expect([...stricter.keys()]).toEqual(['rlp: an item is missing']);
  });

  it('counts as many items as the other decodes', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), (items) => {
        expect(readList(encodeElsewhere(items)).count()).toBe(items.length);
      }),
      { numRuns: 100 },
    );
  });
});

function outcome<T>(read: () => T): T | Error {
  try {
    return read();
  } catch (error) {
    return error as Error;
  }
}

describe('lists of lists, written once', () => {
  const encoded = fc.uint8Array({ maxLength: 300 }).map(encodeBytes);

  it('are as encoded one inside the other, whatever stood in the memory before', () => {
    const element = fc.oneof(encoded, fc.array(encoded, { maxLength: 9 }));
    fc.assert(
      fc.property(fc.array(element, { maxLength: 6 }), fc.integer({ min: 0, max: 255 }), (items, before) => {
        const wanted = encodeList(items.map((one) => (one instanceof Uint8Array ? one : encodeList(one))));
        let asked = 0;
        const written = encodeLists(items, (bytes) => {
          asked = bytes;
          return new Uint8Array(bytes).fill(before);
        });
        expect(asked).toBe(wanted.length);
        expect(written).toEqual(wanted);
        expect(encodeLists(items)).toEqual(wanted);
      }),
    );
  });

  it('throw rather than leave a gap, where an item changes meanwhile', () => {
    const items = [new Uint8Array(9), new Uint8Array(9)];
    expect(() =>
      encodeLists([items], (bytes) => {
        items.pop();
        return new Uint8Array(bytes);
      }),
    ).toThrowError(expect.objectContaining({ code: 'ERR_CODEC_RLP' }));
  });
});

it('strings of one length are a list as any other', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 2, max: 55 })
        .chain((size) =>
          fc.tuple(
            fc.constant(size),
            fc.array(fc.uint8Array({ minLength: size, maxLength: size }), { maxLength: 40 }),
          ),
        ),
      ([size, strings]) => {
        expect(encodeFixedList(strings, size)).toEqual(encodeList(strings.map(encodeBytes)));
      },
    ),
  );
});
