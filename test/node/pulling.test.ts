import { describe, expect, test } from 'vitest';
import { prefixedHex } from '../../src/codec/index.js';
import { createNode, type PullOutcome, type PullProgress, type RlpxdNode } from '../../src/node/index.js';
import { silentLogger } from '../../src/runtime/index.js';
import { demo, demoBlocks, Internet, settled } from '../support/node-worlds.js';

const blocks = demoBlocks();
const hashOf = (number: number): string => prefixedHex(blocks[number - 1]?.header.hash ?? new Uint8Array());

/** A node with the first blocks of the demonstration chain. */
async function source(internet: Internet, upTo = 560, key = '01'.repeat(32)): Promise<RlpxdNode> {
  const node = await internet.node({ key });
  await node.store.append(blocks.slice(0, upTo));
  return node;
}

describe('a node that pulls', () => {
  test('copies the chain from one peer and ends at its head', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const empty = await internet.node({ peers: [full.enode ?? ''] });
    const progress: PullProgress[] = [];
    empty.on('pull.progress', (at) => progress.push(at));
    const outcome = await settled(internet.clock, empty.pull());
    expect(outcome).toMatchObject({
      head: 560,
      hash: hashOf(560),
      blocks: 560,
      reorganisations: 0,
      conflicts: [],
    });
    expect(outcome.bytes).toBeGreaterThan(500_000);
    expect(progress.at(-1)).toMatchObject({ head: 560, target: 560, peers: 1 });
    expect(empty.status()).toMatchObject({ head: 560n, pulling: false });
  });

  test.each([68, 69, 70, 71, 72])('on eth/%i, too', async (version) => {
    const internet = new Internet();
    const full = await source(internet);
    const empty = await internet.node({ peers: [full.enode ?? ''], ethVersions: [version] });
    expect(await settled(internet.clock, empty.pull())).toMatchObject({ head: 560, hash: hashOf(560) });
    const last = blocks.at(-1);
    const list = last && (await empty.store.accessList(last.header.hash));
    if (version >= 71) expect(list).toEqual(last?.accessList);
    else expect(list).toBeUndefined();
  });

  test('ends at a number or a hash, and goes on from there', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const empty = await internet.node({ peers: [full.enode ?? ''] });
    expect(await settled(internet.clock, empty.pull({ to: { number: 100 } }))).toMatchObject({
      head: 100,
      blocks: 100,
    });
    const second = await settled(internet.clock, empty.pull({ to: { hash: hashOf(300) } }));
    expect(second).toMatchObject({ head: 300, blocks: 200, hash: hashOf(300) });
    await expect(empty.pull({ to: { hash: '0x12' } })).rejects.toMatchObject({
      code: 'ERR_CONFIG_VALUE',
      field: 'to',
    });
  });

  test('follows: three empty nodes that know one source and each other are all equal, and stay so', async () => {
    const internet = new Internet();
    const full = await source(internet, 500);
    const nodes: RlpxdNode[] = [];
    const caughtUp: PullOutcome[] = [];
    for (let i = 0; i < 3; i++) {
      const peers = [full, ...nodes].map(({ enode }) => enode ?? '');
      const node = await internet.node({ peers, pull: true });
      node.on('pull.done', (outcome) => caughtUp.push(outcome));
      nodes.push(node);
    }
    await internet.clock.advance(20_000);
    expect(nodes.map((node) => node.status().head)).toEqual([500n, 500n, 500n]);
    expect(caughtUp.length).toBeGreaterThanOrEqual(3);
    await full.store.append(blocks.slice(500));
    await internet.clock.advance(20_000);
    expect(nodes.map((node) => prefixedHex(node.status().hash))).toEqual([
      hashOf(560),
      hashOf(560),
      hashOf(560),
    ]);
    await expect(nodes[0]?.pull()).rejects.toMatchObject({ code: 'ERR_CONFIG_VALUE' });
  });

  test('its own peers hear of the new head', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const empty = await internet.node({ peers: [full.enode ?? ''], pull: true });
    const third = await internet.node();
    const session = await settled(internet.clock, third.dial(empty.enode ?? '').active);
    await internet.clock.advance(20_000);
    expect(session.eth.range).toMatchObject({ latest: 560n });
  });

  test('closed in the middle, it ends in order and keeps what it has', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const world = internet.world();
    const empty = await internet.node({ world, datadir: '/d', peers: [full.enode ?? ''], pull: true });
    await settled(internet.clock, new Promise((resolve) => empty.on('chain.head', resolve)));
    await settled(internet.clock, empty.close());
    await settled(internet.clock, full.close());
    expect(internet.clock.pendingTimers).toBe(0);
    const again = await createNode({ world, datadir: '/d', chain: demo.genesis() });
    expect(again.status().head).toBeGreaterThan(0n);
    await again.close();
  });

  test('the disk fills up: the pull ends and says so, what was stored is whole', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const world = internet.world();
    const empty = await internet.node({ world, datadir: '/d', peers: [full.enode ?? ''] });
    const noMore = empty.on('chain.head', () => world.stores.failWrites('ENOSPC'));
    await expect(settled(internet.clock, empty.pull())).rejects.toMatchObject({ detail: 'ENOSPC' });
    const { head } = empty.status();
    expect(head).toBeGreaterThan(0n);
    expect(head).toBeLessThan(560n);
    noMore();
    world.stores.failWrites(undefined);
    expect(await settled(internet.clock, empty.pull())).toMatchObject({ head: 560 });
  });

  test('a daemon goes on pulling once there is room again', async () => {
    const internet = new Internet();
    const full = await source(internet);
    const world = internet.world();
    const lines: object[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void lines.push(fields) };
    const empty = await internet.node({
      world,
      datadir: '/d',
      peers: [full.enode ?? ''],
      pull: true,
      logger,
    });
    const noMore = empty.on('chain.head', () => world.stores.failWrites('ENOSPC'));
    await internet.clock.advance(30_000);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]).toMatchObject({
      event: 'pull.failed',
      cause: { detail: 'ENOSPC', message: expect.stringMatching(/stored: up to block \d+/) },
    });
    noMore();
    world.stores.failWrites(undefined);
    await internet.clock.advance(60_000);
    expect(empty.status()).toMatchObject({ head: 560n, pulling: true });
  });
});
