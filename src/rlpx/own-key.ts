import type { RlpxCrypto } from '../crypto/crypto.js';

interface Known {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** By the caller's array, and gone with it. */
const known = new WeakMap<Uint8Array, Known>();

/**
 * The public key of a node key. Computed once: 20 to 170 µs, and each connection asks for it once or twice. The copy guards
 * against an array that is filled anew.
 * @returns 64 bytes, not to be changed @throws CryptoError ERR_CRYPTO_KEY
 */
export function ownPublicKey(crypto: RlpxCrypto, secretKey: Uint8Array): Uint8Array {
  const before = known.get(secretKey);
  if (before !== undefined && crypto.equal(before.secretKey, secretKey)) return before.publicKey;
  const publicKey = crypto.publicKey(secretKey);
  known.set(secretKey, { secretKey: secretKey.slice(), publicKey });
  return publicKey;
}
