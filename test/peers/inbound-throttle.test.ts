import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatIp,
  INBOUND_PER_NETWORK,
  INBOUND_THROTTLE_MS,
  InboundThrottle,
  isLan,
  parseIp,
  StaticPolicy,
} from '../../src/peers/index.js';
import { hash, PORT, SECOND, Town } from '../support/rows-town.js';

const clock = {
  nowMs: 0,
  now(): number {
    return this.nowMs;
  },
};

describe('C3: how often one address comes in', () => {
  test('C3: once in 30 s; the local network as often as it likes', () => {
    clock.nowMs = 0;
    const throttle = new InboundThrottle(clock);
    for (const host of ['198.51.100.7', '2001:db8:1:2::7', '::ffff:198.51.101.7'])
      expect([throttle.admit(host), throttle.admit(host)]).toEqual([undefined, expect.any(String)]);
    for (const host of [
      '127.0.0.1',
      '10.1.2.3',
      '192.168.1.1',
      '172.31.0.1',
      '::1',
      'fe80::1%eth0',
      'fd00::1',
    ])
      expect([throttle.admit(host), throttle.admit(host)]).toEqual([undefined, undefined]);
    clock.nowMs = INBOUND_THROTTLE_MS - 1;
    expect(throttle.admit('198.51.100.7')).toBe('198.51.100.7 has to wait 1 ms');
    clock.nowMs = INBOUND_THROTTLE_MS; // being turned away has not made it wait any longer
    expect(throttle.admit('198.51.100.7')).toBeUndefined();
  });

  test('C3: an IPv6 customer is a /64, an IPv4 one an address; a mapped address is the IPv4 one', () => {
    clock.nowMs = 0;
    const throttle = new InboundThrottle(clock);
    expect(throttle.admit('2001:db8::1')).toBeUndefined();
    expect(throttle.admit('2001:db8::2:3')).toContain('2001:db8::/64');
    expect(throttle.admit('2001:db8:0:1::1')).toBeUndefined();
    expect(throttle.admit('203.0.113.9')).toBeUndefined();
    expect(throttle.admit('::ffff:203.0.113.9')).toContain('203.0.113.9');
  });

  test('C3: of one neighbourhood so many, and the others are not hindered by it', () => {
    clock.nowMs = 0;
    const throttle = new InboundThrottle(clock);
    const verdicts = Array.from({ length: 40 }, (_, i) => throttle.admit(`203.0.113.${i}`));
    expect(verdicts.filter((says) => says === undefined)).toHaveLength(INBOUND_PER_NETWORK);
    expect(verdicts[39]).toContain('203.0.113.0/24');
    expect(throttle.admit('203.0.114.1')).toBeUndefined();
    clock.nowMs = INBOUND_THROTTLE_MS;
    expect(throttle.admit('203.0.113.39')).toBeUndefined();
    expect(throttle.size).toBe(1);
  });

  test('C3: remembers 16,384 addresses at most, whoever knocks', () => {
    clock.nowMs = 0;
    const throttle = new InboundThrottle(clock);
    for (let i = 0; i < 100_000; i++) throttle.admit(`${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.1`);
    expect(throttle.size).toBe(16_384);
    clock.nowMs = INBOUND_THROTTLE_MS;
    throttle.admit('198.51.100.7');
    expect(throttle.size).toBe(1);
  });

  test('C3: agrees with a list of all that were let in', () => {
    const host = fc.tuple(fc.nat(2), fc.nat(30)).map(([network, last]) => `203.0.${network}.${last}`);
    const knocks = fc.array(fc.tuple(host, fc.nat(4_000)), { maxLength: 200 });
    fc.assert(
      fc.property(knocks, (steps) => {
        clock.nowMs = 0;
        const throttle = new InboundThrottle(clock);
        const letIn: { readonly host: string; readonly atMs: number }[] = [];
        for (const [from, waitMs] of steps) {
          clock.nowMs += waitMs;
          const recent = letIn.filter(({ atMs }) => atMs > clock.nowMs - INBOUND_THROTTLE_MS);
          const network = from.slice(0, from.lastIndexOf('.') + 1);
          const near = recent.filter((one) => one.host.startsWith(network));
          const expected = !recent.some((one) => one.host === from) && near.length < INBOUND_PER_NETWORK;
          if ((throttle.admit(from) === undefined) !== expected) return false;
          if (expected) letIn.push({ host: from, atMs: clock.nowMs });
        }
        return true;
      }),
    );
  });

  test('C3: the second socket of an address is closed before a session is made for it', async () => {
    const town = new Town(1);
    const publicHost = '198.51.100.7';
    const policy = new StaticPolicy({ clock: town.clock });
    const node = await town.node({ policy });
    const { tcp } = town.world(publicHost);
    const seen = { closed: 0 };
    const knock = async (): Promise<void> => {
      const socket = await town.clock.settle(tcp.connect({ host: node.host, port: PORT }));
      const nothing = (): void => undefined;
      socket.attach({
        ...{ data: nothing, drain: nothing, end: () => socket.destroy() },
        closed: () => seen.closed++,
      });
      socket.write([new Uint8Array(307).fill(4)]);
      await town.clock.advance(SECOND);
    };
    for (let i = 0; i < 5; i++) await knock();
    expect(node.told.filter((line) => line.startsWith('created'))).toEqual(['created s1']);
    expect(node.refused).toMatchObject(
      Array(4).fill({ address: { host: publicHost }, says: expect.stringContaining('has to wait') }),
    );
    expect(seen.closed).toBe(5);
    await town.clock.advance(INBOUND_THROTTLE_MS);
    await knock();
    expect(node.refused).toHaveLength(4);
  });

  test('C3: who is configured with an address may come from it again and again', () => {
    clock.nowMs = 0;
    const policy = new StaticPolicy({ clock });
    const from = (host: string) =>
      policy.admit({ stage: 'accept', direction: 'inbound', address: { host, port: 9 } }).accept;
    policy.add(hash(7), 'static', '198.51.100.7');
    expect([from('198.51.100.7'), from('198.51.100.7')]).toEqual([true, true]);
    expect([from('198.51.100.8'), from('198.51.100.8')]).toEqual([true, false]);
    policy.remove(hash(7));
    expect([from('198.51.100.7'), from('198.51.100.7')]).toEqual([true, false]);
    const later = { direction: 'inbound', address: { host: '198.51.100.7', port: 9 } } as const;
    for (const stage of ['authenticated', 'activate'] as const)
      expect(policy.admit({ ...later, stage }).accept).toBe(true);
  });
});

test('which addresses are of the local network', () => {
  const lan = (text: string): boolean => isLan(parseIp(text) ?? new Uint8Array(4).fill(255));
  for (const text of ['0.1.2.3', '10.255.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '127.9.9.9'])
    expect([text, lan(text)]).toEqual([text, true]);
  for (const text of ['::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1', '::ffff:10.0.0.1'])
    expect([text, lan(text)]).toEqual([text, true]);
  for (const text of [
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '11.0.0.1',
    '2001:db8::1',
    'fec0::1',
    'fb00::1',
  ])
    expect([text, lan(text)]).toEqual([text, false]);
  expect(formatIp(parseIp('::ffff:10.0.0.1') ?? new Uint8Array(16))).toBe('10.0.0.1');
});
