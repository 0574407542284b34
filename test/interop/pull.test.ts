import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Finished, rlpxd, rlpxdOk, startDaemon } from './support/daemon.js';
import { startGeth } from './support/geth.js';
import {
  type ChainFiles,
  conformanceChain,
  demoAmsterdam,
  demoChain,
  demoWithoutAccessLists,
  temporaryFolder,
} from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

function lastLine(done: Finished): Record<string, unknown> {
  return JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '');
}

/** Pulls a chain with one version and exports it. */
async function pullAndExport(chain: ChainFiles, enode: string, version: number) {
  const datadir = temporaryFolder();
  const exported = join(datadir, 'exported.rlp');
  const done = await rlpxdOk([
    'pull',
    enode,
    ...['--genesis', chain.genesis, '--datadir', datadir, '--eth', String(version)],
    ...['--export', exported, '--json'],
  ]);
  return { datadir, exported, done };
}

describe.each([69, 70, 71, 72])('eth/%i', (version) => {
  test.each([
    ['the conformance chain', conformanceChain()],
    ['the demonstration chain', demoChain],
  ])('%s, pulled out of geth and exported, is the same byte for byte', async (name, chain) => {
    const geth = await startGeth({ chain, eth: [version] });
    const { datadir, exported, done } = await pullAndExport(chain, geth.enode, version);
    const last = lastLine(done);
    expect(last).toMatchObject({ event: 'pull.done', head: chain.head, blocks: chain.head });
    expect(String(last.hash).replace(/^0x/, '')).toBe(chain.headHash);
    // Access lists came up with eth/71; who cannot ask for them exports the blocks without.
    const wanted = chain === demoChain && version < 71 ? demoWithoutAccessLists() : readFileSync(chain.chain);
    expect(readFileSync(exported).equals(wanted)).toBe(true);
    // All of it once more from the store: links, roots, receipts.
    await rlpxdOk(['store', 'check', '--datadir', datadir]);
    process.stdout.write(
      `${name} on eth/${version}: ${String(last.ms)} ms, ${Math.round(done.ms)} ms with start and end\n`,
    );
  });
});

test('access lists come along on eth/71, and are served on', async () => {
  const geth = await startGeth({ chain: demoChain, eth: [71] });
  const { datadir } = await pullAndExport(demoChain, geth.enode, 71);
  await geth.process.stop();
  const daemon = await startDaemon({ genesis: demoChain.genesis, datadir });
  const peer = new ScriptPeer({ dial: daemon.enode, eth: [71], chain: demoChain });
  await peer.status();
  expect(await peer.do('pull')).toMatchObject({
    blocks: demoChain.head,
    accessLists: demoChain.head - demoAmsterdam + 1,
  });
});

test('a pull to a block by number or by hash ends there', async () => {
  const geth = await startGeth({ chain: demoChain });
  const datadir = temporaryFolder();
  const common = ['--genesis', demoChain.genesis, '--datadir', datadir, '--json'];
  const first = lastLine(await rlpxdOk(['pull', geth.enode, ...common, '--to', '100']));
  expect(first).toMatchObject({ event: 'pull.done', head: 100 });
  const second = lastLine(await rlpxdOk(['pull', geth.enode, ...common, '--to', `0x${demoChain.headHash}`]));
  expect(second).toMatchObject({ event: 'pull.done', head: demoChain.head });
});

test('a pull from two geths at once', async () => {
  const chain = conformanceChain();
  const geths = [await startGeth({ chain, eth: [69] }), await startGeth({ chain, eth: [71] })];
  const datadir = temporaryFolder();
  const exported = join(datadir, 'exported.rlp');
  await rlpxdOk([
    'pull',
    ...geths.map((g) => g.enode),
    '--genesis',
    chain.genesis,
    '--datadir',
    datadir,
    '--export',
    exported,
  ]);
  expect(readFileSync(exported).equals(readFileSync(chain.chain))).toBe(true);
});

test('a pull from a geth of another chain fails with one line that says so', async () => {
  const geth = await startGeth({ chain: conformanceChain(), blocks: 10 });
  const done = await rlpxd(
    ['pull', geth.enode, '--genesis', demoChain.genesis, '--datadir', temporaryFolder()],
    30_000,
  );
  expect(done.code).toBe(1);
  const lines = done.stderr.trim().split('\n');
  expect(lines.at(-1)).toMatch(/^rlpxd: .*(network|genesis)/i);
  expect(done.stderr).not.toMatch(/^\s+at /m);
});
