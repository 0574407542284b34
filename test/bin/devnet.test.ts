import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { builtMain, ensureBuilt } from '../support/build.js';

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

test('Ctrl-C in a terminal, which tells every process of the group, ends it as well', async () => {
  const folder = temporaryFolder();
  const devnet = spawn(process.execPath, [builtMain, 'devnet', '--nodes', '2'], {
    detached: true, // the first of a group
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let told = false;
  for (const stream of [devnet.stdout, devnet.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (told || !said.includes('Ctrl-C')) return;
      told = true;
      process.kill(-(devnet.pid ?? 0), 'SIGINT');
    });
  const [code] = await once(devnet, 'close');
  expect(said).toMatch(/2 nodes, 560 blocks, one head: 0x[0-9a-f]{64}/);
  expect({ code, told }).toEqual({ code: 0, told: true });
  expect(readdirSync(folder)).toEqual([]);
  expect(daemonsIn(folder)).toEqual([]);
}, 90_000);

test('whose output nobody reads any more, or cannot be written: nothing is left', async () => {
  for (const [end, expected] of [
    ['| head -c 1; exit $PIPESTATUS', 0],
    ['> /dev/full', 1],
  ] as const) {
    const folder = temporaryFolder();
    const line = `"$0" "$1" devnet --nodes 2 --once --json ${end}`;
    const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath, builtMain], {
      env: { ...process.env, TMPDIR: folder },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ end, status, left: readdirSync(folder), daemons: daemonsIn(folder) }).toEqual({
      end,
      status: expected,
      left: [],
      daemons: [],
    });
    expect(stderr).toMatch(
      expected === 0 ? /^$/ : /^rlpxd: cannot write standard output: the disk is full.*\n$/,
    );
  }
}, 60_000);

test.each(['importing', 'starting', 'alone', 'connected'])(
  'interrupted while %s: nothing is left',
  async (state) => {
    const folder = temporaryFolder();
    const devnet = new Cli(['devnet', '--nodes', '2', '--json'], { env: { TMPDIR: folder } });
    await devnet.until(({ stdout }) => (stdout.includes(`"state":"${state}"`) ? true : undefined));
    devnet.child.kill('SIGINT');
    await devnet.done;
    expect(readdirSync(folder)).toEqual([]);
    expect(daemonsIn(folder)).toEqual([]);
  },
  60_000,
);

test('one daemon is killed: the others end, and one line says which', async () => {
  const folder = temporaryFolder();
  const devnet = new Cli(['devnet', '--nodes', '3', '--json'], {
    env: { TMPDIR: folder },
    timeoutMs: 60_000,
  });
  await devnet.until(({ stdout }) => (stdout.includes('"state":"whole"') ? true : undefined), 40_000);
  const victim = daemonsIn(`${folder}`).at(-1);
  if (victim !== undefined) process.kill(victim, 'SIGKILL');
  const { code, stderr } = await devnet.done;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^rlpxd: node-\d ended before its time \(killed by SIGKILL\)\n$/);
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
