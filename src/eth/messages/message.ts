import type { BlockAccessLists, GetBlockAccessLists } from './access-lists.js';
import type { BlockBodies, GetBlockBodies } from './bodies.js';
import type { Cells, GetCells } from './cells.js';
import type { BlockHeaders, GetBlockHeaders } from './headers.js';
import type { NewBlock, NewBlockHashes } from './new-blocks.js';
import type { BlockRangeUpdate } from './range.js';
import type { GetReceipts, Receipts } from './receipts.js';
import type { StatusMessage } from './status.js';
import type {
  GetPooledTransactions,
  NewPooledTransactionHashes,
  PooledTransactions,
  Transactions,
} from './transactions.js';

/** Answers carry the request id of their request. */
export type EthRequest =
  | GetBlockHeaders
  | GetBlockBodies
  | GetPooledTransactions
  | GetReceipts
  | GetBlockAccessLists
  | GetCells;

export type EthResponse =
  | BlockHeaders
  | BlockBodies
  | PooledTransactions
  | Receipts
  | BlockAccessLists
  | Cells;

/** Sent unasked. */
export type EthGossip =
  | NewBlockHashes
  | NewBlock
  | Transactions
  | NewPooledTransactionHashes
  | BlockRangeUpdate;

/** All that is said on eth/68 to eth/72, told apart by `name`. */
export type EthMessage = StatusMessage | EthRequest | EthResponse | EthGossip;

export type EthMessageName = EthMessage['name'];

/** The message of a name: `EthMessageOf<'BlockHeaders'>`. */
export type EthMessageOf<N extends EthMessageName> = Extract<EthMessage, { readonly name: N }>;
