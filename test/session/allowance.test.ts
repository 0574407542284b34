import { describe, expect, test } from 'vitest';
import type { EthMessage, EthRequest } from '../../src/eth/index.js';
import { InvalidConfiguration, PermissionDenied, type TemplateOptions } from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash, range } from '../support/session-values.js';

const SECOND = 1_000;

interface Guarded {
  readonly village: Village;
  readonly node: Node;
  readonly peer: ScriptedPeer;
  readonly served: EthRequest[];
  readonly heard: string[];
  readonly told: string[];
}

/** A node whose inbound peers get this template, and a peer of it that is active. */
async function guarded(template: TemplateOptions): Promise<Guarded> {
  const village = new Village();
  const served: EthRequest[] = [];
  const heard: string[] = [];
  const node = await village.node({
    templates: { basic: template },
    serve: async (request) => {
      served.push(request);
      if (request.name !== 'GetBlockBodies') return undefined;
      const bodies = request.hashes.map(() => Uint8Array.of(0xc2, 0xc0, 0xc0));
      return { name: 'BlockBodies', requestId: request.requestId, bodies };
    },
    gossip: ({ name }) => heard.push(name),
  });
  const told: string[] = [];
  node.manager.on('quota', ({ verdict }) => told.push(verdict.step));
  const peer = new ScriptedPeer(village.world('10.0.0.99'));
  await village.clock.settle(peer.dial(node));
  await village.clock.advance(100);
  expect(node.manager.count().activeInbound).toBe(1);
  return { village, node, peer, served, heard, told };
}

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

describe('permissions of a session', () => {
  test('001.4: a request without permission is answered empty, and the handler never sees it', async () => {
    const { village, node, peer, served } = await guarded({ permissions: { serveBodies: false } });
    peer.say(ask(5n));
    peer.say({
      name: 'GetBlockHeaders',
      requestId: 6n,
      query: { origin: 1n, amount: 1, skip: 0n, reverse: false },
    });
    await village.clock.advance(100);
    expect(peer.heard('BlockBodies')).toEqual([{ name: 'BlockBodies', requestId: 5n, bodies: [] }]);
    expect(served.map(({ name }) => name)).toEqual(['GetBlockHeaders']);
    const [session] = node.manager.active();
    expect(session?.state).toBe('active');
    expect(session?.describe().usage).toMatchObject({ refused: 1, received: { GetBlockHeaders: 1 } });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('001.4: gossip without permission is thrown away unread, even where it could not be read', async () => {
    const { village, node, peer, heard } = await guarded({ permissions: { receiveTransactions: false } });
    peer.say(announced);
    peer.raw(peer.spec('Transactions').id, Uint8Array.of(0xff, 0xff, 0xff));
    await village.clock.advance(100);
    expect(heard).toEqual([]);
    expect(node.manager.active()[0]?.describe().usage?.refused).toBe(2);
    const open = await guarded({});
    open.peer.say(announced);
    await open.village.clock.advance(100);
    expect(open.heard).toEqual(['NewPooledTransactionHashes']);
  });

  test('001.4: what may not be sent is refused to the caller, who learns which permission it lacks', async () => {
    const { village, node, peer } = await guarded({
      permissions: { sendTransactions: false, announce: false },
    });
    const [session] = node.manager.active();
    expect(() => session?.eth.send(announced)).toThrow(PermissionDenied);
    expect(() => session?.eth.send(announced)).toThrowError(
      expect.objectContaining({ permission: 'sendTransactions' }),
    );
    expect(() => session?.eth.send({ name: 'BlockRangeUpdate', ...range(0n, 700n) })).toThrow(/announce/);
    node.manager.announceRange();
    await village.clock.advance(400 * SECOND);
    expect(peer.received.map(({ name }) => name)).not.toContain('BlockRangeUpdate');
  });
});

describe('quotas of a session', () => {
  test('001.5: beyond it requests are answered in part, then empty while reading stops, then the session ends', async () => {
    const { village, node, peer, served, told } = await guarded({
      quotas: { requestsPerSecond: 1, burstMs: 10_000 },
    });
    let id = 0n;
    for (let i = 0; i < 12; i++) peer.say(ask(++id));
    await village.clock.advance(100);
    const answers = (): number[] =>
      peer.heard('BlockBodies').map((answer) => (answer.name === 'BlockBodies' ? answer.bodies.length : -1));
    expect(answers().slice(0, 10)).toEqual(new Array(10).fill(4));
    expect(answers().slice(10)).toEqual([3, 3]);
    expect(told).toEqual(['less']);
    for (let i = 0; i < 30; i++) peer.say(ask(++id));
    await village.clock.advance(100);
    expect(told).toEqual(['less', 'throttle']);
    const servedByNow = served.length;
    expect(servedByNow).toBeLessThan(20);
    const [session] = node.manager.active();
    expect(session?.state).toBe('active');
    expect(session?.describe().usage).toMatchObject({ throttlings: 1 });
    // a peer that never learns
    const ended = session?.ended;
    for (let i = 0; i < 60 && session?.state === 'active'; i++) {
      if (peer.end === undefined) for (let j = 0; j < 30; j++) peer.say(ask(++id));
      await village.clock.advance(5 * SECOND);
    }
    expect(await ended).toMatchObject({ outcome: 'closed', by: 'policy', code: 'ERR_SESSION_QUOTA' });
    expect(told.at(-1)).toBe('close');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('001.5: a peer that keeps within them is never told anything', async () => {
    const { village, peer, told, node } = await guarded({ quotas: { requestsPerSecond: 10 } });
    for (let i = 1n; i <= 300n; i++) {
      peer.say(ask(i));
      await village.clock.advance(100);
    }
    expect(told).toEqual([]);
    expect(peer.heard('BlockBodies')).toHaveLength(300);
    expect(node.manager.active()[0]?.describe().usage).toMatchObject({
      curtailed: 0,
      received: { GetBlockBodies: 300 },
      sent: { BlockBodies: 300 },
    });
  });

  test('001.5: our answers count as bytes, and gossip beyond the quota is thrown away', async () => {
    const { village, peer, told, heard } = await guarded({ quotas: { bytesPerSecond: 100, burstMs: 1_000 } });
    peer.say(ask(1n, 60));
    await village.clock.advance(100);
    peer.say(announced);
    await village.clock.advance(100);
    expect(told.length).toBeGreaterThan(0);
    expect(heard).toEqual([]);
  });

  test('001.5: age runs out to the millisecond, and not at all without automatic expiry', async () => {
    const { village, node } = await guarded({ quotas: { maxAgeMs: 20 * SECOND } });
    const [session] = node.manager.active();
    await village.clock.advance(19 * SECOND);
    expect(session?.state).toBe('active');
    await village.clock.advance(SECOND);
    expect(await session?.ended).toMatchObject({
      outcome: 'expired',
      code: 'ERR_SESSION_AGE',
      reasonSent: 11,
    });
    const ageless = await guarded({
      quotas: { maxAgeMs: SECOND },
      settings: { automaticExpiry: false },
    });
    await ageless.village.clock.advance(25 * SECOND);
    expect(ageless.node.manager.active()[0]?.state).toBe('active');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('who gets which template', () => {
  test('001.3: by the kind of the peer, by dial, and by the policy, which has the last word', async () => {
    const village = new Village();
    const named = await village.node({
      policy: { admit: ({ kind = 'dynamic' }) => ({ accept: true, kind, template: 'readers' }) },
      templates: { readers: { permissions: { receiveTransactions: false } } },
    });
    const dialer = await village.node();
    const kinds = [await village.node(), await village.node(), await village.node()];
    const session = await village.clock.settle(village.dial(dialer, named).active);
    expect(session.template.name).toBe('basic');
    expect(named.manager.active()[0]?.describe().template).toBe('readers');
    const names: string[] = [];
    for (const [i, kind] of (['dynamic', 'static', 'trusted'] as const).entries()) {
      const handle = village.dial(dialer, kinds[i] as Node, { kind });
      names.push((await village.clock.settle(handle.active)).template.name);
    }
    expect(names).toEqual(['basic', 'static', 'trusted']);
    const own = await village.node();
    const quotas = { requestsPerSecond: 3 };
    const handle = village.dial(dialer, own, { template: { extends: 'static', quotas } });
    expect((await village.clock.settle(handle.active)).template).toMatchObject({ quotas });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('001.3: a template that is none is refused before anything is created', async () => {
    const village = new Village();
    const a = await village.node();
    const b = await village.node();
    expect(() => village.dial(a, b, { template: 'royal' })).toThrow(InvalidConfiguration);
    expect(() => village.dial(a, b, { template: { quotas: { burstMs: -1 } } })).toThrowError(
      expect.objectContaining({ field: 'templates.own.quotas.burstMs' }),
    );
    expect(a.manager.list()).toEqual([]);
    await expect(village.node({ templates: { mine: { extends: 'yours' } } })).rejects.toThrow(/yours/);
  });

  test('a policy that names a template that is none refuses', async () => {
    const village = new Village();
    const node = await village.node({
      policy: { admit: () => ({ accept: true, kind: 'dynamic', template: 'royal' }) },
    });
    const dialer = await village.node();
    const cause = await village.clock.settle(village.dial(dialer, node).ended);
    expect(cause).toMatchObject({ by: 'remote', outcome: 'cancelled' });
  });
});
