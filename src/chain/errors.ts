export type ChainErrorCode =
  | 'ERR_CHAIN_ABORTED'
  | 'ERR_CHAIN_ACCESS_LIST'
  | 'ERR_CHAIN_BODY'
  | 'ERR_CHAIN_CLOSED'
  | 'ERR_CHAIN_DAMAGED'
  | 'ERR_CHAIN_EMPTY'
  | 'ERR_CHAIN_FILE'
  | 'ERR_CHAIN_GENESIS'
  | 'ERR_CHAIN_HEADER'
  | 'ERR_CHAIN_LINK'
  | 'ERR_CHAIN_NO_PEERS'
  | 'ERR_CHAIN_RANGE'
  | 'ERR_CHAIN_RECEIPTS'
  | 'ERR_CHAIN_RECEIPTS_MISSING'
  | 'ERR_CHAIN_SCHEMA'
  | 'ERR_CHAIN_TARGET'
  | 'ERR_CHAIN_UPSTREAM';

/** What is wrong with a block, a store, a chain file or a pull. `cause` is what it came from, where something else failed first. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly code: ChainErrorCode;

  constructor(code: ChainErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** @throws ChainError ERR_CHAIN_ABORTED where the caller has called it off */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted)
    throw new ChainError('ERR_CHAIN_ABORTED', `${what}: called off`, { cause: signal.reason });
}
