import { nodeCrypto, type RlpxCrypto } from '../../src/crypto/index.js';

/**
 * A back end that remembers what it computed on the curve. Tests that run the same handshake a thousand times, each time cut
 * at another byte, would else spend all their time on the same few points.
 */
export function rememberingCrypto(): RlpxCrypto & { readonly computed: () => number } {
  const real = nodeCrypto();
  const known = new Map<string, unknown>();
  let computed = 0;
  const remember = <T>(name: string, inputs: readonly Uint8Array[], compute: () => T): T => {
    const key = `${name} ${inputs.map((bytes) => Buffer.from(bytes).toString('hex')).join(' ')}`;
    if (!known.has(key)) {
      computed++;
      known.set(key, compute());
    }
    const value = known.get(key) as T;
    return value instanceof Uint8Array ? (value.slice() as T) : value;
  };
  return {
    ...real,
    computed: () => computed,
    publicKey: (key) => remember('publicKey', [key], () => real.publicKey(key)),
    isPublicKey: (key) => remember('isPublicKey', [key], () => real.isPublicKey(key)),
    ecdh: (secret, key) => remember('ecdh', [secret, key], () => real.ecdh(secret, key)),
    sign: (hash, key) => remember('sign', [hash, key], () => real.sign(hash, key)),
    recover: (hash, signature) => remember('recover', [hash, signature], () => real.recover(hash, signature)),
  };
}
