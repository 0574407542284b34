import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';

export type EthErrorCode =
  | 'ERR_ETH_DECODE'
  | 'ERR_ETH_ENCODE'
  | 'ERR_ETH_STATUS_NETWORK'
  | 'ERR_ETH_STATUS_VERSION'
  | 'ERR_ETH_STATUS_GENESIS'
  | 'ERR_ETH_STATUS_FORK_ID'
  | 'ERR_ETH_STATUS_RANGE'
  | 'ERR_ETH_GENESIS'
  | 'ERR_ETH_TRIE';

/*
 * What to tell a peer. Another network, genesis or fork is no misdeed, and other nodes ban for hours on 2 and 3: 16, as
 * geth. Content that cannot be read or contradicts itself, and a Status for another version than agreed: 2. What only the
 * caller can do wrong has no reason.
 */
const reasons: Readonly<Record<EthErrorCode, DisconnectReason | undefined>> = {
  ERR_ETH_DECODE: DISCONNECT.protocolBreach,
  ERR_ETH_ENCODE: undefined,
  ERR_ETH_STATUS_NETWORK: DISCONNECT.subprotocolError,
  ERR_ETH_STATUS_VERSION: DISCONNECT.protocolBreach,
  ERR_ETH_STATUS_GENESIS: DISCONNECT.subprotocolError,
  ERR_ETH_STATUS_FORK_ID: DISCONNECT.subprotocolError,
  ERR_ETH_STATUS_RANGE: DISCONNECT.protocolBreach,
  ERR_ETH_GENESIS: undefined,
  ERR_ETH_TRIE: undefined,
};

/** What is wrong with a message, its contents, a Status or a genesis file. */
export class EthError extends Error {
  override readonly name = 'EthError';
  readonly code: EthErrorCode;
  /** Disconnect reason for the peer that sent it; undefined where no peer is to blame. */
  readonly reason: DisconnectReason | undefined;

  constructor(code: EthErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.reason = reasons[code];
  }
}
