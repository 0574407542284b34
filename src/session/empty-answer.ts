import type { EthRequest, EthResponse } from '../eth/index.js';

/** The answer that has nothing in it: for what we do not have, do not serve, or have no time for. */
export function emptyAnswer(request: EthRequest): EthResponse {
  const { requestId } = request;
  switch (request.name) {
    case 'GetBlockHeaders':
      return { name: 'BlockHeaders', requestId, headers: [] };
    case 'GetBlockBodies':
      return { name: 'BlockBodies', requestId, bodies: [] };
    case 'GetPooledTransactions':
      return { name: 'PooledTransactions', requestId, transactions: [] };
    case 'GetReceipts':
      return { name: 'Receipts', requestId, blocks: [] };
    case 'GetBlockAccessLists':
      return { name: 'BlockAccessLists', requestId, accessLists: [] };
    case 'GetCells':
      return { name: 'Cells', requestId, hashes: [], cells: [], mask: request.mask };
  }
}
