import { CodecError, EMPTY_BYTES, snappyDecompress } from '../codec/index.js';
import { EthError, type EthMessage, type EthVersion, ethProtocol } from '../eth/index.js';
import { MAX_FRAME_BYTES } from '../rlpx/index.js';

/** No message is larger, whatever it is. */
const MAX_PLAIN_BYTES = MAX_FRAME_BYTES;

/** @returns undefined where it is not what this version says */
export function decoded(version: EthVersion, id: number, payload: Uint8Array): EthMessage | undefined {
  try {
    return ethProtocol(version).byId[id]?.decode(payload);
  } catch (error) {
    if (error instanceof EthError) return undefined;
    throw error;
  }
}

/** @returns undefined for what is not compressed: some nodes leave a Disconnect as it is */
export function unpacked(payload: Uint8Array): Uint8Array | undefined {
  if (payload.length === 0) return EMPTY_BYTES;
  try {
    return snappyDecompress(payload, MAX_PLAIN_BYTES);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
