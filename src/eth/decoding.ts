import { CodecError } from '../codec/index.js';
import { EthError } from './errors.js';

/** Runs a decoder: what the codec finds wrong becomes the one error of this room. @throws EthError ERR_ETH_DECODE */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new EthError('ERR_ETH_DECODE', `${what}: ${error.message}`, { cause: error });
  }
}
