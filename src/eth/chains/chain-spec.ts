/** A chain, as far as its network needs to be told: where it begins, and when its rules change. */
export interface ChainSpec {
  /** `mainnet`, `sepolia`, `hoodi`; `chain-<id>` where it comes from a genesis file. */
  readonly name: string;
  readonly chainId: bigint;
  readonly networkId: bigint;
  /** 32 bytes. */
  readonly genesisHash: Uint8Array;
  /** RLP of the header of block 0. */
  readonly genesisHeader: Uint8Array;
  /** Seconds since 1970. */
  readonly genesisTime: bigint;
  /** Rising, each once, without those at block 0: the forks that make up the fork id. */
  readonly forkBlocks: readonly bigint[];
  /** Rising, each once, without those at or before the genesis time; seconds since 1970. */
  readonly forkTimes: readonly bigint[];
  /**
   * Seconds since 1970, where it is known: the one fork with new rules for transactions that no header shows. A store does not
   * keep it.
   */
  readonly osakaTime?: bigint | undefined;
}

/** @returns forks as a fork id counts them: rising, each once, only those after `start`. */
export function forkList(forks: readonly bigint[], start: bigint): readonly bigint[] {
  const later = [...new Set(forks)].filter((fork) => fork > start);
  return later.sort((a, b) => (a < b ? -1 : 1));
}
