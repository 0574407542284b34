import { describe, expect, test } from 'vitest';
import type { EthMessage } from '../../src/eth/index.js';
import {
  ActivationFailed,
  CreationFailed,
  InvalidConfiguration,
  mayRelay,
  PermissionDenied,
  PolicyViolation,
  QuotaExceeded,
  SessionExpired,
  type SessionManagerOptions,
  SessionNotActive,
  SessionNotFound,
  type TemplateOptions,
} from '../../src/session/index.js';
import { hash, item, SECOND, Town } from '../support/rows-town.js';

const ask = (requestId: bigint, count = 4): EthMessage => ({
  name: 'GetBlockBodies',
  requestId,
  hashes: Array.from({ length: count }, (_, i) => hash(i)),
});
const announced: EthMessage = {
  name: 'NewPooledTransactionHashes',
  types: Uint8Array.of(2),
  sizes: [100],
  hashes: [hash(7)],
};

/** A node that serves bodies to a guest with this template. */
async function guest(template: TemplateOptions, options: Partial<SessionManagerOptions> = {}) {
  const town = new Town();
  const served: string[] = [];
  const heard: string[] = [];
  const node = await town.node({
    ethVersions: [69],
    templates: { basic: template },
    serve: async (request) => {
      served.push(request.name);
      if (request.name !== 'GetBlockBodies') return undefined;
      return { name: 'BlockBodies', requestId: request.requestId, bodies: request.hashes.map(() => item(3)) };
    },
    gossip: ({ name }) => heard.push(name),
    ...options,
  });
  const errors: QuotaExceeded[] = [];
  node.manager.on('quota', ({ error }) => errors.push(error));
  return { town, node, served, heard, errors, ...(await town.guest(node)) };
}

describe('001.3: templates', () => {
  test('001.3: basic, static and trusted follow from the kind of peer; dial and policy may name others', async () => {
    const town = new Town();
    const node = await town.node({
      templates: { readers: { extends: 'static', permissions: { receiveTransactions: false } } },
    });
    const names: string[] = [];
    for (const kind of ['dynamic', 'static', 'trusted'] as const) {
      const other = await town.node();
      names.push((await town.clock.settle(town.dial(node, other, { kind }).active)).template.name);
    }
    const other = await town.node();
    const named = await town.clock.settle(town.dial(node, other, { template: 'readers' }).active);
    expect([...names, named.describe().template]).toEqual(['basic', 'static', 'trusted', 'readers']);
    expect(named.template.permissions).toMatchObject({ receiveTransactions: false, serveHeaders: true });
    const choosy = await town.node({
      policy: { admit: () => ({ accept: true, kind: 'static', template: 'basic' }) },
    });
    const chosen = await town.clock.settle(town.dial(choosy, await town.node()).active);
    expect([chosen.kind, chosen.template.name]).toEqual(['static', 'basic']);
  });

  test.each([
    [{ permissions: { serveTea: true } }, 'templates.mine.permissions.serveTea'],
    [{ quotas: { bytesPerSecond: -1 } }, 'templates.mine.quotas.bytesPerSecond'],
    [{ quotas: { maxAgeMs: Number.NaN } }, 'templates.mine.quotas.maxAgeMs'],
    [{ settings: { messageLogging: 'yes' } }, 'templates.mine.settings.messageLogging'],
    [{ settings: { messageLogging: 'whole' } }, 'templates.mine.settings.messageLogging'], // there is no journal
    [{ extends: 'royal' }, 'templates.mine.extends'],
  ])('001.3: %o is refused, and the field named', async (mine, field) => {
    const making = new Town().node({ templates: { mine: mine as TemplateOptions } });
    const error = await making.catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(InvalidConfiguration);
    expect(error).toMatchObject({ code: 'ERR_SESSION_CONFIGURATION', field });
  });

  test('001.3: settings: automatic expiry and measurement can be turned off', async () => {
    const on = await guest({ quotas: { maxAgeMs: 5 * SECOND } });
    on.session.send(ask(1n));
    await on.town.clock.advance(SECOND);
    expect(on.ours.describe().usage).toMatchObject({
      received: { GetBlockBodies: 1 },
      sent: { BlockBodies: 1 },
    });
    await on.town.clock.advance(5 * SECOND);
    expect(await on.ours.ended).toMatchObject({ outcome: 'expired', code: 'ERR_SESSION_AGE' });
    const off = await guest({
      quotas: { maxAgeMs: 5 * SECOND },
      settings: { automaticExpiry: false, measurement: false },
    });
    off.session.send(ask(1n));
    await off.town.clock.advance(10 * SECOND);
    expect(off.ours.state).toBe('active');
    expect(off.ours.describe().usage).toMatchObject({ received: {}, sent: {} });
  });
});

describe('001.4: permissions', () => {
  const headers: EthMessage = {
    name: 'GetBlockHeaders',
    requestId: 2n,
    query: { origin: 1n, amount: 1, skip: 0n, reverse: false },
  };

  test('001.4: a request that is not permitted is answered empty and costs nothing else', async () => {
    const { town, session, served, ours } = await guest({ permissions: { serveBodies: false } });
    session.send(ask(1n));
    expect(await town.clock.settle(session.expect('BlockBodies'))).toMatchObject({
      requestId: 1n,
      bodies: [],
    });
    session.send(headers);
    await town.clock.settle(session.expect('BlockHeaders'));
    expect(served).toEqual(['GetBlockHeaders']);
    expect(ours.describe()).toMatchObject({ state: 'active', usage: { refused: 1, curtailed: 0 } });
  });

  test('001.4: gossip that is not permitted is thrown away unread; what we may not send, we are told', async () => {
    const { town, node, session, heard, ours } = await guest({
      permissions: { receiveTransactions: false, sendTransactions: false, announce: false },
    });
    session.send(announced);
    session.sendRaw(2, Uint8Array.of(0xff)); // not even readable
    await town.clock.advance(100);
    expect(heard).toEqual([]);
    expect(ours.state).toBe('active');
    expect(() => ours.eth.send(announced)).toThrow(PermissionDenied);
    expect(() => ours.eth.send(announced)).toThrowError(
      expect.objectContaining({ permission: 'sendTransactions', code: 'ERR_SESSION_PERMISSION' }),
    );
    node.status.latest += 100n;
    node.manager.announceRange();
    await town.clock.advance(10 * SECOND);
    expect(session.heard.map(({ message }) => message?.name)).not.toContain('BlockRangeUpdate');
  });

  test('001.4: relaying needs the word of the one it came from and of the one it goes to', async () => {
    const { ours } = await guest({ permissions: { relayFrom: false } });
    const other = await guest({});
    const [closed, open] = [ours.template.permissions, other.ours.template.permissions];
    expect([mayRelay(open, open), mayRelay(closed, open), mayRelay(open, closed)]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('001.5: quotas', () => {
  test('001.5: a burst is answered, then less and less, then reading stops, then the session is closed', async () => {
    const { town, session, errors, ours } = await guest({
      quotas: { requestsPerSecond: 1, burstMs: 10_000 },
    });
    let id = 0n;
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) session.send(ask(++id));
    };
    send(12);
    await town.clock.advance(100);
    const bodies = session.heard.flatMap(({ message }) =>
      message?.name === 'BlockBodies' ? [message.bodies.length] : [],
    );
    expect(bodies).toEqual([...new Array<number>(10).fill(4), 3, 3]);
    expect(errors.map(({ step }) => step)).toEqual(['less']);
    send(30);
    await town.clock.advance(100);
    expect(errors.at(-1)).toBeInstanceOf(QuotaExceeded);
    expect(errors.map(({ step, quota }) => `${step} ${quota}`)).toEqual([
      'less requestsPerSecond',
      'throttle requestsPerSecond',
    ]);
    for (let i = 0; i < 60 && ours.state === 'active'; i++) {
      if (session.end === undefined) send(30);
      await town.clock.advance(5 * SECOND);
    }
    expect(await ours.ended).toMatchObject({ outcome: 'closed', by: 'policy', code: 'ERR_SESSION_QUOTA' });
    expect(errors.at(-1)?.step).toBe('close');
  });

  test('001.5: requests in flight beyond the quota are answered empty', async () => {
    const { town, session, errors } = await guest(
      { quotas: { inflightRequests: 2 } },
      { serve: () => new Promise(() => undefined) },
    );
    for (let id = 1n; id <= 5n; id++) session.send(ask(id));
    await town.clock.advance(100);
    const answered = session.heard.flatMap(({ message }) =>
      message?.name === 'BlockBodies' ? [message.requestId] : [],
    );
    expect(answered).toEqual([4n, 5n]);
    expect(errors).toMatchObject([{ quota: 'inflightRequests' }]);
  });

  test('001.5: a peer that asks for a huge number is charged and served like one that asks for what there can be', async () => {
    const amounts: (number | bigint)[] = [];
    const { town, session } = await guest(
      { quotas: { requestsPerSecond: 1, burstMs: 1_000 } },
      {
        serve: async (request) => {
          if (request.name === 'GetBlockHeaders') amounts.push(request.query.amount);
          return undefined;
        },
      },
    );
    for (const requestId of [1n, 2n])
      session.send({
        name: 'GetBlockHeaders',
        requestId,
        query: { origin: 1n, amount: 2n ** 64n - 1n, skip: 0n, reverse: false },
      });
    await town.clock.advance(100);
    expect(amounts).toHaveLength(1);
  });
});

describe('001.7: validation', () => {
  test('001.7: tells identity, permissions and the time that is left, or why there is no such session', async () => {
    const { town, node, ours, peer } = await guest({ quotas: { maxAgeMs: 60 * SECOND } });
    const valid = node.manager.validate(ours.id);
    expect(valid).toMatchObject({ publicKey: peer.publicKey, permissions: { serveHeaders: true } });
    expect(valid.remainingMs).toBeGreaterThan(55 * SECOND);
    expect(() => node.manager.validate('nobody')).toThrow(SessionNotFound);
    await town.clock.advance(61 * SECOND);
    expect(() => node.manager.validate(ours.id)).toThrow(SessionExpired);
    const again = await town.guest(node);
    again.ours.disconnect();
    expect(() => node.manager.validate(again.ours.id)).toThrow(SessionNotActive);
  });

  test('001.7: what goes wrong on the way has a class: creation, activation, policy', async () => {
    const town = new Town();
    const strict = await town.node({
      policy: { admit: () => ({ accept: false, reason: 4, says: 'not today' }) },
    });
    const other = await town.node();
    expect(() => town.dial(other, other)).toThrow(CreationFailed);
    await expect(town.clock.settle(town.dial(strict, other).active)).rejects.toBeInstanceOf(PolicyViolation);
    const refused = town.clock.settle(town.dial(other, strict).active);
    await expect(refused).rejects.toBeInstanceOf(ActivationFailed);
  });
});
