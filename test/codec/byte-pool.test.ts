import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BytePool, unfilled } from '../../src/codec/index.js';

test('what was given back is lent again, the last first', () => {
  const pool = new BytePool(65_536, 1_000_000);
  const [first, second] = [pool.lend(5_000), pool.lend(8_192)];
  expect([first, second].map(({ length }) => length)).toEqual([8_192, 8_192]);
  pool.giveBack(first);
  pool.giveBack(second);
  expect(pool.keptBytes).toBe(16_384);
  expect(pool.lend(6_000)).toBe(second);
  expect(pool.lend(6_000)).toBe(first);
  expect(pool.lend(4_097)).not.toBe(second);
  expect(pool.keptBytes).toBe(0);
});

test('the least that is lent may be said', () => {
  const pool = new BytePool(65_536, 1_000_000, 1_024);
  expect([1, 1_024, 1_025].map((bytes) => pool.lend(bytes).length)).toEqual([1_024, 1_024, 2_048]);
});

test('memory above the largest size is as large as asked for, and not kept', () => {
  const pool = new BytePool(8_192, 1_000_000);
  const large = pool.lend(8_193);
  expect(large).toHaveLength(8_193);
  pool.giveBack(large);
  expect(pool.keptBytes).toBe(0);
});

test('never are two borrowers given the same memory, nor more kept than may be', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40_000 }))), (steps) => {
      const pool = new BytePool(32_768, 100_000);
      const out = new Set<ArrayBufferLike>();
      const lent: Uint8Array[] = [];
      for (const [give, number] of steps) {
        const back = give ? lent.splice(number % (lent.length + 1), 1)[0] : undefined;
        if (back === undefined) {
          const bytes = pool.lend(number);
          expect(bytes.length).toBeGreaterThanOrEqual(number);
          if (number > 4_096) expect(bytes.length).toBeLessThan(2 * number);
          expect(out.has(bytes.buffer)).toBe(false);
          out.add(bytes.buffer);
          lent.push(bytes);
        } else {
          pool.giveBack(back);
          out.delete(back.buffer);
        }
        expect(pool.keptBytes).toBeLessThanOrEqual(100_000);
      }
    }),
  );
});

test('memory that nobody has: a piece of its own, or side by side where it is small, and never twice', () => {
  for (const length of [512, 4_095, 4_096, 5_000]) {
    const bytes = unfilled(length);
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([length, length]);
    expect(Buffer.isBuffer(bytes)).toBe(false);
  }
  const taken = new Map<ArrayBufferLike, number>();
  for (let i = 0; i < 1_000; i++) {
    const bytes = unfilled((i * 37) % 512);
    expect(bytes).toHaveLength((i * 37) % 512);
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(4_096);
    if (bytes.length === 0) continue;
    expect(bytes.byteOffset).toBeGreaterThanOrEqual(taken.get(bytes.buffer) ?? 0);
    taken.set(bytes.buffer, bytes.byteOffset + bytes.length);
  }
  expect(taken.size).toBeLessThan(100);
});
