import type { EthRequest, EthResponse } from '../eth/index.js';
import { type Lookup, serveCells, servePooledTransactions } from '../pool/index.js';

/** What requests for transactions are answered from. */
export interface TransactionSource {
  readonly lookup: Lookup;
  /** Cells of a transaction by mask, blob by blob; undefined where not all are here. */
  readonly cells: (hash: Uint8Array, mask: Uint8Array) => Promise<readonly Uint8Array[] | undefined>;
}

/** @returns undefined for a request that is not about transactions */
export function serveTransactions(
  request: EthRequest,
  version: number,
  source: TransactionSource,
): Promise<EthResponse> | undefined {
  if (request.name === 'GetPooledTransactions')
    return Promise.resolve(servePooledTransactions(request, version, source.lookup));
  if (request.name === 'GetCells') return serveCells(request, source.cells);
  return undefined;
}
