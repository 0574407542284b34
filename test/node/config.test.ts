import { describe, expect, test } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { ConfigError, checkOptions, type PlainNodeOptions, sessionLimits } from '../../src/node/index.js';
import { formatEnode } from '../../src/peers/index.js';

const check = (options: PlainNodeOptions) => checkOptions(options, nobleCrypto);
const enode = formatEnode({
  publicKey: nobleCrypto.publicKey(new Uint8Array(32).fill(7)),
  host: '10.0.0.9',
  port: 1,
});

function fault(options: PlainNodeOptions): ConfigError {
  try {
    check(options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('accepted');
}

test('nothing given is a node that only dials, half of its 50 slots dialed', () => {
  expect(check({})).toEqual({
    key: undefined,
    keyFile: undefined,
    listen: undefined,
    peers: [],
    trusted: [],
    limits: { maxActiveOutbound: 25, maxActiveInbound: 25, maxPendingInbound: 50, maxPendingOutbound: 50 },
    netRestrict: undefined,
    ethVersions: [68, 69, 70, 71, 72],
    datadir: undefined,
    keep: undefined,
    journal: undefined,
    upstream: undefined,
    transactions: 'off',
  });
});

test.each([
  [50, 2, 25, 25],
  [50, 3, 16, 34],
  [50, 1, 50, 0],
  [1, 2, 1, 0],
  [2, 50, 1, 1],
  [0, 2, 0, 0],
])('%i peers with dial ratio %i: %i dialed, %i accepted', (maxPeers, dialRatio, dialed, accepted) => {
  const limits = sessionLimits({ maxPeers, dialRatio });
  expect([limits.maxActiveOutbound, limits.maxActiveInbound]).toEqual([dialed, accepted]);
});

test('what is given is read', () => {
  const config = check({
    key: `0x${'07'.repeat(32)}`,
    listen: { host: '::1', port: 0 },
    peers: [enode],
    trusted: [enode],
    netRestrict: ['127.0.0.0/8', '::1'],
    ethVersions: [72, 69, 69],
    datadir: 'somewhere',
  });
  expect(config.key).toEqual(new Uint8Array(32).fill(7));
  expect(config.listen).toEqual({ host: '::1', port: 0 });
  expect(config.peers[0]).toMatchObject({ host: '10.0.0.9', port: 1 });
  expect(config.trusted).toEqual(config.peers);
  expect(String(config.netRestrict)).toBe('127.0.0.0/8,::1/128');
  expect(config.ethVersions).toEqual([69, 72]);
});

describe('what cannot be is refused, with the field named', () => {
  test.each<[string, PlainNodeOptions, string]>([
    ['key', { key: 'zz' }, '64 hex digits'],
    ['key', { key: '00'.repeat(32) }, 'not a secp256k1 secret key'],
    ['key', { key: new Uint8Array(31).fill(1) }, 'not a secp256k1 secret key'],
    ['key', { key: 'ff'.repeat(32) }, 'not a secp256k1 secret key'],
    ['key', { key: '07'.repeat(32), keyFile: 'f' }, 'one of them is enough'],
    ['keyFile', { keyFile: ' ' }, 'empty'],
    ['datadir', { datadir: '' }, 'empty'],
    ['addr', { listen: { host: 'localhost' } }, 'no IP address'],
    ['port', { listen: { port: 65_536 } }, '65536'],
    ['port', { listen: { port: 1.5 } }, '1.5'],
    ['peers', { peers: ['enode://12@h:1'] }, 'hex digits'],
    ['trusted', { trusted: [''] }, 'enode://'],
    ['maxPeers', { maxPeers: -1 }, '-1'],
    ['maxPeers', { maxPeers: Number.NaN }, 'NaN'],
    ['maxPendingPeers', { maxPendingPeers: 0 }, '0'],
    ['dialRatio', { dialRatio: 0 }, '0'],
    ['netRestrict', { netRestrict: ['127.0.0.0/33'] }, '127.0.0.0/33'],
    ['netRestrict', { netRestrict: [] }, 'no network given'],
    ['eth', { ethVersions: [99] }, '99'],
    ['eth', { ethVersions: [] }, 'no version given'],
  ])('%s: %j', (field, options, words) => {
    const error = fault(options);
    expect(error.field).toBe(field);
    expect(error.message).toContain(words);
    expect(error.code).toBe(
      field === 'key' && options.keyFile === undefined ? 'ERR_CONFIG_KEY' : 'ERR_CONFIG_VALUE',
    );
  });

  test('a key that is none is never shown', () => {
    const secret = `${'ab'.repeat(31)}x`;
    expect(fault({ key: secret }).message).not.toContain('abab');
  });
});
