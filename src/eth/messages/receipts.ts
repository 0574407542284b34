import { encodeBoolean } from '../../codec/index.js';
import { EthError } from '../errors.js';
import { encodeHashes, encodeUint64, MAX_BLOCKS, MAX_HASHES, readHashes, readRawLists } from './fields.js';
import { MAX_HASHES_MESSAGE_BYTES, MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** Before eth/70 the receipts of one block cannot be split, so an answer to our own request may be as large as a frame. */
export const MAX_WHOLE_RECEIPTS_BYTES: number = 2 ** 24 - 1;

export interface GetReceipts {
  readonly name: 'GetReceipts';
  readonly requestId: bigint;
  /** From eth/70: where to begin in the first block. */
  readonly firstBlockReceiptIndex?: bigint;
  /** Of blocks; 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
}

export interface Receipts {
  readonly name: 'Receipts';
  readonly requestId: bigint;
  /** From eth/70: the last block's receipts go on beyond what this answer holds. */
  readonly lastBlockIncomplete?: boolean;
  /** Per block the RLP list of its receipts, undecoded, in this version's form: with bloom on eth/68, see `receipts68To69`. */
  readonly blocks: readonly Uint8Array[];
}

const request = {
  id: 0x0f,
  name: 'GetReceipts',
  kind: 'request',
  answer: 'Receipts',
  maxBytes: MAX_HASHES_MESSAGE_BYTES,
  maxItems: MAX_HASHES,
} as const;

const response = { id: 0x10, name: 'Receipts', kind: 'response', maxItems: MAX_BLOCKS } as const;

/** eth/68 and 69: [request id, [hash…]] */
export const getReceipts: MessageSpec = messageSpec<GetReceipts>({
  ...request,
  write({ requestId, hashes, firstBlockReceiptIndex = 0n }) {
    if (firstBlockReceiptIndex !== 0n) {
      throw new EthError('ERR_ETH_ENCODE', 'GetReceipts: no first index before eth/70');
    }
    return [encodeUint64(requestId, 'requestId'), encodeHashes(hashes, 'hashes')];
  },
  read(elements, maxItems) {
    return { name: 'GetReceipts', requestId: elements.uint(), hashes: readHashes(elements, maxItems) };
  },
});

/** eth/68 and 69: [request id, [[receipt…]…]] */
export const receipts: MessageSpec = messageSpec<Receipts>({
  ...response,
  maxBytes: MAX_WHOLE_RECEIPTS_BYTES,
  write({ requestId, blocks, lastBlockIncomplete = false }) {
    if (lastBlockIncomplete) {
      throw new EthError('ERR_ETH_ENCODE', 'Receipts: no incomplete block before eth/70');
    }
    return [encodeUint64(requestId, 'requestId'), blocks];
  },
  read(elements, maxItems) {
    return { name: 'Receipts', requestId: elements.uint(), blocks: readRawLists(elements, maxItems) };
  },
});

/** From eth/70 (EIP-7975): [request id, first index, [hash…]] */
export const getPartialReceipts: MessageSpec = messageSpec<GetReceipts>({
  ...request,
  write({ requestId, hashes, firstBlockReceiptIndex = 0n }) {
    return [
      encodeUint64(requestId, 'requestId'),
      encodeUint64(firstBlockReceiptIndex, 'firstBlockReceiptIndex'),
      encodeHashes(hashes, 'hashes'),
    ];
  },
  read(elements, maxItems) {
    return {
      name: 'GetReceipts',
      requestId: elements.uint(),
      firstBlockReceiptIndex: elements.uint(),
      hashes: readHashes(elements, maxItems),
    };
  },
});

/** From eth/70 (EIP-7975): [request id, last block incomplete, [[receipt…]…]] */
export const partialReceipts: MessageSpec = messageSpec<Receipts>({
  ...response,
  maxBytes: MAX_MESSAGE_BYTES,
  write({ requestId, blocks, lastBlockIncomplete = false }) {
    return [encodeUint64(requestId, 'requestId'), encodeBoolean(lastBlockIncomplete), blocks];
  },
  read(elements, maxItems) {
    return {
      name: 'Receipts',
      requestId: elements.uint(),
      lastBlockIncomplete: elements.boolean(),
      blocks: readRawLists(elements, maxItems),
    };
  },
});
