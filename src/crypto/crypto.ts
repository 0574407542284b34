/** Keccak-256 over a growing input whose hash can be taken in between: what the RLPx MACs are made of. */
export interface KeccakStream {
  update(bytes: Uint8Array): void;
  /** @returns the 32-byte hash of all input so far; the stream goes on. */
  digest(): Uint8Array;
}

/** A stream cipher in counter mode; each call continues where the last one ended. */
export interface StreamCipher {
  /** @returns `bytes` with the key stream applied, in memory of its own. */
  apply(bytes: Uint8Array): Uint8Array;
}

/** One AES block at a time (ECB), as the RLPx MACs need it. */
export interface BlockCipher {
  /** @param block 16 bytes @returns 16 bytes of its own */
  encrypt(block: Uint8Array): Uint8Array;
}

/**
 * All that handshake, frames and identities ask of cryptography; each back end fills it in one file.
 * Secret keys are 32 bytes, public keys the 64 bytes x ‖ y, signatures r ‖ s ‖ recovery id (65 bytes).
 */
export interface RlpxCrypto {
  /** Names the back end in logs: `native`, `wasm`, `node`, `noble`. */
  readonly name: string;
  /** 0 < key < n. */
  isSecretKey(bytes: Uint8Array): boolean;
  /** @throws CryptoError ERR_CRYPTO_KEY for bytes that `isSecretKey` refuses. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** Whether 64 bytes are a point: x < p, y < p, on the curve. The only gate for a peer's points. */
  isPublicKey(bytes: Uint8Array): boolean;
  /** @returns the 32-byte x coordinate of the product. @throws CryptoError ERR_CRYPTO_POINT for bytes that `isPublicKey` refuses, ERR_CRYPTO_KEY as `publicKey`. */
  ecdh(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /**
   * RFC 6979 with SHA-256, so the same every time; s in the lower half.
   * @param hash 32 bytes, signed as they are @throws CryptoError ERR_CRYPTO_LENGTH, ERR_CRYPTO_KEY
   */
  sign(hash: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /**
   * @param hash 32 bytes
   * @returns undefined where hash and signature lead to no key (not 65 bytes, r or s of 0 or ≥ n, recovery id above 3…)
   * @throws CryptoError ERR_CRYPTO_LENGTH for another length of the hash
   */
  recover(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined;
  /** Keccak-256 of the concatenated parts: 32 bytes. */
  keccak256(...parts: readonly Uint8Array[]): Uint8Array;
  keccakStream(): KeccakStream;
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** AES-CTR; key of 16 or 32 bytes, iv of 16. @throws CryptoError ERR_CRYPTO_LENGTH */
  aesCtr(key: Uint8Array, iv: Uint8Array): StreamCipher;
  /** AES on single blocks; key of 32 bytes. @throws CryptoError ERR_CRYPTO_LENGTH */
  aesBlock(key: Uint8Array): BlockCipher;
  /** Equality in constant time; false at once where the lengths differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** What libraries differ in on the curve. What is a key or a point is decided alike for all, in `curve.ts`. */
export type Curve = Pick<RlpxCrypto, 'publicKey' | 'ecdh' | 'sign' | 'recover'>;

/** What libraries differ in of Keccak. */
export type Keccak = Pick<RlpxCrypto, 'keccak256' | 'keccakStream'>;

/** Who does what in a back end, for logs and reports. */
export interface CryptoParts {
  readonly curve: string;
  readonly keccak: string;
  /** AES in counter mode and on single blocks. */
  readonly aes: string;
  /** HMAC and SHA-256. */
  readonly hmac: string;
}
