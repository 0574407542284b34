import { type ChosenCrypto, type CryptoChoice, chooseCrypto, type RlpxCrypto } from '../crypto/index.js';
import type { Logger } from '../runtime/index.js';

/** A back end by its name, `auto` for the fastest that works, or one that is there already. */
export type GivenCrypto = CryptoChoice | RlpxCrypto;

/** Where it came from `chooseCrypto`, it also knows its parts. */
export type NodeCrypto = RlpxCrypto & Partial<Pick<ChosenCrypto, 'parts' | 'lost'>>;

/**
 * The back end to work with. One that is chosen here and is slower than it could be says so on the log, once.
 * @throws CryptoError ERR_CRYPTO_BACKEND where the one that is named does not work here
 */
export function givenCrypto(given: GivenCrypto | undefined, logger?: Logger): NodeCrypto {
  if (typeof given === 'object') return given;
  const chosen = chooseCrypto(given);
  if (chosen.lost.length > 0) {
    logger?.warn({ event: 'crypto.lost', crypto: chosen.name, lost: chosen.lost }, lostText(chosen));
  }
  return chosen;
}

/** What is slower than it could be, as one sentence. */
export function lostText({ name, lost }: Pick<ChosenCrypto, 'name' | 'lost'>): string {
  return `the cryptographic back end is ${name}, slower than it could be: ${lost.join('; ')}`;
}
