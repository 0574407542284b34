import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nobleCrypto, wasmKeccak } from '../../src/crypto/index.js';
import { installedPackage } from '../../src/crypto/packages.js';
import { wasmCurve } from '../../src/crypto/wasm/curve.js';
import { instantiate } from '../../src/crypto/wasm/module.js';
import { hex, N, scalar, text, word } from '../support/crypto-values.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

const integer = (value: Uint8Array): bigint => BigInt(`0x${hex(value)}`);

describe('Keccak in WebAssembly', () => {
  const keccak = wasmKeccak();

  it.each([
    ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
    ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
    // one byte short of a block, where both ends of the padding meet in one byte
    ['a'.repeat(135), '34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446'],
    ['a'.repeat(136), 'a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e'],
  ])('gives the known hash of %j', (input, expected) => {
    expect(hex(keccak.keccak256(text(input)))).toBe(expected);
    const stream = keccak.keccakStream();
    stream.update(text(input));
    expect(hex(stream.digest())).toBe(expected);
  });

  it('is noble’s for every length up to three blocks', () => {
    const stream = keccak.keccakStream();
    const reference = nobleCrypto.keccakStream();
    for (let length = 0; length <= 3 * 136; length++) {
      const input = new Uint8Array(length).map((_, at) => at ^ length);
      expect(keccak.keccak256(input)).toEqual(nobleCrypto.keccak256(input));
      stream.update(input);
      reference.update(input);
      expect(stream.digest()).toEqual(reference.digest());
    }
  });

  it('is noble’s for any inputs in any pieces, with digests anywhere between', () => {
    const piece = fc.tuple(fc.uint8Array({ maxLength: 500 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const stream = keccak.keccakStream();
        const reference = nobleCrypto.keccakStream();
        for (const [input, digests] of pieces) {
          stream.update(input);
          reference.update(input);
          if (digests) expect(stream.digest()).toEqual(reference.digest());
        }
        expect(stream.digest()).toEqual(reference.digest());
        expect(keccak.keccak256(...pieces.map(([input]) => input))).toEqual(reference.digest());
      }),
      { numRuns: 200, seed: 41 },
    );
  });

  it('is what its source compiles to', { timeout: 60_000 }, () => {
    const script = fileURLToPath(new URL('../../scripts/assemble.mjs', import.meta.url));
    const run = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });
});

describe('a module of WebAssembly', () => {
  it('says so where a process runs without', () => {
    vi.stubGlobal('WebAssembly', undefined);
    expect(() => instantiate('AGFzbQEAAAA=')).toThrowError('this process runs without WebAssembly');
  });

  it('is refused where it does not compile', () => {
    expect(instantiate('AGFzbQEAAAA=')).toEqual({});
    expect(() => instantiate('AGFzbQIAAAA=')).toThrowError(/version/);
    expect(() => instantiate('')).toThrowError();
  });
});

describe('the curve in WebAssembly', () => {
  const secret = nobleCrypto.keccak256(text('a secret'));
  const peers = [3, 4, 5].map((value) => nobleCrypto.publicKey(scalar(value)));

  /** The library, and the scalars that it was given to multiply with. */
  function watched(mac = nobleCrypto.hmacSha256): { curve: ReturnType<typeof wasmCurve>; scalars: bigint[] } {
    const scalars: bigint[] = [];
    const library = installedPackage('tiny-secp256k1') as {
      pointMultiply(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array | null;
    };
    const pointMultiply: typeof library.pointMultiply = (point, by, compressed) => {
      scalars.push(integer(by));
      return library.pointMultiply(point, by, compressed);
    };
    return { curve: wasmCurve(() => ({ ...library, pointMultiply }), mac), scalars };
  }

  it('never multiplies a secret as it is, as the time that takes would tell of it', () => {
    const { curve, scalars } = watched();
    for (const peer of peers) expect(curve.ecdh(secret, peer)).toEqual(nobleCrypto.ecdh(secret, peer));
    expect(scalars.length).toBe(6);
    expect(new Set(scalars).size).toBe(6);
    expect(scalars).not.toContain(integer(secret));
    for (let at = 0; at < 6; at += 2)
      expect(((scalars[at] as bigint) + (scalars[at + 1] as bigint)) % N).toBe(integer(secret));
  });

  it.each([
    ['1', word(1n)],
    ['n and more', word(N + 5n)],
    ['half of the secret, so that both parts are one point', word((integer(secret) * ((N + 1n) / 2n)) % N)],
    ['more than the secret', word(N - 1n)],
  ])('comes to the same product with a mask of %s', (_says, mask) => {
    const { curve } = watched(() => mask);
    for (const peer of peers) expect(curve.ecdh(secret, peer)).toEqual(nobleCrypto.ecdh(secret, peer));
  });

  it('gives no product where a mask leaves nothing', () => {
    expect(() => watched(() => secret).curve.ecdh(secret, peers[0] as Uint8Array)).toThrowError('infinity');
    expect(() => watched(() => word(0n)).curve.ecdh(secret, peers[0] as Uint8Array)).toThrowError('infinity');
  });
});
