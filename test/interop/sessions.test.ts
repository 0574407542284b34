import { beforeAll, describe, expect, test } from 'vitest';
import { rlpxdOk, startDaemon } from './support/daemon.js';
import { type Geth, gethPeer, startGeth } from './support/geth.js';
import { demoChain, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

const versions = [69, 70, 71, 72];
const clientName = /^rlpxd\/v\d+\.\d+\.\d+[^/]*\/[a-z0-9]+-[a-z0-9]+\/node\d+\.\d+\.\d+$/;

let full = '';

beforeAll(async () => {
  full = temporaryFolder();
  const files = ['--receipts', demoChain.receipts ?? '', '--genesis', demoChain.genesis, '--datadir', full];
  await rlpxdOk(['import', demoChain.chain, ...files]);
});

interface NodeInfo {
  readonly name: string;
  readonly protocols: { readonly eth: { network: number; genesis: string; head: string } };
}

async function nodeInfo(geth: Geth): Promise<NodeInfo> {
  return await geth.call<NodeInfo>('admin_nodeInfo');
}

describe.each(versions)('eth/%i with geth', (version) => {
  test('we dial geth, and both see the session with the range of the other', async () => {
    const geth = await startGeth({ chain: demoChain, eth: [version] });
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full, peers: [geth.enode] });
    const active = await daemon.process.line({ event: 'session.active', peer: geth.id });
    expect(active).toMatchObject({ eth: version, direction: 'outbound' });
    expect(active.client).toBe((await nodeInfo(geth)).name);
    const seen = await gethPeer(geth, daemon.id);
    expect(seen.name).toMatch(clientName);
    expect(seen.caps).toEqual(expect.arrayContaining(versions.map((v) => `eth/${v}`)));
    expect(seen.network.inbound).toBe(true);
    expect(seen.protocols.eth).toEqual({
      version,
      earliestBlock: 0,
      latestBlock: demoChain.head,
      latestBlockHash: `0x${demoChain.headHash}`,
    });
  });

  test('geth dials us by admin_addPeer', async () => {
    const geth = await startGeth({ chain: demoChain });
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full, eth: [version] });
    await geth.call('admin_addPeer', daemon.enode);
    const active = await daemon.process.line({ event: 'session.active', peer: geth.id });
    expect(active).toMatchObject({ eth: version, direction: 'inbound' });
    const seen = await gethPeer(geth, daemon.id);
    expect(seen.network).toMatchObject({ inbound: false, static: true });
    expect(seen.protocols.eth).toMatchObject({ version, latestBlock: demoChain.head });
  });

  test('ping says of geth what geth says of itself', async () => {
    const geth = await startGeth({ chain: demoChain, eth: [version] });
    const info = await nodeInfo(geth);
    for (const chain of [[], ['--genesis', demoChain.genesis]]) {
      const { stdout } = await rlpxdOk(['ping', geth.enode, '--json', ...chain]);
      const said = JSON.parse(stdout);
      expect(said).toMatchObject({
        id: geth.id,
        client: info.name,
        capabilities: [`eth/${version}`, 'snap/1'],
        p2pVersion: 5,
        eth: { version, networkId: info.protocols.eth.network, earliest: 0, latest: demoChain.head },
      });
      expect(bare(said.eth.genesis)).toBe(bare(info.protocols.eth.genesis));
      expect(bare(said.eth.latestHash)).toBe(bare(info.protocols.eth.head));
      expect(bare(said.eth.forkId.hash)).toBe(demoChain.forkHash);
      expect(Number(said.eth.forkId.next)).toBe(0);
      for (const stage of ['connect', 'auth', 'hello', 'status']) {
        expect(said.stagesMs[stage]).toBeGreaterThanOrEqual(0);
      }
      expect(said.rttMs).toBeGreaterThan(0);
    }
  });

  test('a peer made of geth’s RLPx reads our Hello and Status and has ten pings answered', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version] });
    const hello = await peer.hello();
    expect(hello).toMatchObject({ p2pVersion: 5, extra: 0, eth: version });
    expect(hello.client).toMatch(clientName);
    expect(daemon.enode).toContain(String(hello.publicKey));
    expect(await peer.status()).toMatchObject({
      version,
      networkId: demoChain.networkId,
      genesis: `0x${demoChain.genesisHash}`,
      forkHash: demoChain.forkHash,
      forkNext: 0,
      earliest: 0,
      latest: demoChain.head,
      latestHash: `0x${demoChain.headHash}`,
    });
    const { rttMs } = await peer.do('pings', { count: 10 });
    expect(rttMs).toHaveLength(10);
  });
});

test('all versions on both sides: the highest is spoken', async () => {
  const geth = await startGeth({ chain: demoChain });
  const daemon = await startDaemon({ genesis: demoChain.genesis, peers: [geth.enode] });
  expect(await daemon.process.line({ event: 'session.active', peer: geth.id })).toMatchObject({ eth: 72 });
});

test('a second Hello ends the session as a breach of protocol', async () => {
  const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
  const peer = new ScriptPeer({ dial: daemon.enode });
  await peer.status();
  await peer.do('hello');
  expect(await peer.disconnect()).toMatchObject({ reason: 2, form: 'list', stage: 'open' });
});

function bare(hex: unknown): string {
  return String(hex).replace(/^0x/, '');
}
