import { readListHead } from '../codec/index.js';
import { decoding } from './decoding.js';

/** Enough of a message to read its request id: prefix of the list, prefix of the id, and the id, 18 bytes at most. */
export const REQUEST_ID_HEAD_BYTES = 18;

/**
 * The request id of a request or an answer, for matching it before anything else is decoded.
 * @param head the message, or its first 18 bytes at least
 * @param bytes that the whole message has
 * @throws EthError ERR_ETH_DECODE
 */
export function peekRequestId(head: Uint8Array, bytes: number = head.length): bigint {
  return decoding('request id', () => readListHead(head, bytes).uint());
}
