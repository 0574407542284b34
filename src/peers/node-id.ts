import type { RlpxCrypto } from '../crypto/index.js';

/**
 * What other nodes print as a peer's `id`: Keccak-256 of its 64-byte public key.
 * @returns 32 bytes
 */
export function nodeId(publicKey: Uint8Array, hasher: Pick<RlpxCrypto, 'keccak256'>): Uint8Array {
  return hasher.keccak256(publicKey);
}
