import { encodeHashes, encodeUint64, MAX_HASHES, readHashes } from './fields.js';
import type { EthMessageOf } from './message.js';
import { MAX_HASHES_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

type HashesRequest = 'GetBlockBodies' | 'GetBlockAccessLists' | 'GetPooledTransactions';

/** The row of a request that is [request id, [hash…]] and nothing else; GetReceipts grew a third element and keeps its own. */
export function hashesRequest(
  id: number,
  name: HashesRequest,
  answer: NonNullable<MessageSpec['answer']>,
): MessageSpec {
  return messageSpec<EthMessageOf<HashesRequest>>({
    id,
    name,
    kind: 'request',
    answer,
    maxBytes: MAX_HASHES_MESSAGE_BYTES,
    maxItems: MAX_HASHES,
    write({ requestId, hashes }) {
      return [encodeUint64(requestId, 'requestId'), encodeHashes(hashes, 'hashes')];
    },
    read(elements, maxItems) {
      return { name, requestId: elements.uint(), hashes: readHashes(elements, maxItems) };
    },
  });
}
