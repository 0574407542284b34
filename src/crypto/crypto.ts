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
 * One direction of RLPx frames with MAC and cipher in one call per part, where a back end has that. Small frames are made and
 * opened in `frame`: header (16) ‖ MAC (16) ‖ body, filled up to 16 ‖ MAC (16). It is shared with all other directions, so
 * what stands there is good only until the next call on any.
 */
export interface FrameEngine {
  /** Room for a frame whose body has at most `SMALL_BODY_BYTES`. */
  readonly frame: Uint8Array;
  /** Makes the frame whole of plain header and body. @param bodyBytes a multiple of 16, at most SMALL_BODY_BYTES */
  seal(bodyBytes: number): void;
  /** Decrypts the header where its MAC is right, compared in constant time. */
  openHeader(): boolean;
  /** Decrypts the body where its MAC is right, compared in constant time. @param bodyBytes as for `seal` */
  openBody(bodyBytes: number): boolean;
  /** For large frames: folds in an encrypted header. @returns its MAC, 16 bytes */
  headerMac(header: Uint8Array): Uint8Array;
  /** Takes in a piece of an encrypted body; it may come in any pieces. */
  absorb(ciphertext: Uint8Array): void;
  /** @returns the MAC of the body that came in, 16 bytes */
  bodyMac(): Uint8Array;
  /** The key stream goes on over what large frames hold: whole blocks of 16. @returns `bytes` encrypted or decrypted, in memory of its own */
  apply(bytes: Uint8Array): Uint8Array;
}

/** The most that `FrameEngine.frame` has room for between its MACs. */
export const SMALL_BODY_BYTES = 4_096;

/** What one direction of frames is made of. */
export interface FrameKeys {
  /** 32 bytes: of the stream, which begins at zero. */
  readonly aes: Uint8Array;
  /** 32 bytes: of the MAC. */
  readonly mac: Uint8Array;
  /** The MAC as the handshake left it; from now on it goes on in the engine. */
  readonly state: KeccakStream;
}

/**
 * What ECIES does behind the product, in one call. A sealed message is iv (16) ‖ text ‖ tag (32) here; its keys come from the
 * shared secret (32), and the tag covers shared data (16 bytes at most), too. Nothing secret stays.
 */
export interface EciesEngine {
  readonly maxTextBytes: number;
  /** Encrypts the text where it lies, and writes the tag. */
  seal(sharedSecret: Uint8Array, sealed: Uint8Array, sharedData: Uint8Array): void;
  /** @returns the text, in memory of its own; undefined where the tag is wrong, compared in constant time, and nothing is decrypted */
  open(sharedSecret: Uint8Array, sealed: Uint8Array, sharedData: Uint8Array): Uint8Array | undefined;
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
  /** Only where it is faster than the single primitives. @returns undefined for a state of another make */
  frameEngine?(keys: FrameKeys): FrameEngine | undefined;
  /** Only where it is faster than the single primitives. */
  readonly ecies?: EciesEngine;
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
