import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  bytesToHex,
  CodecError,
  concatBytes,
  hexToBytes,
  SnappySteps,
  sameBytes,
  snappyCompress,
  snappyDeclaredBytes,
  snappyDecompress,
  snappyDecompressSpent,
  snappyHead,
} from '../../src/codec/index.js';
import { wasmElements } from '../../src/codec/snappy-engine.js';
import { portableElements } from '../../src/codec/snappy-portable.js';
import { seeded } from '../support/codec-random.js';
import { slowSnappyDecode } from '../support/codec-snappy-oracle.js';

const MIB = 1024 * 1024;
const hex = (spaced: string): Uint8Array => hexToBytes(spaced.replaceAll(' ', ''));
/** Small content too. */
const wasm = wasmElements(0);
const both = [wasm, portableElements];
const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_SNAPPY' });
const mixed2047 = bytesToHex(Uint8Array.from({ length: 2047 }, (_, i) => i * 7 + (i >> 8)));

/** Blocks and what they hold, written by hand from the format description. */
const vectors: readonly (readonly [string, string, string])[] = [
  ['nothing', '00', ''],
  ['a literal of 1 byte', '01 00 61', '61'],
  ['a literal of 60 bytes, the longest short one', `3c ec ${'61'.repeat(60)}`, '61'.repeat(60)],
  ['a literal of 61 bytes, its length in one byte', `3d f0 3c ${'61'.repeat(61)}`, '61'.repeat(61)],
  ['a literal with its length in one byte, though short', '02 f0 01 6162', '6162'],
  ['a literal with its length in two bytes', `ac02 f4 2b01 ${'61'.repeat(300)}`, '61'.repeat(300)],
  ['a literal with its length in three bytes', '02 f8 010000 6162', '6162'],
  ['a literal with its length in four bytes', '02 fc 01000000 6162', '6162'],
  ['a copy with one byte of offset', '08 0c 61626364 01 04', '6162636461626364'],
  ['the longest copy with one byte of offset', '0c 00 61 1d 01', '61'.repeat(12)],
  [
    'a copy with all eleven bits of offset',
    `8310 f4 fe07 ${mixed2047} e1 ff`,
    mixed2047 + mixed2047.slice(0, 8),
  ],
  ['a copy that reads what it writes', '0b 04 6162 15 02', '6162616261626162616261'],
  ['a copy with two bytes of offset', '06 04 6162 0e 0200', '616261626162'],
  ['a copy of 64 bytes', '41 00 61 fe 0100', '61'.repeat(65)],
  ['a copy of one byte', '02 00 61 02 0100', '6161'],
  ['a copy with four bytes of offset', '06 04 6162 0f 02000000', '616261626162'],
  ['literals and copies in turn', '0a 00 61 01 01 04 6263 06 0200 00 64', '61616161616263626364'],
];

describe('snappyDecompress', () => {
  it.each(vectors)('reads %s', (_name, block, content) => {
    for (const elements of both) {
      expect(bytesToHex(snappyDecompress(hex(block), MIB, elements))).toBe(content);
    }
    expect(bytesToHex(slowSnappyDecode(hex(block)) ?? new Uint8Array(1))).toBe(content);
    expect(snappyDeclaredBytes(hex(block))).toBe(content.length / 2);
  });

  it('refuses every one of these blocks cut short, at every byte, and with a byte more', () => {
    for (const [, block] of vectors) {
      const whole = hex(block);
      for (let length = 0; length < whole.length; length++) {
        for (const elements of both) {
          expect(() => snappyDecompress(whole.subarray(0, length), MIB, elements)).toThrowError(refused);
        }
      }
      const longer = concatBytes([whole, Uint8Array.of(0)]);
      for (const elements of both)
        expect(() => snappyDecompress(longer, MIB, elements)).toThrowError(refused);
    }
  });

  it('keeps to the limit it is given, to the byte', () => {
    const block = snappyCompress(new Uint8Array(1000));
    expect(snappyDecompress(block, 1000).length).toBe(1000);
    expect(() => snappyDecompress(block, 999)).toThrowError(refused);
    expect(snappyDecompress(hex('00'), 0)).toEqual(new Uint8Array());
  });

  it('returns bytes that are nobody else’s, of memory of 4 KiB at most where they are few', () => {
    const block = hex('02 04 6162');
    const [content, next] = [snappyDecompress(block, 2), snappyDecompress(block, 2)];
    block.fill(0);
    next.fill(0);
    expect(bytesToHex(content)).toBe('6162');
    expect(content.buffer.byteLength).toBeLessThanOrEqual(4_096);
    const large = snappyDecompress(snappyCompress(new Uint8Array(512)), MIB);
    expect(large.buffer.byteLength).toBe(512);
  });
});

describe('SnappySteps', () => {
  it('comes to what snappyDecompress says, whatever the steps', () => {
    const random = seeded(78);
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 9_000 }).map((length) => random.bytes(length)),
      fc.integer({ min: 0, max: 200_000 }).map((length) => new Uint8Array(length).fill(length)),
    );
    const damage = fc.option(fc.tuple(fc.nat(), fc.nat(255)));
    const steps = fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 4 }),
        damage,
        fc.boolean(),
        steps,
        (pieces, hit, cut, each) => {
          const block = snappyCompress(concatBytes(pieces));
          if (hit !== null) block[hit[0] % block.length] = hit[1];
          const sent = cut ? block.slice(0, -1) : block;
          const attempt = (decompress: () => Uint8Array): Uint8Array | string => {
            try {
              return decompress();
            } catch (error) {
              return String(error);
            }
          };
          const outcome = attempt(() => {
            const reading = new SnappySteps(sent, MIB);
            for (let i = 0; ; i++) {
              const content = reading.next(each[i % each.length] as number);
              if (content !== undefined) return content;
            }
          });
          const expected = attempt(() => snappyDecompress(sent, MIB));
          if (typeof outcome === 'string') expect(outcome).toBe(expected);
          else expect(sameBytes(outcome, expected as Uint8Array)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads no more than a step of a long run at once', () => {
    const reading = new SnappySteps(snappyCompress(new Uint8Array(MIB)), MIB);
    for (let step = 1; step < 16; step++) expect(reading.next(MIB / 16)).toBeUndefined();
    expect(reading.next(MIB / 16)).toEqual(new Uint8Array(MIB));
  });

  it('allocates nothing for a claim that is not allowed, or not possible', () => {
    const block = snappyCompress(new Uint8Array(MIB));
    expect(() => new SnappySteps(block, MIB - 1)).toThrow('declared where at most');
    expect(() => new SnappySteps(block.subarray(0, 9), MIB)).toThrow('can yield');
  });
});

describe('snappyDecompressSpent', () => {
  it('says what snappyDecompress says of everything, and leaves alone what it refuses', () => {
    const random = seeded(77);
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 9_000 }).map((length) => random.bytes(length)),
      fc.integer({ min: 0, max: 9_000 }).map((length) => new Uint8Array(length).fill(length)),
      fc.constantFrom(65_535, 65_536, 140_000).map((length) => random.bytes(length)),
    );
    const damage = fc.option(fc.tuple(fc.nat(), fc.nat(255)));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3 }), damage, fc.boolean(), (pieces, hit, cut) => {
        const block = snappyCompress(concatBytes(pieces));
        if (hit !== null) block[hit[0] % block.length] = hit[1];
        const sent = cut ? block.slice(0, -1) : block;
        const attempt = (
          decompress: typeof snappyDecompressSpent,
          bytes: Uint8Array,
        ): Uint8Array | string => {
          try {
            return decompress(bytes, MIB);
          } catch (error) {
            return (error as CodecError).code;
          }
        };
        const spent = sent.slice();
        const outcome = attempt(snappyDecompressSpent, spent);
        const expected = attempt(snappyDecompress, sent);
        if (typeof outcome === 'string') {
          expect(outcome).toBe(expected);
          expect(sameBytes(spent, sent)).toBe(true);
        } else {
          expect(sameBytes(outcome, expected as Uint8Array)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('moves content that did not compress where it lies, and takes memory for what did', () => {
    const random = seeded(78).bytes(140_000);
    const block = snappyCompress(random);
    const content = snappyDecompressSpent(block, MIB);
    expect(sameBytes(content, random)).toBe(true);
    expect(content.buffer).toBe(block.buffer);
    const compressed = snappyCompress(new Uint8Array(140_000));
    expect(snappyDecompressSpent(compressed, MIB).buffer).not.toBe(compressed.buffer);
  });

  it('keeps to the limit it is given, to the byte', () => {
    const block = (): Uint8Array => snappyCompress(seeded(79).bytes(10_000));
    expect(snappyDecompressSpent(block(), 10_000)).toHaveLength(10_000);
    expect(() => snappyDecompressSpent(block(), 9_999)).toThrowError(refused);
  });
});

describe('snappy from a peer', () => {
  /** Runs `attempt` and @returns the sizes of all byte arrays that it made from a number, cleared or not. */
  function allocations(attempt: () => void): number[] {
    const sizes: number[] = [];
    const real = globalThis.Uint8Array;
    const watched = new Proxy(real, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') sizes.push(args[0]);
        return Reflect.construct(target, args, newTarget);
      },
    });
    vi.stubGlobal('Uint8Array', watched);
    const notCleared = vi.spyOn(Buffer, 'allocUnsafeSlow');
    try {
      attempt();
      return [...sizes, ...notCleared.mock.calls.map(([size]) => size)];
    } finally {
      vi.unstubAllGlobals();
      notCleared.mockRestore();
    }
  }

  it('S1: nothing is allocated before the claim was checked against the limit and against what the bytes can yield', () => {
    const claims: readonly (readonly [string, string])[] = [
      ['4 GiB − 1 of five bytes', 'ffffffff0f 00 61 00 61'],
      ['10 MiB of a few bytes, within the limit', '80808005 00 61 fe 0100'],
      ['one byte more than three copies can yield', `${'c201'} ${'fe0100'.repeat(3)}`],
      ['some of nothing', '02'],
    ];
    for (const [says, spaced] of claims) {
      const block = hex(spaced);
      const sizes = allocations(() => {
        expect(() => snappyDecompress(block, 10 * MIB), says).toThrowError(refused);
      });
      expect(sizes, says).toEqual([]);
    }
    // The watch does see what is allocated where the claim is honest.
    const honest = snappyCompress(new Uint8Array(5000));
    expect(allocations(() => snappyDecompress(honest, MIB))).toContain(5000);
  });

  it('S1: the best that a block can yield is let through', () => {
    const block = concatBytes([hex('c1800c 00 61'), ...Array.from({ length: 3073 }, () => hex('fe 0100'))]);
    // 1 + 3,073 × 64 bytes from 2 + 3 × 3,073
    expect(snappyDeclaredBytes(block)).toBe(196_673);
    expect(snappyDecompress(block, MIB)).toEqual(new Uint8Array(196_673).fill(0x61));
  });

  it('E6: 6 bytes that declare 256 MiB are refused, whatever the limit', () => {
    const block = hex('80808080 01 00');
    expect(block.length).toBe(6);
    expect(snappyDeclaredBytes(block)).toBe(256 * MIB);
    const sizes = allocations(() => {
      expect(() => snappyDecompress(block, 10 * MIB)).toThrowError(refused);
      expect(() => snappyDecompress(block, Number.POSITIVE_INFINITY)).toThrowError(refused);
    });
    expect(sizes).toEqual([]);
  });

  it('E7: 65 bytes of content where 1 is declared are refused, not cut', () => {
    for (const elements of both) {
      expect(() => snappyDecompress(hex('01 00 61 fe 0100'), MIB, elements)).toThrowError(refused);
      expect(() => snappyDecompress(hex(`01 f0 40 ${'61'.repeat(65)}`), MIB, elements)).toThrowError(refused);
    }
  });

  it.each([
    ['no bytes', ''],
    ['a length cut short', '80'],
    ['a length of five bytes cut short', '80808080'],
    ['a length of six bytes', '808080808001 00 61'],
    ['a length of 2^32', '8080808010 00 61'],
    ['a length of 2^35 − 1', 'ffffffff7f 00 61'],
    ['a length that is longer than it need be', '8100 00 61'],
    ['a zero that is longer than it need be', '8000'],
    ['less content than declared', '05 0c 61626364'],
    ['no content where some is declared', '01'],
    ['more content than declared', '03 0c 61626364'],
    ['content where none is declared', '00 00 61'],
    ['bytes after the content', '01 00 61 00'],
    ['an element after the content', '01 00 61 00 62'],
    ['a literal beyond the end', '04 0c 616263'],
    ['a literal whose length is cut short', '04 f4 03'],
    ['a literal of 2^32', '04 fc ffffffff 61'],
    ['a copy of offset 0', '05 00 61 01 00'],
    ['a copy of offset 0 in two bytes', '05 00 61 0e 0000'],
    ['a copy of offset 0 in four bytes', '05 00 61 0f 00000000'],
    ['a copy from before the start', '05 00 61 01 02'],
    ['a copy from 2 GiB before the start', '05 00 61 0f 00000080'],
    ['a copy from 4 GiB before the start', '05 00 61 0f ffffffff'],
    ['a copy before any content', '04 01 01'],
    ['a copy that has no offset', '05 00 61 01'],
    ['a copy that has half an offset', '05 00 61 0e 01'],
    ['a copy that has three quarters of an offset', '05 00 61 0f 010000'],
    ['a copy beyond what is declared', '04 00 61 01 01'],
  ])('S2: %s', (_name, block) => {
    for (const elements of both) {
      expect(() => snappyDecompress(hex(block), MIB, elements)).toThrowError(refused);
    }
    expect(slowSnappyDecode(hex(block))).toBeUndefined();
  });

  it('S2: agrees with a second decoder on damaged blocks (seed 2)', () => {
    const random = seeded(2);
    let accepted = 0;
    const disagreements: string[] = [];
    const rounds = 40_000;
    for (let round = 0; round < rounds; round++) {
      const [, whole] = vectors[
        random.below(vectors.length - 6) + (random.below(2) ? 0 : 6)
      ] as (typeof vectors)[number];
      const block = whole.length > 1000 ? snappyCompress(pieces(random, 100)) : hex(whole);
      for (let flips = random.below(3); flips > 0; flips--) block[random.below(block.length)] = random.u32();
      const ours = outcome(() => snappyDecompress(block, MIB, portableElements));
      const fast = outcome(() => snappyDecompress(block, MIB, wasm));
      if (ours !== undefined) accepted++;
      if (!isDeepStrictEqual(ours, slowSnappyDecode(block)) || !isDeepStrictEqual(ours, fast))
        disagreements.push(bytesToHex(block));
    }
    expect(disagreements).toEqual([]);
    expect(accepted).toBeGreaterThan(rounds / 4);
    expect(accepted).toBeLessThan(rounds);
  });

  it('S2: agrees with it where one copy stands again and again, also where the block is bent (seed 4)', () => {
    const random = seeded(4);
    const disagreements: string[] = [];
    let accepted = 0;
    const rounds = 3_000;
    for (let round = 0; round < rounds; round++) {
      const literalBytes = 1 + random.below(59);
      const block = [
        (literalBytes - 1) << 2,
        ...Array.from({ length: literalBytes }, () => random.below(256)),
      ];
      let declared = literalBytes;
      for (let runs = 1 + random.below(3); runs > 0; runs--) {
        const offset = 1 + random.below(Math.min(declared, 300));
        const [low, high] = [offset & 0xff, offset >> 8];
        for (let times = 1 + random.below(20); times > 0; times--, declared += 64)
          block.push(0xfe, low, high);
        const last = 1 + random.below(64);
        block.push(((last - 1) << 2) | 2, low, high);
        declared += last;
      }
      if (random.below(4) === 0) block[random.below(block.length)] = random.below(256);
      if (random.below(4) === 0) declared += random.below(3) - 1;
      const whole = Uint8Array.of(0x80 | (declared & 0x7f), declared >> 7, ...block);
      if (declared >> 7 === 0) continue;
      const ours = outcome(() => snappyDecompress(whole, MIB, portableElements));
      const fast = outcome(() => snappyDecompress(whole, MIB, wasm));
      if (ours !== undefined) accepted++;
      if (!isDeepStrictEqual(ours, slowSnappyDecode(whole)) || !isDeepStrictEqual(ours, fast))
        disagreements.push(bytesToHex(whole));
    }
    expect(disagreements).toEqual([]);
    expect(accepted).toBeGreaterThan(rounds / 2);
    expect(accepted).toBeLessThan(rounds);
  });

  it('S3: random bytes end in content or in the one error (seed 3)', () => {
    const random = seeded(3);
    const buffer = new Uint8Array(64);
    let refusals = 0;
    const rounds = 150_000;
    for (let round = 0; round < rounds; round++) {
      const block = buffer.subarray(0, 1 + random.below(63));
      for (let i = 0; i < block.length; i++) block[i] = random.u32();
      if (random.below(2) === 0) block[0] = random.below(64); // a plausible claim, so that elements are reached
      if (outcome(() => snappyDecompress(block, 4096, both[round & 1])) === undefined) refusals++;
    }
    expect(refusals).toBeGreaterThan(0);
    expect(refusals).toBeLessThanOrEqual(rounds);
  });
});

describe('snappyHead', () => {
  it('S4: is the beginning of the content, whatever stands behind it', () => {
    const random = seeded(12);
    for (let round = 0; round < 2_000; round++) {
      const content = random.below(2) === 0 ? pieces(random, 1 + random.below(600)) : new Uint8Array(round);
      const block = snappyCompress(content);
      const bytes = random.below(40);
      expect(snappyHead(block, bytes)).toEqual(content.subarray(0, bytes));
    }
    const block = snappyCompress(pieces(seeded(13), 4_000));
    const head = snappyHead(block, 18);
    expect(snappyHead(concatBytes([block.subarray(0, 200), new Uint8Array(3_000)]), 18)).toEqual(head);
  });

  it.each([
    ['nothing after the length', '12'],
    ['a copy from before the start', '12fe0900'],
    ['a copy from before the start, after some content', '1208414243fe0900'],
    ['a literal that is cut short', '12444142'],
    ['a literal whose length is cut short', '12f4'],
    ['a literal of more than is there', '12f0ff41'],
    ['a copy whose offset is cut short', '1208414243fe01'],
    ['a copy of offset nothing', '12084142430100'],
  ])('S2: %s is the one error, if it lies in the head', (_name, block) => {
    expect(outcome(() => snappyHead(hex(block), 18))).toBeUndefined();
    expect(outcome(() => snappyDecompress(hex(block), 18))).toBeUndefined();
  });

  it('S4: 10 MiB are not allocated for 18 bytes', () => {
    const block = snappyCompress(new Uint8Array(10 * MIB));
    const head = snappyHead(block, 18);
    expect(head.buffer.byteLength).toBe(18);
  });

  it('S2, S3: what is damaged so far is the one error, of random bytes as of damaged ones (seed 14)', () => {
    const random = seeded(14);
    const buffer = new Uint8Array(64);
    for (let round = 0; round < 60_000; round++) {
      const block = buffer.subarray(0, 1 + random.below(63));
      for (let i = 0; i < block.length; i++) block[i] = random.u32();
      if (random.below(2) === 0) block[0] = random.below(64);
      const whole = outcome(() => snappyDecompress(block, 4096));
      const head = outcome(() => snappyHead(block, 18));
      // where the whole is right, so is its head; where the head is wrong, so is the whole
      if (whole !== undefined) expect(head).toEqual(whole.subarray(0, 18));
    }
  });
});

describe('snappyCompress', () => {
  it.each([
    ['nothing', new Uint8Array()],
    ['one byte', Uint8Array.of(7)],
    ['16 bytes alike', new Uint8Array(16)],
    ['64 KiB, one block', pieces(seeded(4), 65_536)],
    ['64 KiB and a byte', pieces(seeded(5), 65_537)],
    ['three blocks', pieces(seeded(6), 196_608)],
    ['1 MiB of zeros', new Uint8Array(MIB)],
    ['300 KiB of noise', seeded(7).bytes(300 * 1024)],
    ['every byte in turn', Uint8Array.from({ length: 70_000 }, (_, i) => i)],
    [
      'noise with a repeat 65,535 back',
      concatBytes([seeded(8).bytes(65_000), new Uint8Array(600), seeded(8).bytes(400)]),
    ],
  ])('is undone by both decoders: %s', (_name, content) => {
    const block = snappyCompress(content);
    expect(sameBytes(snappyDecompress(block, content.length), content)).toBe(true);
    if (content.length < 2 * 65_536) expect(sameBytes(slowSnappyDecode(block) ?? block, content)).toBe(true);
    expect(block.buffer.byteLength).toBe(block.length);
  });

  it('is undone at every length from 0 to 300, of noise and of what repeats', () => {
    for (let length = 0; length <= 300; length++) {
      for (const content of [
        seeded(length).bytes(length),
        new Uint8Array(length),
        pieces(seeded(length), length),
      ]) {
        const block = snappyCompress(content);
        expect(sameBytes(snappyDecompress(block, length), content)).toBe(true);
        expect(sameBytes(slowSnappyDecode(block) ?? Uint8Array.of(1, 2), content)).toBe(true);
      }
    }
  });

  it('makes much less of what repeats', () => {
    // what a copy of 64 bytes in 3 allows, and a little
    expect(snappyCompress(new Uint8Array(MIB)).length).toBeLessThan(MIB / 21);
    const text = new TextEncoder().encode(
      'a sentence that says the same again and again, and then once more. '.repeat(2000),
    );
    expect(snappyCompress(text).length).toBeLessThan(text.length / 15);
    // 32-byte words with zeros in front, as calldata is made of
    const words = concatBytes(
      Array.from({ length: 4000 }, (_, i) => concatBytes([new Uint8Array(28), seeded(i).bytes(4)])),
    );
    expect(snappyCompress(words).length).toBeLessThan(words.length / 2.5);
  });

  it('adds next to nothing to what does not compress', () => {
    const noise = seeded(9).bytes(MIB);
    expect(snappyCompress(noise).length).toBeLessThan(MIB + 4 + 16 * 3 + 64);
  });

  it('has room for the worst mixture of literals and short matches', () => {
    // 62 new bytes, then 4 that were there more than 2,047 bytes before: each pair costs a byte more than it holds.
    const content = seeded(10).bytes(65_536);
    for (let pair = 0; 67 + 66 * pair <= content.length; pair++) {
      const from = 2 + 66 * Math.max(0, pair - 40);
      content.set(content.subarray(from, from + 4), 63 + 66 * pair);
    }
    const block = snappyCompress(content);
    expect(block.length).toBeGreaterThan(content.length + 100);
    expect(sameBytes(snappyDecompress(block, content.length), content)).toBe(true);
  });

  it('is undone, whatever the content', () => {
    const run = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(40));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 40 }), (runs) => {
        const content = concatBytes(
          runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes)),
        );
        const block = snappyCompress(content);
        expect(snappyDeclaredBytes(block)).toBe(content.length);
        expect(sameBytes(snappyDecompress(block, content.length), content)).toBe(true);
        expect(sameBytes(slowSnappyDecode(block) ?? block, content)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same bytes each time, whatever was compressed before', () => {
    const content = pieces(seeded(11), 100_000);
    const first = snappyCompress(content);
    snappyCompress(seeded(12).bytes(200_000));
    expect(sameBytes(snappyCompress(content), first)).toBe(true);
  });
});

/** Content that repeats itself at all distances, with new bytes between. */
function pieces(random: ReturnType<typeof seeded>, length: number): Uint8Array {
  const content = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const piece = Math.min(1 + random.below(80), length - at);
    if (at > 0 && random.below(3) > 0) {
      const from = random.below(at);
      for (let i = 0; i < piece; i++) content[at + i] = content[from + i] as number;
    } else {
      content.set(random.bytes(piece), at);
    }
    at += piece;
  }
  return content;
}

function outcome(read: () => Uint8Array): Uint8Array | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodecError && error.code === 'ERR_CODEC_SNAPPY') return undefined;
    throw error;
  }
}

describe('a long match', () => {
  it('ends exactly where the first byte differs, however long it is', () => {
    for (const length of [511, 512, 513, 1_023, 1_024, 1_535, 1_536, 1_537, 5_000, 20_000, 30_000]) {
      const once = seeded(length).bytes(length);
      const content = new Uint8Array(2 * length + 40);
      content.set(once);
      content.set(once, length + 20);
      content[2 * length + 20] = ~(once[0] as number); // what follows is not what followed
      content[length] = once[0] as number;
      const compressed = snappyCompress(content);
      expect(sameBytes(snappyDecompress(compressed, content.length), content)).toBe(true);
      // a literal, and copies of 64 bytes in three; wide steps find the second half a little behind its beginning
      expect(compressed.length).toBeLessThan(1.02 * length + 3 * Math.ceil(length / 64) + 70);
    }
  });

  it('reaches neither beyond its block nor beyond the end', () => {
    for (const length of [65_535, 65_536, 65_537, 66_100, 131_072, 200_000]) {
      const content = new Uint8Array(length);
      const compressed = snappyCompress(content);
      expect(sameBytes(snappyDecompress(compressed, length), content)).toBe(true);
      expect(compressed.length).toBeLessThan(length / 20);
    }
  });
});
