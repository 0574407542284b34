import { describe, expect, test } from 'vitest';
import { DISCONNECT } from '../../src/index.js';
import { isTransitionError, next, SESSION_STATES, type SessionState } from '../../src/session/index.js';
import type { ScriptedSession } from '../../src/testing/index.js';
import { crypto, hash, item, PORT, SECOND, Town } from '../support/rows-town.js';

const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describe('000.1: the record of a session', () => {
  test('000.1: says who is there, in which role, how far both are, what waits, and what was carried', async () => {
    const town = new Town();
    const { a, b, ab, ba } = await town.pair({ clientId: 'one' }, { clientId: 'two' });
    const [ours, theirs] = [ab.describe(), ba.describe()];
    expect(ours).toMatchObject({
      ...{ id: 's1', role: 'initiator', direction: 'outbound', state: 'active', kind: 'dynamic' },
      publicKey: hex(b.manager.publicKey),
      nodeId: hex(crypto.keccak256(b.manager.publicKey)),
      ...{ client: 'two', ethVersion: 72, address: { host: b.host, port: PORT } },
      capabilities: ['eth/68', 'eth/69', 'eth/70', 'eth/71', 'eth/72'],
      range: { earliest: 0n, latest: 600n },
    });
    expect(theirs).toMatchObject({ role: 'recipient', direction: 'inbound', client: 'one' });
    expect(theirs.publicKey).toBe(hex(a.manager.publicKey));
    expect(ours.counters).toEqual({
      ...{ bytesIn: theirs.counters.bytesOut, bytesOut: theirs.counters.bytesIn },
      ...{ messagesIn: theirs.counters.messagesOut, messagesOut: theirs.counters.messagesIn },
    });
    expect(ours.activeAtMs).toBeGreaterThanOrEqual(ours.createdAtMs);
    const { connect, auth, hello, status } = ab.stagesMs;
    expect([connect, auth, hello, status].every((ms) => ms !== undefined && ms >= 0)).toBe(true);
  });

  test('000.1: shows each direction’s queue as it fills, and the end with its epoch', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    expect(ours.describe().queues).toMatchObject({ requestsOpen: 0, broadcasts: { items: 0, bytes: 0 } });
    session.stall();
    const asked = ours.eth.getBlockBodies([hash(1)]).catch(() => undefined);
    for (let i = 0; i < 100; i++) ours.eth.send({ name: 'Transactions', transactions: [item(20_000)] });
    await town.clock.advance(100);
    const { queues } = ours.describe();
    expect(queues?.requestsOpen).toBe(1);
    expect(queues?.broadcasts.items).toBeGreaterThan(50);
    expect(queues?.broadcasts.bytes).toBeGreaterThan(1_000_000);
    ours.disconnect();
    await asked;
    expect(ours.describe()).toMatchObject({ state: 'closed', cause: { outcome: 'closed', epoch: 1 } });
    const second = await town.guest(node);
    second.ours.disconnect();
    expect(second.ours.describe().cause?.epoch).toBe(2);
  });
});

describe('000.2: what an end may say next', () => {
  /** How the node ends a session with a peer that does this. */
  const breach = async (
    act: (session: ScriptedSession) => void,
    holdBack: readonly 'status'[] = [],
  ): Promise<object | undefined> => {
    const town = new Town();
    const node = await town.node();
    const { session } = await town.caller(node, { holdBack, ethVersions: [69] });
    await town.clock.advance(100);
    act(session);
    await town.clock.advance(100);
    expect(session.end).toEqual({ by: 'remote', reason: DISCONNECT.protocolBreach });
    return node.causes[0];
  };

  test('000.2: Hello, then Status, then the open conversation, each once', async () => {
    const early = await breach(
      (session) => session.send({ name: 'GetBlockHeaders', requestId: 1n, query }),
      ['status'],
    );
    expect(early).toMatchObject({ stage: 'verifying', code: 'ERR_SESSION_MESSAGE_EARLY' });
    const twice = await breach((session) => {
      if (session.status !== undefined) session.send({ name: 'Status', status: session.status });
    });
    expect(twice).toMatchObject({ stage: 'active', code: 'ERR_SESSION_STATUS_TWICE' });
    const hello = await breach((session) => session.sendFrame(0, Uint8Array.of(0xc0)));
    expect(hello).toMatchObject({ stage: 'active', code: 'ERR_RLPX_HELLO_TWICE' });
    const unknown = await breach((session) => session.sendRaw(0x0d, Uint8Array.of(0xc0))); // of eth/66
    expect(unknown).toMatchObject({ code: 'ERR_SESSION_MESSAGE_UNKNOWN' });
  });

  test('000.2: each open request is one step: its answer may come once, and only while it is open', async () => {
    const unasked = await breach((session) =>
      session.send({ name: 'BlockHeaders', requestId: 1n, headers: [] }),
    );
    expect(unasked).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED' });
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    const asked = ours.eth.getBlockHeaders(query);
    const { requestId } = await town.clock.settle(session.expect('GetBlockHeaders'));
    session.send({ name: 'BlockHeaders', requestId, headers: [item(60)] });
    expect(await town.clock.settle(asked)).toEqual([item(60)]);
    expect(ours.describe().queues?.requestsOpen).toBe(0);
    session.send({ name: 'BlockHeaders', requestId, headers: [item(60)] });
    await town.clock.advance(100);
    expect(node.causes).toMatchObject([{ code: 'ERR_SESSION_ANSWER_UNASKED' }]);
  });

  test('000.2: we cannot say out of turn either', async () => {
    const town = new Town();
    const { ours } = await town.guest(await town.node(), { ethVersions: [69] });
    const argument = expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' });
    expect(() => ours.eth.send({ name: 'Status', status: ours.eth.remoteStatus })).toThrow(argument);
    expect(() => ours.eth.send({ name: 'BlockHeaders', requestId: 1n, headers: [] })).toThrow(argument);
    expect(() => ours.eth.send({ name: 'NewBlockHashes', blocks: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_UNSUPPORTED' }),
    );
  });
});

describe('000.3: who may open', () => {
  test('000.3: one session per node id: the second one is refused, and the first does not notice', async () => {
    const town = new Town();
    const node = await town.node();
    const { peer, ours, session } = await town.guest(node);
    const { publicKey } = node.manager;
    const again = await town.clock.settle(peer.dial({ host: node.host, port: PORT, publicKey }));
    expect(await town.clock.settle(again.ended)).toEqual({
      by: 'remote',
      reason: DISCONNECT.alreadyConnected,
    });
    expect(node.causes).toMatchObject([
      { outcome: 'cancelled', by: 'policy', code: 'ERR_SESSION_DUPLICATE' },
    ]);
    expect(() => node.manager.dial({ host: '10.1.0.1', port: PORT, publicKey: peer.publicKey })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ALREADY_CONNECTED' }),
    );
    await town.clock.settle(ours.ping());
    await town.clock.settle(session.ping());
    expect(node.manager.list()).toHaveLength(1);
  });

  test('000.3: none with ourselves, and none with another key than was dialed', async () => {
    const town = new Town();
    const node = await town.node();
    const { publicKey } = node.manager;
    expect(() => node.manager.dial({ host: node.host, port: PORT, publicKey })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_SELF' }),
    );
    const liar = await town.caller(node, {
      hello: { publicKey: crypto.publicKey(new Uint8Array(32).fill(9)) },
    });
    expect(await town.clock.settle(liar.session.ended)).toEqual({
      ...{ by: 'remote', reason: DISCONNECT.unexpectedIdentity },
    });
    const mirror = await town.caller(node, { secretKey: new Uint8Array(32).fill(1) }); // our own key
    expect(await town.clock.settle(mirror.session.ended)).toMatchObject({
      reason: DISCONNECT.connectedToSelf,
    });
    expect(node.causes.map(({ code }) => code)).toEqual(['ERR_RLPX_IDENTITY', 'ERR_SESSION_SELF']);
    expect(node.manager.list()).toEqual([]);
  });

  test('000.3: without a capability that both handle, no session opens', async () => {
    const town = new Town();
    const node = await town.node({ ethVersions: [71, 72] });
    for (const capabilities of [
      [{ name: 'eth', version: 70, length: 18 }],
      [{ name: 'les', version: 72, length: 22 }],
      [{ name: 'eth', version: 4_000, length: 22 }],
    ]) {
      const { session } = await town.caller(node, { capabilities });
      expect(await town.clock.settle(session.ended)).toEqual({
        by: 'remote',
        reason: DISCONNECT.uselessPeer,
      });
      expect(session.hello?.capabilities).toEqual([71, 72].map((version) => ({ name: 'eth', version })));
    }
    expect(node.told.filter((line) => line.startsWith('activated'))).toEqual([]);
  });
});

describe('000.8: the statuses', () => {
  test('000.8: active, closed, cancelled, expired and faulted, as they come about', async () => {
    const town = new Town();
    const node = await town.node();
    const closed = await town.guest(node);
    expect(closed.ours.state).toBe('active');
    closed.session.disconnect();
    const cancelled = town.dial(node, await town.peer({ holdBack: ['hello'] }));
    await town.clock.advance(100);
    cancelled.disconnect();
    const expired = town.dial(node, await town.peer({ holdBack: ['hello'] }));
    await town.clock.advance(6 * SECOND);
    const faulted = await town.guest(node);
    faulted.session.sendBytes(new Uint8Array(64));
    await town.clock.advance(100);
    expect([closed.ours, cancelled, expired, faulted.ours].map(({ state }) => state)).toEqual([
      ...['closed', 'cancelled', 'expired', 'faulted'],
    ]);
    expect(node.causes.map(({ outcome }) => outcome)).toEqual(['closed', 'cancelled', 'expired', 'faulted']);
    expect(node.manager.list()).toEqual([]);
  });

  test('000.8: an active or paused session can drain, and from there only end', () => {
    const from = SESSION_STATES.filter((state) => !isTransitionError(next(state, 'drain')));
    expect(from).toEqual(['active', 'paused']);
    const ways = (state: SessionState): unknown[] =>
      (['pause', 'resume', 'drain', 'cancel', 'close', 'expire', 'fault'] as const)
        .map((event) => next(state, event))
        .filter((to) => typeof to === 'string');
    expect(ways('draining')).toEqual(['closed', 'expired', 'faulted']);
  });
});
