import { expect, test } from 'vitest';
import { NetRestrict, StaticPolicy } from '../../src/peers/index.js';

const address = { host: '127.0.0.1', port: 30303 };
const key = (byte: number): Uint8Array => new Uint8Array(64).fill(byte);

test('admits anyone, and knows static and trusted peers by their keys', () => {
  const policy = new StaticPolicy();
  policy.add(key(1), 'static');
  policy.add(key(2), 'trusted');
  policy.add(key(2), 'static'); // the wider promise stays
  expect(policy.admit({ stage: 'accept', direction: 'inbound', address })).toEqual({
    accept: true,
    kind: 'dynamic',
  });
  for (const [byte, kind] of [
    [1, 'static'],
    [2, 'trusted'],
    [3, 'dynamic'],
  ] as const) {
    const candidate = {
      stage: 'authenticated',
      direction: 'inbound',
      address,
      publicKey: key(byte),
    } as const;
    expect(policy.admit(candidate)).toEqual({ accept: true, kind });
  }
  policy.remove(key(2));
  expect(policy.kindOf(key(2))).toBe('dynamic');
});

test('turns away who is outside of the allowed networks, trusted or not, at every stage', () => {
  const policy = new StaticPolicy({ netRestrict: NetRestrict.parse(['127.0.0.0/8']) });
  policy.add(key(2), 'trusted');
  for (const stage of ['accept', 'authenticated', 'activate'] as const) {
    const outside = { host: '198.51.100.7', port: 30303 };
    const candidate = { stage, direction: 'inbound', address: outside, publicKey: key(2) } as const;
    expect(policy.admit(candidate)).toMatchObject({
      accept: false,
      says: expect.stringContaining('198.51.100.7'),
    });
    expect(policy.admit({ ...candidate, address })).toEqual({ accept: true, kind: 'trusted' });
  }
});
