import { describe, expect, test } from 'vitest';
import type { EthRequest, EthResponse } from '../../src/eth/index.js';
import { DISCONNECT, realWorld } from '../../src/index.js';
import {
  BASE_PROTOCOL_IDS,
  type ConnectionHandlers,
  type IncomingMessage,
  packMessage,
  RlpxConnection,
} from '../../src/rlpx/index.js';
import {
  ExceedsSessionLimit,
  PendingSessionHandshakeError,
  RequestTimeout,
  SessionManager,
} from '../../src/session/index.js';
import type { ScriptedSession, ScriptedStep } from '../../src/testing/index.js';
import { crypto, hash, item, MINUTE, PORT, SECOND, TellingStatus, Town } from '../support/rows-town.js';

const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
const header = item(60);

const serve = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockHeaders'
    ? { name: 'BlockHeaders', requestId: 0n, headers: Array(Number(request.query.amount)).fill(header) }
    : undefined;

describe('002.1: a session manager', () => {
  test('002.1: accepts connections and dials peers, and lists both', async () => {
    const town = new Town();
    const { a, b, ab, ba } = await town.pair();
    expect([ab.direction, ba.direction]).toEqual(['outbound', 'inbound']);
    expect(a.manager.list().map(({ id, state }) => [id, state])).toEqual([['s1', 'active']]);
    expect(b.manager.count()).toEqual({
      ...{ pendingInbound: 0, pendingOutbound: 0, activeInbound: 1, activeOutbound: 0 },
    });
    expect(ab.publicKey).toEqual(b.manager.publicKey);
    expect(ba.publicKey).toEqual(a.manager.publicKey);
  });

  test('002.1: does the same over the sockets of the system', async () => {
    const managers = [1, 2].map(
      (byte) =>
        new SessionManager({
          world: realWorld(),
          crypto,
          secretKey: new Uint8Array(32).fill(byte),
          clientId: 'row',
          status: new TellingStatus(),
          serve,
        }),
    );
    const [a, b] = managers as [SessionManager, SessionManager];
    try {
      const at = await b.listen({ host: '127.0.0.1', port: 0 });
      const session = await a.dial({ ...at, publicKey: b.publicKey }).active;
      expect(await session.eth.getBlockHeaders(query)).toEqual([header]);
    } finally {
      await Promise.all(managers.map((manager) => manager.close()));
    }
  });
});

describe('002.2: the way to active', () => {
  test.each<[ScriptedStep, string, string]>([
    ['auth', 'authenticating', 'ERR_SESSION_AUTH_DEADLINE'],
    ['hello', 'greeting', 'ERR_SESSION_HELLO_DEADLINE'],
    ['status', 'verifying', 'ERR_SESSION_STATUS_DEADLINE'],
  ])('002.2: a peer that keeps its %s back is %s for 5 s and no longer', async (step, stage, code) => {
    const town = new Town(1, { link: { latencyMs: 0 } });
    const node = await town.node();
    const { peer, host } = await town.peer({ holdBack: [step] });
    const dialed = town.dial(node, { peer, host });
    const { session } = await town.caller(node, { holdBack: [step] });
    await town.clock.advance(4.9 * SECOND);
    expect(node.manager.list().map(({ state }) => state)).toEqual([stage, stage]);
    await town.clock.advance(200);
    expect(await dialed.ended).toMatchObject({ outcome: 'expired', by: 'local', stage, code });
    expect(node.causes).toMatchObject([
      { stage, code },
      { stage, code },
    ]);
    const said = step === 'auth' ? { by: 'transport' } : { by: 'remote', reason: DISCONNECT.timeout };
    expect(await town.clock.settle(session.ended)).toMatchObject(said);
  });

  test('002.2: whoever needs nearly all of every stage is stopped by the overall limit of 15 s', async () => {
    const town = new Town(1, { link: { latencyMs: 0 } });
    const node = await town.node({ deadlines: { pendingMs: 12 * SECOND } });
    const { session } = await town.caller(node, { holdBack: ['auth', 'hello', 'status'] });
    for (const state of ['authenticating', 'greeting', 'verifying']) {
      await town.clock.advance(4.5 * SECOND);
      if (node.causes.length > 0) break;
      expect(node.manager.list()).toMatchObject([{ state }]);
      session.release();
    }
    expect(town.clock.now()).toBeGreaterThanOrEqual(12 * SECOND);
    expect(node.causes).toMatchObject([
      { outcome: 'expired', stage: 'verifying', code: 'ERR_SESSION_PENDING_DEADLINE' },
    ]);
  });

  test('002.2: bytes that come in drops move no deadline', async () => {
    const town = new Town(1, { link: { latencyMs: 0 } });
    const node = await town.node();
    const { session } = await town.caller(node, { holdBack: ['auth'] });
    const start = town.clock.now();
    session.sendBytes(Uint8Array.of(0x01, 0x40)); // 320 bytes of auth are announced
    for (let i = 0; i < 100 && node.causes.length === 0; i++) {
      session.sendBytes(Uint8Array.of(i));
      await town.clock.advance(100);
    }
    expect(node.causes).toMatchObject([{ code: 'ERR_SESSION_AUTH_DEADLINE' }]);
    expect(town.clock.now() - start).toBeLessThanOrEqual(5.2 * SECOND);
  });
});

describe('002.3: the four limits', () => {
  test('002.3: pending inbound: one socket too many is closed before any work', async () => {
    const town = new Town();
    const node = await town.node({ limits: { maxPendingInbound: 2 } });
    for (let i = 0; i < 2; i++) await town.caller(node, { holdBack: ['auth'] });
    const { session } = await town.caller(node);
    expect(await town.clock.settle(session.ended)).toMatchObject({ by: 'transport', code: 'EOF' });
    expect(node.refused).toMatchObject([{ says: expect.stringContaining('maxPendingInbound is 2') }]);
    expect(node.manager.count().pendingInbound).toBe(2);
    await town.clock.advance(6 * SECOND);
    expect(node.manager.count().pendingInbound).toBe(0);
    expect((await town.guest(node)).ours.state).toBe('active');
  });

  test('002.3: pending outbound: the caller is told at once', async () => {
    const town = new Town();
    const node = await town.node({ limits: { maxPendingOutbound: 1 } });
    const first = town.dial(node, await town.peer());
    const second = await town.peer();
    expect(() => town.dial(node, second)).toThrow(ExceedsSessionLimit);
    expect(() => town.dial(node, second)).toThrow(/maxPendingOutbound is 1/);
    expect(node.manager.count().pendingOutbound).toBe(1);
    await town.clock.settle(first.active);
    expect((await town.clock.settle(town.dial(node, second).active)).state).toBe('active');
  });

  test('002.3: active inbound: reason 4, also for two that were let in together', async () => {
    const town = new Town();
    const node = await town.node({ limits: { maxActiveInbound: 1 } });
    const both = [
      await town.caller(node, { holdBack: ['status'] }),
      await town.caller(node, { holdBack: ['status'] }),
    ];
    await town.clock.advance(100);
    expect(node.manager.count()).toMatchObject({ pendingInbound: 2, activeInbound: 0 });
    for (const { session } of both) session.release();
    await town.clock.advance(100);
    expect(node.manager.count()).toMatchObject({ pendingInbound: 0, activeInbound: 1 });
    const late = await town.caller(node);
    await town.clock.advance(100);
    const ends = [...both, late].map(({ session }) => session.end);
    expect(ends).toEqual([undefined, ...Array(2).fill({ by: 'remote', reason: DISCONNECT.tooManyPeers })]);
    expect(node.causes.map(({ stage, by, code }) => [stage, by, code])).toEqual([
      ['verifying', 'policy', 'ERR_SESSION_LIMIT'],
      ['authenticating', 'policy', 'ERR_SESSION_LIMIT'],
    ]);
  });

  test('002.3: active outbound: no dial beyond it, and trusted peers beyond every limit', async () => {
    const town = new Town();
    const node = await town.node({ limits: { maxActiveOutbound: 1, maxActiveInbound: 0 } });
    await town.clock.settle(town.dial(node, await town.peer()).active);
    const other = await town.peer();
    expect(() => town.dial(node, other)).toThrow(/maxActiveOutbound is 1/);
    const trusted = await town.clock.settle(town.dial(node, other, { kind: 'trusted' }).active);
    expect(trusted.kind).toBe('trusted');
    expect(node.manager.count()).toMatchObject({ activeOutbound: 2, activeInbound: 0 });
  });

  test('002.3: every figure is given back, whatever the end', async () => {
    const town = new Town();
    const node = await town.node();
    const calls = [];
    for (const holdBack of [['auth'], ['hello'], ['status'], []] as ScriptedStep[][]) {
      calls.push(await town.caller(node, { holdBack }));
    }
    await town.clock.advance(100);
    expect(node.manager.count()).toMatchObject({ pendingInbound: 3, activeInbound: 1 });
    for (const { session } of calls) session.destroy();
    await town.clock.advance(100);
    expect(node.manager.count()).toEqual({
      ...{ pendingInbound: 0, pendingOutbound: 0, activeInbound: 0, activeOutbound: 0 },
    });
  });
});

describe('002.4: events and errors', () => {
  test('002.4: created, activated and closed come in this order, with what they are about', async () => {
    const town = new Town();
    const node = await town.node();
    const seen: string[] = [];
    node.manager.on('created', ({ session }) => seen.push(`created ${session.direction} ${session.state}`));
    node.manager.on('activated', ({ session }) => seen.push(`activated eth/${session.eth.version}`));
    const off = node.manager.on('closed', ({ cause }) => seen.push(`closed ${cause.outcome} by ${cause.by}`));
    const { session } = await town.guest(node, { ethVersions: [70] });
    session.disconnect(DISCONNECT.uselessPeer);
    await town.clock.advance(100);
    expect(seen).toEqual(['created inbound accepted', 'activated eth/70', 'closed closed by remote']);
    off();
    const other = await town.guest(node);
    other.session.disconnect();
    await town.clock.advance(100);
    expect(seen).toHaveLength(5);
  });

  test('002.4: who waits for a session that never comes gets PendingSessionHandshakeError with the cause', async () => {
    const town = new Town();
    const node = await town.node();
    const status = { ...new TellingStatus().status(69), networkId: 5n };
    const handle = town.dial(node, await town.peer({ ethVersions: [69], status }));
    const error = await town.clock.settle(handle.active).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PendingSessionHandshakeError);
    expect(error).toMatchObject({
      code: 'ERR_SESSION_HANDSHAKE',
      closeCause: { stage: 'verifying', by: 'policy', reasonSent: 16, code: 'ERR_ETH_STATUS_NETWORK' },
    });
    expect((error as PendingSessionHandshakeError).closeCause).toBe(await handle.ended);
  });

  test('002.4: a listener that throws keeps nobody else from hearing', async () => {
    const town = new Town();
    const a = await town.node();
    a.manager.on('activated', () => {
      throw new Error('mine');
    });
    let heard = 0;
    a.manager.on('activated', () => heard++);
    const { ours } = await town.guest(a);
    expect([heard, ours.state]).toEqual([1, 'active']);
  });
});

describe('002.5: an active session', () => {
  test('002.5: does commands, requests, answers and announcements of both sides at once', async () => {
    const town = new Town();
    const heard: string[] = [];
    const options = { serve, gossip: ({ name }: { name: string }) => void heard.push(name) };
    const { ab, ba } = await town.pair(options);
    const asked = [];
    for (let i = 0; i < 50; i++) {
      asked.push(ab.eth.getBlockHeaders(query), ba.eth.getBlockHeaders(query));
      ab.eth.send({ name: 'Transactions', transactions: [item(40)] });
      if (i % 10 === 0) asked.push(ab.ping(), ba.ping());
      if (i === 20) ba.pause();
      if (i === 30) ba.resume();
    }
    const answers = await town.clock.settle(Promise.all(asked));
    expect(answers).toHaveLength(110);
    expect(heard).toEqual(Array(50).fill('Transactions'));
    expect([ab.state, ba.state]).toEqual(['active', 'active']);
  });

  test('002.5: works on four requests of one peer at once, however many it sends, and answers them all', async () => {
    const town = new Town();
    let running = 0;
    let most = 0;
    const { clock } = town;
    const node = await town.node({
      serve: (request) => {
        most = Math.max(most, ++running);
        return new Promise((resolve) => {
          clock.timer(10, () => {
            running--;
            resolve(serve(request));
          });
        });
      },
    });
    const { session } = await town.guest(node);
    for (let id = 1n; id <= 60n; id++) session.send({ name: 'GetBlockHeaders', requestId: id, query });
    const ids = new Set<bigint>();
    for (let i = 0; i < 60; i++) {
      const answer = await town.clock.settle(session.expect('BlockHeaders'));
      expect(answer.headers).toHaveLength(1);
      ids.add(answer.requestId);
    }
    expect([ids.size, most, running]).toEqual([60, 4, 0]);
  });
});

describe('002.6: answers that wait', () => {
  const large = item(60_000);
  const many = async (): Promise<EthResponse> => ({ name: 'BlockHeaders', requestId: 0n, headers: [large] });

  test('002.6: a peer that asks and does not read is read no more, and gets all once it reads', async () => {
    const town = new Town();
    const node = await town.node({ serve: many });
    const { session, ours } = await town.guest(node);
    session.stall();
    const asked = 8_000;
    for (let id = 1; id <= asked; id++)
      session.send({ name: 'GetBlockHeaders', requestId: BigInt(id), query });
    await town.clock.advance(2 * SECOND);
    const { queues } = ours.describe();
    expect(queues?.responses.items).toBeLessThanOrEqual(4);
    expect(queues?.responses.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(queues?.parked.items).toBeGreaterThan(60);
    expect(queues?.parked.bytes).toBeLessThanOrEqual(3 * 1024 * 1024 + 65_536);
    expect(session.backlogBytes).toBeGreaterThan(100_000); // the node has stopped reading
    session.goOn();
    let whole = 0;
    for (let i = 0; i < asked; i++) {
      const { headers } = await town.clock.settle(session.expect('BlockHeaders'));
      whole += headers.length;
    }
    expect(whole).toBeGreaterThanOrEqual(4);
    expect(session.backlogBytes).toBe(0);
    expect(ours.state).toBe('active');
  }, 60_000);

  test('002.6: a peer that never reads loses its session after 20 s without progress', async () => {
    const town = new Town();
    const node = await town.node({ serve: many });
    const { session } = await town.guest(node);
    session.stall();
    for (let id = 1n; id <= 20n; id++) session.send({ name: 'GetBlockHeaders', requestId: id, query });
    await town.clock.advance(19 * SECOND);
    expect(node.causes).toEqual([]);
    await town.clock.advance(8 * SECOND);
    expect(node.causes).toMatchObject([{ outcome: 'faulted', by: 'transport', code: 'WRITE_STALL' }]);
  });
});

describe('002.7: requests in flight', () => {
  const unanswered = async (town: Town, asked: Promise<unknown>): Promise<number> => {
    const since = town.clock.now();
    await expect(town.clock.settle(asked)).rejects.toBeInstanceOf(RequestTimeout);
    return town.clock.now() - since;
  };

  test('002.7: the time that an answer may take follows the measured round trips, between 20 s and 2 s', async () => {
    const town = new Town(1, { link: { latencyMs: 100 } });
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    expect(await unanswered(town, ours.eth.getBlockHeaders(query))).toBe(20 * SECOND);
    session.send({
      name: 'BlockHeaders',
      requestId: (await session.expect('GetBlockHeaders')).requestId,
      headers: [],
    });
    await town.clock.advance(SECOND);
    session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [header] }));
    for (let i = 0; i < 60; i++) await town.clock.settle(ours.eth.getBlockHeaders(query));
    expect(ours.describe().rttMs).toBeGreaterThanOrEqual(200);
    expect(ours.describe().rttMs).toBeLessThan(210);
    session.respond('GetBlockHeaders', () => undefined);
    const settled = await unanswered(town, ours.eth.getBlockHeaders(query));
    expect(settled).toBeGreaterThanOrEqual(2 * SECOND);
    expect(settled).toBeLessThan(3 * SECOND);
    // another kind of request has its own measure
    expect(await unanswered(town, ours.eth.getBlockBodies([hash(1)]))).toBe(20 * SECOND);
  });

  test('002.7: a late answer is taken without a word, none at all for two minutes is a breach', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    await unanswered(town, ours.eth.getBlockHeaders(query));
    const { requestId } = await town.clock.settle(session.expect('GetBlockHeaders'));
    await town.clock.advance(90 * SECOND);
    session.send({ name: 'BlockHeaders', requestId, headers: [header] });
    await town.clock.advance(5 * MINUTE);
    expect(ours.state).toBe('active');
    await unanswered(town, ours.eth.getBlockHeaders(query));
    await town.clock.advance(99 * SECOND);
    expect(ours.state).toBe('active');
    await town.clock.advance(2 * SECOND);
    expect(session.end).toEqual({ by: 'remote', reason: DISCONNECT.protocolBreach });
    expect(node.causes).toMatchObject([{ outcome: 'faulted', code: 'ERR_SESSION_ANSWER_MISSING' }]);
  });
});

describe('002.8: the block range', () => {
  const grow = (node: { status: TellingStatus; manager: SessionManager }, latest: bigint): void => {
    node.status.latest = latest;
    node.status.latestHash = hash(Number(latest & 0xffn) || 1);
    node.manager.announceRange();
  };
  const updates = (session: ScriptedSession): bigint[] =>
    session.heard.flatMap(({ message }) => (message?.name === 'BlockRangeUpdate' ? [message.latest] : []));

  test('002.8: is announced after 32 new blocks, and otherwise once per 384 s if it changed', async () => {
    const town = new Town();
    const node = await town.node();
    const { session } = await town.guest(node, { ethVersions: [69] });
    const older = await town.guest(node, { ethVersions: [68] });
    await town.clock.advance(2 * SECOND);
    grow(node, 632n);
    await town.clock.advance(SECOND);
    expect(updates(session)).toEqual([632n]);
    for (let latest = 633n; latest <= 643n; latest++) {
      grow(node, latest);
      await town.clock.advance(12 * SECOND);
    }
    expect(updates(session)).toEqual([632n]);
    await town.clock.advance(384 * SECOND);
    expect(updates(session)).toEqual([632n, 643n]); // the latest one, once
    await town.clock.advance(2 * 384 * SECOND);
    expect(updates(session)).toHaveLength(2); // nothing has changed
    grow(node, 600n); // a step back
    await town.clock.advance(2 * SECOND);
    expect(updates(session)).toEqual([632n, 643n, 600n]);
    expect(updates(older.session)).toEqual([]);
  });

  test('002.8: that of the peer is tracked from Status on, told as an event, and refused where it cannot be', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node, { ethVersions: [70] });
    const told: bigint[] = [];
    node.manager.on('range', ({ range }) => told.push(range.latest));
    expect(ours.eth.range).toMatchObject({ earliest: 0n, latest: 600n });
    session.send({ name: 'BlockRangeUpdate', earliest: 10n, latest: 700n, latestHash: hash(7) });
    await town.clock.advance(100);
    expect(ours.eth.range).toEqual({ earliest: 10n, latest: 700n, latestHash: hash(7) });
    expect(ours.describe().range?.latest).toBe(700n);
    expect(told).toEqual([700n]);
    session.send({ name: 'BlockRangeUpdate', earliest: 900n, latest: 800n, latestHash: hash(8) });
    await town.clock.advance(100);
    expect(node.causes).toMatchObject([{ outcome: 'faulted', code: 'ERR_SESSION_RANGE', reasonSent: 2 }]);
    expect([told, ours.eth.range?.latest]).toEqual([[700n], 700n]); // what cannot be was not taken
  });
});

/** Two ends of one RLPx connection, with what each has heard. */
async function connections(town: Town, first: readonly string[], second: readonly string[], net = 9) {
  const heard: [string[], string[]] = [[], []];
  const lengths: Record<string, number> = { chat: 3, eth: 18, snap: 8 };
  const ends: RlpxConnection[] = [];
  const make = (side: 0 | 1, socket: ConstructorParameters<typeof RlpxConnection>[0]['socket']): void => {
    const handlers: ConnectionHandlers = {
      authenticated: () => undefined,
      greeted: () => undefined,
      message: (message: IncomingMessage) => {
        const text = [...message.payload(1_000_000).subarray(0, 4)].join(' ');
        heard[side].push(`${message.capability.name}#${message.id}: ${text}`);
      },
      pong: () => undefined,
      drained: () => undefined,
      ended: () => undefined,
    };
    const { clock, random } = town.world(`10.${net}.0.${side + 1}`);
    ends[side] = new RlpxConnection({
      ...{ socket, crypto, clock, random, handlers, role: side === 0 ? 'initiator' : 'recipient' },
      ...(side === 0 ? { remotePublicKey: crypto.publicKey(new Uint8Array(32).fill(2)) } : {}),
      secretKey: new Uint8Array(32).fill(side + 1),
      hello: { clientId: 'row', listenPort: 0 },
      capabilities: (side === 0 ? first : second).map((name) => ({
        ...{ name, version: 1, length: lengths[name] ?? 1 },
      })),
    });
  };
  const [left, right] = [town.world(`10.${net}.0.1`), town.world(`10.${net}.0.2`)];
  await right.tcp.listen({ host: '0.0.0.0', port: PORT }, (socket) => make(1, socket));
  const socket = left.tcp.connect({ host: `10.${net}.0.2`, port: PORT }).then((made) => make(0, made));
  await town.clock.settle(socket);
  await town.clock.advance(100);
  const [a, b] = ends as [RlpxConnection, RlpxConnection];
  const say = (end: RlpxConnection, name: string, id: number, byte: number): boolean => {
    const shared = end.shared.find((capability) => capability.name === name);
    if (shared === undefined) throw new Error(`${name} is not shared`);
    return end.send(shared, id, Uint8Array.of(0xc1, byte));
  };
  return { a, b, heard, say };
}

describe('002.9: eth and others on one connection', () => {
  test('002.9: satellites share a connection with eth, each with ids of its own', async () => {
    const town = new Town();
    const { a, b, heard, say } = await connections(town, ['snap', 'eth', 'chat'], ['chat', 'eth', 'snap']);
    const offsets = { chat: BASE_PROTOCOL_IDS, eth: BASE_PROTOCOL_IDS + 3, snap: BASE_PROTOCOL_IDS + 21 };
    for (const end of [a, b]) {
      expect(Object.fromEntries(end.shared.map(({ name, offset }) => [name, offset]))).toEqual(offsets);
    }
    say(a, 'eth', 17, 1);
    say(a, 'snap', 0, 2);
    say(b, 'chat', 2, 3);
    await town.clock.advance(100);
    expect(heard).toEqual([['chat#2: 193 3'], ['eth#17: 193 1', 'snap#0: 193 2']]);
    expect(() => say(a, 'chat', 3, 1)).toThrow(expect.objectContaining({ code: 'ERR_RLPX_ARGUMENT' }));
  });

  test('002.9: what only one end offers is not shared, and eth alone is spoken in the same way', async () => {
    const town = new Town();
    const { a, heard, say } = await connections(town, ['eth', 'chat'], ['eth']);
    expect(a.shared.map(({ name, offset }) => [name, offset])).toEqual([['eth', BASE_PROTOCOL_IDS]]);
    say(a, 'eth', 2, 9);
    await town.clock.advance(100);
    expect(heard[1]).toEqual(['eth#2: 193 9']);
  });
});

describe('002.10: messages for many', () => {
  test('002.10: one that was packed once goes to many connections', async () => {
    const town = new Town();
    const payload = item(20_000, new Uint8Array(20_000).fill(7));
    const message = packMessage(2, payload);
    expect(message.body.length).toBeLessThan(2_000);
    const many = [
      await connections(town, ['eth'], ['eth', 'snap']),
      await connections(town, ['eth'], ['eth'], 8),
    ];
    for (const { a } of many) {
      const [eth] = a.shared;
      if (eth === undefined) throw new Error('no eth');
      for (let i = 0; i < 5; i++) a.sendPacked(eth, message);
      const { bytesOut } = a.stats;
      expect(bytesOut).toBeLessThan(5 * 2_000 + 2_000); // it was compressed, and not again
    }
    await town.clock.advance(500);
    const text = [...payload.subarray(0, 4)].join(' ');
    for (const { heard } of many) expect(heard[1]).toEqual(Array(5).fill(`eth#2: ${text}`));
  });

  test('002.10: what is sent to every session arrives at each, unchanged, whatever version it speaks', async () => {
    const town = new Town();
    const node = await town.node();
    const guests = [await town.guest(node), await town.guest(node, { ethVersions: [68] })];
    const transaction = item(300);
    for (const { eth } of node.manager.active())
      eth.send({ name: 'Transactions', transactions: [transaction] });
    for (const { session } of guests) {
      const { transactions } = await town.clock.settle(session.expect('Transactions'));
      expect(transactions).toEqual([transaction]);
    }
  });
});

describe('002.11: handles', () => {
  test('002.11: of a pending session: who it is, how far it is, and the way to end it', async () => {
    const town = new Town();
    const node = await town.node();
    const handle = town.dial(node, await town.peer({ holdBack: ['hello'] }));
    expect(handle.describe()).toMatchObject({ id: 's1', state: 'requested', direction: 'outbound' });
    await town.clock.advance(100);
    expect(handle.describe()).toMatchObject({ state: 'greeting', sharedId: expect.any(String) });
    handle.disconnect(DISCONNECT.clientQuitting, 'changed my mind');
    handle.disconnect(DISCONNECT.uselessPeer);
    expect(await handle.ended).toMatchObject({
      ...{ outcome: 'cancelled', by: 'local', stage: 'greeting', reasonSent: 8, says: 'changed my mind' },
    });
    expect(node.manager.list()).toEqual([]);
    expect(() => node.manager.get('s1')).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_FOUND' }));
  });

  test('002.11: of an active one: the peer, its client and address, commands, and the end', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours, host } = await town.guest(node, {
      ...{ ethVersions: [69], hello: { clientId: 'guest/1', listenPort: 4 } },
    });
    expect(ours.remote).toMatchObject({
      ...{ client: 'guest/1', listenPort: 4, capabilities: [{ name: 'eth', version: 69 }] },
    });
    expect(ours.remote.address.host).toBe(host);
    expect(ours.nodeId).toEqual(crypto.keccak256(ours.publicKey));
    expect(await town.clock.settle(ours.ping())).toBe(2);
    ours.disconnect(DISCONNECT.uselessPeer);
    expect(await town.clock.settle(session.ended)).toEqual({ by: 'remote', reason: DISCONNECT.uselessPeer });
    expect(ours.signal.aborted).toBe(true);
    await expect(ours.ping()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE' });
  });
});

describe('002.12: graceful disconnects', () => {
  test('002.12: a socket waits for a peer that does not close for 2 s at most', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    session.stall(); // it never reads the Disconnect, and never closes
    ours.disconnect();
    expect(await ours.ended).toMatchObject({ outcome: 'closed', reasonSent: 0 });
    await town.clock.advance(1.9 * SECOND);
    expect(town.socketsOf(node.host)).toBe(1);
    await town.clock.advance(200);
    expect(town.socketsOf(node.host)).toBe(0);
  });

  test('002.12: of refused ones no more than 32 wait at once; the others are cut', async () => {
    const town = new Town();
    const node = await town.node({ limits: { maxPendingInbound: 60, maxActiveInbound: 0 } });
    const calls = [];
    for (let i = 0; i < 40; i++) calls.push(await town.caller(node, { holdBack: ['auth'] }));
    for (const { session } of calls) {
      session.release();
      session.stall();
    }
    await town.clock.advance(100);
    expect(node.causes).toHaveLength(40);
    expect(node.causes.filter(({ reasonSent }) => reasonSent === 4)).toHaveLength(32);
    expect(town.socketsOf(node.host)).toBe(32);
    await town.clock.advance(2 * SECOND);
    expect(town.socketsOf(node.host)).toBe(0);
  });

  test('002.12: closing the manager says goodbye to all, with reason 8, within its deadline', async () => {
    const town = new Town();
    const node = await town.node();
    const guests = [await town.guest(node), await town.guest(node), await town.guest(node)];
    guests[2]?.session.stall();
    const since = town.clock.now();
    await town.clock.settle(node.manager.close());
    expect(town.clock.now() - since).toBeLessThanOrEqual(2 * SECOND);
    expect(guests.slice(0, 2).map(({ session }) => session.end?.reason)).toEqual([8, 8]);
    await town.clock.advance(1);
    expect(town.socketsOf(node.host)).toBe(0);
  });
});
