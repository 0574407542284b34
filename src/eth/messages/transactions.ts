import { encodeBytes, encodeList, encodeUint, type RlpReader } from '../../codec/index.js';
import { EthError } from '../errors.js';
import { MAX_TRANSACTION_TYPE, readRawTransactions } from '../transaction.js';
import { encodeFixed, encodeHashes, encodeUint64, MAX_HASHES, readHashes } from './fields.js';
import { hashesRequest } from './hashes-request.js';
import { MAX_HASHES_MESSAGE_BYTES, MAX_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** Transactions in one broadcast (geth: maxTransactionAnnouncements). */
const MAX_TRANSACTIONS = 5_000;
const MASK_BYTES = 16;

export interface Transactions {
  readonly name: 'Transactions';
  /** Each as it stands on the wire: a list, or from EIP-2718 on a byte string that begins with the type. */
  readonly transactions: readonly Uint8Array[];
}

export interface NewPooledTransactionHashes {
  readonly name: 'NewPooledTransactionHashes';
  /** One byte per transaction. */
  readonly types: Uint8Array;
  /** Bytes of each transaction; of blob transactions from eth/72 on without their blobs. */
  readonly sizes: readonly number[];
  readonly hashes: readonly Uint8Array[];
  /** From eth/72, there always: which of the 128 cells of each blob the sender holds; 16 bytes, bit i in byte i / 8 at i % 8. */
  readonly mask?: Uint8Array;
}

export interface GetPooledTransactions {
  readonly name: 'GetPooledTransactions';
  readonly requestId: bigint;
  readonly hashes: readonly Uint8Array[];
}

export interface PooledTransactions {
  readonly name: 'PooledTransactions';
  readonly requestId: bigint;
  /** As in `Transactions`; blob transactions with their sidecars, from eth/72 on without the blobs in them. */
  readonly transactions: readonly Uint8Array[];
}

/** [transaction…] */
export const transactions: MessageSpec = messageSpec<Transactions>({
  id: 0x02,
  name: 'Transactions',
  kind: 'gossip',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_TRANSACTIONS,
  write: (message) => message.transactions,
  read: (elements, maxItems) => ({
    name: 'Transactions',
    transactions: readRawTransactions(elements, maxItems),
  }),
});

const announcement = {
  id: 0x08,
  name: 'NewPooledTransactionHashes',
  kind: 'gossip',
  maxBytes: MAX_HASHES_MESSAGE_BYTES,
  maxItems: MAX_HASHES,
} as const;

/** eth/68 to 71: [types, [size…], [hash…]] */
export const newPooledTransactionHashes: MessageSpec = messageSpec<NewPooledTransactionHashes>({
  ...announcement,
  write(message) {
    if (message.mask !== undefined) {
      throw new EthError('ERR_ETH_ENCODE', 'NewPooledTransactionHashes: no mask before eth/72');
    }
    return writeAnnouncement(message);
  },
  read: (elements, maxItems) => ({ name: announcement.name, ...readAnnouncement(elements, maxItems) }),
});

/** From eth/72: [types, [size…], [hash…], mask] */
export const newPooledTransactionHashesMasked: MessageSpec = messageSpec<NewPooledTransactionHashes>({
  ...announcement,
  write(message) {
    if (message.mask === undefined) {
      throw new EthError('ERR_ETH_ENCODE', 'NewPooledTransactionHashes: a mask is wanted from eth/72 on');
    }
    return [...writeAnnouncement(message), encodeFixed(message.mask, MASK_BYTES, 'mask')];
  },
  read(elements, maxItems) {
    const announced = readAnnouncement(elements, maxItems);
    return { name: announcement.name, ...announced, mask: elements.fixed(MASK_BYTES) };
  },
});

/** [request id, [hash…]] */
export const getPooledTransactions: MessageSpec = hashesRequest(
  0x09,
  'GetPooledTransactions',
  'PooledTransactions',
);

/** [request id, [transaction…]] */
export const pooledTransactions: MessageSpec = messageSpec<PooledTransactions>({
  id: 0x0a,
  name: 'PooledTransactions',
  kind: 'response',
  maxBytes: MAX_MESSAGE_BYTES,
  maxItems: MAX_TRANSACTIONS,
  write({ requestId, transactions }) {
    return [encodeUint64(requestId, 'requestId'), transactions];
  },
  read(elements, maxItems) {
    const requestId = elements.uint();
    return {
      name: 'PooledTransactions',
      requestId,
      transactions: readRawTransactions(elements.list(), maxItems),
    };
  },
});

function writeAnnouncement({ types, sizes, hashes }: NewPooledTransactionHashes): Uint8Array[] {
  const fault = announcementFault(types, sizes.length, hashes.length);
  if (fault !== undefined) throw new EthError('ERR_ETH_ENCODE', fault);
  return [encodeBytes(types), encodeList(sizes.map(encodeSize)), encodeHashes(hashes, 'hashes')];
}

function readAnnouncement(
  elements: RlpReader,
  maxItems: number,
): Pick<NewPooledTransactionHashes, 'types' | 'sizes' | 'hashes'> {
  const types = elements.bytes(maxItems);
  const list = elements.list();
  const sizes = new Array<number>(list.count(maxItems));
  for (let i = 0; i < sizes.length; i++) sizes[i] = list.uint32();
  const hashes = readHashes(elements, maxItems);
  const fault = announcementFault(types, sizes.length, hashes.length);
  if (fault !== undefined) throw new EthError('ERR_ETH_DECODE', fault);
  return { types, sizes, hashes };
}

function announcementFault(types: Uint8Array, sizes: number, hashes: number): string | undefined {
  if (types.length !== sizes || sizes !== hashes) {
    return `NewPooledTransactionHashes: ${types.length} types, ${sizes} sizes and ${hashes} hashes`;
  }
  const type = types.find((candidate) => candidate > MAX_TRANSACTION_TYPE);
  return type === undefined ? undefined : `NewPooledTransactionHashes: no transaction has type ${type}`;
}

function encodeSize(size: number): Uint8Array {
  if (!Number.isInteger(size) || size < 0 || size > 0xffff_ffff) {
    throw new EthError('ERR_ETH_ENCODE', `sizes: ${size} is no integer of 32 bits`);
  }
  return encodeUint(size);
}
