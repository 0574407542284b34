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

/** What there is of a block. */
export type BlockPart = 'header' | 'body' | 'receipts' | 'accessList';

/** A block of the chain that counts, as far as answers for headers need it. */
export interface NumberedHeader {
  readonly hash: Uint8Array;
  /** RLP of it. */
  readonly header: Uint8Array;
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
  /**
   * The same part of many blocks, in the order of the hashes: worth having where one reading costs less than many. Without
   * it they are read one by one.
   */
  many?(
    part: BlockPart,
    hashes: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Blocks of the one chain that counts, by number: up to `count`, from `from` on or (`reverse`) down, until one is missing.
   * Without it they are read one by one.
   */
  inRow?(
    from: bigint,
    count: number,
    reverse: boolean,
    options?: ReadOptions,
  ): Promise<readonly NumberedHeader[]>;
  /** Calls `listener` whenever the range has changed, also after a reorganisation. @returns what ends it */
  subscribe(listener: (range: ChainRange) => void): () => void;
  /** Where the chain comes from has a pool of transactions, too. */
  readonly transactions?: TransactionBackend | undefined;
}

/** What became of a transaction that was handed over. */
export type SubmitVerdict =
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      /** In the other side's words; one line. */
      readonly why: string;
      /** Whether it was judged at all; false: nobody could be asked, and later it may be accepted. */
      readonly judged: boolean;
    };

/**
 * A pool of transactions behind a chain. Transactions are envelopes as `eth_sendRawTransaction` takes them: an RLP list, or
 * from EIP-2718 on the type and what follows it; of a blob transaction with its sidecar.
 */
export interface TransactionBackend {
  /** Hands a transaction over. One that is known there already is accepted. @throws ChainError ERR_CHAIN_ABORTED */
  submit(raw: Uint8Array, options?: ReadOptions): Promise<SubmitVerdict>;
  /** Calls `listener` with each transaction that comes into the pool from now on. @returns what ends it */
  subscribePending(listener: (raw: Uint8Array) => void): () => void;
  /** The transaction of that hash where the pool has it. @throws ChainError ERR_CHAIN_ABORTED */
  pooled(hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined>;
}
