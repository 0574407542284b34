import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { encodeHello, FrameEncoder, Handshake } from '../../src/rlpx/index.js';
import type { TcpSocket } from '../../src/runtime/index.js';
import {
  type CloseCause,
  PendingSessionHandshakeError,
  type SessionHandle,
} from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, PORT, statusProvider, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { range, type StatusChoices } from '../support/session-values.js';

const SECOND = 1_000;

/** The handle of the only session that a node has. */
function only(node: Node): SessionHandle {
  const [handle, ...others] = node.manager.list();
  if (handle === undefined || others.length > 0) throw new Error(`${1 + others.length} sessions`);
  return handle;
}

async function connectRaw(village: Village, node: Node, host = '10.0.0.99') {
  const { tcp } = village.world(host);
  const socket = await village.clock.settle(tcp.connect({ host: node.host, port: PORT }));
  const seen = { bytes: 0, end: false, closed: false };
  const chunks: Uint8Array[] = [];
  socket.attach({
    data: (chunk) => {
      seen.bytes += chunk.length;
      chunks.push(chunk.slice());
    },
    drain: () => undefined,
    end: () => {
      seen.end = true;
    },
    closed: () => {
      seen.closed = true;
    },
  });
  return { socket, seen, chunks };
}

/** Dials and goes through ECIES only. @returns what is needed to say more */
async function authenticateOnly(village: Village, node: Node) {
  const { socket, seen, chunks } = await connectRaw(village, node);
  const handshake = new Handshake({
    ...{ role: 'initiator', crypto: nobleCrypto, random: village.world('10.0.0.99').random },
    ...{ secretKey: new Uint8Array(32).fill(0x55), remotePublicKey: node.manager.publicKey },
  });
  socket.write([handshake.start() ?? new Uint8Array()]);
  await village.clock.advance(100);
  let result: ReturnType<Handshake['push']>;
  for (const chunk of chunks) result ??= handshake.push(chunk);
  if (result === undefined) throw new Error('no ack');
  const encoder = new FrameEncoder(nobleCrypto, result.secrets);
  const frame = (id: number, payload: Uint8Array): Uint8Array => {
    const parts: Uint8Array[] = [];
    encoder.encode(id, payload, parts);
    return concatBytes(parts);
  };
  return { socket, seen, frame };
}

/** Dials and sees how the attempt ends, from both sides. */
async function attempt(
  village: Village,
  from: Node,
  to: Node,
): Promise<{ ours: CloseCause; theirs: CloseCause | undefined }> {
  const theirs: CloseCause[] = [];
  to.manager.on('closed', ({ cause }) => theirs.push(cause));
  const handle = village.dial(from, to);
  const ours = await village.clock.settle(handle.ended);
  await village.clock.advance(3 * SECOND);
  return { ours, theirs: theirs[0] };
}

describe('the way to an active session', () => {
  test('takes the highest version in common, from 68 to 72', async () => {
    for (const version of [68, 69, 70, 71, 72] as const) {
      const village = new Village();
      const a = await village.node({ ethVersions: [68, version] });
      const b = await village.node({ ethVersions: [version] });
      const session = await village.clock.settle(village.dial(a, b).active);
      expect(session.eth.version).toBe(version);
      expect(session.eth.remoteStatus.version).toBe(version);
      expect(session.eth.range === undefined).toBe(version === 68);
      expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test('is timed stage by stage', async () => {
    const village = new Village();
    const [a, b] = [await village.node(), await village.node()];
    village.network.link(a.host, b.host, { latencyMs: 50 });
    const handle = village.dial(a, b);
    const { stagesMs } = await village.clock.settle(handle.active);
    expect(stagesMs).toEqual({ connect: 100, auth: 100, hello: 0, status: expect.any(Number) });
    expect(stagesMs.status).toBeLessThanOrEqual(100);
    await village.clock.advance(1 * SECOND);
    const inbound = only(b).describe();
    expect(inbound.stagesMs).not.toHaveProperty('connect');
    expect(inbound).toMatchObject({ role: 'recipient', state: 'active', ethVersion: 72, client: 'node1' });
  });

  test('goes through a name, and its second address where the first does not answer', async () => {
    const village = new Village();
    const [a, b] = [await village.node(), await village.node()];
    a.world.dns.set('peer.example', ['10.9.9.9', b.host]);
    const handle = a.manager.dial({ host: 'peer.example', port: PORT, publicKey: b.manager.publicKey });
    const session = await village.clock.settle(handle.active);
    expect(session.remote.address.host).toBe(b.host);
  });

  test('both ends say Status at once after Hello; who mirrors waits and says the same back', async () => {
    const village = new Village();
    const a = await village.node({
      status: { ...statusProvider({ networkId: 99n }), mirror: true, check: () => undefined },
    });
    const b = await village.node();
    const session = await village.clock.settle(village.dial(a, b).active);
    await village.clock.advance(1 * SECOND);
    expect(session.eth.remoteStatus.networkId).toBe(1_337n);
    expect(b.manager.getByPeer(a.manager.publicKey)?.eth.remoteStatus.networkId).toBe(1_337n);
    a.manager.announceRange();
    await village.clock.advance(600 * SECOND);
    expect(b.told.filter((line) => line.startsWith('range'))).toEqual([]);
  });
});

describe('stage deadlines', () => {
  test('a peer that cannot be reached: 15 s, whether or not its name is found', async () => {
    const village = new Village();
    const [a, b] = [await village.node(), await village.node()];
    village.network.cut(a.host, b.host);
    const handle = village.dial(a, b);
    expect(handle.state).toBe('requested');
    await village.clock.advance(15 * SECOND - 1);
    expect(handle.state).toBe('connecting');
    await village.clock.advance(1);
    expect(await handle.ended).toMatchObject({
      ...{ outcome: 'expired', by: 'local', stage: 'connecting', code: 'ERR_SESSION_CONNECT_DEADLINE' },
    });
    await expect(handle.active).rejects.toBeInstanceOf(PendingSessionHandshakeError);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a peer that refuses, and a name that nobody knows, end at once with the system’s word', async () => {
    const village = new Village();
    const [a, b] = [await village.node(), await village.node()];
    const refused = a.manager.dial({ host: b.host, port: 1, publicKey: b.manager.publicKey });
    expect(await village.clock.settle(refused.ended)).toMatchObject({
      ...{ outcome: 'faulted', by: 'transport', stage: 'connecting', code: 'ECONNREFUSED' },
    });
    const unknown = a.manager.dial({ host: 'no.such.name', port: 1, publicKey: b.manager.publicKey });
    expect(await village.clock.settle(unknown.ended)).toMatchObject({ outcome: 'faulted', by: 'transport' });
  });

  test('a name that is never looked up to the end: 15 s', async () => {
    const village = new Village();
    const [a, b] = [await village.node(), await village.node()];
    a.world.dns.silence('slow.example');
    const handle = a.manager.dial({ host: 'slow.example', port: PORT, publicKey: b.manager.publicKey });
    const cause = await village.clock.settle(handle.ended, 15 * SECOND);
    expect(cause).toMatchObject({ outcome: 'expired', code: 'ERR_SESSION_CONNECT_DEADLINE' });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a peer that ends its side, at any stage, has left: no half of a session stays', async () => {
    const village = new Village();
    const node = await village.node();
    const causes: CloseCause[] = [];
    node.manager.on('closed', ({ cause }) => causes.push(cause));
    const early = await connectRaw(village, node);
    await village.clock.advance(10);
    early.socket.end();
    await village.clock.advance(10);
    const later = await authenticateOnly(village, node);
    later.socket.end();
    await village.clock.advance(10);
    expect(causes.map(({ stage }) => stage)).toEqual(['authenticating', 'greeting']);
    for (const cause of causes)
      expect(cause).toMatchObject({ outcome: 'faulted', by: 'transport', code: 'EOF' });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('E3: 300 connections that send nothing are gone after 5 s, and beyond 50 none gets that far', async () => {
    const village = new Village();
    const node = await village.node();
    const { tcp } = village.world('10.0.0.98');
    const sockets: { closed: boolean }[] = [];
    for (let i = 0; i < 300; i++) {
      void tcp.connect({ host: node.host, port: PORT }).then((socket) => {
        const seen = { closed: false };
        sockets.push(seen);
        socket.attach({
          data: () => undefined,
          drain: () => undefined,
          end: () => socket.end(),
          closed: () => {
            seen.closed = true;
          },
        });
      });
    }
    await village.clock.advance(10);
    expect(sockets).toHaveLength(300);
    expect(node.manager.count().pendingInbound).toBe(50);
    expect(node.told.filter((line) => line.startsWith('refused'))).toHaveLength(250);
    await village.clock.advance(5 * SECOND);
    expect(node.manager.count().pendingInbound).toBe(0);
    const causes = node.told.filter((line) => line.includes('ERR_SESSION_AUTH_DEADLINE'));
    expect(causes).toHaveLength(50);
    await village.clock.advance(1 * SECOND);
    expect(sockets.filter(({ closed }) => !closed)).toEqual([]);
  });

  test('ECIES half sent and dripped on: 5 s all the same', async () => {
    const village = new Village();
    const node = await village.node();
    const { socket, seen } = await connectRaw(village, node);
    socket.write([Uint8Array.of(0x01, 0x80)]); // an auth message of 384 bytes follows
    for (let i = 0; i < 49; i++) {
      await village.clock.advance(100);
      socket.write([Uint8Array.of(0)]);
    }
    expect(only(node).state).toBe('authenticating');
    await village.clock.advance(110);
    expect(node.told).toContain('expired s1 ERR_SESSION_AUTH_DEADLINE');
    expect(seen.end || seen.closed).toBe(true);
  });

  test('Hello that never comes: 5 s after ECIES, and the first bytes of a frame do not stretch it', async () => {
    const village = new Village();
    const node = await village.node();
    const { socket, frame } = await authenticateOnly(village, node);
    expect(only(node).state).toBe('greeting');
    const bytes = frame(0, new Uint8Array(1_000));
    for (let i = 0; i < 48; i++) {
      socket.write([bytes.slice(i * 10, i * 10 + 10)]);
      await village.clock.advance(100);
    }
    expect(only(node).state).toBe('greeting');
    await village.clock.advance(200);
    expect(node.told).toContain('expired s1 ERR_SESSION_HELLO_DEADLINE');
    expect(node.told).toContain('closed s1 expired 11');
  });

  test('F12: Status that never comes: 5 s after Hello, reason 11, pings and pongs notwithstanding', async () => {
    const village = new Village();
    const node = await village.node();
    const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: null });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    expect(only(node).state).toBe('verifying');
    for (let i = 0; i < 4; i++) {
      peer.connection?.ping();
      await village.clock.advance(1_200);
    }
    expect(peer.pongs).toBe(4);
    await village.clock.advance(200);
    expect(peer.end).toMatchObject({ by: 'remote', received: 11 });
    expect(node.told).toContain('expired s1 ERR_SESSION_STATUS_DEADLINE');
  });

  test('all stages together: 15 s from the first byte, even where each keeps its own', async () => {
    const village = new Village();
    const node = await village.node({ deadlines: { authMs: 9_000, helloMs: 9_000, statusMs: 9_000 } });
    const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: null });
    village.network.link('10.0.0.99', node.host, { latencyMs: 3_500 });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(20 * SECOND);
    expect(node.told).toContain('expired s1 ERR_SESSION_PENDING_DEADLINE');
  });

  test('no ping leaves before Status', async () => {
    const village = new Village();
    const node = await village.node({ deadlines: { statusMs: 60_000, pendingMs: 60_000 } });
    const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: null });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(50 * SECOND);
    expect(only(node).state).toBe('verifying');
    expect(only(node).describe().counters.messagesOut).toBe(peer.received.length + 1); // Hello and Status
  });
});

describe('Status', () => {
  const misfits: readonly [string, StatusChoices, string][] = [
    ['another network', { networkId: 2n }, 'ERR_ETH_STATUS_NETWORK'],
    ['another genesis', { genesis: 0x92 }, 'ERR_ETH_STATUS_GENESIS'],
    ['another fork id', { forkHash: 0xee }, 'ERR_ETH_STATUS_FORK_ID'],
  ];

  test.each(misfits)('of %s is refused by our rule with reason 16', async (_, choices, code) => {
    const village = new Village();
    const a = await village.node();
    const b = await village.node({ status: statusProvider(choices) });
    const { ours, theirs } = await attempt(village, a, b);
    const causes = [ours, theirs];
    expect(
      causes.some((cause) => cause?.code === code && cause.by === 'policy' && cause.reasonSent === 16),
    ).toBe(true);
    for (const cause of causes)
      expect(cause).toMatchObject({ outcome: 'cancelled', stage: 'verifying', reason: 16 });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  /** What becomes of a peer that says this after Hello. */
  async function said(say: (peer: ScriptedPeer) => void) {
    const village = new Village();
    const node = await village.node();
    const causes: CloseCause[] = [];
    node.manager.on('closed', ({ cause }) => causes.push(cause));
    const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: null });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    say(peer);
    await village.clock.advance(100);
    const told = [...node.told];
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    return { peer, cause: causes[0], told };
  }

  test('F12: anything before it is a breach', async () => {
    const { peer, cause } = await said((one) =>
      one.say({ name: 'GetBlockBodies', requestId: 1n, hashes: [new Uint8Array(32)] }),
    );
    expect(cause).toMatchObject({
      outcome: 'faulted',
      stage: 'verifying',
      code: 'ERR_SESSION_MESSAGE_EARLY',
    });
    expect(peer.end).toMatchObject({ by: 'remote', received: 2 });
  });

  test('F12: twice is a breach', async () => {
    const { peer, cause } = await said((one) => {
      one.sayStatus();
      one.sayStatus();
    });
    expect(cause).toMatchObject({ outcome: 'faulted', stage: 'active', code: 'ERR_SESSION_STATUS_TWICE' });
    expect(peer.end).toMatchObject({ received: 2 });
  });

  test.each([
    [2_049, 'ERR_SESSION_MESSAGE_SIZE'],
    [40_000, 'ERR_SESSION_MESSAGE_SIZE'],
    [1_048_576, 'ERR_RLPX_FRAME_SIZE'], // though compressed to 48 KiB
  ])('F12: of %s bytes is a breach, and is not decompressed', async (bytes, code) => {
    const { peer, cause } = await said((one) => one.raw(0, new Uint8Array(bytes)));
    expect(cause).toMatchObject({ outcome: 'faulted', stage: 'verifying', code });
    expect(peer.end).toMatchObject({ received: 2 });
  });

  test.each([
    ['cut short', (status: Uint8Array) => status.subarray(0, -1)],
    ['with a tail', (status: Uint8Array) => Uint8Array.of(...status, 0x80)],
  ])('F13: %s cannot be read', async (_, change) => {
    const { cause } = await said((one) => {
      const spec = one.spec('Status');
      const good = spec.encode({ name: 'Status', status: { ...statusProvider().status(69) } });
      one.raw(spec.id, change(good));
    });
    expect(cause).toMatchObject({
      outcome: 'faulted',
      stage: 'verifying',
      code: 'ERR_ETH_DECODE',
      reasonSent: 2,
    });
  });

  test('an id that the version does not have is a breach', async () => {
    const { cause } = await said((one) => one.raw(0x0e, Uint8Array.of(0xc0)));
    expect(cause).toMatchObject({ code: 'ERR_SESSION_MESSAGE_UNKNOWN', reasonSent: 2 });
  });

  test.each([
    ['runs backwards', range(9n, 7n)],
    ['ends in a zero hash', range(0n, 7n, 0)],
  ])('F13: with a range that %s is a breach, whatever the chain, mirrored or not', async (_, impossible) => {
    for (const mirror of [false, true]) {
      const village = new Village();
      const status = mirror ? { ...statusProvider(), mirror, check: () => undefined } : statusProvider();
      const node = await village.node({ status });
      const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: { range: impossible } });
      await village.clock.settle(peer.dial(node));
      await village.clock.advance(100);
      expect(peer.end).toMatchObject({ by: 'remote', received: 2 });
      expect(node.told).toContain('closed s1 faulted 2');
    }
  });

  test('the range that it says is the peer’s range, whatever it is', async () => {
    const village = new Village();
    const node = await village.node();
    const peer = new ScriptedPeer(village.world('10.0.0.99'), { status: { range: range(5n, 7n) } });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    expect(node.manager.active()[0]?.eth.range).toEqual(range(5n, 7n));
  });
});

describe('Hello', () => {
  test('without eth in common ends with reason 3, by our rule', async () => {
    for (const capabilities of [
      [{ name: 'eth', version: 66, length: 17 }],
      [{ name: 'snap', version: 1, length: 8 }],
    ]) {
      const village = new Village();
      const node = await village.node();
      const causes: CloseCause[] = [];
      node.manager.on('closed', ({ cause }) => causes.push(cause));
      const peer = new ScriptedPeer(village.world('10.0.0.99'), { capabilities });
      await village.clock.settle(peer.dial(node));
      await village.clock.advance(100);
      expect(causes).toMatchObject([{ outcome: 'cancelled', by: 'policy', stage: 'greeting', reason: 3 }]);
    }
  });
});

describe('a second Hello', () => {
  test('F8, E2: ends the session with reason 2, though 500 follow, and leaves no timer', async () => {
    const village = new Village();
    const node = await village.node();
    const before = village.clock.pendingTimers;
    const { socket, frame } = await authenticateOnly(village, node);
    const publicKey = nobleCrypto.publicKey(new Uint8Array(32).fill(0x55));
    const capabilities = [{ name: 'eth', version: 69 }];
    socket.write([
      frame(0, encodeHello({ p2pVersion: 4, clientId: 'twice', capabilities, listenPort: 0, publicKey })),
    ]);
    await village.clock.advance(100);
    expect(only(node).state).toBe('verifying');
    for (let i = 0; i < 500; i++) socket.write([frame(0, Uint8Array.of(0xc0))]);
    await village.clock.advance(3 * SECOND);
    expect(node.told).toContain('closed s1 faulted 2');
    socket.destroy();
    await village.clock.advance(100);
    expect(village.clock.pendingTimers).toBe(before);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('identity', () => {
  test('whoever has another key than we dialed cannot answer', async () => {
    const village = new Village();
    const [a, b, c] = [await village.node(), await village.node(), await village.node()];
    const handle = a.manager.dial({ host: b.host, port: PORT, publicKey: c.manager.publicKey });
    const cause = await village.clock.settle(handle.ended);
    expect(cause).toMatchObject({ outcome: 'faulted', by: 'transport', stage: 'authenticating' });
    expect(b.manager.active()).toEqual([]);
  });

  test('with oneself there is no session, dialed or accepted', async () => {
    const village = new Village();
    const a = await village.node();
    expect(() => village.dial(a, a)).toThrowError(expect.objectContaining({ code: 'ERR_SESSION_SELF' }));
    const twin = new ScriptedPeer(village.world('10.0.0.99'), { secretKey: a.secretKey });
    await village.clock.settle(twin.dial(a));
    await village.clock.advance(100);
    expect(twin.end).toMatchObject({ by: 'remote', received: 10 });
    expect(a.told).toContain('closed s1 cancelled 10');
  });

  test('E1: a Hello with the id of somebody else ends with reason 9, and that one’s session lives on', async () => {
    const village = new Village();
    const [node, victim] = [await village.node(), await village.node()];
    const session = await village.clock.settle(village.dial(victim, node).active);
    const { socket, seen, frame } = await authenticateOnly(village, node);
    const hello = encodeHello({
      ...{ p2pVersion: 5, clientId: 'liar', capabilities: [{ name: 'eth', version: 69 }], listenPort: 0 },
      publicKey: victim.manager.publicKey,
    });
    socket.write([frame(0, hello)]);
    await village.clock.advance(3 * SECOND);
    expect(node.told).toContain('closed s2 faulted 9');
    expect(seen.end || seen.closed).toBe(true);
    expect(session.state).toBe('active');
    expect(node.manager.active().map(({ publicKey }) => publicKey)).toEqual([victim.manager.publicKey]);
    expect(await village.clock.settle(session.ping())).toBeGreaterThan(0);
  });
});

describe('after failed attempts', () => {
  test('H10: a clean session succeeds at once, from the same host, after 100 bad ones', async () => {
    const village = new Village();
    const node = await village.node();
    const bad = village.world('10.0.0.99');
    for (let i = 0; i < 100; i++) {
      const socket: TcpSocket = await village.clock.settle(bad.tcp.connect({ host: node.host, port: PORT }));
      socket.attach({
        data: () => undefined,
        drain: () => undefined,
        end: () => undefined,
        closed: () => undefined,
      });
      if (i % 2 === 0) socket.write([new Uint8Array(307).fill(0xff)]);
      await village.clock.advance(5);
      socket.destroy();
    }
    const peer = new ScriptedPeer(bad);
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    expect(node.manager.active()).toHaveLength(1);
    expect(peer.heard('Status')).toHaveLength(1);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});
