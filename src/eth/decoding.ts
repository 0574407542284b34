import { CodecError } from '../codec/index.js';
import { EthError } from './errors.js';

/** Runs a decoder: what the codec finds wrong becomes the one error of this room. @throws EthError ERR_ETH_DECODE */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw decodeFault(what, error);
  }
}

/** @returns the error to throw instead: any but the codec's is left as it is. */
export function decodeFault(what: string, error: unknown): unknown {
  if (!(error instanceof CodecError)) return error;
  return new EthError('ERR_ETH_DECODE', `${what}: ${error.message}`, { cause: error });
}
