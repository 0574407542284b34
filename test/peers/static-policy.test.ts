import { expect, test } from 'vitest';
import { NetRestrict, StaticPolicy } from '../../src/peers/index.js';
import { VirtualClock } from '../../src/runtime/index.js';

const clock = new VirtualClock();
const address = { host: '127.0.0.1', port: 30303 };
const key = (byte: number): Uint8Array => new Uint8Array(64).fill(byte);

test('admits anyone, and knows static and trusted peers by their keys', () => {
  const policy = new StaticPolicy({ clock });
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
  const policy = new StaticPolicy({ clock, netRestrict: NetRestrict.parse(['127.0.0.0/8']) });
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

test('what the dialing side says of a peer widens what is known, never narrows it', () => {
  const policy = new StaticPolicy({ clock });
  policy.add(key(1), 'static');
  const kinds = (['dynamic', 'static', 'trusted'] as const).map((kind) =>
    [1, 2].map((byte) =>
      policy.admit({ stage: 'accept', direction: 'outbound', address, publicKey: key(byte), kind }),
    ),
  );
  expect(kinds.flat()).toEqual(
    ['static', 'dynamic', 'static', 'static', 'trusted', 'trusted'].map((kind) => ({ accept: true, kind })),
  );
});

test('a refused key stays out for its time, a trusted one comes in, and only so many are remembered', async () => {
  const policy = new StaticPolicy({ clock });
  const candidate = { stage: 'authenticated', direction: 'inbound', address, publicKey: key(1) } as const;
  policy.refuse(key(1), 1_000);
  policy.refuse(key(2), 1_000);
  policy.add(key(2), 'trusted');
  expect(policy.admit(candidate)).toMatchObject({ accept: false, reason: 3 });
  expect(policy.admit({ ...candidate, publicKey: key(2) })).toEqual({ accept: true, kind: 'trusted' });
  await clock.advance(1_000);
  expect(policy.admit(candidate).accept).toBe(true);

  policy.refuse(key(3), 1_000);
  for (let i = 0; i < 1_024; i++) policy.refuse(Uint8Array.of(i >> 8, i), 1_000);
  expect(policy.admit({ ...candidate, publicKey: key(3) }).accept).toBe(true);
  expect(policy.admit({ ...candidate, publicKey: Uint8Array.of(0, 0) }).accept).toBe(false);
});
