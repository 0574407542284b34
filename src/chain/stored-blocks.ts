import type { KeyValueChange } from '../runtime/index.js';
import { ChainError } from './errors.js';
import {
  accessListKey,
  bodyKey,
  canonicalKey,
  headerKey,
  missingReceiptsKey,
  numberKey,
  numberValue,
  receiptsKey,
} from './keys.js';
import type { StorableBlock } from './verify.js';

/** Adds the changes that store a block on the chain. */
export function putBlock(
  changes: KeyValueChange[],
  { header, body, receipts, accessList }: StorableBlock,
): void {
  const { hash, raw } = header;
  const { number } = header.header;
  changes.push(
    { key: headerKey(number, hash), value: raw },
    { key: bodyKey(number, hash), value: body },
    { key: canonicalKey(number), value: hash },
    { key: numberKey(hash), value: numberValue(number) },
  );
  if (receipts === undefined) changes.push({ key: missingReceiptsKey(number), value: NOTHING });
  else changes.push({ key: receiptsKey(number, hash), value: receipts });
  if (accessList !== undefined) changes.push({ key: accessListKey(number, hash), value: accessList });
}

/** Adds the changes that take away what a block holds beside its header, the word that its receipts are missing included. */
export function dropContents(changes: KeyValueChange[], number: bigint, hash: Uint8Array): void {
  for (const gone of [bodyKey, receiptsKey, accessListKey]) changes.push({ key: gone(number, hash) });
  changes.push({ key: missingReceiptsKey(number) });
}

export function damaged(says: string): ChainError {
  return new ChainError('ERR_CHAIN_DAMAGED', `the chain store is damaged: ${says}`);
}

const NOTHING = new Uint8Array(0);
