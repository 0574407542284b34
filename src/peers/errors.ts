export type PeerErrorCode = 'ERR_PEER_ENODE' | 'ERR_PEER_NETWORK';

/** Text that names no peer (`ERR_PEER_ENODE`) or no network (`ERR_PEER_NETWORK`); the message says which part is wrong. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerErrorCode;

  constructor(code: PeerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
