import { describe, expect, it } from 'vitest';
import { seeded } from '../support/codec-random.js';
import { loadedBackends } from '../support/crypto-backends.js';
import { bytes, hex, N, P, point, scalar, text, word } from '../support/crypto-values.js';

const failing = (code: string): unknown => expect.objectContaining({ name: 'CryptoError', code });
const MAX = 2n ** 256n - 1n;

const Gx = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n;
const Gy = 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n;
/** A point whose x is 1 and one whose y is small enough that it can be written with p added, in 256 bits. */
const onX1 = point(1n, 0x4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7een);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P)
    if (e & 1n) result = (result * b) % P;
  return result;
}

/** A point of the curve with the smallest y that has one: x is a cube root of y² − 7. */
function smallY(): { x: bigint; y: bigint } {
  for (let y = 1n; ; y++) {
    const cube = (((y * y - 7n) % P) + P) % P;
    if (power(cube, (P - 1n) / 3n) !== 1n) continue; // no cube
    const x = power(cube, (P + 2n) / 9n); // p = 7 mod 9
    if ((x * x * x - cube) % P === 0n) return { x, y };
  }
}

/** A point of the twist y² = x³ + c with a small subgroup: what invalid-curve attacks send. */
function onAnotherCurve(): Uint8Array {
  for (let x = 2n; ; x++) {
    for (const c of [2n, 3n, 5n, 6n]) {
      const square = (x * x * x + c) % P;
      const y = power(square, (P + 1n) / 4n);
      if ((y * y) % P === square) return point(x, y);
    }
  }
}

const small = smallY();
const badPoints: readonly (readonly [string, Uint8Array])[] = [
  ['64 zero bytes', new Uint8Array(64)],
  ['64 bytes ff', new Uint8Array(64).fill(0xff)],
  ['x = 0', point(0n, Gy)],
  ['y = 0', point(Gx, 0n)],
  ['x = y = 1', point(1n, 1n)],
  ['y off by one', point(Gx, Gy + 1n)],
  ['x off by one', point(Gx + 1n, Gy)],
  ['x and y swapped', point(Gy, Gx)],
  ['random bytes', seeded(21).bytes(64)],
  ['a point of another curve', onAnotherCurve()],
  ['x = p', point(P, Gy)],
  ['y = p', point(Gx, P)],
  ['x = p, y = p', point(P, P)],
  ['x + p', point(1n + P, BigInt(`0x${hex(onX1.subarray(32))}`))],
  ['y + p', point(small.x, small.y + P)],
  ['x = 2^256 − 1', point(MAX, Gy)],
  ['y = 2^256 − 1', point(Gx, MAX)],
  ['x = p − 1 without a y', point(P - 1n, 1n)],
  ['no bytes: infinity as SEC 1 has none of it', new Uint8Array()],
  ['one zero byte: infinity in SEC 1', Uint8Array.of(0)],
  ['65 zero bytes', new Uint8Array(65)],
  ['63 bytes', point(Gx, Gy).subarray(1)],
  ['65 bytes, with the prefix of SEC 1', bytes(`04${hex(point(Gx, Gy))}`)],
  ['33 bytes, compressed, even', bytes(`02${hex(word(Gx))}`)],
  ['33 bytes, compressed, odd', bytes(`03${hex(word(Gx))}`)],
  ['65 bytes, hybrid', bytes(`06${hex(point(Gx, Gy))}`)],
  ['128 bytes', new Uint8Array(128)],
];

const backends = loadedBackends();

describe.each(backends.map((crypto) => [crypto.name, crypto] as const))(
  'the back end %s, from a peer',
  (_name, crypto) => {
    describe('H1, H3, H7: points', () => {
      it('the points that the bad ones were made of are good', () => {
        expect(crypto.isPublicKey(onX1)).toBe(true);
        expect(crypto.isPublicKey(point(small.x, small.y))).toBe(true);
        expect(small.y + P).toBeLessThan(MAX);
        expect(crypto.isPublicKey(point(Gx, Gy))).toBe(true);
        expect(crypto.isPublicKey(point(Gx, P - Gy))).toBe(true);
      });

      it.each(badPoints)('H1, H3, H7: %s is no point, and no secret is multiplied with it', (_says, bad) => {
        expect(crypto.isPublicKey(bad)).toBe(false);
        expect(() => crypto.ecdh(scalar(2), bad)).toThrowError(failing('ERR_CRYPTO_POINT'));
      });

      it('H3: a coordinate of p or more is refused for every x from 1 to 32 that has a point', () => {
        let tried = 0;
        for (let x = 1n; x <= 32n; x++) {
          const square = (x * x * x + 7n) % P;
          const y = power(square, (P + 1n) / 4n);
          if ((y * y) % P !== square) continue;
          tried++;
          expect(crypto.isPublicKey(point(x, y))).toBe(true);
          expect(crypto.isPublicKey(point(x + P, y))).toBe(false);
          expect(crypto.isPublicKey(point(x, P - y))).toBe(true);
        }
        expect(tried).toBeGreaterThan(10);
      });

      it('H1: a flip of any bit of a point is refused', () => {
        const good = crypto.publicKey(scalar(5));
        for (let bit = 0; bit < 512; bit++) {
          const bad = good.slice();
          bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
          expect(crypto.isPublicKey(bad)).toBe(false);
        }
      });

      it('the point is judged before the secret is looked at', () => {
        expect(() => crypto.ecdh(new Uint8Array(32), new Uint8Array(64))).toThrowError(
          failing('ERR_CRYPTO_POINT'),
        );
      });
    });

    describe('H12: signatures', () => {
      const hash = crypto.keccak256(text('signed'));
      const good = crypto.sign(hash, scalar(9));
      const r = good.slice(0, 32);
      const s = good.slice(32, 64);
      const make = (rBytes: Uint8Array, sBytes: Uint8Array, id: number): Uint8Array => {
        const signature = new Uint8Array(65);
        signature.set(rBytes);
        signature.set(sBytes, 32);
        signature[64] = id;
        return signature;
      };

      it.each([
        ['r of 0', make(word(0n), s, 0)],
        ['s of 0', make(r, word(0n), 0)],
        ['r and s of 0', make(word(0n), word(0n), 0)],
        ['r of n', make(word(N), s, 0)],
        ['s of n', make(r, word(N), 0)],
        ['r of p', make(word(P), s, 0)],
        ['r of 2^256 − 1', make(word(MAX), s, 0)],
        ['s of 2^256 − 1', make(r, word(MAX), 0)],
        ['r that is no x of the curve', make(word(5n), s, 0)],
        ['no bytes', new Uint8Array()],
        ['64 bytes', good.subarray(0, 64)],
        ['66 bytes', new Uint8Array(66).fill(1)],
      ])('H12: %s leads to no key', (_says, signature) => {
        expect(crypto.recover(hash, signature)).toBeUndefined();
      });

      it('H12: recovery ids 2 and 3 lead to no key where r + n is beyond the field, 4 to 255 never do', () => {
        for (let id = 2; id < 256; id++) expect(crypto.recover(hash, make(r, s, id))).toBeUndefined();
        // the rare r for which they do: small, with a point at x = r + n
        let found = 0;
        for (let small = 1n; small < 20n; small++) {
          const key = crypto.recover(hash, make(word(small), s, 2));
          if (key === undefined) continue;
          found++;
          expect(crypto.isPublicKey(key)).toBe(true);
        }
        expect(found).toBeGreaterThan(0);
      });

      it('H12: a signature that would lead to infinity leads to no key', () => {
        // The key is (s·R − h·G) / r: with R = G, which has an even y, and s = h nothing is left of it.
        const h = BigInt(`0x${hex(hash)}`) % N;
        expect(crypto.recover(hash, make(word(Gx % N), word(h), 0))).toBeUndefined();
      });

      it('H12: random signatures end in a point or in none (seed 22)', () => {
        const random = seeded(22);
        let keys = 0;
        for (let round = 0; round < 60; round++) {
          const signature = random.bytes(65);
          signature[64] = random.below(4);
          const key = crypto.recover(hash, signature);
          if (key === undefined) continue;
          keys++;
          expect(crypto.isPublicKey(key)).toBe(true);
        }
        expect(keys).toBeGreaterThan(5);
        expect(keys).toBeLessThan(55);
      });
    });

    it('H2: every bad point is refused with the same words', () => {
      const words = new Set(
        badPoints.map(([, bad]) => {
          try {
            crypto.ecdh(scalar(2), bad);
            return 'taken';
          } catch (error) {
            return (error as Error).message;
          }
        }),
      );
      expect([...words]).toEqual(['not a point of secp256k1']);
    });
  },
);
