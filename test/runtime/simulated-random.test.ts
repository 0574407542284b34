import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/runtime/index.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the seeded generator', () => {
  it('replays from its seed', () => {
    const draw = (seed: number | string): string => {
      const random = seededRandom(seed);
      return `${hex(random.bytes(13))} ${random.unit()} ${random.below(1_000)} ${hex(random.bytes(3))}`;
    };
    expect(draw(7)).toBe(draw(7));
    expect(draw(7)).toBe(draw('7'));
    expect(new Set(Array.from({ length: 500 }, (_, seed) => draw(seed))).size).toBe(500);
  });

  it('forks by label, without touching its own course', () => {
    const a = seededRandom(1);
    const b = seededRandom(1);
    a.bytes(100);
    expect(hex(a.fork('x').bytes(8))).toBe(hex(b.fork('x').bytes(8)));
    expect(hex(b.fork('x').bytes(8))).not.toBe(hex(b.fork('y').bytes(8)));
    b.bytes(100);
    expect(hex(a.bytes(8))).toBe(hex(b.bytes(8)));
  });

  it('spreads evenly over bytes, the unit interval and integers', () => {
    const random = seededRandom('even');
    const counts = new Array<number>(256).fill(0);
    for (const byte of random.bytes(256_000)) counts[byte] = (counts[byte] ?? 0) + 1;
    // 1,000 each are expected; the square deviations of an even spread add up to about 255 (deviation about 23).
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    expect(chiSquare).toBeGreaterThan(150);
    expect(chiSquare).toBeLessThan(370);
    let total = 0;
    for (let i = 0; i < 10_000; i++) {
      const unit = random.unit();
      expect(unit >= 0 && unit < 1).toBe(true);
      total += unit;
    }
    expect(Math.abs(total / 10_000 - 0.5)).toBeLessThan(0.02);
    expect(new Set(Array.from({ length: 200 }, () => random.below(6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  it('refuses a limit that is none', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(() => seededRandom(1).below(limit)).toThrow(RangeError);
    }
  });
});
