import type { BlockRange, ChainSpec } from '../eth/index.js';

/** Which blocks there are, and when the last one was made: what Status, fork ids and range updates are made of. */
export interface ChainRange extends BlockRange {
  /** Time of the latest block, seconds since 1970. */
  readonly latestTime: bigint;
}

export interface ReadOptions {
  /** Calls the reading off: the peer that asked is gone. */
  readonly signal?: AbortSignal;
}

/**
 * A chain that can be served: all that answers to peers are made of. Blocks are those of one chain, and what a hash or a
 * number leads to is whole and verified. `undefined` always means: not here (never: empty).
 *
 * What is handed out is shared and must not be written into.
 */
export interface ChainBackend {
  readonly chain: ChainSpec;
  /** As it is now; costs nothing. */
  range(): ChainRange;
  /** RLP of a header. */
  headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** RLP of a header. */
  headerByHash(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined>;
  numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined>;
  /** Hash of the block of that number on the one chain that counts. */
  hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** RLP of a body: [transactions, uncles, withdrawals?]. */
  body(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** RLP of the receipts of a block in the form of eth/69: a list of [type, status, cumulative gas, logs]. */
  receipts(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** RLP of a block access list (EIP-7928). */
  accessList(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** Calls `listener` whenever the range has changed, also after a reorganisation. @returns what ends it */
  subscribe(listener: (range: ChainRange) => void): () => void;
}
