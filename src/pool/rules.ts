import type { BlockHeader, ChainSpec } from '../eth/index.js';
import { DEFAULT_TRANSACTION_LIMITS } from './limits.js';

/** What a transaction must keep to. Forks count as active from the head on; what came before London always does. */
export interface TransactionRules {
  readonly chainId: bigint;
  /** The block that the transaction would follow. */
  readonly head: {
    readonly number: bigint;
    /** Seconds since 1970. */
    readonly time: bigint;
    readonly gasLimit: bigint;
    /** Undefined before London. */
    readonly baseFee?: bigint | undefined;
  };
  readonly london: boolean;
  readonly shanghai: boolean;
  readonly cancun: boolean;
  readonly prague: boolean;
  readonly osaka: boolean;
  readonly amsterdam: boolean;
  readonly maxBlobs: number;
  /** Wei per gas: transactions with a lower cap of the tip are not taken. */
  readonly minTip: bigint;
}

export interface RulesOptions {
  /** Default 6 (EIP-7594). */
  readonly maxBlobs?: number | undefined;
  /** Default 1 (geth). */
  readonly minTip?: bigint | undefined;
}

/**
 * The rules after a block. A header shows by its fields which forks it was made under; only Osaka gave it none, so its time
 * must be known: where it is not, blobs may come with sidecars of either version and the gas of a transaction has no bound
 * but the block's.
 */
export function rulesAfter(
  head: BlockHeader,
  chain: Pick<ChainSpec, 'chainId' | 'osakaTime'>,
  options: RulesOptions = {},
): TransactionRules {
  const amsterdam = head.blockAccessListHash !== undefined;
  return {
    chainId: chain.chainId,
    head: {
      number: head.number,
      time: head.timestamp,
      gasLimit: head.gasLimit,
      baseFee: head.baseFeePerGas,
    },
    london: head.baseFeePerGas !== undefined,
    shanghai: head.withdrawalsRoot !== undefined,
    cancun: head.excessBlobGas !== undefined,
    prague: head.requestsHash !== undefined,
    osaka: amsterdam || (chain.osakaTime !== undefined && head.timestamp >= chain.osakaTime),
    amsterdam,
    maxBlobs: options.maxBlobs ?? DEFAULT_TRANSACTION_LIMITS.maxBlobs,
    minTip: options.minTip ?? 1n,
  };
}
