/** Why a connection ends, as the Disconnect message says it (devp2p, "Disconnect (0x01)"). */
export const DISCONNECT = {
  requested: 0,
  networkError: 1,
  protocolBreach: 2,
  uselessPeer: 3,
  tooManyPeers: 4,
  alreadyConnected: 5,
  incompatibleVersion: 6,
  invalidIdentity: 7,
  clientQuitting: 8,
  unexpectedIdentity: 9,
  connectedToSelf: 10,
  timeout: 11,
  subprotocolError: 16,
} as const;

/** 0 to 255. A reason that could not be read is 255. */
export type DisconnectReason = number;

/** Stands for every reason that could not be read, as in geth. */
export const UNREADABLE_REASON: DisconnectReason = 255;

const names: ReadonlyMap<number, string> = new Map([
  [DISCONNECT.requested, 'requested'],
  [DISCONNECT.networkError, 'network error'],
  [DISCONNECT.protocolBreach, 'breach of protocol'],
  [DISCONNECT.uselessPeer, 'useless peer'],
  [DISCONNECT.tooManyPeers, 'too many peers'],
  [DISCONNECT.alreadyConnected, 'already connected'],
  [DISCONNECT.incompatibleVersion, 'incompatible p2p version'],
  [DISCONNECT.invalidIdentity, 'invalid identity'],
  [DISCONNECT.clientQuitting, 'client quitting'],
  [DISCONNECT.unexpectedIdentity, 'unexpected identity'],
  [DISCONNECT.connectedToSelf, 'connected to self'],
  [DISCONNECT.timeout, 'timeout'],
  [DISCONNECT.subprotocolError, 'subprotocol error'],
]);

/** Whether it fits in the byte that a Disconnect has for it. */
export function isDisconnectReason(reason: number): reason is DisconnectReason {
  return Number.isInteger(reason) && reason >= 0 && reason <= 255;
}

/** Plain words for a reason; total, so that no number a peer sends can surprise a log line. */
export function disconnectName(reason: DisconnectReason): string {
  return names.get(reason) ?? `unknown (${reason})`;
}
