import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { builtMain, ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const loopback = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8'];

/** A daemon on loopback with an empty demonstration chain. */
function daemon(more: readonly string[] = [], datadir = temporaryFolder()): Cli {
  const args = ['run', '--datadir', datadir, '--genesis', demo.path('genesis.json'), ...loopback];
  return new Cli([...args, '--log', 'json', ...more]);
}

describe('help', () => {
  const commands: [string, string[]][] = [
    [
      'run',
      [
        '--datadir',
        '--genesis',
        '--network',
        '--addr',
        '--port',
        '--nodekey',
        '--nodekeyhex',
        '--peer',
        '--trusted',
        '--maxpeers',
        '--maxpendpeers',
        '--netrestrict',
        '--dialratio',
        '--eth',
        '--pull',
        '--loglevel',
        '--log',
        '30303',
        '68,69,70,71,72',
        '~/.rlpxd',
      ],
    ],
    ['ping', ['--genesis', '--network', '--eth', '--timeout', '--json', '10s']],
    ['pull', ['--genesis', '--network', '--datadir', '--to', '--export', '--eth', '--json']],
    ['import', ['--receipts', '--genesis', '--datadir']],
    ['store check', ['--datadir', '--json']],
    ['version', ['--json']],
    ['key generate', ['--json']],
    ['key inspect', ['--json']],
    ['devnet', ['--nodes', '--once', '--json']],
  ];

  test('names every command', async () => {
    const { code, stdout } = await rlpxd(['--help']);
    expect(code).toBe(0);
    for (const [name] of commands) expect(stdout).toContain(name.split(' ')[0]);
    expect(stdout).toContain('Example');
  });

  test.each(commands)('of %s has its options, defaults and an example', async (name, words) => {
    const { code, stdout, stderr } = await rlpxd([...name.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of [...words, 'Example', 'rlpxd ']) expect(stdout).toContain(word);
    expect(stdout).not.toContain('undefined');
  });
});

test('version', async () => {
  for (const args of [['version'], ['--version'], ['-V']])
    expect(await rlpxd(args)).toMatchObject({ code: 0, stdout: `rlpxd ${version}\n`, stderr: '' });
  const { stdout } = await rlpxd(['version', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    version,
    client: `rlpxd/v${version}/${process.platform}-${process.arch}/node${process.versions.node}`,
    eth: [68, 69, 70, 71, 72],
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    crypto: {
      name: expect.stringMatching(/^(native|wasm|node|noble)$/),
      parts: {
        curve: expect.any(String),
        keccak: expect.any(String),
        aes: expect.any(String),
        hmac: expect.any(String),
      },
      lost: expect.any(Array),
    },
  });
});

test('a key is made, looked at, and used by run', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'my key');
  const made = JSON.parse((await rlpxd(['key', 'generate', file, '--json'])).stdout);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const seen = await rlpxd(['key', 'inspect', file]);
  expect(seen.stdout).toContain(made.publicKey);
  expect(seen.stdout).toContain(made.id);
  expect(seen.stdout).not.toContain(readFileSync(file, 'utf8').trim());
  const run = daemon(['--nodekey', file]);
  expect(await run.enode()).toContain(`enode://${made.publicKey}@127.0.0.1:`);
});

describe('run', () => {
  test('prints one line, its enode URL, and says on the log how many slots there are', async () => {
    const run = daemon(['--maxpeers', '50']);
    const enode = await run.enode();
    const listening = await run.event('listening');
    expect(listening).toMatchObject({
      enode,
      slots: { dialed: 25, accepted: 25 },
      chain: expect.any(String),
      head: 0,
    });
    run.child.kill('SIGTERM');
    const { code, stdout } = await run.done;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${enode}\n` });
  });

  test('an address that can be dialed: loopback where it listens everywhere', async () => {
    const run = daemon(['--addr', '0.0.0.0']);
    expect(await run.enode()).toMatch(/@127\.0\.0\.1:\d+$/);
  });

  test('the key is made on first start, mode 600, and kept; the chain need not be named again', async () => {
    const datadir = temporaryFolder();
    const first = daemon([], datadir);
    const publicKey = (await first.enode()).slice(0, 136);
    first.child.kill('SIGTERM');
    await first.done;
    expect(statSync(join(datadir, 'nodekey')).mode & 0o777).toBe(0o600);
    const second = new Cli(['run', '--datadir', datadir, ...loopback]);
    expect((await second.enode()).slice(0, 136)).toBe(publicKey);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s: peers hear reason 8, and it ends with 0 within 3 s',
    async (signal) => {
      const [a, b] = [daemon(), daemon()];
      await Promise.all([a.enode(), b.enode()]);
      const c = daemon(['--peer', await a.enode(), await b.enode()]);
      await c.until(({ log }) => log.filter(({ event }) => event === 'session.active')[1]);
      const began = performance.now();
      c.child.kill(signal);
      expect((await c.done).code).toBe(0);
      expect(performance.now() - began).toBeLessThan(3_000);
      for (const peer of [a, b]) {
        expect((await peer.event('session.ended')).cause).toMatchObject({
          outcome: 'closed',
          by: 'remote',
          reason: 8,
        });
      }
    },
  );

  test('a signal calls off a start that waits for an upstream which never answers', async () => {
    const asked = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => asked.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = asked.address() as AddressInfo;
      const run = daemon(['--upstream', `http://127.0.0.1:${port}`]);
      await once(asked, 'connection');
      const began = performance.now();
      run.child.kill('SIGINT');
      const { code, stdout } = await run.done;
      expect([code, stdout]).toEqual([0, '']);
      expect(performance.now() - began).toBeLessThan(2_000); // unheeded, it waits 5 s for a first answer
    } finally {
      asked.close();
    }
  });

  test('a peer that is gone is dialed again and again', async () => {
    const gone = daemon();
    const enode = await gone.enode();
    gone.child.kill('SIGKILL');
    await gone.done.catch(() => undefined);
    const run = daemon(['--peer', enode]);
    const wait = await run.event('peer.waiting', { failures: 2 });
    expect(wait).toMatchObject({ failure: 'unreachable', says: expect.stringContaining('ECONNREFUSED') });
  });

  test('logs for people where they are asked for', async () => {
    const run = daemon(['--log', 'pretty']);
    await run.until(({ stderr }) => (/INFO.*25 slots/.test(stderr) ? true : undefined));
  });
});

test('ping prints what the peer says, for people and as JSON', async () => {
  const run = daemon();
  const enode = await run.enode();
  const told = await rlpxd(['ping', enode]);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(/client +rlpxd\/v/);
  const { stdout } = await rlpxd([
    'ping',
    enode,
    '--json',
    '--eth',
    '69',
    '--genesis',
    demo.path('genesis.json'),
  ]);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    id: (await run.event('listening')).id,
    client: `rlpxd/v${version}/${process.platform}-${process.arch}/node${process.versions.node}`,
    capabilities: ['eth/68', 'eth/69', 'eth/70', 'eth/71', 'eth/72'],
    p2pVersion: 5,
    eth: { version: 69, networkId: 9303030, earliest: 0, latest: 0 },
  });
  for (const ms of [...Object.values(report.stagesMs), report.rttMs]) expect(ms).toBeGreaterThan(0);
});

test('the library example runs as it stands, and is the one that the README shows', async () => {
  const run = daemon();
  const example = new URL('../../examples/library.mjs', import.meta.url).pathname;
  const said = execFileSync(process.execPath, [example, await run.enode(), demo.path('genesis.json')], {
    encoding: 'utf8',
  });
  expect(said).toContain('speaks eth/72');
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`js\n${readFileSync(example, 'utf8')}\`\`\``);
});

test('the example of a backend of one’s own runs as it stands', () => {
  const example = new URL('../../examples/backend.mjs', import.meta.url).pathname;
  const said = execFileSync(process.execPath, [example, demo.path('genesis.json')], { encoding: 'utf8' });
  expect(said).toBe('the peer was given the headers of blocks 0 and 1\n');
  expect(readFileSync(example, 'utf8').split('\n').length).toBeLessThanOrEqual(60);
});

test('a reader that goes away ends it quietly', () => {
  // a pipe that is closed before the first byte: without pipefail only the reader's exit code would count
  const command = `set -o pipefail; "${process.execPath}" "${builtMain}" help run | true; echo "code $?"`;
  const said = execFileSync('bash', ['-c', `{ ${command}; } 2>&1`], { encoding: 'utf8' });
  expect(said).toBe('code 0\n');
});
