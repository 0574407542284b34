import { DISCONNECT, disconnectName } from '../rlpx/index.js';
import type { CloseCause } from '../session/index.js';

/** The steps to a session, as a person knows them; `active` once they are done. */
export type Stage = 'connect' | 'ecies' | 'hello' | 'status' | 'active';

const STAGES: Readonly<Record<CloseCause['stage'], Stage>> = {
  requested: 'connect',
  connecting: 'connect',
  accepted: 'connect',
  authenticating: 'ecies',
  greeting: 'hello',
  verifying: 'status',
  active: 'active',
  paused: 'active',
  draining: 'active',
};

export function stageOf(cause: CloseCause): Stage {
  return STAGES[cause.stage];
}

/** What ended it, in words that fit behind the name of the stage. */
export function whatEnded(cause: CloseCause): string {
  const { reasonReceived: reason, says } = cause;
  // the error of eth says which message it is about, the stage has said so already
  if (reason === undefined) return says.replace(/^Status: /, '') + strangerHint(cause);
  // geth closes with 16 on our Status, and may be gone before we have read its own: all that is known is the reason
  const refused = stageOf(cause) === 'status' && reason === DISCONNECT.subprotocolError;
  const hint = refused ? ' (most often another network, genesis or fork)' : '';
  return `the peer disconnected: ${disconnectName(reason)}${hint}`;
}

/** Who dials another service, or a node that has another key by now, sees the handshake fail in one of these ways. */
function strangerHint(cause: CloseCause): string {
  if (stageOf(cause) !== 'ecies') return '';
  if (cause.code === 'ERR_RLPX_AUTH' || cause.code === 'ERR_RLPX_AUTH_SIZE')
    return ' (what answers is no RLPx node)';
  return cause.by === 'transport' ? ' (no RLPx node, or one with another key)' : '';
}

/** One line: `status: network 5, ours is 1`. */
export function explainEnd(cause: CloseCause): string {
  return `${stageOf(cause)}: ${whatEnded(cause)}`;
}
