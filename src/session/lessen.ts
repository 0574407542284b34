import type { EthRequest } from '../eth/index.js';
import { clampedCount } from './quota.js';

/** No answer has more headers (geth: maxHeadersServe). */
const MAX_HEADERS = 1_024;

/**
 * The same question for less: the first items of it, in the given share. What was asked for is clamped before, so that a
 * large figure gets no more than a fair one.
 * @param share 0 to 1
 * @returns undefined where nothing is left of it, which is answered empty
 */
export function lessened(request: EthRequest, share: number): EthRequest | undefined {
  if (share >= 1) return request;
  if (request.name === 'GetBlockHeaders') {
    const amount = Math.floor(clampedCount(request.query.amount, MAX_HEADERS) * share);
    return amount < 1 ? undefined : { ...request, query: { ...request.query, amount } };
  }
  const items = Math.floor(request.hashes.length * share);
  return items < 1 ? undefined : { ...request, hashes: request.hashes.slice(0, items) };
}
