import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';

export type PoolErrorCode =
  | 'ERR_POOL_TX_DECODE'
  | 'ERR_POOL_TX_TYPE'
  | 'ERR_POOL_TX_SIZE'
  | 'ERR_POOL_TX_SIGNATURE'
  | 'ERR_POOL_TX_SIDECAR'
  | 'ERR_POOL_TX_CHAIN_ID'
  | 'ERR_POOL_TX_NONCE'
  | 'ERR_POOL_TX_GAS'
  | 'ERR_POOL_TX_FEE'
  | 'ERR_POOL_TX_VALUE'
  | 'ERR_POOL_TX_INITCODE'
  | 'ERR_POOL_TX_BLOBS'
  | 'ERR_POOL_TX_AUTHORIZATIONS'
  | 'ERR_POOL_VERIFIER'
  | 'ERR_POOL_ARGUMENT';

/*
 * Bytes that no correct node sends end a session: what cannot be read, and a sidecar that does not belong to its transaction
 * (as geth). What is merely not accepted here, a node with other rules or another head may have sent in good faith.
 */
const BLAMED: ReadonlySet<PoolErrorCode> = new Set(['ERR_POOL_TX_DECODE', 'ERR_POOL_TX_SIDECAR']);

/** What is wrong with a transaction, or with the use of the pool. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
  readonly code: PoolErrorCode;
  /** Disconnect reason for the peer that sent it; undefined where no peer is to blame. */
  readonly reason: DisconnectReason | undefined;

  constructor(code: PoolErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.reason = BLAMED.has(code) ? DISCONNECT.protocolBreach : undefined;
  }
}
