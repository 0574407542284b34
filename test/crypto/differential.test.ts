import { describe, expect, it } from 'vitest';
import { nobleCrypto, nodeCrypto } from '../../src/crypto/index.js';
import { seeded } from '../support/codec-random.js';

const node = nodeCrypto();

describe('both back ends give the same', () => {
  it('keys, products and signatures (seed 31)', () => {
    const random = seeded(31);
    for (let round = 0; round < 30; round++) {
      const [mine, theirs, hash] = [random.bytes(32), random.bytes(32), random.bytes(32)];
      const publicKey = nobleCrypto.publicKey(theirs);
      expect(node.publicKey(theirs)).toEqual(publicKey);
      expect(node.isPublicKey(publicKey)).toBe(true);
      expect(node.ecdh(mine, publicKey)).toEqual(nobleCrypto.ecdh(mine, publicKey));
      const signature = nobleCrypto.sign(hash, mine);
      expect(node.sign(hash, mine)).toEqual(signature);
      expect(node.recover(hash, signature)).toEqual(nobleCrypto.publicKey(mine));
    }
  });

  it('hashes and MACs, of any length in any parts (seed 32)', () => {
    const random = seeded(32);
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: random.below(4) }, () => random.bytes(random.below(300)));
      const key = random.bytes(random.below(100));
      expect(node.keccak256(...parts)).toEqual(nobleCrypto.keccak256(...parts));
      expect(node.sha256(...parts)).toEqual(nobleCrypto.sha256(...parts));
      expect(node.hmacSha256(key, ...parts)).toEqual(nobleCrypto.hmacSha256(key, ...parts));
    }
  });

  it('key streams over pieces of any length, and blocks (seed 33)', () => {
    const random = seeded(33);
    for (let round = 0; round < 100; round++) {
      const key = random.bytes(random.below(2) === 0 ? 16 : 32);
      const iv = random.below(4) === 0 ? new Uint8Array(16).fill(255) : random.bytes(16);
      const [ours, reference] = [node.aesCtr(key, iv), nobleCrypto.aesCtr(key, iv)];
      for (let piece = 0; piece < 8; piece++) {
        const input = random.bytes(random.below(100));
        expect(ours.apply(input)).toEqual(reference.apply(input));
      }
      const blockKey = random.bytes(32);
      const block = random.bytes(16);
      expect(node.aesBlock(blockKey).encrypt(block)).toEqual(nobleCrypto.aesBlock(blockKey).encrypt(block));
    }
  });

  it('answers to random points and to equality (seed 34)', () => {
    const random = seeded(34);
    for (let round = 0; round < 500; round++) {
      const [a, b] = [random.bytes(64), random.bytes(64)];
      expect(node.isPublicKey(a)).toBe(nobleCrypto.isPublicKey(a));
      expect(node.equal(a, b)).toBe(nobleCrypto.equal(a, b));
      expect(node.equal(a, a.slice())).toBe(true);
    }
  });
});
