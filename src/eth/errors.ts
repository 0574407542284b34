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
const PROTOCOL_BREACH = 2;
const SUBPROTOCOL_ERROR = 16;

const reasons: Readonly<Record<EthErrorCode, number | undefined>> = {
  ERR_ETH_DECODE: PROTOCOL_BREACH,
  ERR_ETH_ENCODE: undefined,
  ERR_ETH_STATUS_NETWORK: SUBPROTOCOL_ERROR,
  ERR_ETH_STATUS_VERSION: PROTOCOL_BREACH,
  ERR_ETH_STATUS_GENESIS: SUBPROTOCOL_ERROR,
  ERR_ETH_STATUS_FORK_ID: SUBPROTOCOL_ERROR,
  ERR_ETH_STATUS_RANGE: PROTOCOL_BREACH,
  ERR_ETH_GENESIS: undefined,
  ERR_ETH_TRIE: undefined,
};

/** What is wrong with a message, its contents, a Status or a genesis file. */
export class EthError extends Error {
  override readonly name = 'EthError';
  readonly code: EthErrorCode;
  /** Disconnect reason for the peer that sent it; undefined where no peer is to blame. */
  readonly reason: number | undefined;

  constructor(code: EthErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.reason = reasons[code];
  }
}
