import { RlpReader } from '../../src/codec/rlp-reader.js';
import type { Item } from './codec-rlp-oracle.js';

/** Everything in the bytes, which must be one item. The recursion is the test's: what decodes messages follows their schema. */
export function decodeWhole(bytes: Uint8Array): Item {
  const reader = new RlpReader(bytes);
  const item = decodeNext(reader);
  reader.finish();
  return item;
}

function decodeNext(reader: RlpReader): Item {
  if (!reader.isList()) return reader.bytes().slice();
  const inner = reader.list();
  const items: Item[] = [];
  while (!inner.done) items.push(decodeNext(inner));
  return items;
}
