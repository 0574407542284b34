import type { KeyValueChange } from '../runtime/index.js';
import { ChainError } from './errors.js';
import {
  accessListKey,
  bodyKey,
  canonicalKey,
  headerKey,
  numberKey,
  numberValue,
  receiptsKey,
} from './keys.js';
import type { CompleteBlock } from './verify.js';

/** Adds the changes that store a block on the chain. */
export function putBlock(
  changes: KeyValueChange[],
  { header, body, receipts, accessList }: CompleteBlock,
): void {
  const { hash, raw } = header;
  const { number } = header.header;
  changes.push(
    { key: headerKey(number, hash), value: raw },
    { key: bodyKey(number, hash), value: body },
    { key: receiptsKey(number, hash), value: receipts },
    { key: canonicalKey(number), value: hash },
    { key: numberKey(hash), value: numberValue(number) },
  );
  if (accessList !== undefined) changes.push({ key: accessListKey(number, hash), value: accessList });
}

export function damaged(says: string): ChainError {
  return new ChainError('ERR_CHAIN_DAMAGED', `the chain store is damaged: ${says}`);
}
