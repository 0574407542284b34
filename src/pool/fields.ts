import { RlpReader } from '../codec/index.js';
import { PoolError } from './errors.js';

/*
 * The elements of a signed transaction by type, as their EIPs list them. Signed is everything before the signature, so it
 * is known where that part ends.
 */

/** Bytes of an integer of 256 bits. */
const WORD = 32;
const ADDRESS_BYTES = 20;

/** What its sender signed, beside the envelope. */
export interface TransactionFacts {
  /** Undefined where a transaction of type 0 is valid on any chain. */
  readonly chainId?: bigint | undefined;
  readonly nonce: bigint;
  readonly gas: bigint;
  /** Wei per gas: the most, and the most beyond the base fee. Before EIP-1559 both are the price. */
  readonly gasFeeCap: bigint;
  readonly gasTipCap: bigint;
  /** Wei per gas of blobs; for blob transactions only. */
  readonly blobFeeCap?: bigint | undefined;
  /** 20 bytes; undefined where a contract is created. */
  readonly to?: Uint8Array | undefined;
  readonly value: bigint;
  readonly data: Uint8Array;
  readonly accessList: AccessListSize;
  /** Versioned hashes, 32 bytes each. */
  readonly blobHashes: readonly Uint8Array[];
  /** How many accounts it sets code for (EIP-7702). */
  readonly authorizations: number;
}

/** All that is read, before anything is made of the signature. */
export interface TransactionFields extends TransactionFacts {
  readonly signature: SignatureFields;
}

/** How much an access list (EIP-2930) names; what it names is for who executes it. */
export interface AccessListSize {
  readonly addresses: number;
  readonly storageKeys: number;
}

export interface SignatureFields {
  /** Of the items that are signed, beside type and list prefix. */
  readonly signedBytes: Uint8Array;
  readonly v: bigint;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

const NO_ACCESS_LIST: AccessListSize = { addresses: 0, storageKeys: 0 };
const NO_HASHES: readonly Uint8Array[] = [];

/**
 * @param list all of a transaction without type and sidecar: one RLP list
 * @param maxBlobs a transaction with more versioned hashes is not read further
 * @throws CodecError ERR_CODEC_RLP, PoolError ERR_POOL_TX_TYPE, ERR_POOL_TX_BLOBS
 */
export function readFields(type: number, list: Uint8Array, maxBlobs: number): TransactionFields {
  const whole = new RlpReader(list);
  const fields = whole.list();
  whole.finish();
  return type === 0 ? readLegacy(fields, list) : readTyped(type, fields, list, maxBlobs);
}

/** [nonce, gasPrice, gas, to, value, data, v, r, s] */
function readLegacy(fields: RlpReader, list: Uint8Array): TransactionFields {
  const start = list.length - fields.remainingBytes;
  const nonce = fields.uint();
  const gasPrice = fields.uint(WORD);
  const gas = fields.uint();
  const to = readTo(fields);
  const value = fields.uint(WORD);
  const data = fields.bytes();
  const signature = readSignature(fields, list, start);
  return {
    chainId: chainIdOf(signature.v),
    nonce,
    gasFeeCap: gasPrice,
    gasTipCap: gasPrice,
    gas,
    to,
    value,
    data,
    accessList: NO_ACCESS_LIST,
    blobHashes: NO_HASHES,
    authorizations: 0,
    signature,
  };
}

/**
 * 1 (EIP-2930): [chainId, nonce, gasPrice, gas, to, value, data, accessList, …]
 * 2 (EIP-1559): [chainId, nonce, tipCap, feeCap, gas, to, value, data, accessList, …]
 * 3 (EIP-4844): as 2 with a `to`, then blobFeeCap, [versionedHash…], …
 * 4 (EIP-7702): as 2 with a `to`, then [authorization…], …
 * each ends with yParity, r, s
 */
function readTyped(type: number, fields: RlpReader, list: Uint8Array, maxBlobs: number): TransactionFields {
  if (type > 4) throw new PoolError('ERR_POOL_TX_TYPE', `transactions of type ${type} are not known`);
  const start = list.length - fields.remainingBytes;
  const chainId = fields.uint(WORD);
  const nonce = fields.uint();
  const gasTipCap = fields.uint(WORD);
  const gasFeeCap = type === 1 ? gasTipCap : fields.uint(WORD);
  const gas = fields.uint();
  const to = type >= 3 ? fields.fixed(ADDRESS_BYTES) : readTo(fields);
  const value = fields.uint(WORD);
  const data = fields.bytes();
  const accessList = readAccessList(fields.list());
  const blobFeeCap = type === 3 ? fields.uint(WORD) : undefined;
  const blobHashes = type === 3 ? readBlobHashes(fields.list(), maxBlobs) : NO_HASHES;
  const authorizations = type === 4 ? readAuthorizations(fields.list()) : 0;
  const signature = readSignature(fields, list, start);
  return {
    chainId,
    nonce,
    gasFeeCap,
    gasTipCap,
    gas,
    to,
    value,
    data,
    accessList,
    blobFeeCap,
    blobHashes,
    authorizations,
    signature,
  };
}

/** @param start of the first item in `list` */
function readSignature(fields: RlpReader, list: Uint8Array, start: number): SignatureFields {
  const signedBytes = list.subarray(start, list.length - fields.remainingBytes);
  const v = fields.uint(WORD);
  const r = readScalar(fields);
  const s = readScalar(fields);
  fields.finish();
  return { signedBytes, v, r, s };
}

/** An integer of 256 bits as it stands: without leading zeros. */
function readScalar(fields: RlpReader): Uint8Array {
  const bytes = fields.bytes(WORD);
  if (bytes[0] === 0) throw new PoolError('ERR_POOL_TX_DECODE', 'a signature with a leading zero');
  return bytes;
}

/** EIP-155: v = 35 + 2 · chain id + parity; 27 and 28 name no chain. */
function chainIdOf(v: bigint): bigint | undefined {
  return v >= 35n ? (v - 35n) / 2n : undefined;
}

/** Nobody: a contract is created. */
function readTo(fields: RlpReader): Uint8Array | undefined {
  const to = fields.bytes(ADDRESS_BYTES);
  if (to.length === 0) return undefined;
  if (to.length !== ADDRESS_BYTES)
    throw new PoolError('ERR_POOL_TX_DECODE', `a recipient of ${to.length} bytes`);
  return to;
}

/** EIP-2930: [[address, [storageKey…]]…] */
function readAccessList(list: RlpReader): AccessListSize {
  if (list.done) return NO_ACCESS_LIST;
  let addresses = 0;
  let storageKeys = 0;
  for (; !list.done; addresses++) {
    const entry = list.list();
    entry.fixed(ADDRESS_BYTES);
    const keys = entry.list();
    entry.finish();
    for (; !keys.done; storageKeys++) keys.fixed(WORD);
  }
  return { addresses, storageKeys };
}

/** EIP-4844 */
function readBlobHashes(list: RlpReader, maxBlobs: number): Uint8Array[] {
  const count = list.count();
  if (count > maxBlobs)
    throw new PoolError('ERR_POOL_TX_BLOBS', `${count} blobs where ${maxBlobs} are allowed`);
  const hashes = new Array<Uint8Array>(count);
  for (let i = 0; i < count; i++) hashes[i] = list.fixed(WORD);
  return hashes;
}

/** EIP-7702: [[chainId, address, nonce, yParity, r, s]…]; whose they are is for who executes them. */
function readAuthorizations(list: RlpReader): number {
  let count = 0;
  for (; !list.done; count++) {
    const entry = list.list();
    entry.uint(WORD);
    entry.fixed(ADDRESS_BYTES);
    entry.uint();
    entry.uint(1);
    entry.uint(WORD);
    entry.uint(WORD);
    entry.finish();
  }
  return count;
}
