import type { RlpxCrypto } from '../crypto/crypto.js';
import type { Random } from '../runtime/random.js';
import { RlpxError } from './errors.js';
import { type FreshKey, freshKey } from './fresh-key.js';

/*
 * ECIES as RLPx has it: secp256k1, AES-128-CTR, HMAC-SHA-256, and SHA-256 as the concatenation KDF of NIST SP 800-56A.
 * A sealed message is   04 ‖ ephemeral key (64) ‖ iv (16) ‖ ciphertext ‖ tag (32)
 */

const UNCOMPRESSED = 0x04;
const POINT_BYTES = 65;
const IV_BYTES = 16;
const TAG_BYTES = 32;
/** What sealing adds: 113 bytes. */
export const ECIES_OVERHEAD_BYTES: number = POINT_BYTES + IV_BYTES + TAG_BYTES;

/** The counter of the KDF: 32 bytes are one round of SHA-256. */
const FIRST_ROUND = Uint8Array.of(0, 0, 0, 1);

/** Where the text begins in a sealed message. */
export const ECIES_TEXT_AT: number = POINT_BYTES + IV_BYTES;

/**
 * @param sharedData covered by the tag and not sent: the size prefix
 * @param key for this message alone: its secret is zeros afterwards
 * @returns `plain` and 113 bytes more
 */
export function eciesSeal(
  crypto: RlpxCrypto,
  random: Random,
  remotePublicKey: Uint8Array,
  plain: Uint8Array,
  sharedData: Uint8Array,
  key: FreshKey = freshKey(crypto, random),
): Uint8Array {
  const sealed = new Uint8Array(plain.length + ECIES_OVERHEAD_BYTES);
  sealed.set(plain, ECIES_TEXT_AT);
  eciesSealInPlace(crypto, random, remotePublicKey, sealed, sharedData, key);
  return sealed;
}

/** As `eciesSeal`, where the text lies already at its place, with 32 bytes of room behind it. */
export function eciesSealInPlace(
  crypto: RlpxCrypto,
  random: Random,
  remotePublicKey: Uint8Array,
  sealed: Uint8Array,
  sharedData: Uint8Array,
  key: FreshKey,
): void {
  const sharedSecret = crypto.ecdh(key.secretKey, remotePublicKey);
  key.secretKey.fill(0);
  sealed[0] = UNCOMPRESSED;
  sealed.set(key.publicKey, 1);
  sealed.set(random.bytes(IV_BYTES), POINT_BYTES);
  const tagAt = sealed.length - TAG_BYTES;
  if (tagAt - ECIES_TEXT_AT <= (crypto.ecies?.maxTextBytes ?? -1)) {
    crypto.ecies?.seal(sharedSecret, sealed.subarray(POINT_BYTES), sharedData);
    return;
  }
  const { cipherKey, tagKey } = deriveKeys(crypto, sharedSecret);
  const iv = sealed.subarray(POINT_BYTES, ECIES_TEXT_AT);
  const ciphertext = crypto.aesCtr(cipherKey, iv).apply(sealed.subarray(ECIES_TEXT_AT, tagAt));
  sealed.set(ciphertext, ECIES_TEXT_AT);
  sealed.set(crypto.hmacSha256(tagKey, iv, ciphertext, sharedData), tagAt);
}

/**
 * Opens a sealed message. Length, then point, then tag, and only then anything is decrypted; whichever fails, the error
 * is the same.
 * @throws RlpxError ERR_RLPX_AUTH
 */
export function eciesOpen(
  crypto: RlpxCrypto,
  secretKey: Uint8Array,
  sealed: Uint8Array,
  sharedData: Uint8Array,
): Uint8Array {
  if (sealed.length < ECIES_OVERHEAD_BYTES) throw new RlpxError('ERR_RLPX_AUTH');
  const ephemeral = sealed.subarray(1, POINT_BYTES);
  // A point off the curve would make the answer depend on a few bits of our key at a time (CVE-2026-26315).
  if (sealed[0] !== UNCOMPRESSED || !crypto.isPublicKey(ephemeral)) throw new RlpxError('ERR_RLPX_AUTH');
  const sharedSecret = crypto.ecdh(secretKey, ephemeral);
  if (sealed.length - ECIES_OVERHEAD_BYTES <= (crypto.ecies?.maxTextBytes ?? -1)) {
    const text = crypto.ecies?.open(sharedSecret, sealed.subarray(POINT_BYTES), sharedData);
    if (text === undefined) throw new RlpxError('ERR_RLPX_AUTH');
    return text;
  }
  const { cipherKey, tagKey } = deriveKeys(crypto, sharedSecret);
  const iv = sealed.subarray(POINT_BYTES, ECIES_TEXT_AT);
  const ciphertext = sealed.subarray(ECIES_TEXT_AT, sealed.length - TAG_BYTES);
  const tag = sealed.subarray(sealed.length - TAG_BYTES);
  if (!crypto.equal(tag, crypto.hmacSha256(tagKey, iv, ciphertext, sharedData)))
    throw new RlpxError('ERR_RLPX_AUTH');
  return crypto.aesCtr(cipherKey, iv).apply(ciphertext);
}

function deriveKeys(
  crypto: RlpxCrypto,
  sharedSecret: Uint8Array,
): { cipherKey: Uint8Array; tagKey: Uint8Array } {
  const material = crypto.sha256(FIRST_ROUND, sharedSecret);
  return { cipherKey: material.subarray(0, 16), tagKey: crypto.sha256(material.subarray(16)) };
}
