import { expect, test } from 'vitest';
import { toJson } from '../../src/node/index.js';

test('values become what JSON can carry', () => {
  const value = {
    hash: Uint8Array.of(1, 255),
    small: 5n,
    large: 2n ** 64n,
    below: -(2n ** 60n),
    set: new Set([1, 2]),
    list: [1n, undefined],
    missing: undefined,
    none: null,
    odd: Number.POSITIVE_INFINITY,
    error: Object.assign(new Error('it broke'), { code: 'ERR_X' }),
    nested: { deep: Uint8Array.of() },
  };
  expect(toJson(value)).toEqual({
    hash: '0x01ff',
    small: 5,
    large: '18446744073709551616',
    below: '-1152921504606846976',
    set: [1, 2],
    list: [1, 'undefined'],
    none: null,
    odd: 'Infinity',
    error: { code: 'ERR_X', says: 'it broke' },
    nested: { deep: '0x' },
  });
});
