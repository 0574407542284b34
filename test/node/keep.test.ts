import { expect, test } from 'vitest';
import { createNode } from '../../src/node/index.js';
import { simulatedWorld } from '../../src/runtime/index.js';
import { buildChain } from '../support/chain-builder.js';

const chain = buildChain(50);

test('a node that keeps the latest blocks brings its store down at the start, and announces what it has', async () => {
  const world = simulatedWorld({ seed: 5 });
  const options = { world, chain: chain.spec, datadir: '/node' };
  const first = await createNode(options);
  await first.store.append(chain.blocks.slice(0, 40));
  await first.close();
  const node = await createNode({ ...options, keep: 10 });
  for (let turn = 0; turn < 100 && node.store.range().earliest < 31n; turn++) await world.clock.advance(1);
  expect(node.store.range()).toMatchObject({ earliest: 31n, latest: 40n });
  await node.store.append(chain.blocks.slice(40));
  expect(node.store.range()).toMatchObject({ earliest: 41n, latest: 50n });
  await node.close();
});

test.each([0, -1, 1.5, Number.NaN])('keeping %d blocks is refused', async (keep) => {
  const world = simulatedWorld({ seed: 5 });
  await expect(createNode({ world, chain: chain.spec, keep })).rejects.toMatchObject({
    code: 'ERR_CONFIG_VALUE',
    field: 'keep',
  });
});
