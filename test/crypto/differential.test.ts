import { describe, expect, it } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { seeded } from '../support/codec-random.js';
import { loadedBackends } from '../support/crypto-backends.js';

/** The one called noble as well: its Keccak is ours. `nobleCrypto` is noble's in all. */
const others = loadedBackends().map((crypto) => [crypto.name, crypto] as const);

describe.each(others)('the back end %s gives the same as the packages of noble', (_name, other) => {
  it('keys, products and signatures (seed 31)', () => {
    const random = seeded(31);
    for (let round = 0; round < 30; round++) {
      const [mine, theirs, hash] = [random.bytes(32), random.bytes(32), random.bytes(32)];
      if (round % 5 === 0) hash.fill(255, 0, 17); // above n
      const publicKey = nobleCrypto.publicKey(theirs);
      expect(other.publicKey(theirs)).toEqual(publicKey);
      expect(other.isPublicKey(publicKey)).toBe(true);
      expect(other.ecdh(mine, publicKey)).toEqual(nobleCrypto.ecdh(mine, publicKey));
      const signature = nobleCrypto.sign(hash, mine);
      expect(other.sign(hash, mine)).toEqual(signature);
      expect(other.recover(hash, signature)).toEqual(nobleCrypto.publicKey(mine));
      // whatever comes of a signature that nobody made
      const forged = random.bytes(65);
      forged[64] = random.below(4);
      if (round % 3 === 0) forged.fill(0, 0, 16); // small enough for r + n
      expect(other.recover(hash, forged)).toEqual(nobleCrypto.recover(hash, forged));
    }
  });

  it('hashes and MACs, of any length in any parts (seed 32)', () => {
    const random = seeded(32);
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: random.below(4) }, () => random.bytes(random.below(300)));
      const key = random.bytes(random.below(100));
      expect(other.keccak256(...parts)).toEqual(nobleCrypto.keccak256(...parts));
      expect(other.sha256(...parts)).toEqual(nobleCrypto.sha256(...parts));
      expect(other.hmacSha256(key, ...parts)).toEqual(nobleCrypto.hmacSha256(key, ...parts));
    }
  });

  it('streams of Keccak over pieces of any length, from any place in memory, with digests between them (seed 35)', () => {
    const random = seeded(35);
    for (let round = 0; round < 60; round++) {
      const [ours, reference] = [other.keccakStream(), nobleCrypto.keccakStream()];
      for (let piece = 0; piece < 10; piece++) {
        const most = [20, 300, 9_000][random.below(3)] as number;
        const input = random.bytes(8 + random.below(most)).subarray(random.below(8));
        ours.update(input);
        reference.update(input);
        if (random.below(2) === 0) expect(ours.digest()).toEqual(reference.digest());
      }
      expect(ours.digest()).toEqual(reference.digest());
    }
  });

  it('key streams over pieces of any length, and blocks (seed 33)', () => {
    const random = seeded(33);
    for (let round = 0; round < 100; round++) {
      const key = random.bytes(random.below(2) === 0 ? 16 : 32);
      const iv = random.below(4) === 0 ? new Uint8Array(16).fill(255) : random.bytes(16);
      const [ours, reference] = [other.aesCtr(key, iv), nobleCrypto.aesCtr(key, iv)];
      for (let piece = 0; piece < 8; piece++) {
        const input = random.bytes(random.below(100));
        expect(ours.apply(input)).toEqual(reference.apply(input));
      }
      const blockKey = random.bytes(32);
      const block = random.bytes(16);
      expect(other.aesBlock(blockKey).encrypt(block)).toEqual(nobleCrypto.aesBlock(blockKey).encrypt(block));
    }
  });

  it('answers to random points and to equality (seed 34)', () => {
    const random = seeded(34);
    for (let round = 0; round < 500; round++) {
      const [a, b] = [random.bytes(64), random.bytes(64)];
      expect(other.isPublicKey(a)).toBe(nobleCrypto.isPublicKey(a));
      expect(other.equal(a, b)).toBe(nobleCrypto.equal(a, b));
      expect(other.equal(a, a.slice())).toBe(true);
    }
  });
});
