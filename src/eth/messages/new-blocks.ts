import { encodeList } from '../../codec/index.js';
import { encodeHash, encodeUint64, HASH_BYTES, MAX_BLOCKS, readRawList } from './fields.js';
import { MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';
import { DIFFICULTY_BYTES, encodeTotalDifficulty } from './status.js';

/** eth/68 only, and unused since the merge. */
export interface NewBlockHashes {
  readonly name: 'NewBlockHashes';
  readonly blocks: readonly { readonly hash: Uint8Array; readonly number: bigint }[];
}

/** eth/68 only, and unused since the merge. */
export interface NewBlock {
  readonly name: 'NewBlock';
  /** RLP of the whole block, undecoded: see `splitBlock`. */
  readonly block: Uint8Array;
  readonly totalDifficulty: bigint;
}

/** [[hash, number]…] */
export const newBlockHashes: MessageSpec = messageSpec<NewBlockHashes>({
  id: 0x01,
  name: 'NewBlockHashes',
  kind: 'gossip',
  maxBytes: MAX_BLOCKS * 64,
  maxItems: MAX_BLOCKS,
  write: ({ blocks }) =>
    blocks.map(({ hash, number }) => encodeList([encodeHash(hash, 'hash'), encodeUint64(number, 'number')])),
  read(elements, maxItems) {
    const blocks = new Array<{ hash: Uint8Array; number: bigint }>(elements.count(maxItems));
    for (let i = 0; i < blocks.length; i++) {
      const block = elements.list();
      blocks[i] = { hash: block.fixed(HASH_BYTES), number: block.uint() };
      block.finish();
    }
    return { name: 'NewBlockHashes', blocks };
  },
});

/** [[header, transactions, uncles, withdrawals?], total difficulty] */
export const newBlock: MessageSpec = messageSpec<NewBlock>({
  id: 0x07,
  name: 'NewBlock',
  kind: 'gossip',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: 1,
  write: ({ block, totalDifficulty }) => [block, encodeTotalDifficulty(totalDifficulty, 'totalDifficulty')],
  read: (elements) => ({
    name: 'NewBlock',
    block: readRawList(elements),
    totalDifficulty: elements.uint(DIFFICULTY_BYTES),
  }),
});
