import { expect, test } from 'vitest';
import { PingError, pingPeer } from '../../src/node/index.js';
import { formatEnode } from '../../src/peers/index.js';
import { demo, Internet, settled } from '../support/node-worlds.js';

async function fault(internet: Internet, work: Promise<unknown>): Promise<PingError> {
  const error = await settled(internet.clock, work).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PingError) return error;
  throw new Error(`no PingError: ${String(error)}`);
}

test.each([
  ['without a chain, saying what the peer says', undefined],
  ['with the same chain', demo.genesis()],
])('a ping tells who is there: %s', async (_, chain) => {
  const internet = new Internet();
  const node = await internet.node({ ethVersions: [68, 71] });
  const report = await settled(
    internet.clock,
    pingPeer(node.enode ?? '', { world: internet.world(), chain }),
  );
  expect(report).toEqual({
    id: node.identity.id,
    client: expect.stringContaining('rlpxd/v'),
    capabilities: ['eth/68', 'eth/71'],
    p2pVersion: 5,
    eth: {
      version: 71,
      networkId: 9303030,
      genesis: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      forkId: { hash: expect.stringMatching(/^0x[0-9a-f]{8}$/), next: expect.any(Number) },
      earliest: 0,
      latest: 0,
      latestHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    },
    stagesMs: { connect: 2, auth: expect.any(Number), hello: expect.any(Number), status: expect.any(Number) },
    rttMs: 2,
  });
  expect(node.status().peers).toEqual({ inbound: 0, outbound: 0, pending: 0 });
});

test('on eth/68 there is no range, only the hash of the head', async () => {
  const internet = new Internet();
  const node = await internet.node();
  const options = { world: internet.world(), ethVersions: [68] };
  const { eth } = await settled(internet.clock, pingPeer(node.enode ?? '', options));
  expect(eth.version).toBe(68);
  expect(eth).not.toHaveProperty('latest');
});

test('each way to fail names its stage', async () => {
  const internet = new Internet();
  const node = await internet.node();
  const enode = node.enode ?? '';
  const world = internet.world();

  const nobody = await fault(internet, pingPeer(enode.replace(':30303', ':1'), { world }));
  expect(nobody.message).toMatch(/^connect: .*ECONNREFUSED/);

  const { sessions } = await internet.node({ key: '05'.repeat(32) });
  const wrongKey = formatEnode({ publicKey: sessions.publicKey, host: '10.0.0.1', port: 30303 });
  expect(await fault(internet, pingPeer(wrongKey, { world }))).toMatchObject({ stage: 'ecies' });

  const noVersion = await internet.node({ ethVersions: [68] });
  expect(await fault(internet, pingPeer(noVersion.enode ?? '', { world, ethVersions: [72] }))).toMatchObject({
    stage: 'hello',
  });

  const otherChain = await fault(internet, pingPeer(enode, { world, chain: 'mainnet' }));
  expect(otherChain.message).toMatch(/^status: .*network/);

  world.network.freeze('10.0.0.1');
  expect((await fault(internet, pingPeer(enode, { world, timeoutMs: 1_000 }))).message).toBe(
    'ecies: no answer within 1000 ms',
  );
  await node.close();
});
