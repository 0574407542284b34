import { encodeLists, type RlpReader, readList } from '../../codec/index.js';
import { decoding } from '../decoding.js';
import { EthError } from '../errors.js';
import type { EthMessage, EthMessageName } from './message.js';

/** Nothing on eth is larger once decompressed (geth: maxMessageSize). */
export const MAX_MESSAGE_BYTES: number = 10 * 1024 * 1024;
/** Messages of a few fixed fields: Status, GetBlockHeaders, BlockRangeUpdate need less than 256 bytes. */
export const MAX_SMALL_MESSAGE_BYTES: number = 2 * 1024;
/** Messages that list hashes: `MAX_HASHES` of them, with type and size where announced, are less than this. */
export const MAX_HASHES_MESSAGE_BYTES: number = 1024 * 1024;

export interface DecodeLimits {
  /**
   * Items at the top of the message: as many as were asked for. Known before the message is read, and counted before an
   * item is built. Without it each message has a limit of its own, that of its specification or of geth.
   */
  readonly maxItems?: number;
}

/** One message of one eth version: a row of its table. */
export interface MessageSpec {
  /** Relative to the capability: 0 is Status. */
  readonly id: number;
  readonly name: EthMessageName;
  readonly kind: 'status' | 'request' | 'response' | 'gossip';
  /** Decompressed; to be checked on the declared size, before decompression. */
  readonly maxBytes: number;
  /** What answers it: there for requests only. */
  readonly answer?: EthMessageName;
  /**
   * @param lend gives memory for the payload, of just so many bytes, all of which are written; without it the payload has its own
   * @returns the RLP payload. @throws EthError ERR_ETH_ENCODE for what this version cannot say
   */
  encode(message: EthMessage, lend?: (bytes: number) => Uint8Array): Uint8Array;
  /**
   * Strict: all elements and no others, canonical integers, sizes as specified. Byte fields are views of the payload, and
   * what is kept raw (headers, bodies, receipts, transactions) is checked only as far as: is a list where one must stand.
   * @throws EthError ERR_ETH_DECODE (a Status of a version that has another form: ERR_ETH_STATUS_VERSION), nothing else
   */
  decode(payload: Uint8Array, limits?: DecodeLimits): EthMessage;
}

/** What a family of messages says about one of its messages. */
export interface MessageRow<M extends EthMessage> extends Pick<MessageSpec, 'id' | 'kind' | 'maxBytes'> {
  readonly name: M['name'];
  readonly answer?: EthMessageName;
  /** Limit for the items at the top where the caller gives none. */
  readonly maxItems: number;
  /** @returns the encoded elements of the message, which is a list; an element that is a list may be left as its encoded items. */
  write(message: M): readonly (Uint8Array | readonly Uint8Array[])[];
  /** Reads the elements; that nothing follows is checked by the caller. */
  read(elements: RlpReader, maxItems: number): M;
}

export function messageSpec<M extends EthMessage>(row: MessageRow<M>): MessageSpec {
  const { id, name, kind, maxBytes } = row;
  return {
    id,
    name,
    kind,
    maxBytes,
    ...(row.answer === undefined ? {} : { answer: row.answer }),
    encode(message, lend) {
      if (message.name !== name) throw new EthError('ERR_ETH_ENCODE', `${name}: given a ${message.name}`);
      return encodeLists(row.write(message as M), lend);
    },
    decode(payload, limits) {
      return decoding(name, () => {
        const elements = readList(payload);
        const message = row.read(elements, limits?.maxItems ?? row.maxItems);
        elements.finish();
        return message;
      });
    },
  };
}
