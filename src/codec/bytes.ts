/** No bytes: shared, since nothing can be written into it. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** @returns all parts in one piece of memory of its own, allocated once. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Whether both hold the same bytes. Leaves at the first difference, so its time tells where that is:
 * for public data only. Secrets, MACs and tags are compared with `equal` of `RlpxCrypto`.
 */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Order of byte strings: by the first byte that differs, a prefix before what it begins. Public data only, as `sameBytes`.
 * @returns below 0 where `a` comes first, above 0 where `b` does, 0 where they are the same.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
