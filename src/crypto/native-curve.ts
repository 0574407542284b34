import type { Curve } from './crypto.js';
import { assertPublicKey, assertSecretKey, isSignature, reducedHash } from './curve.js';
import { uncompressed, withRecoveryId } from './encodings.js';
import { sized } from './errors.js';
import { loadPackage, type PackageLoader } from './packages.js';

/** What is called of it. Sizes and types are checked by the package before native code sees them. */
interface Secp256k1 {
  publicKeyCreate(secretKey: Uint8Array, compressed: boolean): Uint8Array;
  ecdh(
    publicKey: Uint8Array,
    secretKey: Uint8Array,
    options: { readonly hashfn: (x: Uint8Array, y: Uint8Array) => Uint8Array },
    output: Uint8Array,
  ): Uint8Array;
  ecdsaSign(
    hash: Uint8Array,
    secretKey: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recid: number };
  ecdsaRecover(signature: Uint8Array, recoveryId: number, hash: Uint8Array, compressed: boolean): Uint8Array;
}

/**
 * libsecp256k1 by the package `secp256k1`, as native code. Loaded by its entry for the bindings alone: the main entry falls
 * back to a curve in JavaScript without a word, and that one has given keys away (CVE-2024-48930).
 *
 * Its products take the same time whatever the secret (`ecdh`; `publicKeyTweakMul` would not).
 * @throws Error where it is not installed or has no build for this machine
 */
export function nativeCurve(load: PackageLoader): Curve {
  const library = loadPackage<Secp256k1>(load, 'secp256k1/bindings.js', [
    'publicKeyCreate',
    'ecdh',
    'ecdsaSign',
    'ecdsaRecover',
  ]);
  return {
    publicKey(secretKey) {
      assertSecretKey(secretKey);
      return library.publicKeyCreate(secretKey, false).slice(1);
    },
    ecdh(secretKey, publicKey) {
      assertPublicKey(publicKey);
      assertSecretKey(secretKey);
      return library.ecdh(uncompressed(publicKey), secretKey, X_ONLY, new Uint8Array(32));
    },
    sign(hash, secretKey) {
      sized(hash, 32, 'hash to sign');
      assertSecretKey(secretKey);
      const { signature, recid } = library.ecdsaSign(reducedHash(hash), secretKey);
      return withRecoveryId(signature, recid);
    },
    recover(hash, signature) {
      sized(hash, 32, 'signed hash');
      if (!isSignature(signature)) return undefined;
      try {
        return library.ecdsaRecover(signature.subarray(0, 64), signature[64] as number, hash, false).slice(1);
      } catch {
        return undefined; // ranges hold, so: r (+ n) is no x of the curve, or the key would be infinity
      }
    },
  };
}

/** The library would hash the product; RLPx wants its x as it is. */
const X_ONLY = { hashfn: (x: Uint8Array): Uint8Array => x };
