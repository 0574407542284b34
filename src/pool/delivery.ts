import { SIZE_TOLERANCE_BYTES } from './fetch-limits.js';
import { hashKey } from './hash-key.js';

/** What one peer says of a transaction. */
export interface Claim {
  readonly type: number;
  readonly bytes: number;
}

/** One transaction of an answer, as it really is. */
export interface Delivered {
  readonly hash: Uint8Array;
  readonly type: number;
  /** In the form that this peer's version counts. */
  readonly bytes: number;
  /**
   * Whether hash and size say the same of everyone's copy. Not so for blob transactions: their sidecars are outside the hash,
   * and so only who sent this one is measured by it.
   */
  readonly sizeIsProven: boolean;
}

/** @returns what no answer to this request may have */
export function faultIn(
  transactions: readonly Delivered[],
  asked: ReadonlyMap<string, unknown>,
): string | undefined {
  const came = new Set<string>();
  for (const { hash } of transactions) {
    const key = hashKey(hash);
    if (!asked.has(key)) return 'sent a transaction that was not asked for';
    if (came.has(key)) return 'sent the same transaction twice in one answer';
    came.add(key);
  }
  return undefined;
}

/** @returns how the claim differs from what came; undefined where it was true */
export function lie(claim: Claim, delivered: Delivered, sizeCounts: boolean): string | undefined {
  if (claim.type !== delivered.type) {
    return `announced a transaction as type ${claim.type} that is of type ${delivered.type}`;
  }
  const off = Math.abs(claim.bytes - delivered.bytes);
  if (!sizeCounts || off <= SIZE_TOLERANCE_BYTES) return undefined;
  return `announced a transaction with ${claim.bytes} bytes that has ${delivered.bytes}`;
}
