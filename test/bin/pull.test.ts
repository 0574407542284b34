import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const genesis = ['--genesis', demo.path('genesis.json')];
const loopback = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8', '--log', 'json'];

async function ok(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await rlpxd(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** A daemon that has the whole demonstration chain. */
async function source(more: readonly string[] = []): Promise<Cli> {
  const datadir = temporaryFolder();
  const files = ['--receipts', demo.path('receipts.rlp')];
  const said = await ok(['import', demo.path('chain.rlp'), ...files, ...genesis, '--datadir', datadir]);
  expect(said).toMatch(/^560 blocks imported in .*; head 560 0x[0-9a-f]{64}\n$/);
  return new Cli(['run', '--datadir', datadir, ...loopback, ...more]);
}

describe('pull', () => {
  let full: Cli;
  let enode = '';
  let datadir = '';

  beforeEach(async () => {
    full = await source();
    enode = await full.enode();
    datadir = temporaryFolder();
  });

  test('what is pulled and exported is the imported file, byte for byte', async () => {
    const exported = join(datadir, 'out.rlp');
    const said = await ok(['pull', enode, ...genesis, '--datadir', datadir, '--export', exported, '--json']);
    const lines = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({
      event: 'pull.done',
      head: 560,
      blocks: 560,
      hash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      bytes: expect.any(Number),
      ms: expect.any(Number),
      exported: { blocks: 560, bytes: readFileSync(demo.path('chain.rlp')).length },
    });
    for (const line of lines.slice(0, -1))
      expect(line).toMatchObject({ event: 'pull.progress', target: 560 });
    expect(readFileSync(exported).equals(readFileSync(demo.path('chain.rlp')))).toBe(true);
    const checked = JSON.parse(await ok(['store', 'check', '--datadir', datadir, '--json']));
    expect(checked).toMatchObject({ event: 'store.checked', head: 560, blocks: 561, accessListsMissing: 0 });
  });

  test('for people; to a block by number, on from there by hash, and nothing left to do', async () => {
    const first = await ok(['pull', enode, ...genesis, '--datadir', datadir, '--to', '100', '--eth', '68']);
    expect(first).toMatch(/^100 blocks \(.* KiB\) in .*\nhead 100 0x[0-9a-f]{64}\n$/);
    const hash = (await full.event('listening')).hash as string;
    const second = await ok(['pull', enode, '--datadir', datadir, '--to', hash]);
    expect(second).toMatch(/^460 blocks/);
    expect(second).toContain(`head 560 ${hash}`);
    expect(await ok(['pull', enode, '--datadir', datadir])).toMatch(/^0 blocks/);
  });

  test('from several at once, of which one is gone', async () => {
    const other = new Cli(['run', ...genesis, '--datadir', temporaryFolder(), ...loopback]);
    const missing = (await other.enode()).replace(/:\d+$/, ':1');
    const said = await ok(['pull', missing, enode, ...genesis, '--datadir', datadir]);
    expect(said).toMatch(/^560 blocks/);
  });

  test('a hash that is on no chain of theirs: one line, and nothing is stored', async () => {
    const hash = '11'.repeat(32);
    const { code, stderr } = await rlpxd([
      'pull',
      enode,
      ...genesis,
      '--datadir',
      datadir,
      '--to',
      hash,
      '--patience',
      '1s',
    ]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(await ok(['store', 'check', '--datadir', datadir, '--json']))).toMatchObject({
      head: 0,
    });
  });
});

test('run --pull catches up, follows, and says so on the log', async () => {
  const full = await source();
  const datadir = temporaryFolder();
  const peer = ['--peer', await full.enode()];
  const run = new Cli([
    'run',
    '--datadir',
    datadir,
    ...genesis,
    ...loopback,
    '--pull',
    '--status',
    '100ms',
    ...peer,
  ]);
  expect(await run.event('session.active')).toMatchObject({
    direction: 'outbound',
    eth: 72,
    kind: 'static',
    head: 560,
  });
  expect(await run.event('pull.done')).toMatchObject({ head: 560, blocks: 560 });
  expect(await run.event('status', { head: 560 })).toMatchObject({ pulling: true, peers: { outbound: 1 } });
  run.child.kill('SIGTERM');
  expect((await run.done).code).toBe(0);
  expect(JSON.parse(await ok(['store', 'check', '--datadir', datadir, '--json']))).toMatchObject({
    head: 560,
  });
});

test('a pull that is interrupted keeps what it has, and says so', async () => {
  const nobody = temporaryFolder();
  const silent = new Cli(['run', ...genesis, '--datadir', nobody, ...loopback]);
  const enode = await silent.enode();
  const datadir = temporaryFolder();
  const pull = new Cli(['pull', enode, ...genesis, '--datadir', datadir, '--to', '5']);
  await silent.event('session.active');
  pull.child.kill('SIGINT');
  const { code, stderr } = await pull.done;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^rlpxd: interrupted; up to block 0 it is kept.*\n$/);
});
