import { readFileSync } from 'node:fs';
import { concatBytes, encodeBytes, encodeList, hexToBytes, readList } from '../../src/codec/index.js';
import { transactionItem } from '../../src/pool/index.js';

/** Made by go-ethereum v1.17.5 with its own keys: what it encodes, recovers and charges. Bytes are hex without a prefix. */
export interface TransactionVector {
  readonly name: string;
  readonly key: string;
  readonly type: number;
  /** As in a message; of blob transactions only `elided` is here. */
  readonly item?: string;
  /** 3 ‖ [tx, …] with an empty list of blobs. */
  readonly elided?: string;
  readonly raw: string;
  readonly hash: string;
  readonly sender: string;
  readonly bytes: number;
  /** Empty where there is none. */
  readonly chainId: string;
  readonly nonce: string;
  readonly gas: string;
  readonly gasFeeCap: string;
  readonly gasTipCap: string;
  readonly to: string;
  readonly value: string;
  readonly dataBytes: number;
  readonly accessAddresses: number;
  readonly accessKeys: number;
  readonly blobHashes?: readonly string[];
  readonly blobFeeCap?: string;
  readonly authorizations?: number;
  /** By fork. */
  readonly costs: Readonly<Record<string, { readonly intrinsic: number; readonly floor?: number }>>;
  readonly blobs?: {
    readonly version: 0 | 1;
    /** Of `blobOf`. */
    readonly seeds: readonly number[];
    /** keccak256 of the 128 cells of each blob, one after the other. */
    readonly cells: readonly string[];
    /** keccak256 of the item with its blobs. */
    readonly itemHash: string;
    readonly bytesWithoutBlobs: number;
  };
}

const file = new URL('../vectors/transactions.json', import.meta.url);

export const transactionVectors: readonly TransactionVector[] = JSON.parse(readFileSync(file, 'utf8'));

/** @returns the vector whose name begins so */
export function transactionVector(name: string): TransactionVector {
  const found = transactionVectors.find((vector) => vector.name.startsWith(name));
  if (found === undefined) throw new Error(`no vector is named ${name}`);
  return found;
}

/** The blobs that the vectors were made with: too long to be written down. */
export function blobOf(seed: number): Uint8Array {
  const blob = new Uint8Array(131_072);
  for (let i = 0; i < 4_096; i++)
    for (let j = 1; j < 32; j++) blob[i * 32 + j] = i * 7 + (i >> 8) * 3 + j * 13 + seed;
  return blob;
}

/** The item of a vector: whole, where it is no blob transaction. */
export function vectorItem(vector: TransactionVector): Uint8Array {
  return vector.item === undefined
    ? transactionItem(hexToBytes(vector.elided ?? ''))
    : hexToBytes(vector.item);
}

/** The whole item: of blob transactions with the blobs put in. */
export function wholeItem(vector: TransactionVector): Uint8Array {
  if (vector.elided === undefined) return vectorItem(vector);
  const fields = readList(hexToBytes(vector.elided).subarray(1));
  const items: Uint8Array[] = [];
  while (!fields.done) items.push(fields.raw());
  const blobs = (vector.blobs?.seeds ?? []).map((seed) => encodeBytes(blobOf(seed)));
  items[items.length - 3] = encodeList(blobs);
  return transactionItem(concatBytes([Uint8Array.of(3), encodeList(items)]));
}
