import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { chooseCrypto } from '../../src/crypto/index.js';
import { decodeHeader, headerHash } from '../../src/eth/index.js';
import { ConfigError, createNode } from '../../src/node/index.js';
import { DISCONNECT } from '../../src/rlpx/index.js';
import type { CloseCause, Session } from '../../src/session/index.js';
import { demo, Internet, settled } from '../support/node-worlds.js';

const MINUTE = 60_000;

describe('two nodes', () => {
  test('meet, agree, ask each other for headers, and part with a reason', async () => {
    const internet = new Internet();
    const [a, b] = [await internet.node(), await internet.node()];
    const ends: CloseCause[] = [];
    b.on('session.ended', ({ cause }) => ends.push(cause));
    const session = await settled(internet.clock, a.dial(b.enode ?? '').active);
    expect(session.remote.client).toMatch(/^rlpxd\/v\d+\.\d+\.\d+\/\w+-\w+\/node\d+/);
    expect(session.eth.version).toBe(72);
    expect(session.remote).toMatchObject({ p2pVersion: 5, listenPort: 30303 });
    expect(bytesToHex(session.nodeId)).toBe(b.identity.id);

    const query = { origin: 0n, amount: 1, skip: 0n, reverse: false };
    const [genesis] = await settled(internet.clock, session.eth.getBlockHeaders(query));
    expect(genesis && headerHash(genesis, chooseCrypto())).toEqual(a.chain.genesisHash);
    expect(genesis && decodeHeader(genesis).number).toBe(0n);

    expect(a.status().peers).toEqual({ inbound: 0, outbound: 1, pending: 0 });
    expect(b.status().peers).toEqual({ inbound: 1, outbound: 0, pending: 0 });
    await settled(internet.clock, a.close());
    await internet.clock.advance(100);
    expect(ends).toMatchObject([
      { outcome: 'closed', by: 'remote', reasonReceived: DISCONNECT.clientQuitting },
    ]);
    expect(b.status().bytesIn).toBeGreaterThan(500);
    await settled(internet.clock, b.close());
    expect(internet.clock.pendingTimers).toBe(0);
  });

  test('a static peer that comes later, goes and comes back is in session again each time', async () => {
    const internet = new Internet();
    const world = internet.world();
    const key = '01'.repeat(32);
    const first = await internet.node({ world, key });
    const enode = first.enode ?? '';
    await settled(internet.clock, first.close());

    const waits: number[] = [];
    const active: Session[] = [];
    const ours = await internet.node({ peers: [enode] });
    ours.on('peer.waiting', ({ wait }) => waits.push(wait.failures));
    ours.on('session.active', ({ session }) => active.push(session));
    await internet.clock.advance(3_000);
    expect(waits.slice(0, 2)).toEqual([1, 2]);

    const second = await internet.node({ world, key });
    await internet.clock.advance(10_000);
    expect(active).toHaveLength(1);
    expect(active[0]).toMatchObject({ direction: 'outbound', kind: 'static' });
    await settled(internet.clock, second.close());
    const third = await internet.node({ world, key });
    await internet.clock.advance(10_000);
    expect(active).toHaveLength(2);
    expect(third.status().peers.inbound).toBe(1);
    ours.removePeer(enode);
    await settled(internet.clock, third.close());
    await internet.clock.advance(10 * MINUTE);
    expect(ours.status().peers).toEqual({ inbound: 0, outbound: 0, pending: 0 });
  });

  test('a node that closes waits for none of those whom it leaves', async () => {
    const internet = new Internet();
    const host = await internet.node();
    const ours = await internet.node({ peers: [host.enode ?? ''] });
    await internet.clock.advance(1_000);
    expect(ours.status().peers.outbound).toBe(1);
    const waits: unknown[] = [];
    ours.on('peer.waiting', (event) => waits.push(event));
    await settled(internet.clock, ours.close());
    expect(waits).toEqual([]);
  });

  test('a peer that is still being dialed hears the same goodbye', async () => {
    const internet = new Internet();
    const host = await internet.node();
    const heard: (number | undefined)[] = [];
    host.on('session.ended', ({ cause }) => heard.push(cause.reasonReceived));
    for (let ms = 1; ms < 12; ms++) {
      const guest = await internet.node({ peers: [host.enode ?? ''] });
      await internet.clock.advance(ms);
      await settled(internet.clock, guest.close());
    }
    // some were called off before a Disconnect could be read, which is silence; nobody heard anything else
    expect(new Set(heard)).toEqual(new Set([undefined, DISCONNECT.clientQuitting]));
  });

  test('nodes of different chains refuse each other, and try again only after long', async () => {
    const internet = new Internet();
    const a = await internet.node();
    const genesis = JSON.parse(demo.genesis());
    genesis.config.chainId = 5;
    const b = await internet.node({ chain: genesis, peers: [a.enode ?? ''] });
    const ends: CloseCause[] = [];
    const waits: string[] = [];
    b.on('session.ended', ({ cause }) => ends.push(cause));
    b.on('peer.waiting', ({ wait }) => waits.push(wait.failure));
    await internet.clock.advance(20_000);
    expect(ends).toMatchObject([{ outcome: 'cancelled', reason: DISCONNECT.subprotocolError }]);
    expect(waits).toEqual(['unsuitable']);
  });

  test('nobody outside of the allowed networks is dialed or accepted', async () => {
    const internet = new Internet();
    const [a, b] = [await internet.node(), await internet.node({ netRestrict: ['10.9.0.0/16'] })];
    const outward = await settled(internet.clock, b.dial(a.enode ?? '').ended);
    expect(outward.says).toContain('outside of the allowed networks');
    const inward = await settled(internet.clock, a.dial(b.enode ?? '').ended);
    expect(inward.by).toBe('transport');
  });

  test('a full house takes trusted peers only', async () => {
    const internet = new Internet();
    const [guest, friend] = [
      await internet.node({ key: '02'.repeat(32) }),
      await internet.node({ key: '03'.repeat(32) }),
    ];
    const host = await internet.node({ maxPeers: 0, trusted: [friend.enode ?? ''] });
    const refused = await settled(internet.clock, guest.dial(host.enode ?? '').ended);
    expect(refused).toMatchObject({ reasonReceived: DISCONNECT.tooManyPeers });
    await internet.clock.advance(5_000);
    expect(host.sessions.active()).toMatchObject([{ kind: 'trusted' }]);
  });
});

describe('a node that cannot start leaves nothing open', () => {
  test('its port is in use', async () => {
    const internet = new Internet();
    const world = internet.world();
    const first = await internet.node({ world, datadir: '/a' });
    const second = internet.node({ world, datadir: '/b' });
    await expect(second).rejects.toMatchObject({ code: 'ERR_RUNTIME_LISTEN', detail: 'EADDRINUSE' });
    await settled(internet.clock, first.close());
    const again = await internet.node({ world, datadir: '/b' });
    await settled(internet.clock, again.close());
    expect(internet.clock.pendingTimers).toBe(0);
  });

  test('its datadir is in use, of another genesis, or holds no chain', async () => {
    const internet = new Internet();
    const world = internet.world();
    await expect(createNode({ world, datadir: '/a' })).rejects.toMatchObject({ code: 'ERR_CONFIG_CHAIN' });
    const node = await createNode({ world, datadir: '/a', chain: demo.genesis() });
    await expect(createNode({ world, datadir: '/a' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_STORE_BUSY',
    });
    await node.close();
    await expect(createNode({ world, datadir: '/a', chain: 'hoodi' })).rejects.toMatchObject({
      code: 'ERR_CHAIN_GENESIS',
    });
    const again = await createNode({ world, datadir: '/a' });
    expect(again.chain.networkId).toBe(node.chain.networkId);
    expect(again.identity).toEqual(node.identity);
    await again.close();
  });

  test('the disk is full', async () => {
    const world = new Internet().world();
    world.stores.failWrites('ENOSPC');
    await expect(createNode({ world, datadir: '/a', chain: demo.genesis() })).rejects.toMatchObject({
      detail: 'ENOSPC',
    });
    world.stores.failWrites(undefined);
    await (await createNode({ world, datadir: '/a', chain: demo.genesis() })).close();
  });

  test('no chain at all', async () => {
    await expect(createNode({ world: new Internet().world() })).rejects.toThrow(ConfigError);
    await expect(createNode({ world: new Internet().world(), chain: 'moonnet' })).rejects.toMatchObject({
      code: 'ERR_CONFIG_CHAIN',
      message: expect.stringContaining('mainnet, sepolia, hoodi'),
    });
    await expect(createNode({ world: new Internet().world(), chain: { config: {} } })).rejects.toMatchObject({
      code: 'ERR_CONFIG_GENESIS',
    });
  });
});

test('on loopback, with the real world', async () => {
  const options = {
    chain: demo.genesis(),
    listen: { host: '0.0.0.0', port: 0 },
    netRestrict: ['127.0.0.0/8'],
  };
  await using a = await createNode(options);
  expect(a.enode).toMatch(/@127\.0\.0\.1:\d+$/);
  await using b = await createNode({
    chain: demo.genesis(),
    netRestrict: ['127.0.0.0/8'],
    ethVersions: [68, 70],
  });
  const session = await b.dial(a.enode ?? '').active;
  expect(session.eth.version).toBe(70);
  expect(await session.ping()).toBeGreaterThan(0);
  expect(session.eth.remoteStatus).toMatchObject({ networkId: 9303030n, latest: 0n });
});
