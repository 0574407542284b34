import { encodeBytes, type RlpReader } from '../../codec/index.js';
import { encodeUint64, MAX_BLOCKS } from './fields.js';
import { hashesRequest } from './hashes-request.js';
import { MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** From eth/71. */
export interface GetBlockAccessLists {
  readonly name: 'GetBlockAccessLists';
  readonly requestId: bigint;
  /** Of blocks; 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
}

/** From eth/71. */
export interface BlockAccessLists {
  readonly name: 'BlockAccessLists';
  readonly requestId: bigint;
  /** RLP of each access list (EIP-7928), undecoded, at the position of its hash; undefined: the sender has none. */
  readonly accessLists: readonly (Uint8Array | undefined)[];
}

/** Stands for an access list that the sender has not got: the empty list is a list that a block can have. */
const UNAVAILABLE: Uint8Array = encodeBytes(new Uint8Array(0));

/** EIP-8159: [request id, [hash…]] */
export const getBlockAccessLists: MessageSpec = hashesRequest(
  0x12,
  'GetBlockAccessLists',
  'BlockAccessLists',
);

/** EIP-8159: [request id, [access list or the empty string…]] */
export const blockAccessLists: MessageSpec = messageSpec<BlockAccessLists>({
  id: 0x13,
  name: 'BlockAccessLists',
  kind: 'response',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_BLOCKS,
  write({ requestId, accessLists }) {
    return [encodeUint64(requestId, 'requestId'), accessLists.map((accessList) => accessList ?? UNAVAILABLE)];
  },
  read(elements, maxItems) {
    const requestId = elements.uint();
    const list = elements.list();
    const accessLists = new Array<Uint8Array | undefined>(list.count(maxItems));
    for (let i = 0; i < accessLists.length; i++) accessLists[i] = readAccessList(list);
    return { name: 'BlockAccessLists', requestId, accessLists };
  },
});

function readAccessList(list: RlpReader): Uint8Array | undefined {
  if (list.isList()) return list.raw();
  list.fixed(0);
  return undefined;
}
