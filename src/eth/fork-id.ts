import { sameBytes, writeUint64 } from '../codec/index.js';
import type { ChainSpec } from './chains/chain-spec.js';

/** EIP-2124: which forks a node has passed, and which comes next. */
export interface ForkId {
  /** CRC-32 over genesis hash and passed forks: 4 bytes. */
  readonly hash: Uint8Array;
  /** Block number or, since the merge, time of the next fork; 0 where none is known. */
  readonly next: bigint;
}

/** What the forks are judged by: number and time (s) of a head. */
export interface ForkHead {
  readonly number: bigint;
  readonly time: bigint;
}

/** `remote-stale`: on our chain, but it does not know a fork that we have passed. */
export type ForkIdVerdict = 'accept' | 'remote-stale' | 'incompatible';

export type ForkFilter = (remote: ForkId) => ForkIdVerdict;

/** The parts of a chain that its fork ids are made of. */
export type ForkSchedule = Pick<ChainSpec, 'genesisHash' | 'forkBlocks' | 'forkTimes'>;

/**
 * A `next` above the time of mainnet's genesis is a time, below it a block number: nothing else tells them apart in the
 * years in which some nodes know the first time-based fork and others do not yet (EIP-6122).
 */
const FIRST_FORK_TIME = 1_438_269_973n;

/** The fork id of a node whose head is there (EIP-2124, with times EIP-6122). */
export function forkId(chain: ForkSchedule, head: ForkHead): ForkId {
  const { sums, forks } = checksums(chain);
  const passed = passedForks(chain, head);
  return { hash: sumBytes(sums[passed]), next: forks[passed] ?? 0n };
}

/** Whether a remote fork id can be that of a node on our chain, seen from our head. Rules 1 to 4 of EIP-2124. */
export function checkForkId(chain: ForkSchedule, head: ForkHead, remote: ForkId): ForkIdVerdict {
  return forkFilter(chain, () => head)(remote);
}

/** `checkForkId` with the checksums made once; `head` is asked each time. */
export function forkFilter(chain: ForkSchedule, head: () => ForkHead): ForkFilter {
  const { sums, forks } = checksums(chain);
  const hashes = sums.map(sumBytes);
  return (remote) => {
    const at = head();
    const passed = passedForks(chain, at);
    const known = hashes.findIndex((hash) => sameBytes(hash, remote.hash));
    if (known === -1) return 'incompatible'; // rule 4
    if (known > passed) return 'accept'; // rule 3: the remote is ahead of us on forks that we know
    if (known < passed) return forks[known] === remote.next ? 'accept' : 'remote-stale'; // rule 2
    return hasPassed(chain, at, passed, remote.next) ? 'incompatible' : 'accept'; // rules 1a, 1b
  };
}

/** Same forks passed: has our head passed what the remote says comes next, without our knowing of it? */
function hasPassed(chain: ForkSchedule, head: ForkHead, passed: number, next: bigint): boolean {
  if (next === 0n) return false;
  // All forks by block are behind us where some are by time: then only time counts.
  const byTime = passed >= chain.forkBlocks.length && chain.forkTimes.length > 0;
  return (byTime ? head.time : head.number) >= next || (next > FIRST_FORK_TIME && head.time >= next);
}

/** How many forks in a row, by block and then by time, are not after this head. */
function passedForks({ forkBlocks, forkTimes }: ForkSchedule, head: ForkHead): number {
  const blocks = forkBlocks.findIndex((fork) => fork > head.number);
  if (blocks !== -1) return blocks;
  const times = forkTimes.findIndex((fork) => fork > head.time);
  return forkBlocks.length + (times === -1 ? forkTimes.length : times);
}

/** Checksum i is that of a node that has passed i forks. */
function checksums(chain: ForkSchedule): { sums: number[]; forks: bigint[] } {
  const forks = [...chain.forkBlocks, ...chain.forkTimes];
  const sums = [crc32(0, chain.genesisHash)];
  const bytes = new Uint8Array(8);
  let sum = sums[0] ?? 0;
  for (const fork of forks) {
    writeUint64(bytes, fork);
    sum = crc32(sum, bytes);
    sums.push(sum);
  }
  return { sums, forks };
}

function sumBytes(sum = 0): Uint8Array {
  return Uint8Array.of(sum >>> 24, (sum >>> 16) & 0xff, (sum >>> 8) & 0xff, sum & 0xff);
}

/** CRC-32 (IEEE 802.3, reflected), bit by bit: some hundred bytes per chain, so a table is not worth its making. */
function crc32(before: number, bytes: Uint8Array): number {
  let sum = ~before;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
  }
  return ~sum;
}
