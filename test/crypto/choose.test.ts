import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { CryptoBackend, CryptoSources } from '../../src/crypto/backends.js';
import { CRYPTO_CHOICES, chooseCrypto, firstWorking } from '../../src/crypto/choose.js';
import type { RlpxCrypto } from '../../src/crypto/crypto.js';
import { nobleCrypto } from '../../src/crypto/noble.js';
import { nodeCrypto } from '../../src/crypto/node.js';
import { installedPackage, type OptionalPackage } from '../../src/crypto/packages.js';
import { selfTest } from '../../src/crypto/self-test.js';
import { wasmKeccak } from '../../src/crypto/wasm/keccak.js';

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

/** There are builds of it for the usual machines only. */
const nativeLoads = chooseCrypto().name === 'native';

/** As `require` says it of a package that is not there: with the paths of this machine. */
function notInstalled(specifier: string): never {
  const message = `Cannot find module '${specifier}'\nRequire stack:\n- /somewhere/choose.js`;
  throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
}

const noWasm = (): never => {
  throw new Error('this process runs without WebAssembly');
};

const installed: CryptoSources = { loadPackage: installedPackage, wasmKeccak };
const bare: CryptoSources = { loadPackage: notInstalled, wasmKeccak: noWasm };

/** The installed packages, but one member of one of them answers otherwise. */
function tamperedWith(specifier: OptionalPackage, member: string, answer: () => unknown): CryptoSources {
  return {
    wasmKeccak,
    loadPackage: (wanted) => {
      if (wanted !== specifier) return notInstalled(wanted);
      return { ...(installedPackage(wanted) as object), [member]: answer };
    },
  };
}

function backend(crypto: RlpxCrypto): CryptoBackend {
  return { crypto, parts: { curve: '', keccak: '', aes: '', hmac: '' }, lost: [] };
}

describe('choosing a back end', () => {
  it('takes the fastest that works where nothing is asked for, and what is asked for otherwise', () => {
    const fastest = CRYPTO_CHOICES.slice(1).find((name) => {
      try {
        return chooseCrypto(name) !== undefined;
      } catch {
        return false;
      }
    });
    expect(chooseCrypto().name).toBe(fastest);
    expect(chooseCrypto('auto').name).toBe(fastest);
    for (const name of ['wasm', 'node', 'noble'] as const) {
      expect(chooseCrypto(name)).toMatchObject({ name, lost: [] });
    }
  });

  it('offers all choices, the fastest first', () => {
    expect(CRYPTO_CHOICES).toEqual(['auto', 'native', 'wasm', 'node', 'noble']);
  });

  it('refuses a name that is no back end', () => {
    expect(() => chooseCrypto('abacus' as 'node')).toThrowError(
      expect.objectContaining({ code: 'ERR_CRYPTO_BACKEND', message: expect.stringContaining('abacus') }),
    );
  });

  it('finds nothing wrong with the back ends there are', () => {
    expect(selfTest(nobleCrypto)).toBeUndefined();
    expect(selfTest(nodeCrypto())).toBeUndefined();
    expect(selfTest(chooseCrypto('wasm'))).toBeUndefined();
  });

  it.each(Object.entries(broken))('finds a broken %s', (name, override) => {
    expect(selfTest({ ...nobleCrypto, ...override })).toContain(name.split(' ')[0]);
  });

  it('passes over back ends that fail or cannot be made, and says why where none is left', () => {
    const cannotBeMade = (): CryptoBackend => {
      throw new Error('no such module');
    };
    const wrong = (): CryptoBackend => backend({ ...nobleCrypto, sha256: () => new Uint8Array(32) });
    expect(
      firstWorking([
        ['one', cannotBeMade],
        ['two', wrong],
        ['three', () => backend(nobleCrypto)],
      ]),
    ).toMatchObject({ name: 'noble', lost: ['one: no such module', 'two: sha256: wrong answer'] });
    expect(() =>
      firstWorking([
        ['one', cannotBeMade],
        ['two', wrong],
      ]),
    ).toThrowError(
      expect.objectContaining({
        code: 'ERR_CRYPTO_BACKEND',
        message: expect.stringMatching(/one: no such module.*two: sha256: wrong answer/),
      }),
    );
  });
});

describe('where optional parts are missing', () => {
  it('works without any of them, and says what is lost', () => {
    const crypto = chooseCrypto('auto', bare);
    expect(crypto).toMatchObject({
      name: 'node',
      parts: {
        curve: 'node:crypto and noble',
        keccak: 'typescript',
        aes: 'node:crypto',
        hmac: 'node:crypto',
      },
      lost: ['native: secp256k1 is not installed', 'wasm: this process runs without WebAssembly'],
    });
  });

  it('keeps our own WebAssembly where no package is installed', () => {
    const crypto = chooseCrypto('auto', { ...installed, loadPackage: notInstalled });
    expect(crypto).toMatchObject({
      name: 'wasm',
      parts: { curve: 'node:crypto and noble', keccak: 'wasm' },
      lost: [
        'native: secp256k1 is not installed',
        'curve by tiny-secp256k1: tiny-secp256k1 is not installed',
      ],
    });
  });

  it.skipIf(!nativeLoads)('keeps the native curve where there is no WebAssembly', () => {
    expect(chooseCrypto('auto', { ...installed, wasmKeccak: noWasm })).toMatchObject({
      name: 'native',
      parts: { curve: 'secp256k1', keccak: 'typescript' },
      lost: ['keccak by wasm: this process runs without WebAssembly'],
    });
  });

  it('gives nothing else than what was asked for by name', () => {
    expect(() => chooseCrypto('native', bare)).toThrowError(
      expect.objectContaining({
        code: 'ERR_CRYPTO_BACKEND',
        message: expect.stringContaining('secp256k1 is not installed'),
      }),
    );
    expect(() => chooseCrypto('wasm', bare)).toThrowError(/without WebAssembly/);
    expect(chooseCrypto('noble', bare).lost).toEqual([]);
  });

  it('says in one line why a package does not load, without paths', () => {
    const loadPackage = (specifier: string): never => {
      throw new Error(`No native build was found for ${specifier}\n    loaded from: /somewhere/secp256k1`);
    };
    const { lost } = chooseCrypto('auto', { loadPackage, wasmKeccak });
    expect(lost[0]).toBe(
      'native: secp256k1 does not load: No native build was found for secp256k1/bindings.js',
    );
    expect(lost.join()).not.toContain('somewhere');
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a function', () => 0],
    ['an object without what is needed', { publicKeyCreate: () => new Uint8Array(65) }],
  ])('takes a package for missing that gives %s', (_says, exported) => {
    const crypto = chooseCrypto('auto', { loadPackage: () => exported, wasmKeccak });
    expect(crypto.name).toBe('wasm');
    expect(crypto.lost.join()).toMatch(/secp256k1 has no function .*tiny-secp256k1 has no function/);
  });
});

describe('a package that answers wrongly', () => {
  it.skipIf(!nativeLoads).each([
    ['ecdh', () => new Uint8Array(32).fill(1)],
    ['publicKeyCreate', () => new Uint8Array(65).fill(4)],
    ['ecdsaSign', () => ({ signature: new Uint8Array(64).fill(1), recid: 0 })],
    ['ecdsaRecover', () => new Uint8Array(65).fill(4)],
  ])('is not used: native %s', (member, answer) => {
    const crypto = chooseCrypto('auto', tamperedWith('secp256k1/bindings.js', member, answer));
    expect(crypto.name).toBe('wasm');
    expect(crypto.lost[0]).toMatch(/^native: \w+.*: wrong answer$/);
  });

  it.each([
    ['pointMultiply', () => null],
    ['pointAdd', () => new Uint8Array(33).fill(2)],
    ['pointFromScalar', () => new Uint8Array(65).fill(4)],
    ['signRecoverable', () => ({ signature: new Uint8Array(64).fill(1), recoveryId: 0 })],
    ['recover', () => null],
  ])('is not used: WebAssembly %s', (member, answer) => {
    const crypto = chooseCrypto('auto', tamperedWith('tiny-secp256k1', member, answer));
    expect(crypto.name).toBe('node');
    expect(crypto.lost[1]).toMatch(/^wasm: \w+/);
  });

  it('is not used: Keccak that pads as SHA-3 does', () => {
    const wrong = { keccak256: nobleCrypto.sha256, keccakStream: nobleCrypto.keccakStream };
    const crypto = chooseCrypto('auto', { loadPackage: installedPackage, wasmKeccak: () => wrong });
    expect(crypto.name).toBe('node');
    expect(crypto.lost).toContain('wasm: keccak256: wrong answer');
  });
});

describe('H7: the package secp256k1', () => {
  it('H7: is asked for its native bindings alone, so that its curve in JavaScript cannot take over', () => {
    const asked: string[] = [];
    const loadPackage = (specifier: string): unknown => {
      asked.push(specifier);
      return notInstalled(specifier);
    };
    chooseCrypto('auto', { loadPackage, wasmKeccak });
    expect(asked).toEqual(['secp256k1/bindings.js', 'tiny-secp256k1']);
  });

  it('H7: has not loaded that curve', () => {
    chooseCrypto();
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    expect(loaded.filter((path) => /[\\/]elliptic/.test(path))).toEqual([]);
  });
});
