import { type RlpReader, sameBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { PoolError } from './errors.js';
import { BLOB_BYTES, CELLS_PER_BLOB, COMMITMENT_BYTES } from './limits.js';

/** EIP-4844: the first byte of a versioned hash of a KZG commitment. */
const VERSIONED_HASH_KZG = 0x01;

/** What travels with a blob transaction and never enters a block. Views of the transaction's memory. */
export interface BlobSidecar {
  /** 0: one proof per blob (EIP-4844). 1: one proof per cell (EIP-7594). */
  readonly version: 0 | 1;
  /** 131,072 bytes each; none where they were left out, as from eth/72 on. */
  readonly blobs: readonly Uint8Array[];
  /** 48 bytes each, one per blob. */
  readonly commitments: readonly Uint8Array[];
  /** 48 bytes each: one per blob, or 128 per blob. */
  readonly proofs: readonly Uint8Array[];
}

/**
 * Reads what stands after the transaction in `[tx, blobs, commitments, proofs]` or `[tx, 1, blobs, commitments, proofs]`.
 * @param elided whether the blobs must have been left out (eth/72), or must all be there
 * @throws CodecError ERR_CODEC_RLP, PoolError ERR_POOL_TX_SIDECAR
 */
export function readSidecar(fields: RlpReader, maxBlobs: number, elided: boolean): BlobSidecar {
  const version = fields.isList() ? 0 : fields.uint32();
  if (version > 1) throw sidecarFault(`version ${version} is not known`);
  if (version === 0 && elided) throw sidecarFault('blobs are left out of version 1 only');
  const blobs = readFixed(fields.list(), BLOB_BYTES, maxBlobs);
  const commitments = readFixed(fields.list(), COMMITMENT_BYTES, maxBlobs);
  const perBlob = version === 0 ? 1 : CELLS_PER_BLOB;
  const proofs = readFixed(fields.list(), COMMITMENT_BYTES, maxBlobs * perBlob);
  fields.finish();
  if (blobs.length !== (elided ? 0 : commitments.length))
    throw sidecarFault(`${blobs.length} blobs and ${commitments.length} commitments`);
  if (proofs.length !== commitments.length * perBlob)
    throw sidecarFault(`${proofs.length} proofs and ${commitments.length} commitments`);
  return { version: version === 0 ? 0 : 1, blobs, commitments, proofs };
}

/** @throws PoolError ERR_POOL_TX_SIDECAR where the commitments are not those that the transaction was signed for */
export function checkCommitments(
  sidecar: BlobSidecar,
  blobHashes: readonly Uint8Array[],
  crypto: Pick<RlpxCrypto, 'sha256'>,
): void {
  if (sidecar.commitments.length !== blobHashes.length)
    throw sidecarFault(`${sidecar.commitments.length} commitments and ${blobHashes.length} versioned hashes`);
  sidecar.commitments.forEach((commitment, i) => {
    const hash = crypto.sha256(commitment);
    hash[0] = VERSIONED_HASH_KZG;
    if (!sameBytes(hash, blobHashes[i] as Uint8Array))
      throw sidecarFault(`commitment ${i} has another versioned hash`);
  });
}

function readFixed(list: RlpReader, bytes: number, maxItems: number): Uint8Array[] {
  const items = new Array<Uint8Array>(list.count(maxItems));
  for (let i = 0; i < items.length; i++) items[i] = list.fixed(bytes);
  return items;
}

function sidecarFault(what: string): PoolError {
  return new PoolError('ERR_POOL_TX_SIDECAR', `sidecar: ${what}`);
}
