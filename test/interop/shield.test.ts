import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prefixedHex } from '../../src/codec/index.js';
import { type Daemon, rlpxd, startDaemon } from './support/daemon.js';
import { startFreshGeth } from './support/fresh-geth.js';
import { type Geth, gethPeer, startGeth, until } from './support/geth.js';
import { text } from './support/lines.js';
import { conformanceChain, demoAmsterdam, demoBranch, demoChain, temporaryFolder } from './support/places.js';
import { keys, oneBlob, pooled, signingBy } from './support/pools.js';
import { ScriptPeer } from './support/script-peer.js';
import { blobTransaction, feeTransaction } from './support/signing.js';

/** An rlpxd before a geth: it has no chain but the upstream's. */
async function shield(upstream: Geth, genesis: string, more: readonly string[] = []): Promise<Daemon> {
  return await startDaemon({ genesis, more: ['--upstream', upstream.ipc, '--status', '1s', ...more] });
}

/** Waits for a geth to be at a block. */
async function at(geth: Geth, hash: string): Promise<void> {
  const isThere = async (): Promise<true | undefined> => {
    const block = await geth.call<{ hash: string }>('eth_getBlockByNumber', 'latest', false);
    return block.hash === `0x${hash}` ? true : undefined;
  };
  await until(`geth at ${hash}`, isThere, 45_000);
}

describe.each([69, 70, 71, 72])('eth/%i before an upstream', (version) => {
  test('geth’s packet types pull the whole conformance chain of the geth behind us', async () => {
    const chain = conformanceChain();
    const upstream = await startGeth({ chain, maxPeers: 0 });
    const daemon = await shield(upstream, chain.genesis);
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version], chain });
    await peer.status();
    const result = await peer.do('pull', version < 70 ? { without: [11] } : {});
    expect(result).toMatchObject({ blocks: chain.head });
  });
});

describe.each([69, 70])('eth/%i before an upstream', (version) => {
  test('geth’s packet types pull the demonstration chain, too', async () => {
    const upstream = await startGeth({ chain: demoChain, maxPeers: 0 });
    const daemon = await shield(upstream, demoChain.genesis);
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version], chain: demoChain });
    await peer.status();
    expect(await peer.do('pull', {})).toMatchObject({ blocks: demoChain.head });
  });
});

describe.each([71, 72])('eth/%i before an upstream', (version) => {
  test('access lists, which geth shows nobody over JSON-RPC, are gaps', async () => {
    const upstream = await startGeth({ chain: demoChain, maxPeers: 0 });
    const daemon = await shield(upstream, demoChain.genesis);
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version] });
    await peer.status();
    const { hashes } = await peer.do('headers', { origin: demoAmsterdam - 1, amount: 3 });
    const { lists } = await peer.do('accessLists', { hashes });
    expect(lists).toEqual([null, null, null]);
  });
});

test('the program geth over HTTP without its debug methods, and over a WebSocket with them', async () => {
  const source = await startGeth({ chain: demoChain });
  const geth = await startFreshGeth(
    demoChain,
    [source.enode],
    [
      ...['--http', '--http.port', '0', '--http.api', 'eth,web3'],
      ...['--ws', '--ws.port', '0', '--ws.api', 'eth,web3,debug'],
    ],
  );
  await geth.synced();
  const started = await geth.process.line({ msg: 'HTTP server started' });
  const enabled = await geth.process.line({ msg: 'WebSocket enabled' });
  for (const url of [`http://${text(started, 'endpoint')}`, text(enabled, 'url')]) {
    const daemon = await startDaemon({ genesis: demoChain.genesis, more: ['--upstream', url] });
    expect((await daemon.process.line({ event: 'listening' })).head).toBe(demoChain.head);
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [70], chain: demoChain });
    await peer.status();
    expect(await peer.do('pull', {})).toMatchObject({ blocks: demoChain.head });
    expect(daemon.process.lines.filter(({ event }) => event === 'upstream.false')).toEqual([]);
  }
});

test('a geth syncs through the shield, which outlives a restart and follows a reorganisation', async () => {
  const branch = demoBranch(400, 420);
  const ipc = join(temporaryFolder(), 'geth.ipc');
  const before = { chain: demoChain, blocks: 410, maxPeers: 0, ipc };
  const first = await startGeth(before);
  const headHash = (await first.call<{ hash: string }>('eth_getBlockByNumber', '0x19a', false)).hash.slice(2);
  const daemon = await shield(first, demoChain.genesis);
  expect((await daemon.process.line({ event: 'listening' })).head).toBe(410);
  const geth = await startGeth({ chain: demoChain, blocks: 0 });
  await geth.call('admin_addPeer', daemon.enode);
  await gethPeer(geth, daemon.id);

  // the upstream goes away in the middle: what is left comes from the one that takes its place
  await geth.call('debug_sync', `0x${headHash}`);
  await until('some blocks', async () => (Number(await geth.call('eth_blockNumber')) > 0 ? true : undefined));
  await first.process.stop();
  await daemon.process.line({ event: 'upstream.down' });
  const upstream = await startGeth(before);
  await daemon.process.line({ event: 'upstream.up' }, { since: daemon.process.mark() - 1 });
  await at(geth, headHash);

  const mark = daemon.process.mark();
  await upstream.call('debug_setHead', '0x190');
  await until('the head back at 400', async () =>
    daemon.process.lines.slice(mark).find(({ event, head }) => event === 'chain.head' && head === 400),
  );
  await upstream.call('admin_importChain', branch.chain);
  await until('the longer branch', async () =>
    daemon.process.lines
      .slice(mark)
      .find(({ event, head }) => event === 'chain.head' && head === branch.head),
  );
  await geth.call('debug_sync', `0x${branch.headHash}`);
  await at(geth, branch.headHash);

  // one session all the way
  expect(daemon.process.lines.filter(({ event }) => event === 'session.ended')).toEqual([]);
  expect(daemon.process.lines.filter(({ event }) => event === 'session.active')).toHaveLength(1);
  const status = await daemon.process.line({ event: 'status', head: branch.head });
  expect(status.upstream).toMatchObject({
    upstream: ipc,
    state: 'up',
    client: expect.stringMatching(/^Geth/),
  });
});

test('transactions go through the shield both ways, and again after a restart of the geth behind it', async () => {
  const chain = conformanceChain();
  const ipc = join(temporaryFolder(), 'geth.ipc');
  const first = await startGeth({ chain, maxPeers: 0, ipc });
  const daemon = await shield(first, chain.genesis, ['--tx', 'relay']);
  const geth = await startGeth({ chain, blocks: 0 });
  await geth.call('admin_addPeer', daemon.enode);
  await gethPeer(geth, daemon.id);
  await geth.call('debug_sync', `0x${chain.headHash}`);
  await at(geth, chain.headHash); // before it has synced, geth takes no transactions of peers
  const accounts = keys();
  const send = async (to: Geth, raw: Uint8Array): Promise<string> =>
    to.call<string>('eth_sendRawTransaction', prefixedHex(raw));
  const exchange = async (upstream: Geth, by: number): Promise<void> => {
    const out = feeTransaction(await signingBy(upstream, accounts[by] as Uint8Array));
    await pooled(geth, await send(upstream, out));
    const back = feeTransaction(await signingBy(geth, accounts[by + 1] as Uint8Array));
    await pooled(upstream, await send(geth, back));
  };
  await exchange(first, 0);

  const blobsBack = blobTransaction(await signingBy(geth, accounts[4] as Uint8Array), oneBlob());
  expect(await pooled(first, await send(geth, blobsBack))).toMatchObject({ type: '0x3' });
  const blobsOut = blobTransaction(await signingBy(first, accounts[5] as Uint8Array), oneBlob());
  expect(await pooled(geth, await send(first, blobsOut))).toMatchObject({ type: '0x3' });

  await first.process.stop();
  const since = daemon.process.mark();
  const again = await startGeth({ chain, maxPeers: 0, ipc });
  await daemon.process.line({ event: 'upstream.up' }, { since });
  await exchange(again, 2);

  expect(daemon.process.lines.filter(({ event }) => event === 'session.ended')).toEqual([]);
});

test('an upstream of another chain is one line and an exit code', async () => {
  const upstream = await startGeth({ chain: conformanceChain(), blocks: 1, maxPeers: 0 });
  const datadir = temporaryFolder();
  const where = ['--datadir', datadir, '--addr', '127.0.0.1', '--port', '0', '--log', 'json'];
  const done = await rlpxd(
    ['run', '--genesis', demoChain.genesis, '--upstream', upstream.ipc, ...where],
    30_000,
  );
  expect(done.code).toBe(1);
  expect(done.stderr.trim().split('\n').at(-1)).toMatch(
    /^rlpxd: the chain of .*geth\.ipc begins with 0xbd6a252a[0-9a-f]+, and .* with 0xb86c0863/,
  );
  expect(done.stderr).not.toMatch(/^\s+at /m);
});
