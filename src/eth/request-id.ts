import { RlpReader } from '../codec/index.js';
import { decoding } from './decoding.js';

/**
 * The request id of a request or an answer, for matching it before anything else is decoded: reads less than 20 bytes,
 * however long the message is.
 * @throws EthError ERR_ETH_DECODE
 */
export function peekRequestId(payload: Uint8Array): bigint {
  return decoding('request id', () => new RlpReader(payload).list().uint());
}
