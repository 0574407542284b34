import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  bytesToHex,
  concatBytes,
  sameBytes,
  snappyCompress,
  snappyCompressInto,
  snappyDecompress,
  snappyMostBytes,
} from '../../src/codec/index.js';
import { fastestElements, wasmElements } from '../../src/codec/snappy-engine.js';
import { portableElements } from '../../src/codec/snappy-portable.js';
import { seeded } from '../support/codec-random.js';
import { slowSnappyDecode } from '../support/codec-snappy-oracle.js';

/** What the areas of the module have room for. */
const ROOM = 2_621_440;
const wasm = wasmElements(0);
const backEnds = [
  { name: 'WebAssembly', elements: wasm, other: portableElements },
  { name: 'TypeScript', elements: portableElements, other: wasm },
];
const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_CODEC_SNAPPY' });

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Words of one to nine bytes out of a handful, with noise between: matches of all lengths at all distances. */
function mixed(random: ReturnType<typeof seeded>, length: number): Uint8Array {
  const words = Array.from({ length: 1 + random.below(12) }, () => random.bytes(1 + random.below(9)));
  const parts: Uint8Array[] = [];
  for (let bytes = 0; bytes < length; ) {
    const word = words[random.below(words.length)] as Uint8Array;
    const part =
      random.below(4) === 0
        ? random.bytes(1 + random.below(70))
        : concatBytes(Array.from({ length: 1 + random.below(30) }, () => word));
    parts.push(part);
    bytes += part.length;
  }
  return concatBytes(parts).slice(0, length);
}

describe.each(backEnds)('snappy in $name', ({ elements, other }) => {
  it('is read by the other and by a second decoder, at every length up to 300 and some above', () => {
    const random = seeded(21);
    const lengths = Array.from({ length: 300 }, (_, length) => length);
    for (const length of [...lengths, 2_047, 2_048, 4_095, 4_097, 20_000]) {
      for (const content of [mixed(random, length), random.bytes(length), new Uint8Array(length)]) {
        const block = snappyCompress(content, elements);
        expect(sameBytes(snappyDecompress(block, length, other), content)).toBe(true);
        expect(sameBytes(snappyDecompress(block, length, elements), content)).toBe(true);
        if (length < 5_000)
          expect(sameBytes(slowSnappyDecode(block) ?? Uint8Array.of(1, 2), content)).toBe(true);
      }
    }
  });

  it('is read by the other across blocks, and beyond the room of the module', () => {
    const random = seeded(22);
    for (const length of [65_535, 65_536, 65_537, 196_608, 200_001, ROOM - 1, ROOM, ROOM + 1]) {
      const content = length < ROOM - 1 ? mixed(random, length) : new Uint8Array(length).fill(7);
      content[length - 1] = 8;
      const block = snappyCompress(content, elements);
      expect(sameBytes(snappyDecompress(block, length, other), content)).toBe(true);
      expect(sameBytes(snappyDecompress(block, length, elements), content)).toBe(true);
    }
  });

  it('reads a block that is longer than the room, and elements as long as the room', () => {
    const noise = concatBytes([seeded(23).bytes(ROOM - 100_000), new Uint8Array(100_000)]);
    for (const bytes of [noise.subarray(0, ROOM - 200_000), noise, concatBytes([noise, noise])]) {
      const block = snappyCompress(bytes, elements);
      expect(sameBytes(snappyDecompress(block, bytes.length, elements), bytes)).toBe(true);
    }
  });

  it('writes within the most that it says, and leaves what is behind', () => {
    const random = seeded(24);
    for (let round = 0; round < 300; round++) {
      const content = mixed(random, random.below(900));
      const out = new Uint8Array(3 + snappyMostBytes(content.length) + 3).fill(0xee);
      const end = snappyCompressInto(content, out, 3, elements);
      expect(end).toBeLessThanOrEqual(out.length - 3);
      expect(out.subarray(0, 3).every((byte) => byte === 0xee)).toBe(true);
      expect(out.subarray(end).every((byte) => byte === 0xee)).toBe(true);
      expect(sameBytes(snappyDecompress(out.slice(3, end), 900, other), content)).toBe(true);
    }
  });

  it('S2: nothing of an earlier message shows where one holds less than it declares', () => {
    const secret = snappyCompress(new Uint8Array(5_000).fill(0xaa), elements);
    for (const [declared, ...block] of [
      [70, 0, 1],
      [70, 0, 1, 0xfa, 1, 0],
      [70, 0xf0, 68, ...new Uint8Array(68)],
    ]) {
      expect(snappyDecompress(secret, 5_000, elements).every((byte) => byte === 0xaa)).toBe(true);
      const short = Uint8Array.of(declared as number, ...block);
      expect(() => snappyDecompress(short, 5_000, elements)).toThrowError(refused);
    }
  });
});

describe('snappy in WebAssembly and in TypeScript', () => {
  it('S2, S3: say the same of blocks bent anywhere, down to the message (seed 25)', () => {
    const random = seeded(25);
    const told = (block: Uint8Array, elements: typeof wasm): Uint8Array | string => {
      try {
        return snappyDecompress(block, 4_096, elements);
      } catch (error) {
        return String(error);
      }
    };
    const disagreements: string[] = [];
    let accepted = 0;
    const rounds = 12_000;
    for (let round = 0; round < rounds; round++) {
      const content = mixed(random, random.below(500));
      let block = snappyCompress(content, random.below(2) === 0 ? wasm : portableElements);
      for (let bends = random.below(3); bends > 0; bends--)
        block[random.below(block.length)] = random.below(256);
      if (random.below(8) === 0) block = block.slice(0, random.below(block.length));
      const [ours, fast] = [told(block, portableElements), told(block, wasm)];
      if (typeof ours !== 'string') accepted++;
      if (!isDeepStrictEqual(ours, fast)) disagreements.push(bytesToHex(block));
    }
    expect(disagreements).toEqual([]);
    expect(accepted).toBeGreaterThan(rounds / 4);
    expect(accepted).toBeLessThan(rounds);
  });

  it('compress to the same bytes', () => {
    const random = seeded(26);
    for (let round = 0; round < 400; round++) {
      const content = mixed(random, random.below(round % 40 === 0 ? 150_000 : 2_000));
      const [ours, fast] = [snappyCompress(content, portableElements), snappyCompress(content, wasm)];
      expect(sameBytes(ours, fast)).toBe(true);
    }
  });
});

describe('the choice between them', () => {
  it('is made once, and takes WebAssembly where it works', () => {
    expect(fastestElements()).toBe(fastestElements());
    expect(fastestElements()).not.toBe(portableElements);
  });

  it('is TypeScript where a process runs without WebAssembly', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    vi.resetModules();
    const fresh = await import('../../src/codec/snappy-engine.js');
    const { portableElements: portable } = await import('../../src/codec/snappy-portable.js');
    expect(() => fresh.wasmElements()).toThrowError('this process runs without WebAssembly');
    expect(fresh.fastestElements()).toBe(portable);
    const { snappyCompress: compress, snappyDecompress: decompress } = await import(
      '../../src/codec/index.js'
    );
    expect(decompress(compress(new Uint8Array(5_000).fill(3)), 5_000)).toEqual(new Uint8Array(5_000).fill(3));
  });
});
