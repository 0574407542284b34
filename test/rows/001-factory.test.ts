import { describe, expect, test } from 'vitest';
import type { EthRequest, EthResponse } from '../../src/eth/index.js';
import { DISCONNECT, realWorld } from '../../src/index.js';
import { type Session, SessionManager } from '../../src/session/index.js';
import { ScriptedPeer, TestingError } from '../../src/testing/index.js';
import { crypto, hash, item, MINUTE, PORT, SECOND, TellingStatus, Town } from '../support/rows-town.js';

const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
const header = item(60);

const serve = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockHeaders' ? { name: 'BlockHeaders', requestId: 0n, headers: [header] } : undefined;

describe('001.1: optimistic creation', () => {
  test('001.1: dial returns a handle at once, listed and announced; activation follows', async () => {
    const town = new Town();
    const node = await town.node();
    const target = await town.peer();
    const handle = town.dial(node, target);
    expect(handle.state).toBe('requested');
    expect(node.manager.list()).toEqual([handle]);
    expect(node.manager.get(handle.id)).toBe(handle);
    expect(node.told).toEqual([`created ${handle.id}`]);
    expect(node.manager.getByPeer(target.peer.publicKey)).toBeUndefined();
    const session = await town.clock.settle(handle.active);
    expect([handle.state, session.id]).toEqual(['active', handle.id]);
    expect(node.manager.getByPeer(target.peer.publicKey)).toBe(session);
    expect(node.told).toEqual([`created ${handle.id}`, `activated ${handle.id}`]);
  });

  test('001.1: an accepted socket is a session before anything was said on it', async () => {
    const town = new Town();
    const node = await town.node();
    await town.caller(node, { holdBack: ['auth'] });
    const [handle] = node.manager.list();
    expect(handle).toMatchObject({ direction: 'inbound', state: 'authenticating', publicKey: undefined });
    expect(node.told).toEqual([`created ${handle?.id}`]);
  });

  test('001.1: where nobody answers, the handle tells it; nothing is thrown and nothing is left', async () => {
    const town = new Town();
    const node = await town.node();
    const handle = node.manager.dial({
      host: '10.7.7.7',
      port: PORT,
      publicKey: (await town.peer()).peer.publicKey,
    });
    expect(await town.clock.settle(handle.ended)).toMatchObject({
      ...{ by: 'transport', stage: 'connecting', code: 'EHOSTUNREACH' },
    });
    await expect(handle.active).rejects.toMatchObject({ code: 'ERR_SESSION_HANDSHAKE' });
    expect(node.manager.list()).toEqual([]);
    expect(town.clock.pendingTimers).toBe(0);
  });
});

describe('001.2: pause and resume', () => {
  test('001.2: while paused nothing is handed over, the peer is made to wait, and nothing is lost', async () => {
    const town = new Town();
    const heard: number[] = [];
    const node = await town.node({
      gossip: (message) => {
        if (message.name === 'Transactions') heard.push(message.transactions.length);
      },
    });
    const { session, ours } = await town.guest(node);
    ours.pause();
    expect([ours.state, node.manager.list({ state: 'paused' }).length]).toEqual(['paused', 1]);
    const transaction = item(10_000);
    for (let i = 0; i < 400; i++) session.send({ name: 'Transactions', transactions: [transaction] });
    await town.clock.advance(SECOND);
    expect(heard).toEqual([]);
    expect(session.backlogBytes).toBeGreaterThan(2_000_000);
    await town.clock.advance(SECOND);
    const waiting = session.backlogBytes;
    await town.clock.advance(5 * SECOND);
    expect(session.backlogBytes).toBe(waiting); // not one byte more is taken
    ours.resume();
    await town.clock.advance(5 * SECOND);
    expect(heard).toEqual(Array(400).fill(1));
    expect([session.backlogBytes, ours.state]).toEqual([0, 'active']);
  });

  test('001.2: keepalive goes on: ours while paused for long, and answers to the peer’s', async () => {
    const town = new Town();
    const { session, ours } = await town.guest(await town.node());
    ours.pause();
    await town.clock.settle(session.ping());
    const before = ours.describe().counters.messagesOut;
    await town.clock.advance(10 * MINUTE);
    expect(ours.state).toBe('paused');
    expect(ours.describe().counters.messagesOut - before).toBeGreaterThanOrEqual(20);
    await town.clock.settle(session.ping());
    expect(session.end).toBeUndefined();
  });

  test('001.2: a paused session ends when it is asked to, and when the peer says so', async () => {
    const town = new Town();
    const node = await town.node();
    const [first, second] = [await town.guest(node), await town.guest(node)];
    for (const { ours } of [first, second]) ours.pause();
    first.ours.disconnect(DISCONNECT.clientQuitting);
    expect(await town.clock.settle(first.session.ended)).toEqual({ by: 'remote', reason: 8 });
    second.session.disconnect(DISCONNECT.uselessPeer);
    expect(await town.clock.settle(second.ours.ended)).toMatchObject({
      by: 'remote',
      stage: 'paused',
      reason: 3,
    });
    expect(() => first.ours.resume()).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }));
  });
});

/** The slowest of a hundred answers but one, in virtual milliseconds. */
async function slowest(town: Town, session: Session): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const since = town.clock.now();
    expect(await town.clock.settle(session.eth.getBlockHeaders(query))).toEqual([header]);
    times.push(town.clock.now() - since);
  }
  return times.sort((a, b) => a - b)[98] ?? Infinity;
}

describe('001.6: isolation', () => {
  test('001.6: neighbours that flood, stall, lie, break handlers or say nothing cost an honest session nothing', async () => {
    const town = new Town();
    const bad = new Set<Session>();
    let gossiped = 0;
    const node = await town.node({
      serve: (request, session) => {
        if (!bad.has(session)) return serve(request);
        if (request.name === 'GetBlockBodies') return new Promise(() => undefined); // never done
        if (request.name === 'GetReceipts') throw new Error('a handler breaks');
        return Promise.resolve({ name: 'BlockHeaders', requestId: 0n, headers: [item(60_000)] });
      },
      gossip: () => {
        gossiped++;
        throw new Error('a listener breaks');
      },
    });
    const other = await town.node({ serve });
    const honest = await town.clock.settle(town.dial(other, node).active);
    await town.clock.advance(100);
    const quiet = await slowest(town, honest);

    const neighbour = async (): Promise<Awaited<ReturnType<Town['guest']>>> => {
      const guest = await town.guest(node, { ethVersions: [69] });
      bad.add(guest.ours);
      return guest;
    };
    const greedy = await neighbour();
    greedy.session.stall();
    const slow = await neighbour();
    const broken = await neighbour();
    const loud = await neighbour();
    const garbled = await neighbour();
    const mute = await neighbour();
    town.network.freeze(mute.host);
    for (let id = 1n; id <= 2_000n; id++) {
      greedy.session.send({ name: 'GetBlockHeaders', requestId: id, query });
      slow.session.send({ name: 'GetBlockBodies', requestId: id, hashes: [hash(1)] });
      broken.session.send({ name: 'GetReceipts', requestId: id, hashes: [hash(1)] });
    }
    const transactions = Array(50).fill(item(20_000));
    for (let i = 0; i < 5; i++) loud.session.send({ name: 'Transactions', transactions });
    garbled.session.sendRaw(0x08, new Uint8Array(10_000).fill(0xff));

    const busy = await slowest(town, honest);
    expect(busy).toBeLessThanOrEqual(quiet + 1);
    expect(garbled.session.end).toEqual({ by: 'remote', reason: DISCONNECT.protocolBreach });
    for (const { ours } of [greedy, slow, broken]) {
      const { queues } = ours.describe();
      expect(queues?.responses.bytes ?? 0).toBeLessThanOrEqual(8 * 1024 * 1024);
      expect(queues?.parked.bytes ?? 0).toBeLessThanOrEqual(3 * 1024 * 1024 + 65_536);
      expect(queues?.serving ?? 0).toBeLessThanOrEqual(4);
    }
    // our mistakes are not their fault: who asked is answered with nothing, who told is heard on
    expect([broken.session.end, loud.session.end]).toEqual([undefined, undefined]);
    expect(gossiped).toBe(5);
    expect((await town.clock.settle(broken.session.expect('Receipts'))).blocks).toEqual([]);
    await town.clock.advance(40 * SECOND);
    expect(mute.ours.state).toBe('expired');
    expect(honest.state).toBe('active');
    expect(await slowest(town, honest)).toBeLessThanOrEqual(quiet + 1);
  }, 60_000);
});

describe('001.8: events and figures', () => {
  test('001.8: created, activated, expired and closed say of which session, and how it ended', async () => {
    const town = new Town();
    const node = await town.node();
    const told: object[] = [];
    node.manager.on('created', ({ session }) =>
      told.push({ created: session.id, role: session.describe().role }),
    );
    node.manager.on('activated', ({ session }) =>
      told.push({ activated: session.id, client: session.remote.client }),
    );
    node.manager.on('expired', ({ session, cause }) => told.push({ expired: session.id, code: cause.code }));
    node.manager.on('closed', ({ session, cause }) =>
      told.push({ closed: session.id, outcome: cause.outcome }),
    );
    const { host } = await town.guest(node, { hello: { clientId: 'guest' } });
    town.network.cut(node.host, host);
    await town.clock.advance(31 * SECOND);
    expect(told).toEqual([
      ...[
        { created: 's1', role: 'recipient' },
        { activated: 's1', client: 'guest' },
      ],
      ...[
        { expired: 's1', code: 'ERR_SESSION_IDLE' },
        { closed: 's1', outcome: 'expired' },
      ],
    ]);
  });

  test('001.8: each session counts its bytes and messages, alike at both ends, and its end tells the sums', async () => {
    const town = new Town();
    const { ab, ba } = await town.pair({ serve });
    const before = ab.describe().counters;
    for (let i = 0; i < 10; i++) await town.clock.settle(ab.eth.getBlockHeaders(query));
    const after = ab.describe().counters;
    expect([after.messagesIn - before.messagesIn, after.messagesOut - before.messagesOut]).toEqual([10, 10]);
    expect(after.bytesIn - before.bytesIn).toBeGreaterThan(10 * header.length);
    ab.disconnect();
    const [ours, theirs] = await town.clock.settle(Promise.all([ab.ended, ba.ended]));
    expect(ours.counters.bytesOut).toBe(theirs.counters.bytesIn);
    expect(ours.counters.messagesOut).toBe(after.messagesOut + 1); // the Disconnect
    expect(theirs.counters.messagesIn).toBe(ours.counters.messagesOut);
  });
});

describe('001.9: the shared id', () => {
  test('001.9: both ends derive the same 16 bytes, and every connection has others', async () => {
    const town = new Town();
    const { a, b, ab, ba } = await town.pair();
    expect(ab.sharedId).toHaveLength(16);
    expect(ab.sharedId).toEqual(ba.sharedId);
    expect(ab.describe().sharedId).toBe(ba.describe().sharedId);
    ab.disconnect();
    await town.clock.advance(100);
    const again = await town.clock.settle(town.dial(b, a).active);
    await town.clock.advance(100);
    expect(again.sharedId).toEqual(a.manager.getByPeer(b.manager.publicKey)?.sharedId);
    expect(again.sharedId).not.toEqual(ab.sharedId);
    const { session, ours } = await town.guest(a);
    expect(session.sharedId).toEqual(ours.sharedId);
  });

  test('001.9: also sessions that never became active can be joined by it', async () => {
    const town = new Town();
    const node = await town.node();
    const { session } = await town.caller(node, { holdBack: ['hello'] });
    await town.clock.advance(100);
    const [handle] = node.manager.list();
    expect(handle?.describe().sharedId).toBe(Buffer.from(session.sharedId ?? []).toString('hex'));
  });
});

describe('001.11: the testing kit', () => {
  test('001.11: hours pass in a moment, and the same seed gives the same course of events', async () => {
    const course = async (seed: number): Promise<readonly string[]> => {
      const town = new Town(seed, { link: { latencyMs: 20, jitterMs: 30 } });
      const { a, b, ab } = await town.pair({ serve });
      for (let i = 0; i < 5; i++) {
        await town.clock.settle(ab.eth.getBlockHeaders(query));
        await town.clock.advance(20 * MINUTE);
      }
      town.network.cut(a.host, b.host);
      await town.clock.advance(MINUTE);
      expect(ab.state).toBe('expired');
      return town.trace;
    };
    const first = await course(1);
    expect(first.length).toBeGreaterThan(1_000);
    expect(await course(1)).toEqual(first);
    expect(await course(2)).not.toEqual(first);
  });

  test('001.11: a scripted peer answers, asks, waits and misbehaves as the test says', async () => {
    const town = new Town();
    const node = await town.node({ serve });
    const { session, ours } = await town.guest(node, { ethVersions: [71] });
    session.respond('GetBlockBodies', ({ hashes }) => ({
      ...{ name: 'BlockBodies', requestId: 0n, bodies: hashes.map(() => item(5)) },
    }));
    expect(await town.clock.settle(ours.eth.getBlockBodies([hash(1), hash(2)]))).toEqual([item(5), item(5)]);
    session.send({ name: 'GetBlockHeaders', requestId: 77n, query });
    expect(await town.clock.settle(session.expect('BlockHeaders'))).toEqual({
      ...{ name: 'BlockHeaders', requestId: 77n, headers: [header] },
    });
    await expect(town.clock.settle(session.expect('BlockHeaders', { timeoutMs: 500 }))).rejects.toMatchObject(
      {
        code: 'ERR_TESTING_TIMEOUT',
      },
    );
    session.sendFrame(1_000, new Uint8Array(3));
    expect(await town.clock.settle(session.ended)).toEqual({
      by: 'remote',
      reason: DISCONNECT.protocolBreach,
    });
    await expect(session.expect('BlockHeaders')).rejects.toBeInstanceOf(TestingError);
  });

  test('001.11: the same peer over the sockets of the system', async () => {
    const world = realWorld();
    const manager = new SessionManager({
      ...{
        world,
        crypto,
        secretKey: new Uint8Array(32).fill(1),
        clientId: 'row',
        status: new TellingStatus(),
        serve,
      },
    });
    const peer = new ScriptedPeer({ world });
    try {
      const at = await peer.listen({ host: '127.0.0.1', port: 0 });
      const { active } = manager.dial({ ...at, publicKey: peer.publicKey });
      const session = await (await peer.accepted()).ready;
      session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [header] }));
      const ours = await active;
      expect(await ours.eth.getBlockHeaders(query)).toEqual([header]);
      await session.ping();
      session.disconnect(DISCONNECT.clientQuitting);
      expect(await ours.ended).toMatchObject({ by: 'remote', reason: 8 });
    } finally {
      await Promise.all([manager.close(), peer.close()]);
    }
  });
});
