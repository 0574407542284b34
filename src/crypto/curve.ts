import { CryptoError } from './errors.js';

/*
 * What may be a key, a point or a signature on secp256k1 (SEC 2, section 2.4.1), in one place for all back ends. Libraries
 * differ in what they let through, and points outside the curve have cost other nodes their keys; so no back end is asked
 * before these have answered.
 */

/** Order of the field that coordinates are taken from. */
const P = 2n ** 256n - 2n ** 32n - 977n;
/** Order of the group: secret keys, r and s lie between 0 and this, both excluded. */
const N = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;
/** y² = x³ + 7 */
const B = 7n;

/** The largest recovery id: bit 0 is the parity of y, bit 1 says that x was r + n. */
const MAX_RECOVERY_ID = 3;

/**
 * Whether 64 bytes x ‖ y are a point of the curve. Infinity has no such form; 64 zero bytes are off the curve as any other.
 * The group has a prime order, so there are no small subgroups to look for.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 64) return false;
  if (isLastPoint(bytes)) return true;
  if (!isOnCurve(bytes)) return false;
  lastPoint = bytes.slice();
  return true;
}

function isOnCurve(bytes: Uint8Array): boolean {
  const x = integer(bytes, 0);
  const y = integer(bytes, 32);
  if (x >= P || y >= P) return false;
  return (y * y - x * x * x - B) % P === 0n;
}

/**
 * The last bytes that were found to be a point. What comes from a peer is asked about up to three times in a row (as it comes
 * in, and before each product): 0.08 µs then, instead of 0.6.
 */
let lastPoint: Uint8Array | undefined;

function isLastPoint(bytes: Uint8Array): boolean {
  if (lastPoint === undefined) return false;
  for (let i = 0; i < 64; i++) if (bytes[i] !== lastPoint[i]) return false;
  return true;
}

/** Whether 32 bytes are a secret key: above 0, below n. */
export function isSecretKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const scalar = integer(bytes, 0);
  word.fill(0); // no key stays there
  return isScalar(scalar);
}

/** Whether 65 bytes r ‖ s ‖ recovery id lie in their ranges; whether they lead to a key is for `recover` to find out. */
export function isSignature(bytes: Uint8Array): boolean {
  if (bytes.length !== 65 || (bytes[64] as number) > MAX_RECOVERY_ID) return false;
  return isScalar(integer(bytes, 0)) && isScalar(integer(bytes, 32));
}

/** @throws CryptoError ERR_CRYPTO_KEY */
export function assertSecretKey(bytes: Uint8Array): void {
  if (!isSecretKey(bytes)) throw new CryptoError('ERR_CRYPTO_KEY', 'not a secret key of secp256k1');
}

/** @throws CryptoError ERR_CRYPTO_POINT */
export function assertPublicKey(bytes: Uint8Array): void {
  if (!isPublicKey(bytes)) throw new CryptoError('ERR_CRYPTO_POINT', 'not a point of secp256k1');
}

/**
 * A hash as ECDSA means it, modulo n (FIPS 186-5, section 6.4.1). RFC 6979 has the nonce made of that, too; libsecp256k1
 * makes it of the hash as given, and would sign hashes of n and above differently.
 */
export function reducedHash(hash: Uint8Array): Uint8Array {
  const value = integer(hash, 0);
  if (value < N) return hash;
  const reduced = new Uint8Array(32);
  const view = new DataView(reduced.buffer);
  for (let at = 0, rest = value - N; at < 32; at += 8) {
    view.setBigUint64(24 - at, BigInt.asUintN(64, rest));
    rest >>= 64n;
  }
  return reduced;
}

function isScalar(value: bigint): boolean {
  return value > 0n && value < N;
}

/**
 * Where 32 bytes are read from: a view of the caller's own bytes would move small ones out of the heap, 0.3 µs and more with
 * the collection of what they leave.
 */
const word = new Uint8Array(32);
const view = new DataView(word.buffer);

/** The 32 bytes at `at` as an integer. */
function integer(bytes: Uint8Array, at: number): bigint {
  word.set(at === 0 && bytes.length === 32 ? bytes : bytes.subarray(at, at + 32));
  const high = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
  return (high << 128n) | (view.getBigUint64(16) << 64n) | view.getBigUint64(24);
}
