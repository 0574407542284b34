import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command, rlpxdOk } from './support/daemon.js';
import { startGeth } from './support/geth.js';
import { built, conformanceChain, demoChain, temporaryFolder } from './support/places.js';

/** Runs a subcommand of geth that works on files alone. */
async function geth(datadir: string, ...args: readonly string[]) {
  const done = await command(built('geth'), ['--datadir', datadir, '--verbosity', '3', ...args]);
  expect(done.code, done.stderr.slice(-2_000)).toBe(0);
  return done.stderr;
}

describe.each([
  ['the demonstration chain', demoChain],
  ['the conformance chain', conformanceChain()],
])('%s', (_, chain) => {
  test('goes from our export through geth import and export back into our import', async () => {
    const peer = await startGeth({ chain });
    const exported = join(temporaryFolder(), 'ours.rlp');
    const pulled = ['--genesis', chain.genesis, '--datadir', temporaryFolder(), '--export', exported];
    await rlpxdOk(['pull', peer.enode, ...pulled]);
    await peer.process.stop();

    const theirs = temporaryFolder();
    await geth(theirs, 'init', chain.genesis);
    await geth(theirs, 'import', exported);
    const back = join(theirs, 'theirs.rlp');
    await geth(theirs, 'export', back);
    // geth begins with the genesis block; the rest is the same.
    const [ours, fromGeth] = [readFileSync(exported), readFileSync(back)];
    expect(fromGeth.subarray(fromGeth.length - ours.length).equals(ours)).toBe(true);
    expect(fromGeth.length).toBeGreaterThan(ours.length);

    if (chain.receipts === undefined) return; // no block with transactions is stored without its receipts
    const store = temporaryFolder();
    const files = ['--receipts', chain.receipts, '--genesis', chain.genesis, '--datadir', store];
    await rlpxdOk(['import', back, ...files]);
    const check = await rlpxdOk(['store', 'check', '--datadir', store]);
    expect(check.stdout).toMatch(new RegExp(`\\b${chain.head}\\b`));
  });
});
