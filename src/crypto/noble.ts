import { ctr, ecb } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import * as secp256k1 from '@noble/secp256k1';
import type { BlockCipher, KeccakStream, RlpxCrypto, StreamCipher } from './crypto.js';
import { assertPublicKey, assertSecretKey, isPublicKey, isSecretKey, isSignature } from './curve.js';
import { uncompressed, withRecoveryId } from './encodings.js';
import { sized } from './errors.js';

const AES_BLOCK_BYTES = 16;

/** The reference back end: audited JavaScript, no native code. Every other back end is tested equal to this one. */
export const nobleCrypto: RlpxCrypto = {
  name: 'noble',
  isSecretKey,
  publicKey(secretKey) {
    assertSecretKey(secretKey);
    return secp256k1.getPublicKey(secretKey, false).slice(1);
  },
  isPublicKey,
  ecdh(secretKey, publicKey) {
    assertPublicKey(publicKey);
    assertSecretKey(secretKey);
    return secp256k1.getSharedSecret(secretKey, uncompressed(publicKey), true).slice(1);
  },
  sign,
  recover,
  keccak256(...parts) {
    if (parts.length === 1) return keccak_256(parts[0] as Uint8Array);
    const hash = keccak_256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  keccakStream: () => new NobleKeccakStream(),
  sha256(...parts) {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  hmacSha256(key, ...parts) {
    const mac = hmac.create(sha256, key);
    for (const part of parts) mac.update(part);
    return mac.digest();
  },
  aesCtr: (key, iv) => new NobleCtr(key, iv),
  aesBlock: (key) => new NobleBlock(key),
  equal: constantTimeEqual,
};

/**
 * RFC 6979 with SHA-256, s in the lower half. The library takes its HMAC from a shared object: it is lent to it for the
 * length of this call and put back as it was, so that nobody else's setting is changed.
 */
function sign(hash: Uint8Array, secretKey: Uint8Array): Uint8Array {
  sized(hash, 32, 'hash to sign');
  assertSecretKey(secretKey);
  const before = secp256k1.hashes.hmacSha256;
  secp256k1.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message);
  try {
    const recovered = secp256k1.sign(hash, secretKey, { prehash: false, lowS: true, format: 'recovered' });
    return withRecoveryId(recovered.subarray(1), recovered[0] as number); // which the library has first
  } finally {
    secp256k1.hashes.hmacSha256 = before;
  }
}

function recover(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  sized(hash, 32, 'signed hash');
  if (!isSignature(signature)) return undefined;
  const recovered = new Uint8Array(65);
  recovered[0] = signature[64] as number;
  recovered.set(signature.subarray(0, 64), 1);
  try {
    return secp256k1.recoverPublicKey(recovered, hash, { prehash: false, isCompressed: false }).slice(1);
  } catch {
    return undefined; // ranges hold, so: r (+ n) is no x of the curve, or the key would be infinity
  }
}

/** Goes through all bytes, wherever the first difference is. */
function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Also what the other back ends use: Node 20 has SHA-3, which pads differently, but no Keccak. */
export class NobleKeccakStream implements KeccakStream {
  readonly #hash = keccak_256.create();
  /** Takes the copy that `digest` finishes: 3 µs per digest instead of 7 with a new one each (Node 20). */
  readonly #copy = keccak_256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array {
    return this.#hash._cloneInto(this.#copy).digest();
  }
}

/** The library enciphers whole inputs only: the counter is moved on here, a block begun before is begun again. */
class NobleCtr implements StreamCipher {
  readonly #key: Uint8Array;
  readonly #start: bigint;
  #position = 0n; // in bytes

  constructor(key: Uint8Array, iv: Uint8Array) {
    if (key.length !== 16) sized(key, 32, 'AES key');
    const view = new DataView(sized(iv, AES_BLOCK_BYTES, 'AES iv').buffer, iv.byteOffset);
    this.#key = key.slice();
    this.#start = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
  }

  apply(bytes: Uint8Array): Uint8Array {
    const counter = new Uint8Array(AES_BLOCK_BYTES);
    const view = new DataView(counter.buffer);
    const block = this.#start + this.#position / 16n;
    view.setBigUint64(0, BigInt.asUintN(64, block >> 64n));
    view.setBigUint64(8, BigInt.asUintN(64, block));
    const used = Number(this.#position % 16n);
    this.#position += BigInt(bytes.length);
    if (used === 0) return ctr(this.#key, counter).encrypt(bytes);
    const padded = new Uint8Array(used + bytes.length);
    padded.set(bytes, used);
    return ctr(this.#key, counter).encrypt(padded).slice(used);
  }
}

class NobleBlock implements BlockCipher {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = sized(key, 32, 'AES key').slice();
  }

  encrypt(block: Uint8Array): Uint8Array {
    return ecb(this.#key, { disablePadding: true }).encrypt(sized(block, AES_BLOCK_BYTES, 'AES block'));
  }
}
