/**
 * A second decoder of the snappy block format for the tests: a byte at a time into a growing array, in the order of the
 * format description, knowing nothing of `src/codec`.
 * @returns undefined for everything that is not one exact block
 */
export function slowSnappyDecode(input: Uint8Array): Uint8Array | undefined {
  const left = Array.from(input);
  const output: number[] = [];

  let declared = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = left.shift();
    if (byte === undefined || shift > 28n) return undefined;
    declared |= BigInt(byte % 128) << shift;
    if (byte < 128) {
      if (byte === 0 && shift > 0n) return undefined;
      break;
    }
  }
  if (declared >= 2n ** 32n) return undefined;

  const number = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += (left.shift() ?? Number.NaN) * 256 ** i;
    return value;
  };
  const copy = (length: number, offset: number): boolean => {
    if (!(offset >= 1 && offset <= output.length)) return false;
    for (let i = 0; i < length; i++) output.push(output[output.length - offset] as number);
    return true;
  };

  while (left.length > 0) {
    const tag = left.shift() as number;
    const upper = Math.floor(tag / 4);
    switch (tag % 4) {
      case 0: {
        const length = 1 + (upper < 60 ? upper : number(upper - 59));
        if (!(length <= left.length)) return undefined;
        output.push(...left.splice(0, length));
        break;
      }
      case 1:
        if (!copy(4 + (upper % 8), 256 * Math.floor(upper / 8) + number(1))) return undefined;
        break;
      case 2:
        if (!copy(1 + upper, number(2))) return undefined;
        break;
      default:
        if (!copy(1 + upper, number(4))) return undefined;
    }
    if (BigInt(output.length) > declared) return undefined;
  }
  return BigInt(output.length) === declared ? Uint8Array.from(output) : undefined;
}
