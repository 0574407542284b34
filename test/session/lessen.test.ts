import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EthRequest } from '../../src/eth/index.js';
import { lessened } from '../../src/session/lessen.js';
import { hash } from '../support/session-values.js';

const headers = (amount: number | bigint): EthRequest => ({
  name: 'GetBlockHeaders',
  requestId: 1n,
  query: { origin: 1n, amount, skip: 0n, reverse: false },
});
const bodies = (count: number): EthRequest => ({
  name: 'GetBlockBodies',
  requestId: 1n,
  hashes: Array.from({ length: count }, (_, i) => hash(i)),
});

test('001.5: a whole share is the question itself, a part of it its first items, none nothing', () => {
  const whole = bodies(8);
  expect(lessened(whole, 1)).toBe(whole);
  expect(lessened(whole, 0.5)).toMatchObject({ hashes: [0, 1, 2, 3].map(hash) });
  expect(lessened(whole, 0)).toBeUndefined();
  expect(lessened(bodies(1), 0.99)).toBeUndefined();
  expect(lessened(headers(100), 0.25)).toMatchObject({ query: { amount: 25, origin: 1n } });
});

test('P6: a huge amount of headers gets the share of what a fair one may ask for', () => {
  for (const amount of [2 ** 53, 2n ** 64n - 1n, 1_024]) {
    expect(lessened(headers(amount), 0.5)).toMatchObject({ query: { amount: 512 } });
  }
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (amount, share) => {
        const less = lessened(headers(amount), share);
        if (less?.name === 'GetBlockHeaders') expect(Number(less.query.amount)).toBeLessThan(1_024);
      },
    ),
  );
});
