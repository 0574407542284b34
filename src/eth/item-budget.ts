import type { RlpLimits } from '../codec/index.js';

/*
 * Strings and lists in a piece of content, all levels together: what bounds the work, and tells a block from a message made
 * of millions of one-byte items. The densest that a block can be are logs without topics and data (6 bytes for 4 items)
 * and receipts without logs (9 bytes for 5), and of those a block can pay for less than a million.
 */
const MIN_ITEMS = 1_048_576;
const BYTES_PER_ITEM = 4;

export function itemBudget(raw: Uint8Array): RlpLimits {
  return { maxItems: Math.max(MIN_ITEMS, Math.floor(raw.length / BYTES_PER_ITEM)) };
}
