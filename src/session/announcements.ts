import { concatBytes, sameBytes } from '../codec/index.js';
import type { NewPooledTransactionHashes } from '../eth/index.js';
import type { Lane, Outbound } from './lane.js';

/** Hashes in one message that was put together (geth: maxTxAnnouncements is 4,096 as well). */
export const MAX_MERGED_HASHES = 4_096;

/**
 * Takes out of the lane what can leave together with `first`, which has left it: announcements, oldest first, of the same
 * mask, as long as they are not too many.
 * @returns all of it in one announcement; undefined where there is only the first
 */
export function mergeWaiting(first: Outbound, lane: Lane): NewPooledTransactionHashes | undefined {
  if (first.announcement === undefined) return undefined;
  const all = [first.announcement];
  let hashes = first.announcement.hashes.length;
  for (const waiting of [...lane]) {
    const { announcement } = waiting;
    if (announcement === undefined || !sameMask(announcement, first.announcement)) continue;
    if (hashes + announcement.hashes.length > MAX_MERGED_HASHES) break;
    hashes += announcement.hashes.length;
    all.push(announcement);
    lane.remove(waiting);
  }
  return all.length === 1 ? undefined : mergeAnnouncements(all);
}

/** @param all of one mask, at least one */
export function mergeAnnouncements(all: readonly NewPooledTransactionHashes[]): NewPooledTransactionHashes {
  const mask = all[0]?.mask;
  return {
    name: 'NewPooledTransactionHashes',
    types: concatBytes(all.map(({ types }) => types)),
    sizes: all.flatMap(({ sizes }) => sizes),
    hashes: all.flatMap(({ hashes }) => hashes),
    ...(mask === undefined ? {} : { mask }),
  };
}

function sameMask(a: NewPooledTransactionHashes, b: NewPooledTransactionHashes): boolean {
  if (a.mask === undefined || b.mask === undefined) return a.mask === b.mask;
  return sameBytes(a.mask, b.mask);
}
