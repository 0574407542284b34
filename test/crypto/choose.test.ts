import { describe, expect, it } from 'vitest';
import { chooseCrypto, firstWorking } from '../../src/crypto/choose.js';
import type { RlpxCrypto } from '../../src/crypto/crypto.js';
import { nobleCrypto } from '../../src/crypto/noble.js';
import { nodeCrypto } from '../../src/crypto/node.js';
import { selfTest } from '../../src/crypto/self-test.js';

/** A back end with one function that answers wrongly, for every function there is. */
const broken: Record<string, Partial<RlpxCrypto>> = {
  isSecretKey: { isSecretKey: () => true },
  publicKey: { publicKey: () => new Uint8Array(64) },
  isPublicKey: { isPublicKey: () => true },
  ecdh: { ecdh: () => new Uint8Array(32) },
  'ecdh that takes any point': {
    ecdh: (secretKey, publicKey) =>
      nobleCrypto.isPublicKey(publicKey) ? nobleCrypto.ecdh(secretKey, publicKey) : new Uint8Array(32),
  },
  sign: { sign: () => new Uint8Array(65) },
  recover: { recover: () => undefined },
  keccak256: { keccak256: (...parts) => nobleCrypto.sha256(...parts) },
  'keccakStream that a digest ends': {
    keccakStream: () => {
      let stream = nobleCrypto.keccakStream();
      return {
        update: (bytes) => stream.update(bytes),
        digest: () => {
          const digest = stream.digest();
          stream = nobleCrypto.keccakStream();
          return digest;
        },
      };
    },
  },
  sha256: { sha256: (...parts) => nobleCrypto.keccak256(...parts) },
  hmacSha256: { hmacSha256: (_key, ...parts) => nobleCrypto.sha256(...parts) },
  'aesCtr that begins anew with each call': {
    aesCtr: (key, iv) => ({ apply: (bytes) => nobleCrypto.aesCtr(key, iv).apply(bytes) }),
  },
  aesBlock: { aesBlock: () => ({ encrypt: (block) => block }) },
  equal: { equal: () => true },
  'equal that throws': {
    equal: () => {
      throw new Error('unequal lengths');
    },
  },
};

describe('choosing a back end', () => {
  it('takes node where nothing is asked for, and what is asked for otherwise', () => {
    expect(chooseCrypto().name).toBe('node');
    expect(chooseCrypto('node').name).toBe('node');
    expect(chooseCrypto('noble').name).toBe('noble');
  });

  it('refuses a name that is no back end', () => {
    expect(() => chooseCrypto('abacus' as 'node')).toThrowError(
      expect.objectContaining({ code: 'ERR_CRYPTO_BACKEND', message: expect.stringContaining('abacus') }),
    );
  });

  it('finds nothing wrong with the back ends there are', () => {
    expect(selfTest(nobleCrypto)).toBeUndefined();
    expect(selfTest(nodeCrypto())).toBeUndefined();
  });

  it.each(Object.entries(broken))('finds a broken %s', (name, override) => {
    expect(selfTest({ ...nobleCrypto, ...override })).toContain(name.split(' ')[0]);
  });

  it('passes over back ends that fail or cannot be made, and says why where none is left', () => {
    const cannotBeMade = (): RlpxCrypto => {
      throw new Error('no such module');
    };
    const wrong = (): RlpxCrypto => ({ ...nobleCrypto, name: 'wrong', sha256: () => new Uint8Array(32) });
    expect(firstWorking([cannotBeMade, wrong, () => nobleCrypto])).toBe(nobleCrypto);
    expect(() => firstWorking([cannotBeMade, wrong])).toThrowError(
      expect.objectContaining({
        code: 'ERR_CRYPTO_BACKEND',
        message: expect.stringMatching(/no such module.*wrong \(sha256: wrong answer\)/),
      }),
    );
  });
});
