import { describe, expect, test } from 'vitest';
import { ETH_VERSIONS, ethProtocol } from '../../src/eth/index.js';
import { InvalidConfiguration } from '../../src/session/errors.js';
import {
  allPermissions,
  mayRelay,
  missingPermission,
  PERMISSION_NAMES,
  permissionFor,
} from '../../src/session/permissions.js';
import { QUOTA_NAMES } from '../../src/session/quota.js';
import { SessionTemplates, type TemplateOptions } from '../../src/session/templates.js';

describe('permissions', () => {
  test('001.4: every request and every gossip of every version needs one to come in or to go out', () => {
    const free: string[] = [];
    for (const version of ETH_VERSIONS) {
      for (const { name, kind } of ethProtocol(version).byName.values()) {
        const needed = kind === 'request' ? [permissionFor(name, 'in')] : [permissionFor(name, 'out')];
        if (kind === 'status' || kind === 'response') {
          expect([permissionFor(name, 'in'), permissionFor(name, 'out')]).toEqual([undefined, undefined]);
        } else if (needed.includes(undefined)) free.push(name);
      }
    }
    expect(free).toEqual([]);
  });

  test('001.4: what is missing is named', () => {
    const all = allPermissions(true);
    expect(missingPermission(all, 'GetReceipts', 'in')).toBeUndefined();
    const none = allPermissions(false);
    expect(missingPermission(none, 'GetBlockHeaders', 'in')).toBe('serveHeaders');
    expect(missingPermission(none, 'GetBlockBodies', 'in')).toBe('serveBodies');
    expect(missingPermission(none, 'GetReceipts', 'in')).toBe('serveReceipts');
    expect(missingPermission(none, 'GetBlockAccessLists', 'in')).toBe('serveAccessLists');
    expect(missingPermission(none, 'GetCells', 'in')).toBe('serveCells');
    expect(missingPermission(none, 'GetPooledTransactions', 'in')).toBe('sendTransactions');
    expect(missingPermission(none, 'Transactions', 'in')).toBe('receiveTransactions');
    expect(missingPermission(none, 'Transactions', 'out')).toBe('sendTransactions');
    expect(missingPermission(none, 'BlockRangeUpdate', 'out')).toBe('announce');
    expect(missingPermission(none, 'BlockRangeUpdate', 'in')).toBeUndefined();
    expect(missingPermission(none, 'GetReceipts', 'out')).toBeUndefined();
    expect(missingPermission(none, 'BlockHeaders', 'in')).toBeUndefined();
  });

  test('001.4: relaying needs the word of both ends', () => {
    const all = allPermissions(true);
    expect(mayRelay(all, all)).toBe(true);
    expect(mayRelay({ ...all, relayFrom: false }, all)).toBe(false);
    expect(mayRelay(all, { ...all, relayTo: false })).toBe(false);
    expect(mayRelay(all, { ...all, sendTransactions: false })).toBe(false);
    expect(mayRelay({ ...all, relayTo: false }, { ...all, relayFrom: false })).toBe(true);
  });
});

describe('templates', () => {
  test('001.3: basic, static and trusted are there, each with every permission, quota and setting', () => {
    const templates = new SessionTemplates();
    expect(templates.names).toEqual(['basic', 'static', 'trusted']);
    for (const name of templates.names) {
      const template = templates.get(name);
      expect(template.name).toBe(name);
      expect(Object.keys(template.permissions)).toEqual(PERMISSION_NAMES);
      expect(Object.keys(template.quotas)).toEqual(QUOTA_NAMES);
      expect(template.settings.messageLogging).toBe('off');
    }
    const { quotas: basic } = templates.get('basic');
    expect(templates.get('static').quotas.requestsPerSecond).toBeGreaterThan(basic.requestsPerSecond);
    expect(templates.get('trusted').quotas.requestsPerSecond).toBe(Number.POSITIVE_INFINITY);
  });

  test("001.3: the user's own say what differs from what they extend", () => {
    const templates = new SessionTemplates({
      readers: {
        permissions: { receiveTransactions: false, serveSnap: false },
        quotas: { maxAgeMs: 60_000 },
      },
      friends: { extends: 'trusted', settings: { messageLogging: 'headers' } },
      'best-friends': { extends: 'friends', permissions: { relayFrom: false } },
      basic: { quotas: { requestsPerSecond: 5 } },
      late: {},
    });
    const readers = templates.get('readers');
    expect(readers.permissions).toMatchObject({ receiveTransactions: false, serveHeaders: true });
    expect(readers.quotas).toMatchObject({ maxAgeMs: 60_000, requestsPerSecond: 2_000 });
    expect(templates.get('best-friends')).toMatchObject({
      permissions: { relayFrom: false },
      settings: { messageLogging: 'headers' },
      quotas: { bytesPerSecond: Number.POSITIVE_INFINITY },
    });
    expect(templates.get('late').quotas.requestsPerSecond).toBe(5);
  });

  const wrong: readonly [string, unknown, string][] = [
    ['an unknown template', { extends: 'royal' }, 'templates.mine.extends'],
    ['a base that is no name', { extends: 5 }, 'templates.mine.extends'],
    [
      'a permission that does not exist',
      { permissions: { serveTea: true } },
      'templates.mine.permissions.serveTea',
    ],
    [
      'a permission that is neither yes nor no',
      { permissions: { relayTo: 1 } },
      'templates.mine.permissions.relayTo',
    ],
    ['permissions that are a list', { permissions: ['relayTo'] }, 'templates.mine.permissions'],
    ['a quota of 0', { quotas: { bytesPerSecond: 0 } }, 'templates.mine.quotas.bytesPerSecond'],
    ['a quota below 0', { quotas: { inflightRequests: -4 } }, 'templates.mine.quotas.inflightRequests'],
    [
      'a quota that is no number',
      { quotas: { queuedBytes: Number.NaN } },
      'templates.mine.quotas.queuedBytes',
    ],
    ['a quota in words', { quotas: { requestsPerSecond: '10' } }, 'templates.mine.quotas.requestsPerSecond'],
    [
      'a quota beyond counting',
      { quotas: { bytesPerSecond: 2 ** 60 } },
      'templates.mine.quotas.bytesPerSecond',
    ],
    ['an endless burst', { quotas: { burstMs: Number.POSITIVE_INFINITY } }, 'templates.mine.quotas.burstMs'],
    ['an age of centuries', { quotas: { maxAgeMs: 1e15 } }, 'templates.mine.quotas.maxAgeMs'],
    ['a quota that does not exist', { quotas: { teaPerSecond: 1 } }, 'templates.mine.quotas.teaPerSecond'],
    ['an unknown logging', { settings: { messageLogging: 'all' } }, 'templates.mine.settings.messageLogging'],
    ['a setting that is null', { settings: { measurement: null } }, 'templates.mine.settings.measurement'],
    ['a field that does not exist', { limits: {} }, 'templates.mine.limits'],
    ['no object', null, 'templates.mine'],
  ];

  test.each(wrong)('001.3: %s is refused, with the field named', (_what, options, field) => {
    const make = (): SessionTemplates => new SessionTemplates({ mine: options as TemplateOptions });
    expect(make).toThrow(InvalidConfiguration);
    expect(make).toThrowError(expect.objectContaining({ field, name: 'InvalidConfiguration' }));
    expect(make).toThrow(field);
  });

  test('001.3: names are names, and what is not there is not found', () => {
    for (const name of ['', 'My', 'a b', '__proto__x', 'x'.repeat(33)]) {
      expect(() => new SessionTemplates({ [name]: {} })).toThrow(InvalidConfiguration);
    }
    expect(() => new SessionTemplates().get('constructor')).toThrow(/basic, static, trusted/);
    expect(() => new SessionTemplates().get('toString')).toThrow(InvalidConfiguration);
  });
});
