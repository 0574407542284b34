import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { rlpxdOk, startDaemon } from './support/daemon.js';
import { startFreshGeth } from './support/fresh-geth.js';
import { startGeth } from './support/geth.js';
import { LineProcess, text } from './support/lines.js';
import { conformanceChain, root, temporaryFolder } from './support/places.js';

const chain = conformanceChain();
let stored = '';

beforeAll(async () => {
  const geth = await startGeth({ chain });
  stored = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', chain.genesis, '--datadir', stored]);
  await geth.process.stop();
});

function say(from: string, ms: number): void {
  process.stdout.write(`geth synced 600 blocks from ${from}: ${ms} ms from its first line about syncing\n`);
}

describe('a fresh geth, told only the hash of the head, syncs fully', () => {
  test('from another geth, to compare', async () => {
    const source = await startGeth({ chain });
    const geth = await startFreshGeth(chain, [source.enode]);
    say('geth', await geth.synced());
  });

  test.each([69, 70, 71, 72])('from rlpxd alone, on eth/%i only', async (version) => {
    const daemon = await startDaemon({ genesis: chain.genesis, datadir: stored, eth: [version] });
    const geth = await startFreshGeth(chain, [daemon.enode]);
    const active = await daemon.process.line({ event: 'session.active' });
    expect(active.eth).toBe(version);
    say(`rlpxd on eth/${version}`, await geth.synced());
    expect(daemon.process.lines.some(({ event }) => event === 'session.ended')).toBe(false);
  });

  test('from two, of which one is killed after it has served a hundred bodies', async () => {
    const victim = counting(await copied());
    // it keeps its bodies back for as long, so that the other one does serve a hundred, whoever is quicker
    const survivor = counting(stored, 'hold');
    const enodes = [];
    for (const node of [victim, survivor])
      enodes.push(text(await node.line({ event: 'listening' }), 'enode'));
    const killed = victim.line({ event: 'body', bodies: 100 }, { timeoutMs: 45_000 }).then(() => {
      victim.signal('SIGKILL');
      survivor.send({});
    });
    const geth = await startFreshGeth(chain, enodes);
    await killed;
    say('two rlpxd, one of which was killed', await geth.synced());
  });

  test('three at once, and what serving them has cost in memory', async () => {
    const daemon = await startDaemon({ genesis: chain.genesis, datadir: stored });
    const before = residentMiB(daemon.process.pid);
    const geths = await Promise.all([1, 2, 3].map(() => startFreshGeth(chain, [daemon.enode])));
    await Promise.all(geths.map((geth) => geth.synced()));
    const after = residentMiB(daemon.process.pid);
    process.stdout.write(`rlpxd run: ${before} MiB, ${after} MiB after serving three geths at once\n`);
    expect(after).toBeLessThan(400);
  });
});

function counting(datadir: string, ...more: readonly string[]): LineProcess {
  const script = join(root, 'test', 'interop', 'support', 'counting-node.mjs');
  return new LineProcess('a counting node', process.execPath, [script, datadir, ...more], { json: 'stdout' });
}

/** A store has one process at a time. */
async function copied(): Promise<string> {
  const daemon = await startDaemon({ genesis: chain.genesis, datadir: stored });
  const folder = temporaryFolder();
  await rlpxdOk(['pull', daemon.enode, '--genesis', chain.genesis, '--datadir', folder]);
  await daemon.process.stop();
  return folder;
}

function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1_024);
}
