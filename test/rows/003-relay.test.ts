import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesToHex, createNode, formatEnode, type Logger, type RlpxdNode } from '../../src/index.js';
import {
  isTransitionError,
  next,
  SESSION_EVENTS,
  SESSION_STATES,
  type SessionEvent,
  type SessionHandle,
  SessionManager,
  type SessionState,
} from '../../src/session/index.js';
import { ScriptedPeer, seededRandom } from '../../src/testing/index.js';
import { crypto, hash, PORT, SECOND, TellingStatus, Town } from '../support/rows-town.js';

describe('003.1: the state machine', () => {
  const before = { cancel: 'cancelled', expire: 'expired', fault: 'faulted' } as const;
  const after = { close: 'closed', expire: 'expired', fault: 'faulted' } as const;
  const table: Record<SessionState, Partial<Record<SessionEvent, SessionState>>> = {
    requested: { connect: 'connecting', ...before },
    connecting: { begin: 'authenticating', ...before },
    accepted: { begin: 'authenticating', ...before },
    authenticating: { authenticated: 'greeting', ...before },
    greeting: { greeted: 'verifying', ...before },
    verifying: { verified: 'active', ...before },
    active: { pause: 'paused', drain: 'draining', ...after },
    paused: { resume: 'active', drain: 'draining', ...after },
    draining: { ...after },
    ...{ closed: {}, cancelled: {}, expired: {}, faulted: {} },
  };

  test.each(SESSION_STATES)(
    '003.1: %s: every event leads where the table says, or is a TransitionError',
    (state) => {
      for (const event of SESSION_EVENTS) {
        const outcome = next(state, event);
        const to = table[state][event];
        if (to === undefined) expect(outcome).toMatchObject({ code: 'ERR_SESSION_TRANSITION', state, event });
        else expect(outcome).toBe(to);
        expect(next(state, event)).toEqual(outcome); // pure
      }
    },
  );

  test('003.1: every state can be reached from a beginning', () => {
    const reached = new Set<SessionState>(['requested', 'accepted']);
    for (const state of reached) {
      for (const event of SESSION_EVENTS) {
        const outcome = next(state, event);
        if (!isTransitionError(outcome)) reached.add(outcome);
      }
    }
    expect([...reached].sort()).toEqual([...SESSION_STATES].sort());
  });
});

describe('003.2: what a caller can put in', () => {
  test('003.2: clock, chance, sockets, names, logger, ids and cleaner', async () => {
    const town = new Town();
    const lines: object[] = [];
    const note = (fields: object): void => void lines.push(fields);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const cleaned: SessionHandle[] = [];
    let count = 0;
    const node = await town.node({
      logger,
      newId: () => `relay-${++count}`,
      cleaner: (session) => cleaned.push(session),
      serve: () => Promise.reject(new Error('out of order')),
    });
    const { session, ours } = await town.guest(node);
    expect(ours.id).toBe('relay-1');
    expect(node.manager.get('relay-1').id).toBe('relay-1');
    expect(ours.describe().createdAtMs).toBeLessThanOrEqual(town.clock.wallMs());
    expect(new Date(ours.describe().createdAtMs).getUTCFullYear()).toBe(2026); // where the virtual clock begins
    session.send({ name: 'GetBlockBodies', requestId: 1n, hashes: [hash(1)] });
    await town.clock.settle(session.expect('BlockBodies'));
    expect(lines).toMatchObject([{ event: 'session.serve', session: 'relay-1' }]);
    session.stall();
    ours.disconnect();
    await town.clock.advance(SECOND);
    expect(cleaned).toEqual([]); // the socket still lingers
    await town.clock.advance(2 * SECOND);
    expect(cleaned.map(({ id, state }) => [id, state])).toEqual([['relay-1', 'closed']]);
  });

  test('003.2: ids that repeat or fail, and a cleaner that throws, keep nobody from a session', async () => {
    const town = new Town();
    const ids = ['same', 'same', ''];
    const node = await town.node({
      newId: () => {
        const id = ids.shift();
        if (id === undefined) throw new Error('no more');
        return id;
      },
      cleaner: () => {
        throw new Error('mine');
      },
    });
    for (let i = 0; i < 4; i++) await town.guest(node);
    expect(node.manager.list().map(({ id }) => id)).toEqual(['same', 's1', 's2', 's3']);
    await town.clock.settle(node.manager.close());
    expect(town.socketsOf(node.host)).toBe(0);
  });
});

describe('003.3: finding sessions', () => {
  test('003.3: get, getByPeer, list by state, direction, kind, capability and client, count', async () => {
    const town = new Town();
    const node = await town.node();
    const geth = await town.guest(node, {
      hello: { clientId: 'Geth/v1.17.5-stable/linux-amd64/go1.25' },
      capabilities: [
        { name: 'eth', version: 69, length: 18 },
        { name: 'snap', version: 1, length: 8 },
      ],
    });
    const reth = await town.guest(node, { hello: { clientId: 'reth/v1.9.0' }, ethVersions: [68, 69] });
    const dialed = await town.clock.settle(town.dial(node, await town.peer(), { kind: 'static' }).active);
    const pending = town.dial(node, await town.peer({ holdBack: ['hello'] }));
    await town.clock.advance(100);
    reth.ours.pause();

    const { manager } = node;
    const ids = (sessions: readonly SessionHandle[]): string[] => sessions.map(({ id }) => id);
    expect(ids(manager.list())).toEqual(['s1', 's2', 's3', 's4']);
    expect(manager.get('s1').id).toBe(geth.ours.id);
    expect(() => manager.get('s9')).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_FOUND' }));
    expect(manager.getByPeer(reth.peer.publicKey)).toBe(reth.ours);
    expect(manager.getByPeer(hash(1))).toBeUndefined();
    expect(ids(manager.list({ state: 'active' }))).toEqual(['s1', 's3']);
    expect(ids(manager.list({ state: 'paused' }))).toEqual(['s2']);
    expect(ids(manager.list({ state: 'greeting' }))).toEqual([pending.id]);
    expect(ids(manager.list({ direction: 'outbound' }))).toEqual(['s3', 's4']);
    expect(ids(manager.list({ kind: 'static' }))).toEqual([dialed.id]);
    expect(ids(manager.list({ capability: 'snap' }))).toEqual(['s1']);
    expect(ids(manager.list({ capability: 'eth/68' }))).toEqual(['s2', 's3']);
    expect(ids(manager.list({ capability: 'et' }))).toEqual([]);
    expect(ids(manager.list({ client: 'Geth/' }))).toEqual(['s1']);
    expect(ids(manager.list({ client: /^reth\/v1/g }))).toEqual(['s2']);
    expect(ids(manager.list({ client: /^reth\/v1/g, direction: 'outbound' }))).toEqual([]);
    expect(manager.count()).toEqual({
      ...{ pendingInbound: 0, pendingOutbound: 1, activeInbound: 2, activeOutbound: 1 },
    });
  });
});

describe('003.4: living and ending', () => {
  test('003.4: each session tells when it last heard of its peer, and counts messages', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    const before = ours.describe();
    await town.clock.advance(9 * SECOND);
    expect(ours.describe().lastSeenAtMs).toBe(before.lastSeenAtMs);
    const asked = town.clock.wallMs();
    await town.clock.settle(session.ping());
    const after = ours.describe();
    expect(after.lastSeenAtMs).toBeGreaterThanOrEqual(asked);
    expect(after.lastSeenAtMs).toBeLessThanOrEqual(asked + 5);
    expect(after.counters.messagesIn).toBe(before.counters.messagesIn + 1);
  });

  test('003.4: a session can be called off at every stage, and ending it again changes nothing', async () => {
    const town = new Town();
    const node = await town.node();
    const stages: string[] = [];
    for (const afterMs of [undefined, 0.5, 2.5, 3.5, 4.5, 100]) {
      const handle = town.dial(node, await town.peer());
      if (afterMs !== undefined) await town.clock.advance(afterMs);
      handle.disconnect();
      const cause = await handle.ended;
      handle.disconnect(4, 'again');
      await town.clock.advance(100);
      expect(await handle.ended).toBe(cause);
      expect(cause).toMatchObject({
        outcome: cause.stage === 'active' ? 'closed' : 'cancelled',
        by: 'local',
      });
      stages.push(cause.stage);
    }
    expect(stages[0]).toBe('requested');
    expect(stages.at(-1)).toBe('active');
    expect(new Set(stages).size).toBeGreaterThanOrEqual(4);
    expect(node.causes).toHaveLength(6);
    const controller = new AbortController();
    const handle = town.dial(node, await town.peer(), { signal: controller.signal });
    controller.abort();
    expect(await handle.ended).toMatchObject({ outcome: 'cancelled', by: 'local' });
  });
});

describe('003.5: cleanup', () => {
  test('003.5: after a thousand sessions, ended in every way, nothing is left', async () => {
    const town = new Town();
    const cleaned = new Map<string, number>();
    const cleaner = ({ id }: SessionHandle): void => void cleaned.set(id, (cleaned.get(id) ?? 0) + 1);
    const a = await town.node({ cleaner });
    const b = await town.node();
    const idle = { timers: town.clock.pendingTimers, sockets: town.network.openSockets };
    const random = seededRandom(5);
    for (let i = 0; i < 1_000; i++) {
      const handle = i % 2 === 0 ? town.dial(a, b) : town.dial(b, a);
      const way = i % 5;
      if (way === 0) handle.disconnect();
      else if (way === 1) {
        await town.clock.advance(random.below(6));
        handle.disconnect();
      } else if (way === 2) {
        await town.clock.advance(random.below(6));
        town.network.reset(a.host, b.host);
        handle.disconnect(); // where there was nothing to reset yet
      } else {
        const session = await town.clock.settle(handle.active);
        session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
        session.ping().catch(() => undefined);
        if (way === 3) session.disconnect();
        else town.network.reset(a.host, b.host);
      }
      await town.clock.advance(20);
    }
    await town.clock.advance(3 * SECOND);
    for (const { manager } of [a, b]) {
      expect(manager.list()).toEqual([]);
      expect(Object.values(manager.count())).toEqual([0, 0, 0, 0]);
    }
    expect({ timers: town.clock.pendingTimers, sockets: town.network.openSockets }).toEqual(idle);
    const created = a.told.filter((line) => line.startsWith('created'));
    expect(created.length).toBeGreaterThanOrEqual(750);
    expect(a.causes).toHaveLength(created.length);
    expect([...cleaned.values()]).toEqual(Array(created.length).fill(1)); // each once
  }, 120_000);
});

describe('003.6: what lives longer than a session', () => {
  const genesis = readFileSync(new URL('../../demo/genesis.json', import.meta.url), 'utf8');
  const start = async (town: Town, options: Parameters<typeof createNode>[0]): Promise<RlpxdNode> =>
    town.clock.settle(createNode({ chain: genesis, crypto, ...options }));

  test('003.6: a wanted peer is dialed again after every end, with growing waits', async () => {
    const town = new Town();
    const { peer, host } = await town.peer();
    const enode = formatEnode({ publicKey: peer.publicKey, host, port: PORT, discoveryPort: PORT });
    const node = await start(town, { world: town.world('10.2.0.1'), peers: [enode] });
    const waits: number[] = [];
    node.on('peer.waiting', ({ wait }) => waits.push(wait.waitMs));
    for (let i = 0; i < 5; i++) {
      const session = await town.clock.settle(peer.accepted());
      await town.clock.settle(session.ready);
      await town.clock.advance(100);
      session.disconnect();
      await town.clock.advance(100);
    }
    expect(waits).toHaveLength(5);
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(0.75 * SECOND * 2 ** i);
      expect(wait).toBeLessThanOrEqual(1.25 * SECOND * 2 ** i);
    }
    const steady = await town.clock.settle(peer.accepted());
    await town.clock.settle(steady.ready);
    await town.clock.advance(60 * SECOND);
    steady.disconnect();
    await town.clock.advance(100);
    expect(waits[5]).toBeLessThanOrEqual(1.25 * SECOND); // it had lasted
    await town.clock.settle(node.close());
  });

  test('003.6: key and chain outlive the process, and every end reaches whoever measures', async () => {
    const town = new Town();
    const world = town.world('10.2.0.1');
    const options = { world, datadir: '/data', listen: { host: '10.2.0.1', port: PORT } };
    const first = await start(town, options);
    const ended: number[] = [];
    first.on('session.ended', ({ cause }) => ended.push(cause.counters.bytesIn + cause.counters.bytesOut));
    const peer = new ScriptedPeer({ world: town.world('10.2.0.2'), crypto });
    const publicKey = first.sessions.publicKey;
    const session = await town.clock.settle(peer.dial({ host: '10.2.0.1', port: PORT, publicKey }));
    await town.clock.settle(session.ready);
    await town.clock.advance(100);
    session.disconnect();
    await town.clock.advance(100);
    const { bytesIn, bytesOut } = first.status();
    expect(ended).toEqual([bytesIn + bytesOut]);
    expect(bytesIn + bytesOut).toBeGreaterThan(500);
    await town.clock.settle(first.close());
    const second = await start(town, options);
    expect(second.identity).toEqual(first.identity);
    expect(bytesToHex(second.status().hash)).toBe(bytesToHex(first.chain.genesisHash));
    await town.clock.settle(second.close());
  });

  test('003.6: a manager of one’s own has the same figures', async () => {
    const town = new Town();
    const manager = new SessionManager({
      ...{
        world: town.world('10.2.0.1'),
        crypto,
        secretKey: hash(3),
        clientId: 'own',
        status: new TellingStatus(),
      },
    });
    const node = await town.node();
    const session = await town.clock.settle(
      manager.dial({ host: node.host, port: PORT, publicKey: node.manager.publicKey }).active,
    );
    let total = 0;
    manager.on('closed', ({ cause }) => {
      total += cause.counters.bytesIn;
    });
    session.disconnect();
    expect(total).toBe(session.describe().counters.bytesIn);
    expect(total).toBeGreaterThan(200);
  });
});
