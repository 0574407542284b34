import { describe, expect, test } from 'vitest';
import {
  ExceedsSessionLimit,
  PendingSessionHandshakeError,
  PolicyViolation,
  SessionExpired,
  SessionNotActive,
  SessionNotFound,
} from '../../src/session/index.js';
import { ENDED_REMEMBERED, EndedSessions } from '../../src/session/validation.js';
import { NOTHING_LEFT, type Node, Village } from '../support/session-nodes.js';
import { hash } from '../support/session-values.js';

const SECOND = 1_000;

async function twoNodes(options: Parameters<Village['node']>[0] = {}): Promise<[Village, Node, Node]> {
  const village = new Village();
  return [village, await village.node(options), await village.node()];
}

describe('validating a session', () => {
  test('001.7: tells who it is with, what it may do, and how long it has', async () => {
    const [village, a, b] = await twoNodes();
    const handle = village.dial(a, b, {
      template: { permissions: { serveSnap: false }, quotas: { maxAgeMs: 60 * SECOND } },
    });
    const session = await village.clock.settle(handle.active);
    await village.clock.advance(20 * SECOND);
    const valid = a.manager.validate(session.id);
    expect(valid).toMatchObject({
      id: session.id,
      publicKey: b.manager.publicKey,
      nodeId: b.manager.nodeId,
      sharedId: session.sharedId,
      template: 'own',
      permissions: { serveSnap: false, serveHeaders: true },
    });
    expect(valid.remainingMs).toBeGreaterThan(39 * SECOND);
    expect(valid.remainingMs).toBeLessThanOrEqual(40 * SECOND);
    session.pause();
    expect(a.manager.validate(session.id).id).toBe(session.id);
    const other = b.manager.active()[0];
    expect(b.manager.validate(other?.id ?? '').remainingMs).toBe(Number.POSITIVE_INFINITY);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('001.7: says what is not: never there, not active yet, ended, expired', async () => {
    const [village, a, b] = await twoNodes();
    expect(() => a.manager.validate('s99')).toThrow(SessionNotFound);
    const handle = village.dial(a, b, { template: { quotas: { maxAgeMs: SECOND } } });
    expect(() => a.manager.validate(handle.id)).toThrow(SessionNotActive);
    await village.clock.settle(handle.active);
    await village.clock.advance(2 * SECOND);
    expect(() => a.manager.validate(handle.id)).toThrow(SessionExpired);
    expect(() => a.manager.validate(handle.id)).toThrow(/maximum age/);
    const again = await village.clock.settle(village.dial(a, b).active);
    again.disconnect();
    expect(() => a.manager.validate(again.id)).toThrow(SessionNotActive);
    expect(() => a.manager.validate(again.id)).toThrowError(
      expect.objectContaining({ closeCause: expect.objectContaining({ reasonSent: 0 }) }),
    );
  });

  test('001.7: while it is closing it is not active any more', async () => {
    const [village, a, b] = await twoNodes();
    const session = await village.clock.settle(village.dial(a, b).active);
    const asked = session.eth.getBlockBodies([hash(1)]);
    const closing = session.close();
    expect(session.state).toBe('draining');
    expect(() => a.manager.validate(session.id)).toThrow(SessionNotActive);
    await village.clock.settle(Promise.all([asked, closing]));
  });

  test('so many ends are remembered, the oldest make way', () => {
    const ended = new EndedSessions();
    const cause = { outcome: 'closed', stage: 'active', by: 'local', says: 'x' } as never;
    for (let i = 0; i <= ENDED_REMEMBERED; i++) ended.remember(`s${i}`, cause);
    expect(ended.missing('s0')).toBeInstanceOf(SessionNotFound);
    expect(ended.missing('s1')).toBeInstanceOf(SessionNotActive);
    ended.remember('s1', cause);
    ended.remember('fresh', cause);
    expect(ended.missing('s1')).toBeInstanceOf(SessionNotActive);
    expect(ended.missing('s2')).toBeInstanceOf(SessionNotFound);
  });
});

describe('what goes wrong on the way has a class of its own', () => {
  test('001.7: CreationFailed for a dial that cannot begin, whatever stands in the way', async () => {
    const [village, a, b] = await twoNodes({ limits: { maxPendingOutbound: 2 } });
    const failure = { name: 'CreationFailed' };
    expect(() => village.dial(a, a)).toThrowError(
      expect.objectContaining({ ...failure, code: 'ERR_SESSION_SELF' }),
    );
    village.dial(a, b);
    expect(() => village.dial(a, b)).toThrowError(
      expect.objectContaining({ ...failure, code: 'ERR_SESSION_ALREADY_CONNECTED' }),
    );
    const c = await village.node();
    const d = await village.node();
    village.dial(a, c);
    expect(() => village.dial(a, d)).toThrow(ExceedsSessionLimit);
    await village.clock.settle(a.manager.close());
    expect(() => village.dial(a, b)).toThrowError(
      expect.objectContaining({ ...failure, code: 'ERR_SESSION_MANAGER_CLOSED' }),
    );
  });

  test('001.7: ActivationFailed where it never became active, PolicyViolation where a rule of ours said no', async () => {
    const refusing = {
      admit: () => ({ accept: false as const, reason: 4, says: 'not today' }),
    };
    const [village, a, b] = await twoNodes({ policy: refusing });
    const ours = village.dial(a, b);
    await expect(village.clock.settle(ours.active)).rejects.toBeInstanceOf(PolicyViolation);
    const theirs = village.dial(b, a);
    await expect(village.clock.settle(theirs.active)).rejects.toSatisfy(
      (error) => error instanceof PendingSessionHandshakeError && !(error instanceof PolicyViolation),
    );
  });
});

describe('epochs', () => {
  test('000.6: every end advances the epoch, and says so after it', async () => {
    const [village, a, b] = await twoNodes();
    const heard: string[] = [];
    a.manager.on('closed', ({ session, cause }) => heard.push(`closed ${session.id} ${cause.epoch}`));
    a.manager.on('epochAdvanced', ({ session, epoch }) => heard.push(`epoch ${session.id} ${epoch}`));
    for (let i = 1; i <= 2; i++) {
      const session = await village.clock.settle(village.dial(a, b).active);
      expect(a.manager.epoch).toBe(i - 1);
      session.disconnect();
      expect(a.manager.epoch).toBe(i);
      await village.clock.advance(100);
    }
    expect(heard).toEqual(['closed s1 1', 'epoch s1 1', 'closed s2 2', 'epoch s2 2']);
  });

  test('000.6: a handle of an older epoch is refused, and cannot touch the session that came after', async () => {
    const [village, a, b] = await twoNodes();
    const old = await village.clock.settle(village.dial(a, b).active);
    old.disconnect();
    await village.clock.advance(100);
    const young = await village.clock.settle(village.dial(a, b).active);
    const stale = { code: 'ERR_SESSION_NOT_ACTIVE', closeCause: expect.objectContaining({ epoch: 1 }) };
    await expect(old.ping()).rejects.toMatchObject(stale);
    await expect(old.eth.getBlockBodies([hash(1)])).rejects.toMatchObject(stale);
    expect(() => old.pause()).toThrowError(expect.objectContaining(stale));
    expect(() => old.resume()).toThrowError(expect.objectContaining(stale));
    expect(() =>
      old.eth.send({ name: 'NewPooledTransactionHashes', types: Uint8Array.of(), sizes: [], hashes: [] }),
    ).toThrowError(expect.objectContaining(stale));
    old.disconnect(3);
    expect(await old.close({ drain: false })).toMatchObject({ cause: { epoch: 1, reasonSent: 0 } });
    expect(young.state).toBe('active');
    expect(old.describe().queues).toMatchObject({
      responses: { items: 0, bytes: 0 },
      requests: { items: 0, bytes: 0 },
      parked: { items: 0, bytes: 0 },
      requestsOpen: 0,
    });
    expect(a.manager.getByPeer(b.manager.publicKey)).toBe(young);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('closing the manager', () => {
  test('000.7: gives what has begun its time, but never more than half of the deadline', async () => {
    const [village, a, b] = await twoNodes();
    await village.clock.settle(village.dial(a, b).active);
    const slow = await village.node({
      serve: (_request, _session, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    });
    const session = await village.clock.settle(village.dial(a, slow).active);
    const asked = expect(session.eth.getBlockBodies([hash(1)])).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_ACTIVE',
    });
    await village.clock.advance(50);
    const startedMs = village.clock.now();
    const closing = a.manager.close();
    expect(a.manager.count().activeOutbound).toBe(1); // the idle one is gone at once
    await village.clock.settle(closing);
    expect(village.clock.now() - startedMs).toBeLessThanOrEqual(2 * SECOND);
    expect(await session.ended).toMatchObject({ reasonSent: 8, outcome: 'closed', stage: 'draining' });
    expect((await session.ended).says).toContain('deadline: 1 requests of ours');
    await asked;
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});
