/*
 * A frame on the wire (devp2p, "Framing"):
 *   header (16) ‖ header MAC (16) ‖ body, filled up to 16 ‖ body MAC (16)
 * header = size (3) ‖ C2 80 80 ‖ zeros. Header and body are one AES-256-CTR stream per direction, MACs are of ciphertext.
 */

export const HEADER_BYTES = 16;
export const MAC_BYTES = 16;
export const BLOCK_BYTES = 16;
/** Where the body begins in a frame. */
export const BODY_AT: number = HEADER_BYTES + MAC_BYTES;
/** Three bytes of size. */
export const MAX_FRAME_BYTES = 0xff_ff_ff;
/** Counter mode starts from zero in both directions: the keys are fresh. */
const ZERO_IV_BYTES = 16;

export function zeroIv(): Uint8Array {
  return new Uint8Array(ZERO_IV_BYTES);
}

/** How many bytes a frame of so many bytes takes on the wire, padding and MACs included. */
export function frameWireBytes(size: number): number {
  return HEADER_BYTES + MAC_BYTES + paddedBytes(size) + MAC_BYTES;
}

export function paddedBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}
