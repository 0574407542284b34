import { type ChosenCrypto, CRYPTO_CHOICES, chooseCrypto } from '../../src/crypto/index.js';

/** Every back end that loads on this machine: those of code of our own and of Node's must, the native one may. */
export function loadedBackends(): readonly ChosenCrypto[] {
  return CRYPTO_CHOICES.flatMap((name) => {
    if (name === 'auto') return [];
    if (name !== 'native') return [chooseCrypto(name)];
    try {
      return [chooseCrypto(name)];
    } catch {
      return [];
    }
  });
}
