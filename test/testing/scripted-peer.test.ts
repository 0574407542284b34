import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DISCONNECT } from '../../src/index.js';
import { ScriptedPeer, TestingError } from '../../src/testing/index.js';
import { crypto, hash, item, PORT, SECOND, type TellingStatus, Town } from '../support/rows-town.js';

const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };

describe('a scripted peer', () => {
  test('mirrors the Status of the node, or says its own', async () => {
    const town = new Town();
    const node = await town.node();
    const mirror = await town.guest(node, { ethVersions: [70] });
    expect(mirror.ours.eth.remoteStatus).toEqual(node.status.status(70));
    const own = { ...node.status.status(69), latest: 700n };
    const given = await town.guest(node, {
      ethVersions: [69],
      status: own as ReturnType<TellingStatus['status']>,
    });
    expect(given.ours.eth.range?.latest).toBe(700n);
    const made = await town.guest(node, { status: (version) => node.status.status(version) });
    expect(made.session.status).toEqual(node.status.status(72));
    expect(made.session.version).toBe(72);
  });

  test('holds back each step of its beginning until it is let go, dialed or dialing', async () => {
    const town = new Town();
    const node = await town.node();
    const target = await town.peer({ holdBack: ['auth', 'hello', 'status'] });
    const dialed = town.dial(node, target);
    const { session } = await town.caller(node, { holdBack: ['auth', 'hello', 'status'] });
    const accepted = await town.clock.settle(target.peer.accepted());
    for (const state of ['authenticating', 'greeting', 'verifying', 'active']) {
      await town.clock.advance(50);
      expect(node.manager.list().map((one) => one.state)).toEqual([state, state]);
      if (state === 'active') break;
      session.release();
      accepted.release();
    }
    await Promise.all([session.ready, accepted.ready, dialed.active]);
    expect(() => session.release()).toThrow(expect.objectContaining({ code: 'ERR_TESTING_STATE' }));
  });

  test('may be let go before the node has said a word', async () => {
    const town = new Town();
    const node = await town.node();
    const target = await town.peer({ holdBack: ['auth', 'hello', 'status'] });
    const dialed = town.dial(node, target);
    const session = await town.clock.settle(target.peer.accepted());
    for (let i = 0; i < 3; i++) session.release();
    expect((await town.clock.settle(dialed.active)).state).toBe('active');
  });

  test('gives each message that it heard to one expectation, in order', async () => {
    const town = new Town();
    const { session, ours } = await town.guest(await town.node());
    for (const byte of [1, 2, 3]) ours.eth.getBlockBodies([hash(byte)]).catch(() => undefined);
    await town.clock.advance(50);
    expect(session.heard.map(({ message }) => message?.name)).toEqual(Array(3).fill('GetBlockBodies'));
    const first = await session.expect('GetBlockBodies');
    const second = await session.expect('GetBlockBodies');
    expect([first.hashes, second.hashes]).toEqual([[hash(1)], [hash(2)]]);
    const [third, none] = [
      session.expect('GetBlockBodies'),
      session.expect('GetBlockBodies', { timeoutMs: 100 }),
    ];
    expect((await third).hashes).toEqual([hash(3)]);
    await expect(town.clock.settle(none)).rejects.toMatchObject({ code: 'ERR_TESTING_TIMEOUT' });
    const ping = session.expectRaw(({ capability, id }) => capability === 'eth' && id === 3);
    ours.eth.getBlockHeaders(query).catch(() => undefined);
    expect((await town.clock.settle(ping)).message).toMatchObject({ name: 'GetBlockHeaders' });
  });

  test('answers what it was told to answer, or leaves it', async () => {
    const town = new Town();
    const { session, ours } = await town.guest(await town.node());
    session.respond('GetBlockHeaders', (request) =>
      request.query.amount === 1n ? { name: 'BlockHeaders', requestId: 0n, headers: [item(3)] } : undefined,
    );
    expect(await town.clock.settle(ours.eth.getBlockHeaders(query))).toEqual([item(3)]);
    const left = ours.eth.getBlockHeaders({ ...query, amount: 2n }, { timeoutMs: SECOND });
    await expect(town.clock.settle(left)).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });
    expect(session.heard).toEqual([]);
  });

  test('tells how a connection ended, whoever ended it, and refuses to go on', async () => {
    const town = new Town();
    const node = await town.node();
    const [left, told, cut] = [await town.guest(node), await town.guest(node), await town.guest(node)];
    left.session.disconnect(DISCONNECT.clientQuitting);
    told.ours.disconnect(DISCONNECT.uselessPeer);
    town.network.reset(node.host, cut.host);
    await town.clock.advance(50);
    expect([left, told, cut].map(({ session }) => session.end)).toEqual([
      ...[
        { by: 'script', reason: 8 },
        { by: 'remote', reason: 3 },
        { by: 'transport', code: 'ECONNRESET' },
      ],
    ]);
    await expect(told.session.expect('Transactions')).rejects.toThrow(/ended: by the node, useless peer/);
    expect(left.peer.sessions).toEqual([]);
    expect((await left.ours.ended).reasonReceived).toBe(8);
  });

  test('refuses what it cannot send', async () => {
    const town = new Town();
    const node = await town.node();
    const early = await town.caller(node, { holdBack: ['auth'] });
    const state = expect.objectContaining({ code: 'ERR_TESTING_STATE' });
    expect(() => early.session.sendFrame(2, Uint8Array.of(0xc0))).toThrow(state);
    expect(() => early.session.version).toThrow(state);
    const { session } = await town.guest(node, { ethVersions: [69] });
    const argument = expect.objectContaining({ code: 'ERR_TESTING_ARGUMENT' });
    expect(() =>
      session.send({ name: 'GetCells', requestId: 1n, hashes: [], mask: new Uint8Array(16) }),
    ).toThrow(argument);
    expect(() => session.sendRaw(0, Uint8Array.of(0xc0), 'snap')).toThrow(argument);
    expect(session.end).toBeUndefined();
  });

  test('knows when what it hears is no RLPx', async () => {
    const town = new Town();
    const world = town.world('10.3.0.1');
    await town.clock.settle(
      world.tcp.listen({ host: '0.0.0.0', port: PORT }, (socket) => {
        const nothing = (): void => undefined;
        socket.attach({ data: nothing, drain: nothing, end: nothing, closed: nothing });
        socket.write([new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')]);
      }),
    );
    const { peer } = await town.peer();
    const publicKey = crypto.publicKey(hash(9));
    const session = await town.clock.settle(peer.dial({ host: '10.3.0.1', port: PORT, publicKey }));
    expect(await town.clock.settle(session.ended)).toEqual({ by: 'transport', code: 'ERR_RLPX_AUTH_SIZE' });
    await expect(session.ready).rejects.toBeInstanceOf(TestingError);
    await town.clock.settle(peer.close());
    expect(peer.sessions).toEqual([]);
  });

  test('speaks without compression where its Hello says an old version', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node, { hello: { p2pVersion: 4 } });
    expect(ours.remote.p2pVersion).toBe(4);
    await town.clock.settle(session.ping());
    session.send({ name: 'GetBlockHeaders', requestId: 1n, query });
    expect(await town.clock.settle(session.expect('BlockHeaders'))).toMatchObject({ requestId: 1n });
  });

  test('stalls and goes on, and lets all go when it closes', async () => {
    const town = new Town();
    const node = await town.node();
    const { peer, session, ours } = await town.guest(node);
    session.stall();
    for (let i = 0; i < 20; i++) ours.eth.send({ name: 'Transactions', transactions: [item(50_000)] });
    await town.clock.advance(SECOND);
    expect(session.heard).toEqual([]);
    session.goOn();
    await town.clock.advance(SECOND);
    expect(session.heard).toHaveLength(20);
    const nobody = peer.dial({ host: '10.9.9.9', port: 1, publicKey: hash(1) });
    await expect(town.clock.settle(nobody)).rejects.toMatchObject({ code: 'ERR_RUNTIME_CONNECT' });
    await town.clock.settle(peer.close());
    await town.clock.advance(100);
    expect(node.causes).toMatchObject([{ by: 'transport', code: 'EOF' }]);
  });

  test('closed while it dials, or is about to listen, leaves no socket and no promise open', async () => {
    const town = new Town(1, { link: { latencyMs: 50 } });
    const node = await town.node();
    const host = '10.6.0.1';
    const peer = new ScriptedPeer({ world: town.world(host), crypto });
    const target = { host: node.host, port: PORT, publicKey: node.manager.publicKey };
    const dialing = peer.dial(target);
    const listening = peer.listen({ host: '0.0.0.0', port: PORT });
    const accepted = peer.accepted();
    const ended = expect.objectContaining({ code: 'ERR_TESTING_ENDED' });
    const all = Promise.allSettled([dialing, listening, accepted]);
    await town.clock.settle(peer.close());
    expect(await town.clock.settle(all)).toEqual(Array(3).fill({ status: 'rejected', reason: ended }));
    await town.clock.advance(SECOND);
    expect(peer.sessions).toEqual([]);
    expect(node.manager.list()).toEqual([]);
    expect(town.network.describeOpenSockets()).toEqual([]);
    await expect(peer.dial(target)).rejects.toThrow(ended);
    await expect(peer.listen({ host: '0.0.0.0', port: PORT })).rejects.toThrow(ended);
    await expect(peer.accepted()).rejects.toThrow(ended);
    const knock = town.world('10.7.7.7').tcp.connect({ host, port: PORT });
    await expect(town.clock.settle(knock)).rejects.toMatchObject({ code: 'ERR_RUNTIME_CONNECT' });
  });
});

test('docs/testing.md shows the example that runs here', () => {
  const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
  const shown = /```ts\n([\s\S]*?)```/.exec(page)?.[1];
  const runs = readFileSync(new URL('./example.test.ts', import.meta.url), 'utf8')
    .replace('../../src/testing/index.js', 'rlpxd/testing')
    .replace('../../src/index.js', 'rlpxd');
  expect(shown).toBe(runs);
});
