import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';

beforeAll(ensureBuilt, 120_000);

/** Ids of the daemons whose command line has this folder in it. */
function daemonsIn(folder: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(`${folder}/`)).map((line) => Number.parseInt(line, 10));
}

async function gone(folder: string): Promise<boolean> {
  for (let i = 0; i < 50 && daemonsIn(folder).length > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return daemonsIn(folder).length === 0;
}

test('three nodes copy the chain, all stores are verified, and nothing is left', async () => {
  const folder = temporaryFolder();
  const options = { env: { TMPDIR: folder }, timeoutMs: 60_000 };
  const { code, stdout, stderr } = await rlpxd(['devnet', '--nodes', '3', '--once', '--json'], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.at(-1)).toMatchObject({
    event: 'summary',
    nodes: 3,
    blocks: 560,
    head: expect.stringMatching(/^0x/),
  });
  const verified = lines.filter(({ state }) => state === 'verified').map(({ name }) => name);
  expect(new Set(verified)).toEqual(new Set(['node-1', 'node-2', 'node-3']));
  expect(readdirSync(folder)).toEqual([]);
  expect(daemonsIn(folder)).toEqual([]);
}, 90_000);

test('without --once it stays until it is interrupted, then verifies', async () => {
  const folder = temporaryFolder();
  const devnet = new Cli(['devnet', '--nodes', '2'], { env: { TMPDIR: folder }, timeoutMs: 60_000 });
  await devnet.until(({ stderr }) => (stderr.includes('Ctrl-C') ? true : undefined), 40_000);
  expect(daemonsIn(folder)).toHaveLength(2);
  devnet.child.kill('SIGINT');
  const { code, stdout } = await devnet.done;
  expect(code).toBe(0);
  expect(stdout).toMatch(/2 nodes, 560 blocks, one head: 0x[0-9a-f]{64}/);
  expect(readdirSync(folder)).toEqual([]);
  expect(daemonsIn(folder)).toEqual([]);
}, 90_000);

test('interrupted at once, or killed: no daemon is left', async () => {
  const folder = temporaryFolder();
  const early = new Cli(['devnet', '--nodes', '2'], { env: { TMPDIR: folder } });
  await early.until(({ stderr }) => (stderr.includes('alone') ? true : undefined));
  early.child.kill('SIGTERM');
  expect(await early.done).toMatchObject({ code: 1, stderr: expect.stringContaining('interrupted') });
  expect(daemonsIn(folder)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);

  const killed = new Cli(['devnet', '--nodes', '2'], { env: { TMPDIR: folder } });
  await killed.until(({ stderr }) => (stderr.includes('alone') ? true : undefined));
  killed.child.kill('SIGKILL'); // nothing of ours can run any more: the daemons see the channel close
  await killed.done;
  expect(await gone(folder)).toBe(true);
}, 60_000);
