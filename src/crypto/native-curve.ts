import type { Curve } from './crypto.js';
import { assertPublicKey, assertSecretKey, isSignature, reducedHash } from './curve.js';
import { UNCOMPRESSED, withRecoveryId } from './encodings.js';
import { sized } from './errors.js';
import { loadPackage, type PackageLoader } from './packages.js';

/** What is called of it. Sizes and types are checked by the package before native code sees them. */
interface Secp256k1 {
  publicKeyCreate(secretKey: Uint8Array, compressed: boolean, output: Uint8Array): Uint8Array;
  ecdh(
    publicKey: Uint8Array,
    secretKey: Uint8Array,
    options: {
      readonly hashfn: (x: Uint8Array, y: Uint8Array) => Uint8Array;
      readonly xbuf: Uint8Array;
      readonly ybuf: Uint8Array;
    },
    output: Uint8Array,
  ): Uint8Array;
  ecdsaSign(
    hash: Uint8Array,
    secretKey: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recid: number };
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    hash: Uint8Array,
    compressed: boolean,
    output: Uint8Array,
  ): Uint8Array;
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
  const lent = new Lent();
  const { secret, point, x } = lent;
  const xOnly = { hashfn: () => x, xbuf: x, ybuf: lent.y };
  return {
    publicKey(secretKey) {
      assertSecretKey(secretKey);
      try {
        secret.set(secretKey);
        library.publicKeyCreate(secret, false, point);
        return point.slice(1);
      } finally {
        secret.fill(0);
      }
    },
    ecdh(secretKey, publicKey) {
      assertPublicKey(publicKey);
      assertSecretKey(secretKey);
      try {
        secret.set(secretKey);
        point[0] = UNCOMPRESSED;
        point.set(publicKey, 1);
        library.ecdh(point, secret, xOnly, lent.product);
        return lent.product.slice();
      } finally {
        lent.clear();
      }
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
        library.ecdsaRecover(signature.subarray(0, 64), signature[64] as number, hash, false, point);
        return point.slice(1);
      } catch {
        return undefined; // ranges hold, so: r (+ n) is no x of the curve, or the key would be infinity
      }
    },
  };
}

/**
 * Memory that native code reads and writes, lent for the length of a call: each array that is handed over for the first time
 * costs an allocation outside the heap, 1 µs and more with its collection. The library would hash a product; RLPx wants its x
 * as it is, so `hashfn` hands that back.
 */
class Lent {
  readonly secret: Uint8Array = new Uint8Array(32);
  readonly point: Uint8Array = new Uint8Array(65);
  readonly x: Uint8Array = new Uint8Array(32);
  readonly y: Uint8Array = new Uint8Array(32);
  readonly product: Uint8Array = new Uint8Array(32);

  /** No secret stays. */
  clear(): void {
    this.secret.fill(0);
    this.x.fill(0);
    this.y.fill(0);
    this.product.fill(0);
  }
}
