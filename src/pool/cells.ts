import { CELL_BYTES } from '../eth/index.js';
import type { BlobJobOptions } from './blob-verifier.js';
import { hashKey } from './hash-key.js';
import { BLOB_BYTES, CELLS_PER_BLOB, DATA_CELLS_PER_BLOB } from './limits.js';
import type { PooledTransaction } from './transaction.js';

/** The second halves of extended blobs that are kept: they take 80 ms each to compute. */
const MAX_KEPT_BYTES: number = 128 * BLOB_BYTES;

/** The mask of somebody who has all cells: 16 bytes. */
export const ALL_CELLS_MASK: Uint8Array = new Uint8Array(CELLS_PER_BLOB / 8).fill(0xff);

/** Gives the 128 cells of a blob: `BlobVerifier.extend`. */
export type ExtendBlob = (blob: Uint8Array, options: BlobJobOptions) => Promise<Uint8Array>;

export interface BlobCellsOptions {
  readonly extend: ExtendBlob;
  /** Default 16 MiB. */
  readonly maxKeptBytes?: number | undefined;
}

/**
 * Cells of blobs that we hold whole (EIP-7594). The first 64 of a blob's 128 cells are the blob; the others are computed when
 * somebody wants one, and kept for a while, since who asks for them asks for more.
 */
export class BlobCells {
  readonly #extend: ExtendBlob;
  readonly #maxKeptBytes: number;
  /** By versioned hash: the second half, or what will be it. Least used first. */
  readonly #kept = new Map<string, Promise<Uint8Array>>();

  constructor({ extend, maxKeptBytes = MAX_KEPT_BYTES }: BlobCellsOptions) {
    this.#extend = extend;
    this.#maxKeptBytes = maxKeptBytes;
  }

  /**
   * The cells of all blobs of a transaction, blob by blob, in each by rising index; views of 2,048 bytes.
   * @param mask 16 bytes, bit i in byte i / 8 at i % 8
   * @returns undefined where the transaction has no blobs, or they are not here
   * @throws PoolError ERR_POOL_VERIFIER, and the reason of the signal
   */
  async of(
    transaction: PooledTransaction,
    mask: Uint8Array,
    options: BlobJobOptions = {},
  ): Promise<readonly Uint8Array[] | undefined> {
    const blobs = transaction.sidecar?.blobs ?? [];
    if (blobs.length === 0) return undefined;
    const indices = cellIndices(mask);
    const beyond = indices.some((index) => index >= DATA_CELLS_PER_BLOB);
    const cells: Uint8Array[] = [];
    for (const [i, blob] of blobs.entries()) {
      const rest = beyond
        ? await this.#secondHalf(transaction.blobHashes[i] as Uint8Array, blob, options)
        : blob;
      for (const index of indices) {
        const half = index < DATA_CELLS_PER_BLOB ? blob : rest;
        const at = (index % DATA_CELLS_PER_BLOB) * CELL_BYTES;
        cells.push(half.subarray(at, at + CELL_BYTES));
      }
    }
    return cells;
  }

  #secondHalf(hash: Uint8Array, blob: Uint8Array, options: BlobJobOptions): Promise<Uint8Array> {
    const key = hashKey(hash);
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    // Not called off with the one who asked first: others may wait for it.
    const half = kept ?? this.#extend(blob, {}).then((cells) => cells.slice(BLOB_BYTES));
    this.#kept.set(key, half);
    half.catch(() => this.#kept.delete(key));
    while (this.#kept.size * BLOB_BYTES > this.#maxKeptBytes) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest as string);
    }
    return orCalledOff(half, options.signal);
  }
}

/** The indices whose bits are set, rising. */
export function cellIndices(mask: Uint8Array): readonly number[] {
  const indices: number[] = [];
  for (let i = 0; i < CELLS_PER_BLOB; i++) if ((((mask[i >> 3] ?? 0) >> (i & 7)) & 1) === 1) indices.push(i);
  return indices;
}

/** @throws the reason of the signal, whatever becomes of the work */
function orCalledOff<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const callOff = (): void => reject(signal.reason);
    signal.addEventListener('abort', callOff, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', callOff));
  });
}
