import { CodecError, RlpReader } from '../codec/index.js';
import { DISCONNECT, type DisconnectReason, isDisconnectReason, UNREADABLE_REASON } from './disconnect.js';
import { RlpxError } from './errors.js';

/** `[reason]`. @throws RlpxError ERR_RLPX_ARGUMENT where the reason is no byte: the caller's mistake */
export function encodeDisconnect(reason: DisconnectReason): Uint8Array {
  if (!isDisconnectReason(reason)) {
    throw new RlpxError('ERR_RLPX_ARGUMENT', `disconnect reason: ${reason} is not between 0 and 255`);
  }
  if (reason === 0) return Uint8Array.of(0xc1, 0x80);
  return reason < 0x80 ? Uint8Array.of(0xc1, reason) : Uint8Array.of(0xc2, 0x81, reason);
}

/**
 * Reads every shape that is seen in the wild: a list, a bare integer, a byte that is not canonical, nothing at all.
 * @returns 255 for whatever is not one byte; never throws
 */
export function decodeDisconnect(payload: Uint8Array): DisconnectReason {
  try {
    const reader = new RlpReader(payload);
    const reason = (reader.isList() ? reader.list() : reader).bytes();
    if (reason.length === 0) return DISCONNECT.requested;
    return reason.length === 1 ? (reason[0] as number) : UNREADABLE_REASON;
  } catch (error) {
    if (error instanceof CodecError) return UNREADABLE_REASON;
    throw error;
  }
}
