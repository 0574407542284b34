import { encodeUint64, MAX_BLOCKS, readRawLists } from './fields.js';
import { hashesRequest } from './hashes-request.js';
import { MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

export interface GetBlockBodies {
  readonly name: 'GetBlockBodies';
  readonly requestId: bigint;
  /** Of blocks; 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
}

export interface BlockBodies {
  readonly name: 'BlockBodies';
  readonly requestId: bigint;
  /** RLP of each body, undecoded: see `decodeBody`. */
  readonly bodies: readonly Uint8Array[];
}

/** [request id, [hash…]] */
export const getBlockBodies: MessageSpec = hashesRequest(0x05, 'GetBlockBodies', 'BlockBodies');

/** [request id, [[transactions, uncles, withdrawals?]…]] */
export const blockBodies: MessageSpec = messageSpec<BlockBodies>({
  id: 0x06,
  name: 'BlockBodies',
  kind: 'response',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_BLOCKS,
  write({ requestId, bodies }) {
    return [encodeUint64(requestId, 'requestId'), bodies];
  },
  read(elements, maxItems) {
    return { name: 'BlockBodies', requestId: elements.uint(), bodies: readRawLists(elements, maxItems) };
  },
});
