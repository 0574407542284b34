import { bytesToBigint, encodeBoolean, encodeList } from '../../codec/index.js';
import { EthError } from '../errors.js';
import { encodeHash, encodeUint64, HASH_BYTES, MAX_BLOCKS, readRawLists } from './fields.js';
import { MAX_MESSAGE_BYTES, MAX_SMALL_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** Which headers: `amount` of them from `origin` on, `skip` left out between two, down the chain where `reverse`. */
export interface HeadersQuery {
  /** A block hash (32 bytes) or a block number. */
  readonly origin: Uint8Array | bigint;
  /** Decoded as bigint: a peer may say anything up to 2^64 − 1. */
  readonly amount: number | bigint;
  readonly skip: bigint;
  readonly reverse: boolean;
}

export interface GetBlockHeaders {
  readonly name: 'GetBlockHeaders';
  readonly requestId: bigint;
  readonly query: HeadersQuery;
}

export interface BlockHeaders {
  readonly name: 'BlockHeaders';
  readonly requestId: bigint;
  /** RLP of each header, undecoded: see `decodeHeader`. */
  readonly headers: readonly Uint8Array[];
}

/** [request id, [origin, amount, skip, reverse]] */
export const getBlockHeaders: MessageSpec = messageSpec<GetBlockHeaders>({
  id: 0x03,
  name: 'GetBlockHeaders',
  kind: 'request',
  answer: 'BlockHeaders',
  maxBytes: MAX_SMALL_MESSAGE_BYTES,
  maxItems: 1,
  write({ requestId, query }) {
    const { origin, amount, skip, reverse } = query;
    return [
      encodeUint64(requestId, 'requestId'),
      encodeList([
        typeof origin === 'bigint'
          ? encodeUint64(origin, 'query.origin')
          : encodeHash(origin, 'query.origin'),
        encodeUint64(amount, 'query.amount'),
        encodeUint64(skip, 'query.skip'),
        encodeBoolean(reverse),
      ]),
    ];
  },
  read(elements) {
    const requestId = elements.uint();
    const list = elements.list();
    const origin = hashOrNumber(list.bytes(HASH_BYTES));
    const query = { origin, amount: list.uint(), skip: list.uint(), reverse: list.boolean() };
    list.finish();
    return { name: 'GetBlockHeaders', requestId, query };
  },
});

/** 32 bytes are a hash, up to 8 a number: told apart by nothing else. */
function hashOrNumber(bytes: Uint8Array): Uint8Array | bigint {
  if (bytes.length === HASH_BYTES) return bytes;
  if (bytes.length > 8 || bytes[0] === 0) {
    throw new EthError(
      'ERR_ETH_DECODE',
      'GetBlockHeaders: the origin is neither a hash nor a canonical number',
    );
  }
  return bytesToBigint(bytes);
}

/** [request id, [header…]] */
export const blockHeaders: MessageSpec = messageSpec<BlockHeaders>({
  id: 0x04,
  name: 'BlockHeaders',
  kind: 'response',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_BLOCKS,
  write({ requestId, headers }) {
    return [encodeUint64(requestId, 'requestId'), headers];
  },
  read(elements, maxItems) {
    return { name: 'BlockHeaders', requestId: elements.uint(), headers: readRawLists(elements, maxItems) };
  },
});
