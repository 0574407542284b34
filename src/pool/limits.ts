/** Bytes of a blob (EIP-4844: 4,096 field elements of 32 bytes). */
export const BLOB_BYTES = 131_072;
/** Bytes of a KZG commitment, and of a proof: a compressed point of the group G1 of BLS12-381. */
export const COMMITMENT_BYTES = 48;
/** Proofs per blob in a sidecar of version 1, one for each cell of the extended blob (EIP-7594). */
export const CELLS_PER_BLOB = 128;
/** The first half of the cells, one after the other, is the blob itself. */
export const DATA_CELLS_PER_BLOB = 64;

/** How large a transaction may be. All can be set otherwise; the defaults are those of geth. */
export interface TransactionLimits {
  /** Of the envelope of a transaction without blobs. */
  readonly maxBytes: number;
  /** Of a blob transaction with its sidecar, without the blobs in it. */
  readonly maxBlobTransactionBytes: number;
  readonly maxBlobs: number;
}

export const DEFAULT_TRANSACTION_LIMITS: TransactionLimits = {
  maxBytes: 131_072, // geth, legacypool: txMaxSize
  maxBlobTransactionBytes: 1_048_576, // geth, blobpool: txMaxSize
  maxBlobs: 6, // EIP-7594: per transaction, whatever a block may hold
};
