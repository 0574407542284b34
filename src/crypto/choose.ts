import type { RlpxCrypto } from './crypto.js';
import { CryptoError } from './errors.js';
import { nobleCrypto } from './noble.js';
import { nodeCrypto } from './node.js';
import { selfTest } from './self-test.js';

export type CryptoBackendName = 'node' | 'noble';

/** The fastest first: a further back end is one more row here. */
const BACKENDS: ReadonlyMap<CryptoBackendName, () => RlpxCrypto> = new Map([
  ['node', nodeCrypto],
  ['noble', () => nobleCrypto],
]);

/**
 * The back end to work with: the one asked for, else the fastest that works here. None is handed out before it gave known
 * answers in all that it does, so a broken build is never trusted with a key.
 * @throws CryptoError ERR_CRYPTO_BACKEND where the one asked for, or all of them, failed
 */
export function chooseCrypto(name?: CryptoBackendName): RlpxCrypto {
  if (name === undefined) return firstWorking([...BACKENDS.values()]);
  const backend = BACKENDS.get(name);
  if (backend === undefined)
    throw new CryptoError('ERR_CRYPTO_BACKEND', `no cryptographic back end is named ${name}`);
  return firstWorking([backend]);
}

/** @throws CryptoError ERR_CRYPTO_BACKEND with what was wrong with each */
export function firstWorking(backends: readonly (() => RlpxCrypto)[]): RlpxCrypto {
  const failures: string[] = [];
  for (const make of backends) {
    try {
      const crypto = make();
      const failure = selfTest(crypto);
      if (failure === undefined) return crypto;
      failures.push(`${crypto.name} (${failure})`);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : 'a back end that cannot be made');
    }
  }
  throw new CryptoError('ERR_CRYPTO_BACKEND', `no cryptographic back end works: ${failures.join(', ')}`);
}
