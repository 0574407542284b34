import { ConfigError } from './errors.js';

/**
 * What a node does about transactions. off: nothing. observe: it fetches them and reports them, and only its own go out.
 * relay: it passes on what it finds good, as a good citizen.
 */
export type TransactionMode = 'off' | 'observe' | 'relay';

export const TRANSACTION_MODES: readonly TransactionMode[] = ['off', 'observe', 'relay'];

/** @throws ConfigError ERR_CONFIG_VALUE */
export function checkTransactionMode(mode: string | undefined): TransactionMode {
  const known = TRANSACTION_MODES.find((candidate) => candidate === (mode ?? 'off'));
  if (known !== undefined) return known;
  const says = `transactions: ${JSON.stringify(mode)} is none of ${TRANSACTION_MODES.join(', ')}`;
  throw new ConfigError('ERR_CONFIG_VALUE', 'transactions', says);
}
