import { describe, expect, test } from 'vitest';
import { eciesOpen, eciesSeal, RlpxError } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { hex, P, point, scalar } from '../support/crypto-values.js';
import { crypto } from '../support/rlpx-secrets.js';

const secretKey = scalar(0x1234567);
const publicKey = crypto.publicKey(secretKey);
const size = Uint8Array.of(1, 44);
const random = seededRandom('ecies');

function seal(plain: Uint8Array): Uint8Array {
  return eciesSeal(crypto, random, publicKey, plain, size);
}

/** What opening ends in: the plain text, or the code of the error. */
function outcome(sealed: Uint8Array, sharedData: Uint8Array = size): string {
  try {
    return hex(eciesOpen(crypto, secretKey, sealed, sharedData));
  } catch (error) {
    if (error instanceof RlpxError) return `${error.code} ${error.message}`;
    throw error;
  }
}

const REFUSED = 'ERR_RLPX_AUTH the handshake message is not valid';

describe('ECIES', () => {
  test('opens what it sealed, of any length', () => {
    for (const length of [0, 1, 15, 16, 17, 169, 2_000]) {
      const plain = random.bytes(length);
      const sealed = seal(plain);
      expect(sealed.length).toBe(length + 113);
      expect(outcome(sealed)).toBe(hex(plain));
    }
  });

  test('seals the same text differently each time', () => {
    const plain = random.bytes(32);
    expect(hex(seal(plain))).not.toBe(hex(seal(plain)));
  });

  test('opens nothing whose size prefix is another', () => {
    expect(outcome(seal(random.bytes(20)), Uint8Array.of(1, 45))).toBe(REFUSED);
  });

  test('refuses any single changed byte with one error', () => {
    const sealed = seal(random.bytes(40));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] as number) ^ 1;
      expect(outcome(changed)).toBe(REFUSED);
    }
  });

  test('H2: an ephemeral point off the curve, zero or beyond the field ends as a wrong tag does, before the key is used', () => {
    const sealed = seal(random.bytes(40));
    const points = [
      new Uint8Array(64),
      new Uint8Array(64).fill(0xff),
      point(1n, 1n),
      point(P, 7n),
      random.bytes(64),
    ];
    let products = 0;
    const counting = {
      ...crypto,
      ecdh: () => {
        products++;
        return new Uint8Array(32);
      },
    };
    for (const bad of points) {
      const changed = sealed.slice();
      changed.set(bad, 1);
      expect(outcome(changed)).toBe(REFUSED);
      expect(() => eciesOpen(counting, secretKey, changed, size)).toThrow(RlpxError);
    }
    for (const prefix of [0, 2, 3, 5, 6, 7]) {
      const changed = sealed.slice();
      changed[0] = prefix;
      expect(outcome(changed)).toBe(REFUSED);
    }
    expect(products).toBe(0);
  });

  test('H3: a coordinate of p or more is refused, even where x − p is on the curve', () => {
    const sealed = seal(random.bytes(40));
    // The generator's x, and the smallest x that has a point: 1. x + p fits in 32 bytes only for small x.
    const one = 0x4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7een;
    for (const bad of [
      point(1n + P, one),
      point(1n, one + P > 2n ** 256n - 1n ? 2n ** 256n - 1n : one + P),
    ]) {
      const changed = sealed.slice();
      changed.set(bad, 1);
      expect(outcome(changed)).toBe(REFUSED);
    }
    const good = sealed.slice();
    good.set(point(1n, one), 1);
    expect(crypto.isPublicKey(good.slice(1, 65))).toBe(true); // so it was the coordinate that was refused
  });

  test('H4: every length from 0 to 400, with a right tag where one fits', () => {
    const ephemeralKey = scalar(99);
    const material = crypto.sha256(Uint8Array.of(0, 0, 0, 1), crypto.ecdh(ephemeralKey, publicKey));
    const tagKey = crypto.sha256(material.subarray(16));
    const outcomes = new Map<string, number>();
    // too short is seen by the length alone: no curve, no tag
    const unused = (): never => {
      throw new Error('used');
    };
    const keyless = { ...crypto, isPublicKey: unused, ecdh: unused, hmacSha256: unused };
    for (let length = 0; length <= 400; length++) {
      const sealed = new Uint8Array(length);
      sealed.set(Uint8Array.of(4, ...crypto.publicKey(ephemeralKey)).subarray(0, length));
      const covered = sealed.subarray(Math.min(65, length), Math.max(65, length - 32));
      if (length >= 97) sealed.set(crypto.hmacSha256(tagKey, covered, size), length - 32);
      const end = outcome(sealed);
      if (length < 113) {
        expect(end).toBe(REFUSED);
        expect(() => eciesOpen(keyless, secretKey, sealed, size)).toThrow(RlpxError);
      } else expect(end).toHaveLength(2 * (length - 113));
      outcomes.set(
        end === REFUSED ? 'refused' : 'opened',
        (outcomes.get(end === REFUSED ? 'refused' : 'opened') ?? 0) + 1,
      );
    }
    expect(Object.fromEntries(outcomes)).toEqual({ refused: 113, opened: 288 });
  });
});
