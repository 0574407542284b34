import { describe, expect, test } from 'vitest';
import { MemoryChain } from '../../src/chain/index.js';
import { createNode, importIntoDatadir, logNode, type NodeOptions } from '../../src/node/index.js';
import { simulatedWorld } from '../../src/runtime/index.js';
import { branch, buildChain, chainFiles, hasher } from '../support/chain-builder.js';
import { Internet, settled } from '../support/node-worlds.js';
import { SimulatedUpstream, UPSTREAM_URLS } from '../support/upstream-worlds.js';

const chain = buildChain(120, (n) => ({ transactions: n % 3 }));
const other = branch(chain, 90, 160, (n) => ({ transactions: n % 2, extra: 'other' }));
const hashes = chain.blocks.slice(100, 110).map(({ header }) => header.hash);
const bodies = chain.blocks.slice(100, 110).map(({ body }) => body);

/** A node before an upstream, and a peer that has a session with it. */
async function shield(blocks = 120) {
  const internet = new Internet();
  const world = internet.world();
  const upstream = new SimulatedUpstream(chain, 'ws', world);
  upstream.memory.append(chain.blocks.slice(0, blocks));
  await upstream.start();
  const made = internet.node({ chain: chain.spec, upstream: UPSTREAM_URLS.ws, world });
  const node = await settled(internet.clock, made);
  const peer = await internet.node({ chain: chain.spec });
  const session = await settled(internet.clock, peer.dial(node.enode ?? '').active);
  return { internet, clock: internet.clock, upstream, node, peer, session };
}

describe('a node before an upstream', () => {
  test('says in its Status what the upstream has, and serves it', async () => {
    const { clock, session, node } = await shield();
    expect(session.eth.range).toMatchObject({ earliest: 0n, latest: 120n });
    expect(await settled(clock, session.eth.getBlockBodies(hashes))).toEqual(bodies);
    const query = { origin: 5n, amount: 60, skip: 0n, reverse: false };
    const headers = await settled(clock, session.eth.getBlockHeaders(query));
    expect(headers).toEqual(chain.blocks.slice(4, 64).map(({ header }) => header.raw));
    expect(node.status()).toMatchObject({
      head: 120n,
      served: 2,
      upstream: { state: 'up', client: 'Fake/v1.0' },
    });
    expect(() => node.store).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_VALUE', field: 'store' }));
    await expect(node.pull()).rejects.toMatchObject({ code: 'ERR_CONFIG_VALUE' });
  });

  test('announces its head as it moves, and other branches', async () => {
    const { clock, session, upstream, node } = await shield(60);
    upstream.memory.append(chain.blocks.slice(60));
    upstream.server.tellHead();
    await clock.advance(60_000);
    expect(session.eth.range?.latest).toBe(120n);
    upstream.memory.append(other.blocks.slice(90), { rollbackTo: 90n });
    upstream.server.tellHead();
    await clock.advance(60_000);
    expect(session.eth.range).toMatchObject({ latest: 160n, latestHash: other.blocks[159]?.header.hash });
    expect(await settled(clock, session.eth.getBlockBodies(hashes))).toEqual([]);
    expect(node.backend.range().latest).toBe(160n);
  });

  test('keeps its sessions while the upstream is away, and answers with less', async () => {
    const { clock, session, upstream, node } = await shield();
    await upstream.stop();
    await clock.advance(600_000);
    expect(session.state).toBe('active');
    expect(await settled(clock, session.eth.getBlockBodies(hashes))).toEqual([]);
    expect(node.status().upstream).toMatchObject({
      state: 'down',
      says: expect.stringContaining('ECONNREFUSED'),
    });
    await upstream.start();
    await clock.advance(15_000);
    expect(await settled(clock, session.eth.getBlockBodies(hashes))).toEqual(bodies);
  });

  test('one peer’s slow answers do not hold up another’s', async () => {
    const { internet, clock, session, upstream, node } = await shield();
    const other = await internet.node({ chain: chain.spec });
    const second = await settled(clock, other.dial(node.enode ?? '').active);
    const mine = [chain.genesis.hash];
    upstream.server.faults = { delayMs: 9_000 };
    const slow = session.eth.getBlockBodies(hashes, { timeoutMs: 60_000 });
    const before = clock.now();
    const quick = second.eth.getBlockBodies(mine);
    expect(await settled(clock, quick)).toHaveLength(1);
    expect(clock.now() - before).toBeLessThan(500);
    expect(await settled(clock, slow)).toEqual(bodies);
  });

  test('who has gone is not answered for: reads are called off', async () => {
    const { clock, session, upstream, node } = await shield();
    upstream.server.faults = { delayMs: 9_000 };
    session.eth.getBlockBodies(hashes).catch(() => undefined);
    await clock.advance(500);
    session.disconnect();
    await clock.advance(1_000);
    expect(node.status()).toMatchObject({ served: 0, peers: { inbound: 0 } });
    await settled(clock, node.close());
  });

  test('is not started before an upstream of another chain, and leaves nothing behind', async () => {
    const internet = new Internet();
    const world = internet.world();
    const upstream = new SimulatedUpstream(
      buildChain(1, () => ({}), 'another'),
      'ws',
      world,
    );
    await upstream.start();
    const made = internet.node({ chain: chain.spec, upstream: UPSTREAM_URLS.ws, world });
    await expect(settled(internet.clock, made)).rejects.toMatchObject({ code: 'ERR_CHAIN_GENESIS' });
    await internet.clock.advance(5_000);
    expect(internet.clock.pendingTimers).toBe(0);
  });

  test('logs its upstream, and shows it in the line of status', async () => {
    const { clock, upstream, node } = await shield();
    const lines: { readonly event?: string; readonly text: string }[] = [];
    const write = (fields: object, text: string): void => void lines.push({ ...fields, text });
    const quiet = logNode(
      node,
      { debug: write, info: write, warn: write, error: write },
      { statusEveryMs: 60_000 },
    );
    await clock.advance(60_000);
    expect(lines.find(({ event }) => event === 'status')?.text).toMatch(
      /^1 in, 0 out, head 120, 0 requests served.*, upstream Fake\/v1\.0 up/,
    );
    await upstream.stop();
    await clock.advance(60_000);
    expect(lines.at(-1)?.text).toContain('down');
    quiet();
  });
});

describe('an import that asks an upstream for receipts', () => {
  const { chain: file } = chainFiles(chain.blocks);

  test('has them all, verified', async () => {
    const world = simulatedWorld({ seed: 1 });
    const upstream = new SimulatedUpstream(chain, 'http', world);
    upstream.memory.append(chain.blocks);
    await upstream.start();
    await world.files.writeWhole('/chain.rlp', file);
    const work = { file: '/chain.rlp', datadir: '/data', chain: chain.spec, world };
    expect(await settled(world.clock, importIntoDatadir(work))).toMatchObject({
      head: 120,
      receiptsMissing: 80,
    });
    const asked = { ...work, upstream: upstream.url };
    expect(await settled(world.clock, importIntoDatadir(asked))).toMatchObject({
      ...{ known: 120, receiptsFilled: 80, receiptsMissing: 0 },
    });
    await upstream.stop();
    expect(await settled(world.clock, importIntoDatadir(asked))).toMatchObject({ receiptsFilled: 0 });
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('says so where nobody answers, or another chain does; the blocks are kept', async () => {
    const world = simulatedWorld({ seed: 1 });
    await world.files.writeWhole('/chain.rlp', file);
    const upstream = UPSTREAM_URLS.http;
    const work = { file: '/chain.rlp', datadir: '/data', chain: chain.spec, world, upstream };
    await expect(settled(world.clock, importIntoDatadir(work))).rejects.toMatchObject({
      ...{ code: 'ERR_CHAIN_UPSTREAM', message: expect.stringContaining('ECONNREFUSED') },
    });
    await new SimulatedUpstream(
      buildChain(1, () => ({}), 'another'),
      'http',
      world,
    ).start();
    await expect(settled(world.clock, importIntoDatadir(work))).rejects.toMatchObject({
      code: 'ERR_CHAIN_GENESIS',
    });
    const { upstream: _, ...without } = work;
    expect(await settled(world.clock, importIntoDatadir(without))).toMatchObject({ known: 120 });
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe('a node before a backend of one’s own', () => {
  const memory = (): MemoryChain => {
    const made = new MemoryChain(chain.spec, hasher);
    made.append(chain.blocks);
    return made;
  };

  test('serves it, follows it, and leaves it alone in the end', async () => {
    const internet = new Internet();
    const backend = memory();
    const node = await internet.node({ chain: undefined, backend });
    const peer = await internet.node({ chain: chain.spec });
    const session = await settled(internet.clock, peer.dial(node.enode ?? '').active);
    expect(node.backend).toBe(backend);
    expect(await settled(internet.clock, session.eth.getBlockBodies(hashes))).toEqual(bodies);
    backend.append(other.blocks.slice(90), { rollbackTo: 90n });
    await internet.clock.advance(60_000);
    expect(session.eth.range?.latest).toBe(160n);
    await settled(internet.clock, node.close());
    backend.rollback(3n);
    expect(backend.range().latest).toBe(3n);
  });

  test('has one chain, from one place', async () => {
    const wrong: readonly (readonly [NodeOptions, string, string])[] = [
      [{ backend: memory(), chain: buildChain(1, () => ({}), 'another').spec }, 'ERR_CONFIG_CHAIN', 'chain'],
      [{ backend: memory(), upstream: UPSTREAM_URLS.http }, 'ERR_CONFIG_VALUE', 'upstream'],
      [{ backend: memory(), pull: true }, 'ERR_CONFIG_VALUE', 'pull'],
      [{ backend: memory(), keep: 5 }, 'ERR_CONFIG_VALUE', 'keep'],
      [{ chain: chain.spec, upstream: UPSTREAM_URLS.http, pull: true }, 'ERR_CONFIG_VALUE', 'pull'],
      [{ chain: chain.spec, upstream: UPSTREAM_URLS.http, keep: 5 }, 'ERR_CONFIG_VALUE', 'keep'],
      [{ upstream: UPSTREAM_URLS.http }, 'ERR_CONFIG_CHAIN', 'chain'],
      [{ chain: chain.spec, upstream: 'geth.ipc' }, 'ERR_CONFIG_VALUE', 'upstream'],
      [{ chain: chain.spec, upstream: '' }, 'ERR_CONFIG_VALUE', 'upstream'],
    ];
    for (const [options, code, field] of wrong)
      await expect(createNode({ ...options, world: new Internet().world() })).rejects.toMatchObject({
        code,
        field,
      });
  });
});
