import { encodeHash, encodeUint64, HASH_BYTES } from './fields.js';
import { MAX_SMALL_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** From eth/69: which blocks can be asked for now. */
export interface BlockRangeUpdate {
  readonly name: 'BlockRangeUpdate';
  readonly earliest: bigint;
  readonly latest: bigint;
  /** 32 bytes. */
  readonly latestHash: Uint8Array;
}

/** EIP-7642: [earliest, latest, hash of latest]. Whether it makes sense is judged by `blockRangeFault`. */
export const blockRangeUpdate: MessageSpec = messageSpec<BlockRangeUpdate>({
  id: 0x11,
  name: 'BlockRangeUpdate',
  kind: 'gossip',
  maxBytes: MAX_SMALL_MESSAGE_BYTES,
  maxItems: 3,
  write: ({ earliest, latest, latestHash }) => [
    encodeUint64(earliest, 'earliest'),
    encodeUint64(latest, 'latest'),
    encodeHash(latestHash, 'latestHash'),
  ],
  read: (elements) => ({
    name: 'BlockRangeUpdate',
    earliest: elements.uint(),
    latest: elements.uint(),
    latestHash: elements.fixed(HASH_BYTES),
  }),
});
