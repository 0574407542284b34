import { sameBytes } from '../codec/index.js';
import type { PeerBook, PullPeer } from './pull-peers.js';
import type { ChainStore } from './store.js';

/** The end of the next run of blocks. */
export type Goal =
  /** A hash that the caller has pinned, or that stands on the way to it. */
  | { readonly kind: 'pinned'; readonly hash: Uint8Array; readonly number: bigint | undefined }
  /** What a peer announces as its latest block. */
  | {
      readonly kind: 'announced';
      readonly hash: Uint8Array;
      readonly number: bigint;
      readonly leader: PullPeer;
    }
  /** The block of that number, whose hash the peer must be asked for first. */
  | { readonly kind: 'numbered'; readonly number: bigint; readonly leader: PullPeer }
  /** A peer that does not say what it has: it is asked what comes after our head. */
  | { readonly kind: 'probe'; readonly leader: PullPeer; readonly upTo: bigint | undefined };

/** `wait`: nobody can be asked now, or nobody has what is wanted. */
export type Course = Goal | 'reached' | 'wait';

/** A peer's latest block is not on the stored chain. */
export type Disagreement = (entry: PullPeer, number: bigint, theirs: Uint8Array, taken: Uint8Array) => void;

/** On the way to a pinned hash: from boundary to boundary, as the first walk back has found them. */
export async function pinnedCourse(
  store: ChainStore,
  book: PeerBook,
  pin: Uint8Array,
  checkpoints: ReadonlyMap<bigint, Uint8Array>,
): Promise<Course> {
  if ((await store.numberOf(pin)) !== undefined) return 'reached'; // what has a number in the store is on its chain
  if (!book.all().some((entry) => !entry.resting)) return 'wait';
  const head = store.head.header.number;
  let next: bigint | undefined;
  for (const number of checkpoints.keys())
    if (number > head && (next === undefined || number < next)) next = number;
  const hash = next === undefined ? undefined : checkpoints.get(next);
  return { kind: 'pinned', hash: hash ?? pin, number: next };
}

/**
 * Follows the best trusted peer that is ahead, in runs of limited length.
 * @param end number to end at, if any
 * @param segmentBlocks length of a run
 */
export async function openCourse(
  store: ChainStore,
  book: PeerBook,
  end: bigint | undefined,
  segmentBlocks: bigint,
  disagreement: Disagreement,
): Promise<Course> {
  const head = store.head.header.number;
  if (end !== undefined && head >= end) return 'reached';
  const entries = book.all();
  let consulted = false;
  for (const entry of entries) {
    if (entry.resting) continue;
    const goal = await goalOf(entry, store, end, segmentBlocks, disagreement);
    if (goal === 'refused') continue;
    if (goal !== 'nothing') return goal;
    consulted = true;
  }
  const rested = entries.some((entry) => entry.resting && !entry.benched);
  return consulted && !rested && end === undefined ? 'reached' : 'wait';
}

async function goalOf(
  leader: PullPeer,
  store: ChainStore,
  end: bigint | undefined,
  segmentBlocks: bigint,
  disagreement: Disagreement,
): Promise<Goal | 'nothing' | 'refused'> {
  const { hash: headHash, header } = store.head;
  const range = leader.peer.range();
  if (range === undefined) {
    const asked = leader.emptyBeyond !== undefined && sameBytes(leader.emptyBeyond, headHash);
    return asked ? 'nothing' : { kind: 'probe', leader, upTo: end };
  }
  const { latest: number, latestHash: hash } = range;
  if (leader.refused !== undefined && sameBytes(leader.refused, hash)) return 'refused';
  if (number > header.number) {
    const far = header.number + segmentBlocks;
    const limit = end !== undefined && end < far ? end : far;
    return number > limit
      ? { kind: 'numbered', number: limit, leader }
      : { kind: 'announced', hash, number, leader };
  }
  const ours = await store.hashOf(number);
  if (ours === undefined || sameBytes(ours, hash)) return 'nothing';
  disagreement(leader, number, hash, ours);
  // A shorter chain is taken only from those who are believed: after the merge the longest need not be the right one.
  return leader.peer.trust === 'trusted' ? { kind: 'announced', hash, number, leader } : 'nothing';
}
