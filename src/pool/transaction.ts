import {
  CodecError,
  concatBytes,
  encodeBytes,
  encodedListBytes,
  encodeList,
  encodeUint,
  RlpReader,
} from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { EthError, transactionEnvelope } from '../eth/index.js';
import { PoolError } from './errors.js';
import { readFields, type TransactionFacts } from './fields.js';
import {
  BLOB_BYTES,
  COMMITMENT_BYTES,
  DEFAULT_TRANSACTION_LIMITS,
  type TransactionLimits,
} from './limits.js';
import { recoverSender } from './sender.js';
import { type BlobSidecar, checkCommitments, readSidecar } from './sidecar.js';

/** EIP-4844 */
export const BLOB_TYPE = 3;

/** A transaction on its way into a block: decoded as far as a node without state needs it. It owns its bytes. */
export interface PooledTransaction extends TransactionFacts {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** 0 to 4. */
  readonly type: number;
  /** As in a block: an RLP list (type 0) or type ‖ list (EIP-2718); never with a sidecar. */
  readonly raw: Uint8Array;
  /** As between pools: `raw`, of blob transactions with the sidecar. `wireItem` makes an item of a message of it. */
  readonly network: Uint8Array;
  /** Of `network`, with all blobs: what is announced up to eth/71. */
  readonly bytes: number;
  /** The same with an empty list of blobs: what is announced from eth/72 on. */
  readonly bytesWithoutBlobs: number;
  /** 20 bytes. */
  readonly sender: Uint8Array;
  /** Of blob transactions, always. */
  readonly sidecar?: BlobSidecar | undefined;
}

export interface TransactionTools {
  readonly crypto: Pick<RlpxCrypto, 'keccak256' | 'recover' | 'sha256'>;
  /** Default: `DEFAULT_TRANSACTION_LIMITS`. */
  readonly limits?: Partial<TransactionLimits> | undefined;
  /** Whether blob transactions come without their blobs, as from eth/72 on; they are completed by `withBlobs`. */
  readonly elided?: boolean | undefined;
}

/**
 * Reads a transaction as it stands in a message, and finds out who signed it. Whether it may enter a block is for
 * `checkTransaction` to say, whether its blobs fit their commitments for a `BlobVerifier`.
 * @param item a list (type 0), or a byte string that begins with the type; it is copied
 * @throws PoolError ERR_POOL_TX_DECODE, ERR_POOL_TX_TYPE, ERR_POOL_TX_SIZE, ERR_POOL_TX_BLOBS, ERR_POOL_TX_SIDECAR,
 * ERR_POOL_TX_SIGNATURE
 */
export function readTransaction(item: Uint8Array, tools: TransactionTools): PooledTransaction {
  try {
    const limits = { ...DEFAULT_TRANSACTION_LIMITS, ...tools.limits };
    const envelope = transactionEnvelope(item);
    const type = (envelope[0] as number) >= 0xc0 ? 0 : (envelope[0] as number);
    checkSize(type, envelope.length, limits);
    return read(type, envelope.slice(), limits, tools);
  } catch (error) {
    if (!(error instanceof CodecError || error instanceof EthError)) throw error;
    const says = error.message.replace(/^transaction: /, '');
    throw new PoolError('ERR_POOL_TX_DECODE', `not a transaction: ${says}`, { cause: error });
  }
}

/** An envelope (a list, or type ‖ list, with or without sidecar) as an item of a message. */
export function transactionItem(envelope: Uint8Array): Uint8Array {
  return (envelope[0] ?? 0) >= 0xc0 ? envelope : encodeBytes(envelope);
}

/**
 * The transaction as an item of Transactions or PooledTransactions.
 * @param elided without its blobs, as from eth/72 on
 */
export function wireItem(transaction: PooledTransaction, elided = false): Uint8Array {
  if (!elided || transaction.sidecar === undefined) return transactionItem(transaction.network);
  return encodeBytes(networkForm(transaction.raw, { ...transaction.sidecar, blobs: [] }));
}

/**
 * Whether peers of an eth version can have it: from eth/72 on blobs are left out, and a sidecar of version 0 has no cells to
 * get them by.
 */
export function fitsVersion({ sidecar }: PooledTransaction, version: number): boolean {
  return version < 72 || sidecar?.version !== 0;
}

/**
 * A transaction that was read without its blobs, with them. Whether they fit is for a `BlobVerifier` to say.
 * @throws PoolError ERR_POOL_ARGUMENT where their number or size is wrong
 */
export function withBlobs(transaction: PooledTransaction, blobs: readonly Uint8Array[]): PooledTransaction {
  const elided = transaction.sidecar;
  if (elided === undefined || blobs.length !== elided.commitments.length)
    throw new PoolError('ERR_POOL_ARGUMENT', `${blobs.length} blobs for another number of commitments`);
  if (blobs.some((blob) => blob.length !== BLOB_BYTES))
    throw new PoolError('ERR_POOL_ARGUMENT', `a blob has ${BLOB_BYTES} bytes`);
  const network = networkForm(transaction.raw, { ...elided, blobs });
  const sidecar = readNetworkSidecar(network, blobs.length, false);
  return { ...transaction, network, sidecar, bytes: network.length };
}

function read(
  type: number,
  network: Uint8Array,
  limits: TransactionLimits,
  tools: TransactionTools,
): PooledTransaction {
  const { crypto } = tools;
  const raw = type === BLOB_TYPE ? withoutSidecar(network) : network;
  const fields = readFields(type, type === 0 ? raw : raw.subarray(1), limits.maxBlobs);
  const sidecar =
    raw === network ? undefined : readNetworkSidecar(network, limits.maxBlobs, tools.elided === true);
  if (sidecar !== undefined) checkCommitments(sidecar, fields.blobHashes, crypto);
  const { signature, ...facts } = fields;
  const sender = recoverSender(type, fields.chainId, signature, crypto);
  const bytes = network.length;
  const bytesWithoutBlobs = sidecar === undefined ? bytes : bytesElided(raw, sidecar);
  return {
    hash: crypto.keccak256(raw),
    type,
    raw,
    network,
    bytes,
    bytesWithoutBlobs,
    sender,
    ...facts,
    sidecar,
  };
}

/** Before anything is copied or built. */
function checkSize(type: number, bytes: number, limits: TransactionLimits): void {
  const most =
    type === BLOB_TYPE
      ? limits.maxBlobTransactionBytes + limits.maxBlobs * (BLOB_BYTES + 8)
      : limits.maxBytes;
  if (bytes > most) throw new PoolError('ERR_POOL_TX_SIZE', `${bytes} bytes where ${most} are allowed`);
}

/** @returns the transaction in `3 ‖ [tx, …sidecar]` in its form for blocks. @throws PoolError ERR_POOL_TX_SIDECAR where there is no sidecar */
function withoutSidecar(network: Uint8Array): Uint8Array {
  const fields = new RlpReader(network, 1).list();
  if (!fields.isList()) throw new PoolError('ERR_POOL_TX_SIDECAR', 'a blob transaction without its sidecar');
  return concatBytes([Uint8Array.of(BLOB_TYPE), fields.raw()]);
}

function readNetworkSidecar(network: Uint8Array, maxBlobs: number, elided: boolean): BlobSidecar {
  const whole = new RlpReader(network, 1);
  const fields = whole.list();
  whole.finish();
  fields.skip();
  return readSidecar(fields, maxBlobs, elided);
}

/** How long `networkForm` is with an empty list of blobs. */
function bytesElided(raw: Uint8Array, { version, commitments, proofs }: BlobSidecar): number {
  const points = [commitments, proofs].map(({ length }) => encodedListBytes(length * (COMMITMENT_BYTES + 1)));
  const content = points.reduce((sum, bytes) => sum + bytes, raw.length - 1 + version + 1);
  return 1 + encodedListBytes(content);
}

/** 3 ‖ [tx, blobs, commitments, proofs] (EIP-4844), 3 ‖ [tx, 1, blobs, commitments, proofs] (EIP-7594) */
function networkForm(raw: Uint8Array, sidecar: BlobSidecar): Uint8Array {
  const lists = [sidecar.blobs, sidecar.commitments, sidecar.proofs].map((items) =>
    encodeList(items.map(encodeBytes)),
  );
  const version = sidecar.version === 0 ? [] : [encodeUint(sidecar.version)];
  return concatBytes([Uint8Array.of(BLOB_TYPE), encodeList([raw.subarray(1), ...version, ...lists])]);
}
