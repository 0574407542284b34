import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetRestrict, PeerError } from '../../src/peers/index.js';

describe('NetRestrict', () => {
  test.each([
    ['127.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.0/8', '127.255.255.255', true],
    ['127.0.0.0/8', '128.0.0.1', false],
    ['127.0.0.0/8', '126.255.255.255', false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['127.0.0.0/8', '::1', false],
    ['127.0.0.0/8, ::1', '::1', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3/31', '10.1.2.2', true],
    ['192.168.0.0/23', '192.168.1.255', true],
    ['192.168.0.0/23', '192.168.2.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['fe80::/10', 'fec0::1', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::/0', 'localhost', false],
  ])('%s and %s: %s', (networks, host, allowed) => {
    expect(NetRestrict.parse([networks]).allows(host)).toBe(allowed);
  });

  test.each([
    '',
    ' , ',
    'localhost',
    '127.0.0.0/33',
    '127.0.0.0/-1',
    '127.0.0.0/',
    '127.0.0.0/8/8',
    '::/129',
    '127.0.0/8',
    '::ffff:10.0.0.0/8',
  ])('%j is refused', (text) => {
    expect(() => NetRestrict.parse([text])).toThrow(PeerError);
  });

  test('is written with the bits that count', () => {
    expect(String(NetRestrict.parse(['10.1.2.3/8', 'fd00:1::/16']))).toBe('10.0.0.0/8,fd00::/16');
  });

  test('agrees with integer arithmetic on every prefix length', () => {
    const value = (host: string): number =>
      host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (network, host, bits) => {
        const size = 2 ** (32 - bits);
        const same = Math.floor(value(network) / size) === Math.floor(value(host) / size);
        expect(NetRestrict.parse([`${network}/${bits}`]).allows(host)).toBe(same);
      }),
    );
  });
});
