import { bytesToHex, sameBytes } from '../codec/index.js';
import { EthError } from './errors.js';
import type { ForkFilter, ForkId } from './fork-id.js';

/** Versions whose Status tells a block range. */
export type StatusVersion = 69 | 70 | 71 | 72;

interface StatusCommon {
  readonly networkId: bigint;
  /** 32 bytes. */
  readonly genesisHash: Uint8Array;
  readonly forkId: ForkId;
}

export interface Status68 extends StatusCommon {
  readonly version: 68;
  /** After the merge the final one of the chain. */
  readonly totalDifficulty: bigint;
  /** 32 bytes. */
  readonly bestHash: Uint8Array;
}

export interface RangeStatus extends StatusCommon, BlockRange {
  readonly version: StatusVersion;
}

/** What each side says first: which chain it is on, and what it has of it. */
export type Status = Status68 | RangeStatus;

/** Blocks that can be asked for (EIP-7642). */
export interface BlockRange {
  readonly earliest: bigint;
  readonly latest: bigint;
  /** 32 bytes. */
  readonly latestHash: Uint8Array;
}

/**
 * Whether the remote is on our chain, in the order of geth: network, version, genesis, fork id, range.
 * @returns what is wrong, with the reason to disconnect with, or undefined. ERR_ETH_STATUS_…
 */
export function checkStatus(local: Status, remote: Status, filter: ForkFilter): EthError | undefined {
  if (remote.networkId !== local.networkId) {
    return fault('NETWORK', `network ${remote.networkId}, ours is ${local.networkId}`);
  }
  if (remote.version !== local.version) {
    return fault('VERSION', `says eth/${remote.version} where eth/${local.version} was agreed`);
  }
  if (!sameBytes(remote.genesisHash, local.genesisHash)) {
    return fault(
      'GENESIS',
      `genesis ${bytesToHex(remote.genesisHash)}, ours is ${bytesToHex(local.genesisHash)}`,
    );
  }
  const verdict = filter(remote.forkId);
  if (verdict !== 'accept') {
    const said = `fork id ${bytesToHex(remote.forkId.hash)} with next ${remote.forkId.next}`;
    const ours = `ours is ${bytesToHex(local.forkId.hash)} with next ${local.forkId.next}`;
    const stale =
      verdict === 'remote-stale' ? 'the remote misses a fork' : 'the chains differ or we miss a fork';
    return fault('FORK_ID', `${said}, ${ours}: ${stale}`);
  }
  if (remote.version === 68) return undefined;
  const range = blockRangeFault(remote);
  return range === undefined ? undefined : fault('RANGE', range);
}

/** What makes a block range impossible, in Status and BlockRangeUpdate alike; undefined where nothing does. */
export function blockRangeFault({ earliest, latest, latestHash }: BlockRange): string | undefined {
  if (earliest > latest) return `earliest block ${earliest} is after latest block ${latest}`;
  if (latestHash.every((byte) => byte === 0)) return 'the hash of the latest block is zero';
  return undefined;
}

function fault(kind: 'NETWORK' | 'VERSION' | 'GENESIS' | 'FORK_ID' | 'RANGE', says: string): EthError {
  return new EthError(`ERR_ETH_STATUS_${kind}`, `Status: ${says}`);
}
