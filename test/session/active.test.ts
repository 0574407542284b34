import { describe, expect, test, vi } from 'vitest';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  type EthMessage,
  type EthRequest,
  type EthResponse,
  encodeReceipts,
  receipts69To68,
} from '../../src/eth/index.js';
import { ReceivedMessage } from '../../src/rlpx/packing.js';
import { deferred } from '../../src/session/deferred.js';
import {
  type CloseCause,
  type Session,
  SessionError,
  type SessionManagerOptions,
} from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, Village } from '../support/session-nodes.js';
import { type PeerScript, ScriptedPeer } from '../support/session-peer.js';
import { hash, range, recordingLogger } from '../support/session-values.js';

const SECOND = 1_000;
const header = Uint8Array.of(0xc3, 1, 2, 3);
const query = { origin: 1n, amount: 2n, skip: 0n, reverse: false };

const headers = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockHeaders'
    ? { name: 'BlockHeaders', requestId: 0n, headers: new Array(Number(request.query.amount)).fill(header) }
    : undefined;

/** Bytes that do not compress, or they would hardly be a load. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 16;
  });
}

interface Pair {
  readonly village: Village;
  readonly a: Node;
  readonly b: Node;
  /** a's session with b, and b's with a. */
  readonly ab: Session;
  readonly ba: Session;
}

async function pair(first: Partial<SessionManagerOptions> = {}, second = first, seed = 1): Promise<Pair> {
  const village = new Village(seed);
  const a = await village.node(first);
  const b = await village.node(second);
  const ab = await village.clock.settle(village.dial(a, b).active);
  await village.clock.advance(100);
  const ba = b.manager.getByPeer(a.manager.publicKey);
  if (ba === undefined) throw new Error('no session');
  return { village, a, b, ab, ba };
}

/** A session between a node and a peer that a test speaks for. */
async function withPeer(options: Partial<SessionManagerOptions> = {}, script: PeerScript = {}) {
  const village = new Village();
  const node = await village.node(options);
  const causes: CloseCause[] = [];
  node.manager.on('closed', ({ cause }) => causes.push(cause));
  const peer = new ScriptedPeer(village.world('10.0.0.99'), script);
  await village.clock.settle(peer.dial(node));
  await village.clock.advance(100);
  const [session] = node.manager.active();
  if (session === undefined) throw new Error('no session');
  return { village, node, peer, session, causes };
}

describe('an active session', () => {
  test('tells all about itself', async () => {
    const { village, ab, ba } = await pair({ serve: headers });
    await village.clock.settle(ab.eth.getBlockHeaders(query));
    await village.clock.settle(ab.ping());
    const [ours, theirs] = [ab.describe(), ba.describe()];
    expect(ours.sharedId).toBe(theirs.sharedId);
    expect(ours.sharedId).toHaveLength(32);
    expect(ours).toMatchObject({
      ...{
        id: 's1',
        direction: 'outbound',
        role: 'initiator',
        state: 'active',
        kind: 'dynamic',
        ethVersion: 72,
      },
      ...{
        client: 'node2',
        address: { host: '10.0.0.2', port: 30_303 },
        range: range(0n, 600n, 0x60),
        rttMs: 2,
      },
      capabilities: ['eth/68', 'eth/69', 'eth/70', 'eth/71', 'eth/72'],
    });
    expect(ours.nodeId).toHaveLength(64);
    expect(ours.publicKey).toHaveLength(128);
    expect(ours.counters.bytesIn).toBe(theirs.counters.bytesOut);
    expect(ours.queues).toMatchObject({ requestsOpen: 0, serving: 0, broadcastsDropped: 0 });
    expect(theirs.activeAtMs).toBeGreaterThanOrEqual(theirs.createdAtMs);
  });

  test('stays for 30 idle minutes, on pings alone', async () => {
    const { village, a, b, ab, ba } = await pair();
    await village.clock.advance(30 * 60 * SECOND);
    expect(ab.state).toBe('active');
    expect(ba.state).toBe('active');
    const { messagesOut } = ab.describe().counters;
    expect(messagesOut).toBeGreaterThan(100);
    expect(messagesOut).toBeLessThan(300);
    expect([...a.told, ...b.told].filter((line) => line.startsWith('closed'))).toEqual([]);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('expires 30 s after the last word of a peer that fell silent, with reason 11', async () => {
    const { village, a, ab, b } = await pair();
    village.network.cut(a.host, b.host);
    await village.clock.advance(29 * SECOND);
    expect(ab.state).toBe('active');
    await village.clock.advance(2 * SECOND);
    expect(ab.state).toBe('expired');
    expect(await ab.ended).toMatchObject({
      ...{ outcome: 'expired', by: 'local', stage: 'active', code: 'ERR_SESSION_IDLE', reasonSent: 11 },
    });
    await expect(ab.ping()).rejects.toMatchObject({ code: 'ERR_SESSION_EXPIRED' });
    await expect(ab.eth.getBlockHeaders(query)).rejects.toMatchObject({ code: 'ERR_SESSION_EXPIRED' });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('ends alike at both ends when one asks for it, with the reason', async () => {
    const { village, ab, ba } = await pair();
    ab.disconnect(3, 'no use');
    ab.disconnect(4);
    expect(ab.state).toBe('closed');
    const [ours, theirs] = await village.clock.settle(Promise.all([ab.ended, ba.ended]));
    expect(ours).toMatchObject({
      outcome: 'closed',
      by: 'local',
      stage: 'active',
      reasonSent: 3,
      says: 'no use',
    });
    expect(theirs).toMatchObject({
      outcome: 'closed',
      by: 'remote',
      stage: 'active',
      reasonReceived: 3,
      reason: 3,
    });
    expect(theirs).not.toHaveProperty('reasonSent');
    expect(ours.epoch).toBe(1);
    expect(ours.counters.bytesOut).toBe(theirs.counters.bytesIn);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a reset and an end of the stream are the network’s doing', async () => {
    const { village, a, b, ab, ba } = await pair();
    village.network.reset(a.host, b.host);
    const causes = await village.clock.settle(Promise.all([ab.ended, ba.ended]));
    for (const cause of causes)
      expect(cause).toMatchObject({ outcome: 'faulted', by: 'transport', code: 'ECONNRESET' });
    const { village: other, peer, causes: told } = await withPeer();
    peer.connection?.destroy();
    await other.clock.advance(100);
    expect(told).toMatchObject([{ outcome: 'faulted', by: 'transport', stage: 'active', code: 'EOF' }]);
  });

  test('E11: a peer that never closes its side loses its socket 2 s after the Disconnect', async () => {
    const { village, session, node } = await withPeer();
    village.network.freeze('10.0.0.99');
    session.disconnect();
    expect(session.state).toBe('closed');
    expect(node.manager.count().activeInbound).toBe(0);
    await village.clock.advance(1_900);
    expect(village.network.describeOpenSockets().filter((line) => line.startsWith(node.host))).toHaveLength(
      1,
    );
    await village.clock.advance(200);
    expect(village.network.describeOpenSockets().filter((line) => line.startsWith(node.host))).toEqual([]);
  });
});

describe('asking', () => {
  test('all kinds of things, and the receipts of eth/68 come in the form of 69', async () => {
    const block69 = encodeReceipts([
      { type: 2, status: Uint8Array.of(1), cumulativeGasUsed: 21_000n, logs: encodeList([]) },
    ]);
    const block68 = receipts69To68(block69, nobleCrypto);
    const serve = async (request: EthRequest, session: Session): Promise<EthResponse | undefined> => {
      const { requestId } = request;
      switch (request.name) {
        case 'GetBlockBodies':
          return {
            name: 'BlockBodies',
            requestId,
            bodies: request.hashes.map(() => Uint8Array.of(0xc2, 0xc0, 0xc0)),
          };
        case 'GetReceipts': {
          const block = session.eth.version === 68 ? block68 : block69;
          return { name: 'Receipts', requestId, blocks: request.hashes.map(() => block) };
        }
        case 'GetPooledTransactions':
          return { name: 'PooledTransactions', requestId, transactions: [Uint8Array.of(0xc1, 0x07)] };
        case 'GetBlockAccessLists':
          return { name: 'BlockAccessLists', requestId, accessLists: [undefined, Uint8Array.of(0xc0)] };
        default:
          return headers(request);
      }
    };
    for (const version of [68, 69, 70, 71, 72] as const) {
      const { village, ab, ba } = await pair({ serve, ethVersions: [version] });
      for (const { eth } of [ab, ba]) {
        const ask = <T>(asked: Promise<T>): Promise<T> => village.clock.settle(asked);
        expect(await ask(eth.getBlockHeaders(query))).toEqual([header, header]);
        expect(await ask(eth.getBlockBodies([hash(1)]))).toHaveLength(1);
        expect(await ask(eth.getReceipts([hash(1), hash(2)]))).toEqual([block69, block69]);
        expect(await ask(eth.getPooledTransactions([hash(1)]))).toHaveLength(1);
        if (version >= 71)
          expect(await ask(eth.getBlockAccessLists([hash(1), hash(2)]))).toEqual([
            undefined,
            Uint8Array.of(0xc0),
          ]);
        else
          await expect(eth.getBlockAccessLists([hash(1)])).rejects.toMatchObject({
            code: 'ERR_SESSION_UNSUPPORTED',
          });
      }
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test('a hundred things at once, both ways', async () => {
    const { village, ab, ba } = await pair({ serve: headers });
    const asked = [ab, ba].flatMap(({ eth }) => Array.from({ length: 50 }, () => eth.getBlockHeaders(query)));
    const answers = await village.clock.settle(Promise.all(asked));
    expect(answers.filter(({ length }) => length === 2)).toHaveLength(100);
    expect(ab.state).toBe('active');
  });

  test('a peer that answers late: the caller hears of its deadline, the peer nothing at all', async () => {
    const { village, peer, session, causes } = await withPeer();
    const asked = session.eth.getBlockHeaders(query).catch((error: SessionError) => error.code);
    await village.clock.advance(20 * SECOND + 10);
    expect(await asked).toBe('ERR_SESSION_TIMEOUT');
    for (let i = 0; i < 9; i++) {
      await village.clock.advance(10 * SECOND);
      peer.connection?.ping();
    }
    peer.say({ name: 'BlockHeaders', requestId: 1n, headers: [] });
    await village.clock.advance(60 * SECOND);
    expect(causes).toEqual([]);
    expect(session.describe().queues?.requestsOpen).toBe(0);
  });

  test('a peer that never answers has 120 s, called off or not', async () => {
    const { village, session, causes, peer } = await withPeer();
    const abort = new AbortController();
    const asked = session.eth
      .getBlockHeaders(query, { signal: abort.signal })
      .catch((error: SessionError) => error.code);
    await village.clock.advance(10);
    abort.abort();
    expect(await asked).toBe('ERR_SESSION_ABORTED');
    for (let i = 0; i < 13; i++) {
      await village.clock.advance(10 * SECOND);
      if (peer.end === undefined) peer.connection?.ping();
    }
    expect(causes).toMatchObject([{ outcome: 'faulted', code: 'ERR_SESSION_ANSWER_MISSING', reasonSent: 2 }]);
  });

  const wrong: readonly [string, EthMessage, string][] = [
    [
      'that nobody asked for',
      { name: 'BlockBodies', requestId: 1n, bodies: [] },
      'ERR_SESSION_ANSWER_UNASKED',
    ],
    ['with another id', { name: 'BlockHeaders', requestId: 9n, headers: [] }, 'ERR_SESSION_ANSWER_UNASKED'],
    [
      'with more than was asked for',
      { name: 'BlockHeaders', requestId: 1n, headers: [header, header, header] },
      'ERR_ETH_DECODE',
    ],
  ];
  test.each(wrong)(
    'P9, P10: an answer %s is a breach, and ends the request, too',
    async (_, answer, code) => {
      const { village, peer, session, causes } = await withPeer();
      const asked = session.eth.getBlockHeaders(query).catch((error: SessionError) => error);
      await village.clock.advance(10);
      peer.say(answer);
      await village.clock.advance(10);
      expect(causes).toMatchObject([
        { outcome: 'faulted', by: 'local', stage: 'active', code, reasonSent: 2 },
      ]);
      expect(await asked).toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE', closeCause: { code } });
      expect(peer.end).toMatchObject({ received: 2 });
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    },
  );

  test('P9: the same answer twice is a breach', async () => {
    const { village, peer, session, causes } = await withPeer();
    const asked = session.eth.getBlockHeaders(query);
    await village.clock.advance(10);
    peer.say({ name: 'BlockHeaders', requestId: 1n, headers: [header] });
    expect(await village.clock.settle(asked)).toEqual([header]);
    peer.say({ name: 'BlockHeaders', requestId: 1n, headers: [header] });
    await village.clock.advance(10);
    expect(causes).toMatchObject([{ code: 'ERR_SESSION_ANSWER_UNASKED' }]);
  });

  test('S4: 10 MiB under a made-up id: nothing is decoded, or even decompressed', async () => {
    const { village, peer, session, causes } = await withPeer();
    session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
    await village.clock.advance(10);
    const items = 10 * 1024 * 1024 - 16;
    const payload = new Uint8Array(items + 9).fill(0x01);
    const listBytes = items + 9 - 4;
    payload.set([0xfa, listBytes >> 16, (listBytes >> 8) & 0xff, listBytes & 0xff, 0x63]);
    const opened = vi.spyOn(ReceivedMessage.prototype, 'payload');
    peer.raw(0x06, payload);
    await village.clock.advance(2 * SECOND);
    expect(causes).toMatchObject([{ code: 'ERR_SESSION_ANSWER_UNASKED', reasonSent: 2 }]);
    expect(opened).not.toHaveBeenCalled();
    opened.mockRestore();
  });

  test('P16: receipts in parts that lead nowhere end the session', async () => {
    const serve = async (request: EthRequest): Promise<EthResponse | undefined> =>
      request.name === 'GetReceipts'
        ? { name: 'Receipts', requestId: 0n, lastBlockIncomplete: true, blocks: [Uint8Array.of(0xc0)] }
        : undefined;
    const { village, ab } = await pair({}, { serve });
    const asked = ab.eth.getReceipts([hash(1)]);
    await expect(village.clock.settle(asked)).rejects.toMatchObject({ code: 'ERR_ETH_DECODE' });
    expect(await ab.ended).toMatchObject({ outcome: 'faulted', code: 'ERR_ETH_DECODE', reasonSent: 2 });
  });

  test('what the caller does wrong is the caller’s', async () => {
    const { ab, village } = await pair();
    await expect(ab.eth.getBlockBodies([new Uint8Array(31)])).rejects.toMatchObject({
      code: 'ERR_ETH_ENCODE',
    });
    expect(() => ab.eth.send({ name: 'GetBlockBodies', requestId: 1n, hashes: [] })).toThrow(SessionError);
    expect(() => ab.eth.send({ name: 'NewBlockHashes', blocks: [] } as unknown as EthMessage)).toThrow(
      SessionError,
    );
    expect(ab.state).toBe('active');
    expect(ab.describe().queues?.requestsOpen).toBe(0);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('being asked', () => {
  test('a slow handler of one session delays no other', async () => {
    const gate = deferred<undefined>();
    const village = new Village();
    const slowFor = new ScriptedPeer(village.world('10.0.0.98'));
    const node = await village.node({
      serve: (request, { publicKey }) =>
        publicKey[0] === slowFor.publicKey[0] ? gate.promise : headers(request),
    });
    const other = await village.node();
    await village.clock.settle(slowFor.dial(node));
    await village.clock.advance(100);
    for (let i = 0; i < 50; i++) slowFor.say({ name: 'GetBlockHeaders', requestId: BigInt(i), query });
    const session = await village.clock.settle(village.dial(other, node).active);
    expect(await village.clock.settle(session.eth.getBlockHeaders(query), 1 * SECOND)).toHaveLength(2);
    expect(slowFor.heard('BlockHeaders')).toEqual([]);
    gate.resolve(undefined);
    await village.clock.advance(1 * SECOND);
    expect(slowFor.heard('BlockHeaders')).toHaveLength(50);
  });

  test('the handler hears of the end through its signal', async () => {
    const signals: AbortSignal[] = [];
    const { village, peer, session } = await withPeer({
      serve: (_request, _session, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    peer.say({ name: 'GetBlockHeaders', requestId: 1n, query });
    await village.clock.advance(10);
    expect(signals[0]?.aborted).toBe(false);
    session.disconnect();
    expect(signals[0]?.aborted).toBe(true);
  });

  test('without a handler everything is answered, with nothing', async () => {
    const { village, peer } = await withPeer();
    peer.say({ name: 'GetBlockHeaders', requestId: 5n, query });
    peer.say({ name: 'GetReceipts', requestId: 6n, hashes: [hash(1)] });
    await village.clock.advance(10);
    expect(peer.received.slice(1).map(({ message }) => message)).toEqual([
      { name: 'BlockHeaders', requestId: 5n, headers: [] },
      { name: 'Receipts', requestId: 6n, blocks: [] },
    ]);
  });

  test('two nodes that ask each other for more than fits go on, and nothing is lost', async () => {
    const serve = async (request: EthRequest): Promise<EthResponse | undefined> =>
      request.name === 'GetBlockBodies'
        ? {
            name: 'BlockBodies',
            requestId: 0n,
            bodies: request.hashes.map((_, i) => encodeList([encodeBytes(noise(131_072, i))])),
          }
        : undefined;
    const { village, ab, ba } = await pair({ serve });
    const asked = [ab, ba].flatMap(({ eth }) =>
      Array.from({ length: 12 }, () => eth.getBlockBodies([1, 2, 3, 4, 5].map(hash))),
    );
    const answers = await village.clock.settle(Promise.all(asked));
    expect(answers.every(({ length }) => length === 5)).toBe(true);
  }, 60_000);
});

describe('what comes unasked', () => {
  test('reaches the gossip handler, decoded; one that throws hurts nobody', async () => {
    const logger = recordingLogger();
    const heard: EthMessage[] = [];
    const gossip = (message: EthMessage): void => {
      heard.push(message);
      if (heard.length === 1) throw new Error('mine');
    };
    const { village, ab } = await pair({ gossip, logger });
    const transactions = { name: 'Transactions', transactions: [Uint8Array.of(0xc1, 0x01)] } as const;
    ab.eth.send(transactions);
    ab.eth.send(transactions);
    await village.clock.advance(100);
    expect(heard).toEqual([transactions, transactions]);
    expect(ab.state).toBe('active');
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('is not even decompressed where nobody listens; where somebody does, it must be readable', async () => {
    const nonsense = Uint8Array.of(0xc1, 0x01);
    const deaf = await withPeer();
    deaf.peer.raw(0x02, nonsense);
    await deaf.village.clock.advance(10);
    expect(deaf.session.state).toBe('active');
    const listening = await withPeer({ gossip: () => undefined });
    listening.peer.raw(0x08, nonsense);
    await listening.village.clock.advance(10);
    expect(listening.causes).toMatchObject([{ code: 'ERR_ETH_DECODE', reasonSent: 2 }]);
  });
});

describe('ranges', () => {
  const update = (earliest: bigint, latest: bigint, byte = 1): EthMessage => ({
    name: 'BlockRangeUpdate',
    ...range(earliest, latest, byte),
  });

  test('of the peer are tracked and told, old ones and future ones too', async () => {
    const { village, peer, session, node } = await withPeer();
    for (const [earliest, latest] of [
      [590n, 600n],
      [610n, 650n],
    ] as const) {
      peer.say(update(earliest, latest));
      await village.clock.advance(2 * SECOND);
      expect(session.eth.range).toEqual(range(earliest, latest));
    }
    expect(node.told.filter((line) => line.startsWith('range'))).toEqual(['range s1 600', 'range s1 650']);
  });

  test.each([[update(10n, 8n)], [update(1n, 8n, 0)]])(
    'P18: an impossible one ends the session with reason 2',
    async (message) => {
      const { village, peer, causes } = await withPeer();
      peer.say(message);
      await village.clock.advance(10);
      expect(causes).toMatchObject([{ outcome: 'faulted', code: 'ERR_SESSION_RANGE', reasonSent: 2 }]);
      expect(peer.end).toMatchObject({ received: 2 });
    },
  );

  test('P18: a flood of them is not told on', async () => {
    const { village, peer, node } = await withPeer();
    for (let i = 0; i < 200; i++) peer.say(update(0n, BigInt(i)));
    await village.clock.advance(100);
    expect(node.told.filter((line) => line.startsWith('range'))).toHaveLength(8);
    expect(node.manager.active()).toHaveLength(1);
  });

  test('of ours are said when they change, and not otherwise', async () => {
    const { statusProvider } = await import('../support/session-nodes.js');
    const status = statusProvider({ range: range(0n, 100n) });
    const { village, peer, node } = await withPeer({ status });
    const heard = (): bigint[] =>
      peer.heard('BlockRangeUpdate').map((one) => (one.name === 'BlockRangeUpdate' ? one.latest : -1n));
    const grow = async (latest: bigint, ms: number): Promise<void> => {
      status.choices = { range: range(0n, latest) };
      node.manager.announceRange();
      await village.clock.advance(ms);
      peer.connection?.ping();
    };
    node.manager.announceRange();
    await village.clock.advance(10 * SECOND);
    expect(heard()).toEqual([]);
    await grow(131n, 10 * SECOND);
    expect(heard()).toEqual([]);
    await grow(132n, 10);
    expect(heard()).toEqual([132n]);
    for (let latest = 133n; latest <= 300n; latest++) await grow(latest, 10);
    await village.clock.advance(2 * SECOND);
    expect(heard().length).toBeLessThanOrEqual(4);
    await grow(290n, 2 * SECOND);
    expect(heard().at(-1)).toBe(290n);
    await grow(291n, 10 * SECOND);
    expect(heard().at(-1)).toBe(290n);
    for (let i = 0; i < 40; i++) await village.clock.advance(10 * SECOND).then(() => peer.connection?.ping());
    expect(heard().at(-1)).toBe(291n);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('do not exist on eth/68', async () => {
    const { village, ab, a } = await pair({ ethVersions: [68] });
    expect(ab.eth.range).toBeUndefined();
    a.manager.announceRange();
    await village.clock.advance(SECOND);
    expect(() => ab.eth.send(update(0n, 1n))).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_UNSUPPORTED' }),
    );
  });
});

describe('a paused session', () => {
  test('hands nothing over until it goes on, and loses nothing', async () => {
    const heard: EthMessage[] = [];
    const { village, ab, ba } = await pair({ gossip: (message) => heard.push(message), serve: headers });
    ba.pause();
    ba.pause();
    expect(ba.state).toBe('paused');
    const asked = ab.eth.getBlockHeaders(query);
    for (let i = 0; i < 10; i++)
      ab.eth.send({ name: 'Transactions', transactions: [Uint8Array.of(0xc1, i)] });
    await village.clock.advance(10 * SECOND);
    expect(heard).toEqual([]);
    ba.resume();
    ba.resume();
    expect(await village.clock.settle(asked, SECOND)).toHaveLength(2);
    await village.clock.advance(100);
    expect(heard).toHaveLength(10);
    expect(ba.state).toBe('active');
  });

  test('answers pings and keeps its life as long as little comes in', async () => {
    const { village, ab, ba } = await pair();
    ba.pause();
    await village.clock.advance(10 * 60 * SECOND);
    expect(ab.state).toBe('active');
    expect(ba.state).toBe('paused');
    expect(await village.clock.settle(ab.ping())).toBeGreaterThan(0);
  });

  test('stops reading once 1 MiB waits: the peer feels it', async () => {
    const { village, ab, ba } = await pair({ gossip: () => undefined });
    ba.pause();
    const transaction = encodeList([encodeBytes(noise(100_000))]);
    for (let i = 0; i < 40; i++) ab.eth.send({ name: 'Transactions', transactions: [transaction] });
    await village.clock.advance(SECOND);
    const held = ba.describe().counters.bytesIn;
    expect(held).toBeGreaterThan(1024 * 1024);
    expect(held).toBeLessThan(1.5 * 1024 * 1024);
    expect(ab.describe().queues?.broadcasts.items).toBeGreaterThan(0);
    ba.resume();
    await village.clock.advance(5 * SECOND);
    expect(ab.describe().queues?.broadcasts.items).toBe(0);
    expect(ba.describe().counters.bytesIn).toBeGreaterThan(4_000_000);
    expect(ba.state).toBe('active');
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('expires on time where its peer is gone, for it still listens', async () => {
    const { village, a, b, ba } = await pair();
    ba.pause();
    await village.clock.advance(SECOND);
    village.network.cut(a.host, b.host);
    const cause = await village.clock.settle(ba.ended, 31 * SECOND);
    expect(cause).toMatchObject({ outcome: 'expired', stage: 'paused', code: 'ERR_SESSION_IDLE' });
    village.network.mend(a.host, b.host);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('can be ended, and an ended one cannot be paused', async () => {
    const { village, ab, ba } = await pair();
    ba.pause();
    ba.disconnect();
    expect(ba.state).toBe('closed');
    expect(() => ba.pause()).toThrowError(expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }));
    expect(await village.clock.settle(ab.ended)).toMatchObject({ by: 'remote', reason: 0 });
  });
});
