import type { Curve } from '../crypto.js';
import { assertPublicKey, assertSecretKey, isSignature, reducedHash } from '../curve.js';
import { uncompressed, withRecoveryId } from '../encodings.js';
import { sized } from '../errors.js';
import { nobleCrypto } from '../noble.js';
import { loadPackage, type PackageLoader } from '../packages.js';

/** What is called of it. */
interface TinySecp256k1 {
  pointFromScalar(secretKey: Uint8Array, compressed: boolean): Uint8Array | null;
  pointMultiply(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array | null;
  pointAdd(a: Uint8Array, b: Uint8Array, compressed: boolean): Uint8Array | null;
  privateSub(secretKey: Uint8Array, tweak: Uint8Array): Uint8Array | null;
  signRecoverable(
    hash: Uint8Array,
    secretKey: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recoveryId: number };
  recover(
    hash: Uint8Array,
    signature: Uint8Array,
    recoveryId: number,
    compressed: boolean,
  ): Uint8Array | null;
}

/**
 * With 2 and 3 the x of the nonce's point is r + n, but the library wants r itself to be one, too, and so refuses half of
 * these. No honest signature has them (1 of 2^127).
 */
const MAX_LIBRARY_RECOVERY_ID = 1;

/**
 * libsecp256k1 compiled to WebAssembly, by the package `tiny-secp256k1`.
 *
 * It has no `ecdh`, and the time of its `pointMultiply` depends on the scalar. So a secret is never multiplied as it is, but
 * in two parts, each of which is as good as random for whoever does not know the secret: P·k = P·(k − m) + P·m, with a mask m
 * derived from both by `mac`. That costs a second product (twice 190 µs; OpenSSL takes 900).
 * @param mac HMAC-SHA-256
 * @throws Error where it is not installed or WebAssembly does not work
 */
export function wasmCurve(
  load: PackageLoader,
  mac: (key: Uint8Array, message: Uint8Array) => Uint8Array,
): Curve {
  const library = loadPackage<TinySecp256k1>(load, 'tiny-secp256k1', [
    'pointFromScalar',
    'pointMultiply',
    'pointAdd',
    'privateSub',
    'signRecoverable',
    'recover',
  ]);
  return {
    publicKey(secretKey) {
      assertSecretKey(secretKey);
      return finite(library.pointFromScalar(secretKey, false)).slice(1);
    },
    ecdh(secretKey, publicKey) {
      assertPublicKey(publicKey);
      assertSecretKey(secretKey);
      const point = uncompressed(publicKey);
      const mask = reducedHash(mac(secretKey, publicKey));
      const rest = finite(library.privateSub(secretKey, mask));
      const a = finite(library.pointMultiply(point, rest, false));
      const b = finite(library.pointMultiply(point, mask, false));
      return finite(library.pointAdd(a, b, true)).slice(1);
    },
    sign(hash, secretKey) {
      sized(hash, 32, 'hash to sign');
      assertSecretKey(secretKey);
      const { signature, recoveryId } = library.signRecoverable(reducedHash(hash), secretKey);
      return withRecoveryId(signature, recoveryId);
    },
    recover(hash, signature) {
      sized(hash, 32, 'signed hash');
      if (!isSignature(signature)) return undefined;
      const recoveryId = signature[64] as number;
      if (recoveryId > MAX_LIBRARY_RECOVERY_ID) return nobleCrypto.recover(hash, signature);
      try {
        return library.recover(hash, signature.subarray(0, 64), recoveryId, false)?.slice(1);
      } catch {
        return undefined; // ranges hold, so: r (+ n) is no x of the curve
      }
    },
  };
}

/** A mask of 0 or of the secret itself would be needed for infinity: that a hash comes out so is not to be expected. */
function finite(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) throw new Error('the point at infinity');
  return bytes;
}
