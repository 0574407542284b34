import {
  BACKENDS,
  type CryptoBackend,
  type CryptoBackendName,
  type CryptoSources,
  INSTALLED,
} from './backends.js';
import type { CryptoParts, RlpxCrypto } from './crypto.js';
import { CryptoError } from './errors.js';
import { selfTest } from './self-test.js';

/** A back end by its name, or the fastest that works. */
export type CryptoChoice = CryptoBackendName | 'auto';

/** All that may be chosen, as a command line offers it: the fastest first. */
export const CRYPTO_CHOICES: readonly CryptoChoice[] = ['auto', ...BACKENDS.keys()];

/** A back end that gave known answers, and what became of the faster ones. */
export interface ChosenCrypto extends RlpxCrypto {
  /** Who does what in it: for the log, and for reports. */
  readonly parts: CryptoParts;
  /** What is slower than it could be on this machine, and why, one sentence each; nothing where the fastest works. */
  readonly lost: readonly string[];
}

/**
 * The back end to work with: the one asked for, else the fastest that works here. None is handed out before it gave known
 * answers in all that it does, so a broken build is never trusted with a key.
 * @param sources where optional parts come from; the installed packages if not said otherwise
 * @throws CryptoError ERR_CRYPTO_BACKEND where the one asked for, or all of them, failed
 */
export function chooseCrypto(
  choice: CryptoChoice = 'auto',
  sources: CryptoSources = INSTALLED,
): ChosenCrypto {
  if (choice === 'auto')
    return firstWorking([...BACKENDS].map(([name, make]) => [name, () => make(sources)] as const));
  const make = BACKENDS.get(choice);
  if (make === undefined)
    throw new CryptoError('ERR_CRYPTO_BACKEND', `no cryptographic back end is named ${choice}`);
  return firstWorking([[choice, () => make(sources)]]);
}

/** @throws CryptoError ERR_CRYPTO_BACKEND with what was wrong with each */
export function firstWorking(
  backends: readonly (readonly [name: string, make: () => CryptoBackend])[],
): ChosenCrypto {
  const failures: string[] = [];
  for (const [name, make] of backends) {
    try {
      const { crypto, parts, lost } = make();
      const failure = selfTest(crypto);
      if (failure === undefined) return { ...crypto, parts, lost: [...failures, ...lost] };
      failures.push(`${name}: ${failure}`);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : 'cannot be made'}`);
    }
  }
  const says =
    backends.length === 1 ? 'the cryptographic back end does not work' : 'no cryptographic back end works';
  throw new CryptoError('ERR_CRYPTO_BACKEND', `${says}: ${failures.join(', ')}`);
}
