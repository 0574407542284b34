import type { KeyValueChange, KeyValueStore } from '../runtime/index.js';
import { ChainError } from './errors.js';
import { canonicalKey, keyedNumber, missingReceiptsKey } from './keys.js';
import type { StoredRange } from './meta.js';
import { dropContents } from './stored-blocks.js';
import type { HashedHeader } from './verify.js';

/** What a store holds. What it will hold after a change is worked out before the change is made. */
export interface StoreState {
  readonly head: HashedHeader;
  /** The first block from which on all bodies are stored. */
  readonly earliest: bigint;
  /** How many of those blocks lack their receipts. */
  readonly missingReceipts: number;
  /** The highest of them. */
  readonly lastMissing: bigint | undefined;
}

export interface PruneWish {
  /** How many of the latest blocks keep their contents; undefined: all. */
  readonly keep: bigint | undefined;
  /** Number of the last block that is stored and stays: later ones are about to change. */
  readonly stored: bigint;
  /** Blocks to drop the contents of, at most. */
  readonly most: bigint;
}

export function storedRange({ head, earliest, missingReceipts }: StoreState): StoredRange {
  return { number: head.header.number, hash: head.hash, earliest, missingReceipts };
}

/** @throws ChainError ERR_CHAIN_RANGE */
export function checkKeep(keep: bigint): void {
  if (keep < 1n) throw new ChainError('ERR_CHAIN_RANGE', `cannot keep ${keep} blocks: at least 1`);
}

/** What is left when the blocks above `number` are gone. Of a block before the earliest only the header is there to go on from. */
export async function stateAt(
  store: KeyValueStore,
  state: StoreState,
  number: bigint,
): Promise<Omit<StoreState, 'head'>> {
  const { head, earliest, missingReceipts, lastMissing } = state;
  if (number === head.header.number) return { earliest, missingReceipts, lastMissing };
  const gone = await countMissing(store, state, number + 1n, head.header.number + 1n);
  return {
    earliest: number >= earliest ? earliest : number === 0n ? 0n : number + 1n,
    missingReceipts: missingReceipts - gone,
    lastMissing: await lastMissingUpTo(store, state, number),
  };
}

/** The highest block without receipts up to `upTo`, those aside that are about to have them. */
export async function lastMissingUpTo(
  store: KeyValueStore,
  { lastMissing }: StoreState,
  upTo: bigint,
  except: ReadonlySet<bigint> = new Set(),
): Promise<bigint | undefined> {
  if (lastMissing === undefined || (lastMissing <= upTo && !except.has(lastMissing))) return lastMissing;
  const range = { from: missingReceiptsKey(0n), to: missingReceiptsKey(upTo + 1n), reverse: true };
  for await (const [key] of store.range(range)) {
    const number = keyedNumber(key);
    if (!except.has(number)) return number;
  }
  return undefined;
}

/**
 * Adds the changes that drop the contents of blocks before the latest ones; the genesis keeps its own.
 * @returns what is left then
 */
export async function pruned(
  store: KeyValueStore,
  changes: KeyValueChange[],
  state: StoreState,
  { keep, stored, most }: PruneWish,
): Promise<StoreState> {
  if (keep === undefined) return state;
  const { head, earliest: from, missingReceipts, lastMissing } = state;
  const to = least(head.header.number - keep + 1n, stored + 1n, from + most);
  if (to <= from) return state;
  const gone = await countMissing(store, state, from, to);
  const range = { from: canonicalKey(from > 1n ? from : 1n), to: canonicalKey(to) };
  for await (const [key, hash] of store.range(range)) dropContents(changes, keyedNumber(key), hash);
  return {
    head,
    earliest: to,
    missingReceipts: missingReceipts - gone,
    lastMissing: lastMissing !== undefined && lastMissing < to ? undefined : lastMissing,
  };
}

/** Blocks without receipts from `from` to before `to`. */
async function countMissing(
  store: KeyValueStore,
  { missingReceipts }: StoreState,
  from: bigint,
  to: bigint,
): Promise<number> {
  if (missingReceipts === 0) return 0;
  let count = 0;
  const range = { from: missingReceiptsKey(from), to: missingReceiptsKey(to) };
  for await (const _entry of store.range(range)) count++;
  return count;
}

function least(...numbers: readonly bigint[]): bigint {
  return numbers.reduce((a, b) => (a < b ? a : b));
}
