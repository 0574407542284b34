/** A small seeded generator (sfc32), so that a failing input can be made again from the seed in the test's name. */
export function seeded(seed: number): {
  u32(): number;
  below(limit: number): number;
  bytes(length: number): Uint8Array;
} {
  let a = 0x9e3779b9 | 0;
  let b = 0x243f6a88 | 0;
  let c = seed | 0;
  let counter = 1;
  const u32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) u32();
  const below = (limit: number): number => Math.floor((u32() / 2 ** 32) * limit);
  const bytes = (length: number): Uint8Array => {
    const random = new Uint8Array(length);
    for (let i = 0; i < length; i++) random[i] = u32();
    return random;
  };
  return { u32, below, bytes };
}
