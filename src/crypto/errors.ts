export type CryptoErrorCode =
  | 'ERR_CRYPTO_POINT'
  | 'ERR_CRYPTO_KEY'
  | 'ERR_CRYPTO_LENGTH'
  | 'ERR_CRYPTO_BACKEND';

/** Keys, points and lengths that cryptography cannot work with, and back ends that do not work. Never tells what a secret was. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @returns `bytes`, now known to be `length` long. @throws CryptoError ERR_CRYPTO_LENGTH: the caller's mistake */
export function sized(bytes: Uint8Array, length: number, name: string): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new CryptoError('ERR_CRYPTO_LENGTH', `${name}: ${length} bytes wanted, ${bytes.length} given`);
}
