import { describe, expect, test } from 'vitest';
import { encodeBytes } from '../../src/codec/index.js';
import type { EthMessage, EthRequest, EthResponse } from '../../src/eth/index.js';
import { deferred } from '../../src/session/deferred.js';
import type { Session } from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, PORT, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash } from '../support/session-values.js';

const SECOND = 1_000;
const ask = (requestId: bigint): EthMessage => ({ name: 'GetBlockBodies', requestId, hashes: [hash(1)] });
const answerTo = (requestId: bigint): EthResponse => ({ name: 'BlockBodies', requestId, bodies: [] });
const announced: EthMessage = {
  name: 'NewPooledTransactionHashes',
  types: Uint8Array.of(2),
  sizes: [100],
  hashes: [hash(7)],
};

interface Pair {
  readonly village: Village;
  readonly node: Node;
  readonly peer: ScriptedPeer;
  readonly session: Session;
  readonly working: { request: EthRequest; answer: (response: EthResponse) => void }[];
  readonly heard: string[];
}

/** A node with a scripted peer, whose requests are answered when the test says so. */
async function pair(): Promise<Pair> {
  const village = new Village();
  const working: Pair['working'] = [];
  const heard: string[] = [];
  const node = await village.node({
    serve: (request) => {
      const { promise, resolve } = deferred<EthResponse | undefined>();
      working.push({ request, answer: resolve });
      return promise;
    },
    gossip: ({ name }) => heard.push(name),
  });
  const peer = new ScriptedPeer(village.world('10.0.0.99'));
  await peer.listen();
  const handle = node.manager.dial({ host: '10.0.0.99', port: PORT, publicKey: peer.publicKey });
  return { village, node, peer, session: await village.clock.settle(handle.active), working, heard };
}

describe('closing a session in good order', () => {
  test('000.7: with nothing to do it ends at once, in the call, with a Disconnect', async () => {
    const { village, session, peer } = await pair();
    const report = session.close();
    expect(session.state).toBe('closed');
    expect(await report).toMatchObject({
      outcome: 'flushed',
      tookMs: 0,
      abandoned: { ours: 0, theirs: 0, messages: 0 },
      cause: { outcome: 'closed', stage: 'draining', reasonSent: 0, by: 'local' },
    });
    await village.clock.advance(SECOND);
    expect(peer.end?.received).toBe(0);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: what the peer asked before is answered, what it asks then is answered empty, and gossip is not heard', async () => {
    const { village, session, peer, working, heard } = await pair();
    peer.say(ask(1n));
    await village.clock.advance(50);
    const closing = session.close();
    expect(session.state).toBe('draining');
    peer.say(ask(2n));
    peer.say(announced);
    await village.clock.advance(50);
    expect(peer.heard('BlockBodies')).toEqual([answerTo(2n)]);
    expect(working).toHaveLength(1);
    working[0]?.answer({ name: 'BlockBodies', requestId: 1n, bodies: [Uint8Array.of(0xc2, 0xc0, 0xc0)] });
    const report = await village.clock.settle(closing);
    expect(report).toMatchObject({
      outcome: 'flushed',
      answered: { ours: 0, theirs: 2 },
      abandoned: { ours: 0, theirs: 0 },
    });
    expect(report.flushed.messages).toBeGreaterThanOrEqual(2);
    await village.clock.advance(SECOND);
    expect(peer.heard('BlockBodies')).toHaveLength(2);
    expect(heard).toEqual([]);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: our own open questions are waited for, and nothing new begins', async () => {
    const { village, session, peer } = await pair();
    const asked = session.eth.getBlockBodies([hash(1)]);
    await village.clock.advance(50);
    const closing = session.close();
    await expect(session.eth.getBlockBodies([hash(2)])).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_ACTIVE',
    });
    expect(() => session.eth.send(announced)).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }),
    );
    expect(() => session.pause()).toThrowError(expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }));
    await village.clock.advance(3 * SECOND);
    expect(session.state).toBe('draining');
    peer.say({ name: 'BlockBodies', requestId: 1n, bodies: [Uint8Array.of(0xc2, 0xc0, 0xc0)] });
    expect(await village.clock.settle(asked)).toHaveLength(1);
    expect(await village.clock.settle(closing)).toMatchObject({
      outcome: 'flushed',
      answered: { ours: 1, theirs: 0 },
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: what is not done in time is abandoned, and said', async () => {
    const { village, session, peer } = await pair();
    const asked = session.eth.getBlockBodies([hash(1)], { timeoutMs: 60 * SECOND });
    const failed = expect(asked).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE' });
    peer.say(ask(1n));
    await village.clock.advance(50);
    const startedMs = village.clock.now();
    const report = await village.clock.settle(session.close());
    expect(report).toMatchObject({ outcome: 'deadline', abandoned: { ours: 1, theirs: 1, messages: 0 } });
    expect(report.tookMs).toBe(10 * SECOND);
    expect(village.clock.now() - startedMs).toBe(10 * SECOND);
    expect(report.cause).toMatchObject({ outcome: 'closed', by: 'local', reasonSent: 0 });
    await failed;
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: a question that times out while we wait is not waited for any longer', async () => {
    const { village, session } = await pair();
    const asked = session.eth.getBlockBodies([hash(1)], { timeoutMs: SECOND });
    const failed = expect(asked).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });
    const report = await village.clock.settle(session.close());
    expect(report).toMatchObject({ outcome: 'flushed', abandoned: { ours: 0 } });
    expect(report.tookMs).toBeLessThanOrEqual(1_200);
    await failed;
  });

  test('000.7: the caller can stop waiting; one who has stopped already does not wait at all', async () => {
    for (const early of [true, false]) {
      const { village, session, peer } = await pair();
      peer.say(ask(1n));
      await village.clock.advance(50);
      const controller = new AbortController();
      if (early) controller.abort();
      const closing = session.close({ signal: controller.signal });
      expect(session.state).toBe(early ? 'closed' : 'draining');
      await village.clock.advance(SECOND);
      controller.abort();
      expect(await closing).toMatchObject({ outcome: 'aborted', abandoned: { theirs: 1 } });
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test('000.7: a paused session takes up what it held before it closes', async () => {
    const { village, session, peer } = await pair();
    const asked = session.eth.getBlockBodies([hash(1)]);
    await village.clock.advance(50);
    session.pause();
    peer.say({ name: 'BlockBodies', requestId: 1n, bodies: [] });
    await village.clock.advance(50);
    const closing = session.close();
    expect(await village.clock.settle(asked)).toEqual([]);
    expect(await closing).toMatchObject({ outcome: 'flushed', answered: { ours: 1 } });
  });

  test('000.7: a peer that goes first ends it, and the report says what was lost', async () => {
    const { village, session, peer } = await pair();
    peer.say(ask(1n));
    await village.clock.advance(50);
    const closing = session.close();
    peer.connection?.disconnect(8);
    expect(await village.clock.settle(closing)).toMatchObject({
      outcome: 'ended',
      abandoned: { theirs: 1 },
      cause: { by: 'remote', reasonReceived: 8, stage: 'draining' },
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('003.4: closing again tells of the same end; with drain: false it comes at once', async () => {
    const { village, session, peer } = await pair();
    peer.say(ask(1n));
    await village.clock.advance(50);
    const first = session.close();
    const second = session.close();
    expect(session.state).toBe('draining');
    const third = session.close({ drain: false, reason: 3 });
    expect(session.state).toBe('closed');
    const reports = await Promise.all([first, second, third]);
    expect(reports[0]).toMatchObject({
      outcome: 'ended',
      abandoned: { theirs: 1 },
      cause: { reasonSent: 3 },
    });
    expect(reports[1]).toEqual(reports[0]);
    expect(reports[2]).toEqual(reports[0]);
    const again = await session.close();
    expect(again.cause).toBe(reports[0]?.cause);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: a session that is not active yet is withdrawn', async () => {
    const { village, node } = await pair();
    const handle = node.manager.dial({
      host: '10.9.9.9',
      port: PORT,
      publicKey: nodeKey(),
    });
    expect(await handle.close()).toMatchObject({
      outcome: 'ended',
      cause: { outcome: 'cancelled', by: 'local' },
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('000.7: a peer that does not read is given its time, and what waited for it is counted', async () => {
    const { village, session, peer } = await pair();
    village.network.freeze('10.0.0.99');
    for (let i = 0; i < 200; i++) session.eth.send(bigNews());
    await village.clock.advance(10);
    const { broadcasts } = session.describe().queues ?? {};
    expect(broadcasts?.items).toBeGreaterThan(0);
    const report = await village.clock.settle(session.close({ timeoutMs: 5 * SECOND }));
    expect(report.outcome).toBe('deadline');
    expect(report.abandoned.messages).toBeGreaterThan(0);
    expect(peer.heard('Transactions')).toEqual([]);
  });
});

function bigNews(): EthMessage {
  const transaction = new Uint8Array(100_000).map((_, i) => (i * 7_919 + (i >> 3)) & 0xff);
  transaction[0] = 2; // its type
  return { name: 'Transactions', transactions: [encodeBytes(transaction)] };
}

function nodeKey(): Uint8Array {
  return new ScriptedPeer(new Village().world('10.1.1.1'), { secretKey: new Uint8Array(32).fill(0x55) })
    .publicKey;
}
