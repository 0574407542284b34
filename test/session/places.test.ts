import { describe, expect, test } from 'vitest';
import { bytesToHex, compareBytes } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import { DISCONNECT } from '../../src/rlpx/index.js';
import type { TcpSocket } from '../../src/runtime/index.js';
import { seededRandom } from '../../src/runtime/simulated/random.js';
import {
  type CloseCause,
  ExceedsSessionLimit,
  type PeerCandidate,
  type PeerPolicy,
  type SessionHandle,
  SessionNotFound,
} from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, PORT, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { recordingLogger } from '../support/session-values.js';

const SECOND = 1_000;
const none = { pendingInbound: 0, pendingOutbound: 0, activeInbound: 0, activeOutbound: 0 };
const ignore = (): void => undefined;
const limits = { maxPendingInbound: 2, maxPendingOutbound: 2, maxActiveInbound: 2, maxActiveOutbound: 2 };

/** A policy that lets everyone in and knows some as trusted. */
const trusting = (...trusted: Uint8Array[]): PeerPolicy => ({
  admit: ({ publicKey, kind = 'dynamic' }) => {
    const known = trusted.some((key) => publicKey !== undefined && bytesToHex(key) === bytesToHex(publicKey));
    return { accept: true, kind: known ? 'trusted' : kind };
  },
});

async function peers(village: Village, count: number): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) nodes.push(await village.node());
  return nodes;
}

describe('limits', () => {
  test('a dial beyond maxPendingOutbound throws, and says which limit', async () => {
    const village = new Village();
    const node = await village.node({ limits });
    const [a, b, c] = (await peers(village, 3)) as [Node, Node, Node];
    village.dial(node, a);
    village.dial(node, b);
    expect(() => village.dial(node, c)).toThrowError(
      expect.objectContaining({ limit: 'maxPendingOutbound' }),
    );
    expect(() => village.dial(node, c)).toThrow(ExceedsSessionLimit);
    expect(village.dial(node, c, { kind: 'trusted' }).state).toBe('requested');
    expect(node.manager.count().pendingOutbound).toBe(3);
    await village.clock.advance(SECOND);
    expect(node.manager.count()).toEqual({
      pendingInbound: 0,
      pendingOutbound: 0,
      activeInbound: 0,
      activeOutbound: 3,
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a dial beyond maxActiveOutbound throws; static peers are no exception, trusted ones are', async () => {
    const village = new Village();
    const node = await village.node({ limits });
    const [a, b, c] = (await peers(village, 3)) as [Node, Node, Node];
    for (const peer of [a, b]) await village.clock.settle(village.dial(node, peer).active);
    for (const kind of ['dynamic', 'static'] as const) {
      expect(() => village.dial(node, c, { kind })).toThrowError(
        expect.objectContaining({ limit: 'maxActiveOutbound' }),
      );
    }
    const session = await village.clock.settle(village.dial(node, c, { kind: 'trusted' }).active);
    expect(session.kind).toBe('trusted');
  });

  test('two dials for the last active place: one gets it, the other ends with reason 4 before it is active', async () => {
    const village = new Village();
    const node = await village.node({ limits: { ...limits, maxActiveOutbound: 1 } });
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    const handles = [village.dial(node, a), village.dial(node, b)];
    await village.clock.advance(SECOND);
    expect(handles.map(({ state }) => state).sort()).toEqual(['active', 'cancelled']);
    const loser = handles.find(({ state }) => state === 'cancelled');
    expect(await loser?.ended).toMatchObject({ by: 'policy', code: 'ERR_SESSION_LIMIT', reasonSent: 4 });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('beyond maxActiveInbound a peer hears too many peers as soon as it is known; a trusted one comes in', async () => {
    const village = new Village();
    const friend = new ScriptedPeer(village.world('10.0.0.90'));
    const node = await village.node({ limits, policy: trusting(friend.publicKey) });
    const [a, b, c] = (await peers(village, 3)) as [Node, Node, Node];
    for (const peer of [a, b]) await village.clock.settle(village.dial(peer, node).active);
    const cause = await village.clock.settle(village.dial(c, node).ended);
    expect(cause).toMatchObject({ outcome: 'cancelled', by: 'remote', stage: 'greeting', reasonReceived: 4 });
    await village.clock.settle(friend.dial(node));
    await village.clock.advance(100);
    expect(node.manager.count().activeInbound).toBe(3);
    expect(node.manager.getByPeer(friend.publicKey)?.kind).toBe('trusted');
    a.manager.active()[0]?.disconnect();
    b.manager.active()[0]?.disconnect();
    await village.clock.advance(100);
    const again = await village.clock.settle(village.dial(c, node).active);
    expect(again.state).toBe('active');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('refused sessions linger, at most 32 at once, and all are gone within 2 s', async () => {
    const village = new Village();
    const node = await village.node({ limits: { ...limits, maxPendingInbound: 100, maxActiveInbound: 0 } });
    const refused = Array.from(
      { length: 60 },
      (_, i) =>
        new ScriptedPeer(village.world(`10.0.1.${i + 1}`), { secretKey: new Uint8Array(32).fill(i + 1) }),
    );
    // reading after the Disconnect, but never closing: the socket is ours to end
    for (const peer of refused) void peer.dial(node);
    await village.clock.advance(3);
    for (const peer of refused) village.network.freeze(`10.0.1.${refused.indexOf(peer) + 1}`);
    await village.clock.advance(100);
    expect(node.manager.count().pendingInbound + node.manager.count().activeInbound).toBeLessThanOrEqual(60);
    const ours = (): number =>
      village.network.describeOpenSockets().filter((line) => line.startsWith(node.host)).length;
    await village.clock.advance(8 * SECOND);
    expect(ours()).toBe(0);
    expect(node.manager.count().pendingInbound).toBe(0);
  });

  test('C5: sockets beyond the pending ones are refused while active places are free, and welcome once one has ended', async () => {
    const village = new Village();
    const node = await village.node({ limits });
    const { tcp } = village.world('10.0.0.97');
    const come = async (): Promise<TcpSocket> => {
      const socket = await village.clock.settle(tcp.connect({ host: node.host, port: PORT }));
      socket.attach({ data: ignore, drain: ignore, end: () => socket.end(), closed: ignore });
      await village.clock.advance(10);
      return socket;
    };
    const silent = [await come(), await come()];
    for (let more = 0; more < 5; more++) {
      await come();
      expect(node.manager.count()).toEqual({ ...none, pendingInbound: 2 });
    }
    for (const socket of silent) socket.destroy();
    await village.clock.advance(10);
    expect(node.manager.count()).toEqual(none);
    const [guest] = (await peers(village, 1)) as [Node];
    await village.clock.settle(village.dial(guest, node).active);
    expect(node.manager.count()).toEqual({ ...none, activeInbound: 1 });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('are counts, or the manager is not made', async () => {
    const village = new Village();
    await expect(village.node({ limits: { maxActiveInbound: -1 } })).rejects.toThrow(
      /limits.maxActiveInbound/,
    );
    await expect(village.node({ ethVersions: [] })).rejects.toThrow(/ethVersions/);
    await expect(village.node({ secretKey: new Uint8Array(32) })).rejects.toThrow(/secretKey/);
  });
});

describe('one session per peer', () => {
  test('a second dial throws while the first is under way and while it is active', async () => {
    const village = new Village();
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    const handle = village.dial(a, b);
    expect(() => village.dial(a, b)).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_ALREADY_CONNECTED' }),
    );
    await village.clock.settle(handle.active);
    await village.clock.advance(100);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(() => village.dial(from, to)).toThrowError(
        expect.objectContaining({ code: 'ERR_SESSION_ALREADY_CONNECTED' }),
      );
    }
    handle.disconnect();
    await village.clock.advance(100);
    expect((await village.clock.settle(village.dial(b, a).active)).state).toBe('active');
  });

  test('C7: who comes twice is refused with reason 5, and the first session lives on and is still found', async () => {
    const village = new Village();
    const node = await village.node();
    const secretKey = new Uint8Array(32).fill(0x66);
    const first = new ScriptedPeer(village.world('10.0.0.91'), { secretKey });
    const second = new ScriptedPeer(village.world('10.0.0.92'), { secretKey });
    const stages: string[] = [];
    node.manager.on('closed', ({ cause }) => stages.push(cause.stage));
    await village.clock.settle(first.dial(node));
    await village.clock.advance(100);
    await village.clock.settle(second.dial(node));
    await village.clock.advance(100);
    expect(second.end).toMatchObject({ by: 'remote', received: DISCONNECT.alreadyConnected });
    expect(node.told).toContain('closed s2 cancelled 5');
    expect(stages).toEqual(['authenticating']); // as soon as the key is known, before any Hello
    expect(node.manager.getByPeer(first.publicKey)?.id).toBe('s1');
    expect(first.end).toBeUndefined();
    expect(node.manager.count().activeInbound).toBe(1);
  });

  test('C7: of two that dial each other at once, the one that yields takes nothing from the one that stays', async () => {
    const village = new Village();
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    const handles = [village.dial(a, b), village.dial(b, a)];
    await village.clock.advance(20 * SECOND);
    expect(handles.map(({ state }) => state).sort()).toEqual(['active', 'cancelled']);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(from.manager.getByPeer(to.manager.publicKey)?.state).toBe('active');
      expect(from.manager.active()).toHaveLength(1);
      const { activeInbound, activeOutbound } = from.manager.count();
      expect(activeInbound + activeOutbound).toBe(1);
    }
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('twice at the same time, before either is active: one of them becomes so', async () => {
    const village = new Village();
    const node = await village.node();
    const secretKey = new Uint8Array(32).fill(0x66);
    const both = ['10.0.0.91', '10.0.0.92'].map(
      (host) => new ScriptedPeer(village.world(host), { secretKey }),
    );
    await village.clock.settle(Promise.all(both.map((peer) => peer.dial(node))));
    await village.clock.advance(SECOND);
    expect(node.manager.active()).toHaveLength(1);
    expect(both.filter(({ end }) => end === undefined)).toHaveLength(1);
  });
});

describe('C8: two nodes that dial each other at once', () => {
  test('a dial that has not reached anybody yet makes nobody wait', async () => {
    const orders = new Set<boolean>();
    for (let key = 0x21; key < 0x30; key++) {
      const village = new Village();
      const node = await village.node();
      const peer = new ScriptedPeer(village.world('10.0.0.99'), { secretKey: new Uint8Array(32).fill(key) });
      const peerId = nodeCrypto().keccak256(peer.publicKey);
      const oursIsSmaller = compareBytes(node.manager.nodeId, peerId) < 0;
      if (orders.has(oursIsSmaller)) continue;
      orders.add(oursIsSmaller);
      village.network.cut(node.host, '10.0.0.50');
      const handle = node.manager.dial({ host: '10.0.0.50', port: PORT, publicKey: peer.publicKey });
      await village.clock.settle(peer.dial(node));
      await village.clock.advance(100);
      expect(node.manager.active().map(({ direction }) => direction)).toEqual(['inbound']);
      expect(await handle.ended).toMatchObject({ outcome: 'cancelled', by: 'policy', stage: 'connecting' });
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    }
    expect(orders.size).toBe(2);
  });

  /** Dials both ways, the second `gapMs` after the first. @returns what both have in the end */
  async function race(seed: number, swap: boolean) {
    const random = seededRandom(`race ${seed}`);
    const village = new Village(seed);
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    village.network.link(a.host, b.host, { latencyMs: 1 + random.unit() * 20, jitterMs: random.unit() * 60 });
    const [first, second] = swap ? [b, a] : [a, b];
    const handles: SessionHandle[] = [village.dial(first, second)];
    await village.clock.advance(random.unit() ** 4 * 300);
    try {
      handles.push(village.dial(second, first));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SESSION_ALREADY_CONNECTED' });
    }
    await village.clock.advance(20 * SECOND);
    const [ofA, ofB] = [a.manager.active(), b.manager.active()];
    const shared = [...ofA, ...ofB].map(({ sharedId }) => bytesToHex(sharedId));
    const counts = [a, b].map(({ manager }) => manager.count());
    const causes: CloseCause[] = [];
    for (const handle of handles) if (handle.state !== 'active') causes.push(await handle.ended);
    // and it works
    for (const session of [...ofA, ...ofB]) await village.clock.settle(session.ping());
    const left = await village.leftovers();
    return { shared, counts, causes, left, raced: handles.length === 2 };
  }

  test('keep exactly one and the same session, over 60 races', async () => {
    let raced = 0;
    for (let seed = 0; seed < 30; seed++) {
      for (const swap of [false, true]) {
        const outcome = await race(seed, swap);
        expect(outcome.shared, `seed ${seed}`).toHaveLength(2);
        expect(outcome.shared[0], `seed ${seed}`).toBe(outcome.shared[1]);
        for (const counts of outcome.counts)
          expect(counts).toMatchObject({ pendingInbound: 0, pendingOutbound: 0 });
        expect(outcome.left).toEqual(NOTHING_LEFT);
        for (const cause of outcome.causes) expect(cause).toMatchObject({ outcome: 'cancelled' });
        if (outcome.raced && outcome.causes.length > 0) raced++;
      }
    }
    expect(raced).toBeGreaterThan(20);
  }, 60_000);

  // geth takes the first that has said Hello, reth the first that has said Status; the other is refused with 5
  test.each(['greeted', 'verified'] as const)(
    'C8: with a peer that takes the first that is %s, never lose both',
    async (manner) => {
      for (let seed = 0; seed < 40; seed++) {
        const random = seededRandom(`ruleless ${seed}`);
        const village = new Village(seed);
        const node = await village.node();
        const key = new Uint8Array(32).fill(2 + (seed % 100));
        const world = village.world('10.0.0.99');
        village.network.link('10.0.0.99', node.host, {
          latencyMs: 1 + random.unit() * 40,
          jitterMs: random.unit() * 20,
        });
        const kept: ScriptedPeer[] = [];
        const choose = (peer: ScriptedPeer): void => {
          if (kept.length === 0) kept.push(peer);
          else peer.connection?.disconnect(DISCONNECT.alreadyConnected);
        };
        const [called, calling] = [0, 1].map(() => {
          const peer: ScriptedPeer = new ScriptedPeer(world, {
            secretKey: key,
            [manner]: () => choose(peer),
          });
          return peer;
        }) as [ScriptedPeer, ScriptedPeer];
        await called.listen();
        node.manager.dial({ host: '10.0.0.99', port: PORT, publicKey: called.publicKey });
        await village.clock.advance(random.unit() * 200);
        void calling.dial(node);
        await village.clock.advance(20 * SECOND);
        expect(node.manager.active(), `seed ${seed}`).toHaveLength(1);
        expect(kept[0]?.end, `seed ${seed}`).toBeUndefined();
        expect(node.manager.count(), `seed ${seed}`).toMatchObject({ pendingInbound: 0, pendingOutbound: 0 });
      }
    },
    60_000,
  );
});

describe('the policy', () => {
  test('is asked at each step, with what is known by then', async () => {
    const asked: (PeerCandidate & { side: string })[] = [];
    const asking = (side: string): PeerPolicy => ({
      admit: (candidate) => {
        asked.push({ ...candidate, side });
        return { accept: true, kind: 'static' };
      },
    });
    const village = new Village();
    const a = await village.node({ policy: asking('a') });
    const b = await village.node({ policy: asking('b') });
    const session = await village.clock.settle(village.dial(a, b).active);
    await village.clock.advance(100);
    expect(session.kind).toBe('static');
    for (const side of ['a', 'b']) {
      expect(asked.filter((one) => one.side === side).map(({ stage }) => stage)).toEqual([
        'accept',
        'authenticated',
        'activate',
      ]);
    }
    const inbound = asked.filter(({ side }) => side === 'b');
    expect(inbound[0]).toMatchObject({ direction: 'inbound', address: { host: a.host } });
    expect(inbound[0]).not.toHaveProperty('publicKey');
    expect(inbound[1]?.publicKey).toEqual(a.manager.publicKey);
    expect(asked[0]).toMatchObject({
      side: 'a',
      direction: 'outbound',
      address: { host: b.host, port: PORT },
    });
  });

  const refusing = (stage: PeerCandidate['stage'], direction = 'inbound'): PeerPolicy => ({
    admit: (candidate) =>
      candidate.stage === stage && candidate.direction === direction
        ? { accept: false, reason: DISCONNECT.uselessPeer, says: 'not you' }
        : { accept: true, kind: 'dynamic' },
  });

  test('refuses an address before any work, in and out', async () => {
    const village = new Village();
    const a = await village.node({ policy: refusing('accept', 'outbound') });
    const b = await village.node({ policy: refusing('accept') });
    const refused = village.dial(a, b);
    expect(await village.clock.settle(refused.ended)).toMatchObject({
      ...{
        outcome: 'cancelled',
        by: 'policy',
        stage: 'connecting',
        code: 'ERR_SESSION_REFUSED',
        says: 'not you',
      },
    });
    expect(b.told).toEqual([]);
    const c = await village.node();
    const cause = await village.clock.settle(village.dial(c, b).ended);
    expect(cause).toMatchObject({ outcome: 'faulted', by: 'transport', stage: 'authenticating' });
    expect(b.told).toEqual(['refused not you']);
  });

  test.each([
    ['authenticated', 'authenticating', 'greeting'],
    ['activate', 'verifying', undefined],
  ] as const)('refuses once the key is %s, with its reason', async (stage, ours, theirs) => {
    const village = new Village();
    const b = await village.node({ policy: refusing(stage) });
    const a = await village.node();
    const causes: CloseCause[] = [];
    b.manager.on('closed', ({ cause }) => causes.push(cause));
    const cause = await village.clock.settle(village.dial(a, b).ended);
    expect(causes).toMatchObject([
      { outcome: 'cancelled', by: 'policy', stage: ours, reasonSent: 3, says: 'not you' },
    ]);
    expect(cause).toMatchObject({
      by: 'remote',
      reasonReceived: 3,
      ...(theirs === undefined ? {} : { stage: theirs }),
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('that throws refuses, and one that throws when told hurts nobody', async () => {
    const logger = recordingLogger();
    const village = new Village();
    const broken: PeerPolicy = {
      admit: ({ stage }) => {
        if (stage === 'authenticated') throw new Error('mine');
        return { accept: true, kind: 'dynamic' };
      },
      ended: () => {
        throw new Error('mine, too');
      },
    };
    const b = await village.node({ policy: broken, logger });
    const a = await village.node();
    const cause = await village.clock.settle(village.dial(a, b).ended);
    expect(cause).toMatchObject({ by: 'remote', reasonReceived: 0 });
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('hears of each session that stood, and of each end', async () => {
    const heard: string[] = [];
    const policy: PeerPolicy = {
      admit: () => ({ accept: true, kind: 'dynamic' }),
      established: ({ id }) => heard.push(`established ${id}`),
      ended: ({ id }, { outcome }) => heard.push(`ended ${id} ${outcome}`),
    };
    const village = new Village();
    const a = await village.node({ policy });
    const b = await village.node();
    const handle = village.dial(a, b);
    await village.clock.settle(handle.active);
    handle.disconnect();
    a.manager.dial({ host: b.host, port: 1, publicKey: b.manager.publicKey });
    await village.clock.advance(SECOND);
    expect(heard).toEqual(['established s1', 'ended s1 closed', 'ended s2 faulted']);
  });
});

describe('the manager', () => {
  test('finds sessions by id, by peer, and by what they are', async () => {
    const village = new Village();
    const [a, b, c] = (await peers(village, 3)) as [Node, Node, Node];
    await village.clock.settle(village.dial(a, b, { kind: 'static' }).active);
    await village.clock.settle(village.dial(c, a).active);
    await village.clock.advance(100);
    expect(a.manager.list().map(({ id }) => id)).toEqual(['s1', 's2']);
    expect(a.manager.list({ direction: 'inbound' }).map(({ id }) => id)).toEqual(['s2']);
    expect(a.manager.list({ kind: 'static' }).map(({ id }) => id)).toEqual(['s1']);
    expect(a.manager.list({ state: 'paused' })).toEqual([]);
    expect(a.manager.get('s1').publicKey).toEqual(b.manager.publicKey);
    expect(a.manager.getByPeer(c.manager.publicKey)?.id).toBe('s2');
    expect(() => a.manager.get('s3')).toThrow(SessionNotFound);
    a.manager.get('s1').disconnect();
    expect(() => a.manager.get('s1')).toThrow(SessionNotFound);
  });

  test('a dial can be withdrawn: before it began, while it connects, and not any more once it is active', async () => {
    const village = new Village();
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    const atOnce = village.dial(a, b);
    atOnce.disconnect();
    expect(await atOnce.ended).toMatchObject({ outcome: 'cancelled', by: 'local', stage: 'requested' });
    const abort = new AbortController();
    const under = village.dial(a, b, { signal: abort.signal });
    await village.clock.advance(1);
    abort.abort();
    expect(await under.ended).toMatchObject({ outcome: 'cancelled', by: 'local', stage: 'connecting' });
    await village.clock.advance(100);
    expect(b.told.filter((line) => line.startsWith('activated'))).toEqual([]);
    expect(() => village.dial(a, b, { signal: abort.signal })).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_ABORTED' }),
    );
    const late = new AbortController();
    const session = await village.clock.settle(village.dial(a, b, { signal: late.signal }).active);
    late.abort();
    await village.clock.advance(100);
    expect(session.state).toBe('active');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test.each([
    [{ host: '', port: 1 }, /host/],
    [{ host: '10.0.0.9', port: 0 }, /port/],
    [{ host: '10.0.0.9', port: 65_536 }, /port/],
    [{ host: '10.0.0.9', port: 1, publicKey: new Uint8Array(64) }, /publicKey/],
    [{ host: '10.0.0.9', port: 1, publicKey: new Uint8Array(33) }, /publicKey/],
  ])('refuses to dial %j', async (to, words) => {
    const village = new Village();
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    expect(() => a.manager.dial({ publicKey: b.manager.publicKey, ...to })).toThrow(words);
    expect(a.manager.list()).toEqual([]);
  });

  test('closing tells every peer that we leave, and waits for the sockets', async () => {
    const village = new Village();
    const node = await village.node();
    const others = await peers(village, 3);
    const sessions = await village.clock.settle(
      Promise.all(others.map((other) => village.dial(other, node).active)),
    );
    const silent = new ScriptedPeer(village.world('10.0.0.99'), { status: null });
    await village.clock.settle(silent.dial(node));
    await village.clock.advance(100);
    const closed = node.manager.close();
    expect(node.manager.close()).toBe(closed);
    expect(node.manager.list()).toEqual([]);
    await village.clock.settle(closed, 2_100);
    const causes = await village.clock.settle(Promise.all(sessions.map(({ ended }) => ended)));
    for (const cause of causes)
      expect(cause).toMatchObject({ outcome: 'closed', by: 'remote', reasonReceived: 8 });
    expect(silent.end).toMatchObject({ received: 8 });
    expect(village.network.describeOpenSockets().filter((line) => line.startsWith(node.host))).toEqual([]);
    expect(() => village.dial(node, others[0] as Node)).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_MANAGER_CLOSED' }),
    );
    await expect(node.manager.listen({ host: '0.0.0.0', port: 1 })).rejects.toMatchObject({
      code: 'ERR_SESSION_MANAGER_CLOSED',
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('closing is over after 2 s, even where a peer holds on to its socket', async () => {
    const village = new Village();
    const node = await village.node();
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    village.network.freeze('10.0.0.99');
    const from = village.clock.now();
    await village.clock.settle(node.manager.close());
    expect(village.clock.now() - from).toBeLessThanOrEqual(2_000);
    await village.clock.advance(10);
    expect(village.network.describeOpenSockets().filter((line) => line.startsWith(node.host))).toEqual([]);
  });

  test('nothing begins any more while it closes: no dial from a listener, no session that waited', async () => {
    const village = new Village();
    const [a, b] = (await peers(village, 2)) as [Node, Node];
    await village.clock.settle(village.dial(a, b).active);
    const codes: unknown[] = [];
    a.manager.on('closed', () => {
      try {
        village.dial(a, b);
      } catch (error) {
        codes.push((error as { code: unknown }).code);
      }
    });
    await village.clock.settle(a.manager.close());
    expect(codes).toEqual(['ERR_SESSION_MANAGER_CLOSED']);
    expect(a.manager.list()).toEqual([]);
  });

  test('closing in less time than a socket may linger cuts the socket', async () => {
    const village = new Village();
    const node = await village.node();
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    village.network.freeze('10.0.0.99');
    await village.clock.settle(node.manager.close({ timeoutMs: 500 }), 600);
    await village.clock.advance(10);
    expect(village.network.describeOpenSockets().filter((line) => line.startsWith(node.host))).toEqual([]);
  });

  test('a session may be ended in the very event that tells of it; everyone hears the beginning before the end', async () => {
    for (const event of ['created', 'activated'] as const) {
      const village = new Village();
      const a = await village.node();
      const b = await village.node();
      const heard: string[] = [];
      for (const node of [a, b]) node.manager.on(event, ({ session }) => session.disconnect());
      for (const name of ['created', 'activated', 'closed'] as const)
        a.manager.on(name, () => heard.push(name));
      const handle = village.dial(a, b);
      await village.clock.settle(handle.ended);
      await village.clock.advance(SECOND);
      expect(heard).toEqual(event === 'created' ? ['created', 'closed'] : ['created', 'activated', 'closed']);
      village.dial(b, a);
      await village.clock.advance(SECOND);
      a.manager.announceRange();
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test('an inbound session that is ended as soon as it is announced takes its socket with it', async () => {
    const village = new Village();
    const node = await village.node();
    node.manager.on('created', ({ session }) => session.disconnect());
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(SECOND);
    expect(peer.end).toMatchObject({ by: 'transport' });
    expect(node.told).toContain('closed s1 cancelled -');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('is not made with options that would fail later', async () => {
    const village = new Village();
    await expect(village.node({ clientId: 'x'.repeat(3_000) })).rejects.toThrow(/clientId/);
    for (const idleMs of [0, -1, Number.NaN]) {
      await expect(village.node({ deadlines: { idleMs } })).rejects.toThrow(/deadlines.idleMs/);
    }
    const node = await village.node();
    await expect(node.manager.listen({ host: '0.0.0.0', port: 2 })).rejects.toThrow(/listens already/);
  });

  test('a listener that throws hurts nobody; one that was taken away hears nothing', async () => {
    const logger = recordingLogger();
    const village = new Village();
    const node = await village.node({ logger });
    const other = await village.node();
    let heard = 0;
    const off = node.manager.on('created', () => heard++);
    node.manager.on('created', () => {
      throw new Error('mine');
    });
    node.manager.on('activated', () => heard++);
    const session = await village.clock.settle(village.dial(node, other).active);
    expect(session.state).toBe('active');
    expect(heard).toBe(2);
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { name: 'created' } }]);
    off();
    session.disconnect();
    await village.clock.advance(100);
    await village.clock.settle(village.dial(node, other).active);
    expect(heard).toBe(3);
  });
});
