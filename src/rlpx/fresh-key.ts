import type { RlpxCrypto } from '../crypto/crypto.js';
import type { Random } from '../runtime/random.js';

/** A key for one handshake alone; whoever takes it fills the secret with zeros after use. */
export interface FreshKey {
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** 64 bytes. */
  readonly publicKey: Uint8Array;
}

export function freshKey(crypto: RlpxCrypto, random: Random): FreshKey {
  const secretKey = randomSecretKey(crypto, random);
  return { secretKey, publicKey: crypto.publicKey(secretKey) };
}

/** A fresh secret key. Fewer than one draw in 2^127 lies outside the group; then the next one is taken. */
export function randomSecretKey(crypto: RlpxCrypto, random: Random): Uint8Array {
  for (;;) {
    const key = random.bytes(32);
    if (crypto.isSecretKey(key)) return key;
  }
}
