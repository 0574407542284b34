import { afterEach, describe, expect, it, vi } from 'vitest';
import { nobleCrypto } from '../../src/crypto/noble.js';
import { nodeCrypto } from '../../src/crypto/node.js';

const timingSafeEqual = vi.hoisted(() => vi.fn());

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>();
  timingSafeEqual.mockImplementation(original.timingSafeEqual);
  return { ...original, timingSafeEqual };
});

afterEach(() => timingSafeEqual.mockClear());

describe('comparing secrets', () => {
  it('H13: node leaves it to timingSafeEqual, once the lengths are the same', () => {
    const crypto = nodeCrypto();
    const secret = new Uint8Array(32).fill(7);
    expect(crypto.equal(secret, secret.slice())).toBe(true);
    expect(crypto.equal(secret, new Uint8Array(32))).toBe(false);
    expect(timingSafeEqual).toHaveBeenCalledTimes(2);
    expect(crypto.equal(secret, new Uint8Array(31))).toBe(false);
    expect(timingSafeEqual).toHaveBeenCalledTimes(2);
  });

  it('H13: noble reads every byte of both, wherever they differ', () => {
    for (const differsAt of [undefined, 0, 15, 31]) {
      const a = new Uint8Array(32).fill(7);
      const b = a.slice();
      if (differsAt !== undefined) b[differsAt] = 8;
      const reads: string[] = [];
      const watch = (bytes: Uint8Array, name: string): Uint8Array =>
        new Proxy(bytes, {
          get(target, property) {
            if (typeof property === 'string' && /^\d+$/.test(property)) reads.push(name + property);
            return Reflect.get(target, property, target);
          },
        });
      expect(nobleCrypto.equal(watch(a, 'a'), watch(b, 'b'))).toBe(differsAt === undefined);
      expect(reads).toEqual(Array.from({ length: 32 }, (_, i) => [`a${i}`, `b${i}`]).flat());
    }
  });
});
