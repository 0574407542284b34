import { describe, expect, test } from 'vitest';
import { compareBytes, encodeBytes, encodeList } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import type { EthRequest, EthResponse, EthVersion, Status } from '../../src/eth/index.js';
import { Handshake } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/simulated/random.js';
import type { SessionManagerOptions } from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, PORT, statusProvider, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash } from '../support/session-values.js';

const SECOND = 1_000;

const bodies = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockBodies'
    ? {
        name: 'BlockBodies',
        requestId: 0n,
        bodies: request.hashes.map(() => Uint8Array.of(0xc2, 0xc0, 0xc0)),
      }
    : undefined;

/** Five nodes, a dozen minutes of dialing, asking, leaving, and a network that breaks now and then. */
async function town(
  seed: number,
): Promise<{ trace: readonly string[]; left: object; settled: number; asked: number }> {
  const random = seededRandom(`town ${seed}`);
  const village = new Village(seed, { link: { latencyMs: 20, jitterMs: 30 } });
  const limits = { maxPendingInbound: 3, maxPendingOutbound: 3, maxActiveInbound: 2, maxActiveOutbound: 2 };
  const nodes: Node[] = [];
  for (let i = 0; i < 5; i++) nodes.push(await village.node({ serve: bodies, limits }));
  const any = (): Node => nodes[random.below(nodes.length)] as Node;
  let asked = 0;
  let settled = 0;
  const settle = (): void => {
    settled++;
  };
  for (let step = 0; step < 300; step++) {
    const [a, b] = [any(), any()];
    const what = random.below(10);
    if (what < 4) {
      try {
        village.dial(a, b);
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/LIMIT|SELF|ALREADY/);
      }
    } else if (what < 8) {
      for (const { eth } of a.manager.active()) {
        asked++;
        eth.getBlockBodies([hash(1)]).then(settle, settle);
      }
    } else if (what === 8) {
      a.manager.list()[random.below(4)]?.disconnect(random.below(16));
    } else if (a !== b) {
      if (random.unit() < 0.5) village.network.reset(a.host, b.host);
      else {
        village.network.cut(a.host, b.host);
        await village.clock.advance(random.below(20) * SECOND);
        village.network.mend(a.host, b.host);
      }
    }
    await village.clock.advance(random.below(400));
    for (const { manager } of nodes) {
      const listed = manager.list();
      const counts = manager.count();
      // slots are sessions, no more and no less
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(listed.length);
      expect(counts.pendingInbound).toBeLessThanOrEqual(3);
      expect(counts.pendingOutbound).toBeLessThanOrEqual(3);
      expect(counts.activeInbound).toBeLessThanOrEqual(2);
      expect(counts.activeOutbound).toBeLessThanOrEqual(2);
      const keys = manager.active().map(({ publicKey }) => publicKey.join());
      expect(new Set(keys).size).toBe(keys.length);
    }
  }
  const left = await village.leftovers();
  for (const { told } of nodes) {
    const closings = told.filter((line) => line.startsWith('closed')).map((line) => line.split(' ')[1]);
    const created = told.filter((line) => line.startsWith('created')).map((line) => line.split(' ')[1]);
    expect([...closings].sort()).toEqual([...created].sort()); // each session ends, and once
  }
  return { trace: village.trace, left, settled, asked };
}

describe('a town of nodes', () => {
  test('keeps its counts, its limits and its promises, and replays from its seed', async () => {
    for (const seed of [1, 2]) {
      const first = await town(seed);
      expect(first.left).toEqual(NOTHING_LEFT);
      expect(first.asked).toBeGreaterThan(50);
      expect(first.settled).toBe(first.asked);
      expect(first.trace.length).toBeGreaterThan(1_000);
      if (seed === 1) expect((await town(seed)).trace).toEqual(first.trace);
    }
  }, 120_000);
});

describe('many short sessions', () => {
  test('300, ended in every way, leave nothing behind', async () => {
    const village = new Village();
    const a = await village.node();
    const b = await village.node();
    const stranger = village.world('10.0.0.99');
    const before = { timers: village.clock.pendingTimers, sockets: village.network.openSockets };
    for (let i = 0; i < 300; i++) {
      const handle = i % 2 === 0 ? village.dial(a, b) : village.dial(b, a);
      const way = i % 6;
      if (way === 0) handle.disconnect();
      else if (way === 1) await village.clock.advance(3).then(() => handle.disconnect());
      else if (way === 2) await village.clock.settle(handle.active).then((session) => session.disconnect());
      else if (way === 3) {
        const session = await village.clock.settle(handle.active);
        session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
        session.ping().catch(() => undefined);
        village.network.reset(a.host, b.host);
      } else if (way === 4) {
        await village.clock.advance(4).then(() => village.network.reset(a.host, b.host));
      } else {
        const socket = await village.clock.settle(stranger.tcp.connect({ host: a.host, port: PORT }));
        socket.attach({
          data: () => undefined,
          drain: () => undefined,
          end: () => socket.end(),
          closed: () => undefined,
        });
        socket.write([new Uint8Array(307).fill(0xff)]);
        handle.disconnect();
      }
      await village.clock.advance(50);
    }
    await village.clock.advance(3 * SECOND);
    expect(a.manager.list()).toEqual([]);
    expect(b.manager.list()).toEqual([]);
    expect({ timers: village.clock.pendingTimers, sockets: village.network.openSockets }).toEqual(before);
    expect(a.told.filter((line) => line.startsWith('activated')).length).toBeGreaterThan(75);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  }, 60_000);
});

/** A peer that dialed us while our own dial to it was under way, and does not answer that one. */
async function waitingPeer(options: Partial<SessionManagerOptions> = {}) {
  const crypto = nodeCrypto();
  const village = new Village();
  const node = await village.node({ serve: bodies, ...options });
  // the connection that the smaller id began goes first: the peer must have the larger one
  let secretKey = new Uint8Array(32);
  for (let byte = 2; ; byte++) {
    secretKey = new Uint8Array(32).fill(byte);
    if (compareBytes(node.manager.nodeId, crypto.keccak256(crypto.publicKey(secretKey))) < 0) break;
  }
  const world = village.world('10.0.0.99');
  // on its own port the peer answers ECIES and then says nothing
  await village.clock.settle(
    world.tcp.listen({ host: '0.0.0.0', port: PORT }, (socket) => {
      const handshake = new Handshake({ role: 'recipient', crypto, random: world.random, secretKey });
      let answered = false;
      socket.attach({
        data: (chunk) => {
          if (answered) return;
          const result = handshake.push(chunk);
          if (result?.reply !== undefined) socket.write([result.reply]);
          answered = result !== undefined;
        },
        drain: () => undefined,
        end: () => undefined,
        closed: () => undefined,
      });
    }),
  );
  const peer = new ScriptedPeer(world, { secretKey });
  const dialed = node.manager.dial({ host: '10.0.0.99', port: PORT, publicKey: peer.publicKey });
  await village.clock.advance(2.5);
  expect(dialed.state).toBe('authenticating');
  void peer.dial(node);
  await village.clock.advance(100);
  expect(dialed.state).toBe('greeting');
  expect(node.manager.list().map(({ state }) => state)).toEqual(['greeting', 'verifying']);
  return { village, node, peer, dialed };
}

describe('a session that waits for another connection with the same peer', () => {
  test('keeps what comes meanwhile, and takes its place when the other one fails', async () => {
    const { village, node, peer, dialed } = await waitingPeer();
    peer.say({ name: 'GetBlockBodies', requestId: 7n, hashes: [hash(1)] });
    const transaction = encodeList([encodeBytes(seededRandom('noise').bytes(100_000))]);
    for (let i = 0; i < 30; i++) peer.say({ name: 'Transactions', transactions: [transaction] });
    await village.clock.advance(4 * SECOND);
    expect(node.manager.active()).toEqual([]);
    expect(peer.heard('BlockBodies')).toEqual([]);
    // of what comes meanwhile 1 MiB is kept, the rest waits with the peer
    const held = node.manager.list({ direction: 'inbound' })[0]?.describe().counters.bytesIn;
    expect(held).toBeGreaterThan(1024 * 1024);
    expect(held).toBeLessThan(1.5 * 1024 * 1024);
    expect(peer.connection?.backlogBytes).toBeGreaterThan(0);
    await village.clock.advance(1 * SECOND);
    expect(await dialed.ended).toMatchObject({ outcome: 'expired', code: 'ERR_SESSION_HELLO_DEADLINE' });
    expect(node.manager.active()).toHaveLength(1);
    await village.clock.advance(1 * SECOND);
    expect(peer.heard('BlockBodies')).toMatchObject([{ requestId: 7n }]);
    expect(peer.connection?.backlogBytes).toBe(0);
    expect(peer.end).toBeUndefined();
    expect(await village.leftovers()).toMatchObject({ timers: 0 });
  });

  test('a mistake of ours in taking its place ends it, and not the other one half', async () => {
    const provider = statusProvider();
    let broken = false;
    const status = (version: EthVersion): Status => {
      if (broken) throw new Error('on purpose');
      return provider.status(version);
    };
    const { village, node, peer, dialed } = await waitingPeer({ status: { ...provider, status } });
    broken = true;
    await village.clock.advance(6 * SECOND);
    expect(await dialed.ended).toMatchObject({ outcome: 'expired', code: 'ERR_SESSION_HELLO_DEADLINE' });
    expect(peer.end).toMatchObject({ by: 'remote' });
    expect(node.manager.list()).toEqual([]);
    expect(node.told.filter((line) => line.startsWith('closed'))).toHaveLength(2);
  });
});
