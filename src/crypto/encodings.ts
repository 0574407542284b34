/*
 * The forms that libraries of the curve want, beside ours.
 */

/** SEC 1: the byte before an uncompressed point. */
export const UNCOMPRESSED = 0x04;

/** x ‖ y in the 65 bytes of SEC 1, section 2.3.3. */
export function uncompressed(publicKey: Uint8Array): Uint8Array {
  const point = new Uint8Array(65);
  point[0] = UNCOMPRESSED;
  point.set(publicKey, 1);
  return point;
}

/** r ‖ s ‖ recovery id, as RLPx has it. */
export function withRecoveryId(rs: Uint8Array, recoveryId: number): Uint8Array {
  const signature = new Uint8Array(65);
  signature.set(rs);
  signature[64] = recoveryId;
  return signature;
}
