import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/index.js';
import { KnownSet, knownKeys, MAX_KNOWN } from '../../src/session/known-set.js';

const random = seededRandom('known');
const keys = knownKeys(random);

const hashOf = (number: number): Uint8Array => {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(28, number);
  return hash;
};

describe('known transactions', () => {
  test('cost nothing before there are any, and little while there are few', () => {
    const known = new KnownSet(keys);
    expect(known.bytes).toBe(0);
    expect(known.has(hashOf(1))).toBe(false);
    known.add(hashOf(1));
    expect(known.bytes).toBeLessThan(1_024);
  });

  test('are known once added, and new only once', () => {
    const known = new KnownSet(keys);
    expect(known.add(hashOf(1))).toBe(true);
    expect(known.add(hashOf(1))).toBe(false);
    expect(known.has(hashOf(1))).toBe(true);
    expect(known.has(hashOf(2))).toBe(false);
    expect(known.size).toBe(1);
  });

  test('P13: 200,000 hashes leave the newest 32,768 and 384 KiB', () => {
    const known = new KnownSet(keys);
    for (let i = 0; i < 200_000; i++) known.add(hashOf(i));
    expect(known.size).toBe(MAX_KNOWN);
    expect(known.bytes).toBe(384 * 1_024);
    expect(known.has(hashOf(200_000 - MAX_KNOWN - 1))).toBe(false);
    for (let i = 200_000 - MAX_KNOWN; i < 200_000; i++) expect(known.has(hashOf(i))).toBe(true);
  });

  test('P13: hashes that differ in a bit only, or agree in most bytes, spread over the table', () => {
    const known = new KnownSet(keys);
    const alike = Array.from({ length: MAX_KNOWN }, (_, i) => {
      const hash = new Uint8Array(32).fill(0xff);
      hash[i % 2] = i >> 7;
      hash[30] = i & 0x7f;
      return hash;
    });
    const startMs = performance.now();
    let fresh = 0;
    for (const hash of alike) if (known.add(hash)) fresh++;
    // one long chain would take 2^29 steps
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(fresh).toBe(new Set(alike.map((hash) => `${hash}`)).size);
  });

  test('no unknown hash is taken for a known one', () => {
    const known = new KnownSet(keys);
    for (let i = 0; i < MAX_KNOWN; i++) known.add(random.bytes(32));
    let mistaken = 0;
    for (let i = 0; i < 200_000; i++) if (known.has(hashOf(i))) mistaken++;
    expect(mistaken).toBe(0);
  });

  test('behave as a list of the last n arrivals, whatever is added and taken back', () => {
    const step = fc.record({ number: fc.integer({ min: 0, max: 200 }), back: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const known = new KnownSet(keys, 64);
        /** Each arrival keeps its place, also when it was taken back. */
        const list: (number | undefined)[] = [];
        for (const { number, back } of steps) {
          const at = list.indexOf(number);
          if (back) {
            expect(known.delete(hashOf(number))).toBe(at >= 0);
            if (at >= 0) list[at] = undefined;
            continue;
          }
          expect(known.add(hashOf(number))).toBe(at < 0);
          if (at < 0) list.push(number);
          if (list.length > 64) list.shift();
        }
        expect(known.size).toBe(list.filter((one) => one !== undefined).length);
        for (let number = 0; number <= 200; number++)
          expect(known.has(hashOf(number))).toBe(list.includes(number));
      }),
      { numRuns: 60 },
    );
  });

  test('are the same by a fingerprint that was made for all sets of a node', () => {
    const [one, other] = [new KnownSet(keys), new KnownSet(keys)];
    const hashes = Array.from({ length: 300 }, (_, i) => hashOf(i));
    const prints = one.printsOf(hashes);
    for (let i = 0; i < 300; i += 2) {
      expect(one.addPrint(prints, i)).toBe(true);
      expect(other.add(hashOf(i))).toBe(true);
    }
    for (let i = 0; i < 300; i++) {
      expect(one.hasPrint(prints, i)).toBe(i % 2 === 0);
      expect(one.has(hashOf(i))).toBe(i % 2 === 0);
      expect(other.hasPrint(prints, i)).toBe(i % 2 === 0);
    }
    expect(one.addPrint(prints, 0)).toBe(false);
  });

  test('are forgotten with their memory', () => {
    const known = new KnownSet(keys);
    known.add(hashOf(1));
    known.clear();
    expect(known.has(hashOf(1))).toBe(false);
    expect(known.bytes).toBe(0);
    expect(known.add(hashOf(1))).toBe(true);
  });

  test('are hashes of 32 bytes', () => {
    const known = new KnownSet(keys);
    expect(() => known.add(new Uint8Array(31))).toThrow(RangeError);
    expect(() => new KnownSet(keys, 100)).toThrow(RangeError);
  });
});
