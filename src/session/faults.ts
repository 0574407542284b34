import { CodecError } from '../codec/index.js';
import { EthError } from '../eth/index.js';
import { type ConnectionEnd, DISCONNECT, disconnectName, RlpxError } from '../rlpx/index.js';
import { type Ending, endings } from './close-cause.js';

/** What an error that was met in a peer's message means for its session. */
export function faultOf(error: unknown): Ending {
  if (error instanceof RlpxError) {
    return { kind: 'fault', by: 'local', reason: error.reason, code: error.code, says: error.message };
  }
  if (error instanceof EthError) {
    const reason = error.reason ?? DISCONNECT.subprotocolError;
    return { kind: 'fault', by: 'local', reason, code: error.code, says: error.message };
  }
  if (error instanceof CodecError) return endings.breach(error.code, error.message);
  return endings.internal(error);
}

/** What the connection found: the peer's Disconnect, a breach below eth, a deadline of a frame, or the network. */
export function connectionEnding(end: ConnectionEnd): Ending {
  const { code, says } = end;
  if (end.by === 'remote') {
    const received = end.received;
    return {
      kind: 'asked',
      by: 'remote',
      received,
      code,
      says: received === undefined ? says : disconnectName(received),
    };
  }
  if (end.by === 'transport') return { kind: 'fault', by: 'transport', code, says };
  if (end.sent === DISCONNECT.timeout) return { kind: 'deadline', by: 'local', code, says };
  // no shared capability is nobody's fault, and neither is a flood by others
  if (end.sent === DISCONNECT.uselessPeer || code === 'ERR_RLPX_BUSY')
    return { kind: 'refused', by: 'policy', code, says };
  return { kind: 'fault', by: 'local', code, says };
}
