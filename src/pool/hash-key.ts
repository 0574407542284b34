/** Two bytes go into one character of a key. */
const PAIR_BYTES = 2;

/** A short text that stands for a hash in a `Map`: cheaper to make than hex and half as long. @param hash 32 bytes */
export function hashKey(hash: Uint8Array): string {
  let key = '';
  for (let i = 0; i < hash.length; i += PAIR_BYTES) {
    key += String.fromCharCode(((hash[i] as number) << 8) | (hash[i + 1] ?? 0));
  }
  return key;
}
