import type { PooledTransaction } from './transaction.js';

/**
 * What became of a transaction. `added`, `replaced`: it is in the pool, in the second case in the place of one with the same
 * sender and nonce that pays less. Not taken: `known`, it is there already; `included`, it was in a block; `underpriced`,
 * another with the same nonce stays, since this one does not pay enough more; `sender-full`, its sender has as many as may be,
 * all with lower nonces; `full`, all that would have to make room is worth as much.
 */
export type AddOutcome = 'added' | 'replaced' | 'known' | 'included' | 'underpriced' | 'sender-full' | 'full';

/** Why a transaction left: `stale` where a later one of its sender is in a block. */
export type DropReason = 'replaced' | 'evicted' | 'expired' | 'included' | 'stale' | 'removed';

export interface DroppedTransaction {
  readonly transaction: PooledTransaction;
  readonly why: DropReason;
}

/** What one call changed. */
export interface PoolChange {
  readonly added: readonly PooledTransaction[];
  readonly dropped: readonly DroppedTransaction[];
}
