import type { NewPooledTransactionHashes } from '../eth/index.js';
import { hashKey } from './hash-key.js';

/** Hashes of one announcement that are looked at (devp2p: 4,096 is the recommended limit); what is beyond costs nothing. */
export const MAX_ANNOUNCED_HASHES = 4_096;
/** An announcement with more than this is a breach: no node has a reason to send it. */
export const MAX_TOLERATED_HASHES = 8_192;
/** No transaction of any fork comes near: a larger claim counts as this. */
export const MAX_ANNOUNCED_BYTES: number = 16 * 1024 * 1024;

/** One transaction that a peer says it has. */
export interface Announced {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** 0 to 127. */
  readonly type: number;
  /** As announced, at most 16 MiB. */
  readonly bytes: number;
}

/** What stands in an announcement, and how many hashes were left unread; or what makes it a breach. */
export type AnnouncementReading =
  | { readonly announced: readonly Announced[]; readonly ignored: number }
  | { readonly breach: string };

/** Lengths have been compared when the message was decoded; here it is about how many and how large. */
export function readAnnouncement({ types, sizes, hashes }: NewPooledTransactionHashes): AnnouncementReading {
  if (hashes.length > MAX_TOLERATED_HASHES) {
    return { breach: `announced ${hashes.length} transactions at once` };
  }
  const announced: Announced[] = [];
  const seen = new Set<string>();
  const readable = Math.min(hashes.length, MAX_ANNOUNCED_HASHES);
  for (let i = 0; i < readable; i++) {
    const hash = hashes[i] as Uint8Array;
    const key = hashKey(hash);
    if (seen.has(key)) continue;
    seen.add(key);
    announced.push({ hash, type: types[i] ?? 0, bytes: Math.min(sizes[i] ?? 0, MAX_ANNOUNCED_BYTES) });
  }
  return { announced, ignored: hashes.length - readable };
}
