import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CloseCause, createNode, type RlpxdNode } from '../../src/index.js';
import { decodeJournal, encodeJournal, verifyJournal } from '../../src/session/index.js';
import { Cli, ensureBuilt, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { crypto, PORT, SECOND, Town } from '../support/rows-town.js';

const genesisFile = fileURLToPath(new URL('../../demo/genesis.json', import.meta.url));
const genesis = readFileSync(genesisFile, 'utf8');
const loopback = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8', '--log', 'json'];

beforeAll(ensureBuilt, 120_000);

async function start(town: Town, options: Parameters<typeof createNode>[0]): Promise<RlpxdNode> {
  return town.clock.settle(createNode({ chain: genesis, crypto, ...options }));
}

/** Two nodes; the first keeps its history in a datadir and has had `ends` sessions with the second. */
async function withHistory(ends: number): Promise<{
  readonly town: Town;
  readonly node: RlpxdNode;
  readonly again: () => Promise<RlpxdNode>;
}> {
  const town = new Town();
  const options = { world: town.world('10.2.0.1'), datadir: '/data' };
  const node = await start(town, options);
  const host = '10.2.0.2';
  const other = await start(town, { world: town.world(host), listen: { host, port: PORT } });
  for (let i = 0; i < ends; i++) {
    const session = await town.clock.settle(node.dial(other.enode ?? '').active);
    session.disconnect(undefined, `end ${i}`);
    await town.clock.advance(SECOND);
  }
  await town.clock.settle(other.close());
  return { town, node, again: () => start(town, options) };
}

describe('001.10: what is left of a session', () => {
  test('001.10: each end leaves a summary that outlives the node', async () => {
    const { town, node, again } = await withHistory(3);
    await town.clock.settle(node.close());
    const second = await again();
    const found = (await town.clock.settle(second.history?.list({ limit: 10 }) ?? Promise.reject())) ?? [];
    expect(found.map(({ name, cause }) => [name, cause.outcome, cause.says])).toEqual([
      ['1-s3', 'closed', 'end 2'],
      ['1-s2', 'closed', 'end 1'],
      ['1-s1', 'closed', 'end 0'],
    ]);
    expect(found[0]).toMatchObject({
      direction: 'outbound',
      client: expect.stringMatching(/^rlpxd/),
      run: 1,
    });
    expect(found[0]?.publicKey).toMatch(/^[0-9a-f]{128}$/);
    await town.clock.settle(second.close());
  });

  test('001.10: read first from memory, with hits and misses counted', async () => {
    const { town, node, again } = await withHistory(2);
    await town.clock.settle(node.history?.get('1-s1') ?? Promise.reject());
    expect(node.history?.stats()).toMatchObject({ summaries: 2, hits: 1, misses: 0 });
    await town.clock.settle(node.close());
    const second = await again();
    for (const _ of [1, 2, 3]) await town.clock.settle(second.history?.get('1-s2') ?? Promise.reject());
    expect(second.history?.stats()).toMatchObject({ summaries: 2, hits: 2, misses: 1 });
    expect(await town.clock.settle(second.history?.get('1-s9') ?? Promise.reject())).toBeUndefined();
    await town.clock.settle(second.close());
  });

  test('001.10: written behind: not at once, and within a second or two', async () => {
    const { town, node } = await withHistory(1);
    await town.clock.advance(3 * SECOND);
    expect(node.history?.stats().waiting).toBe(0);
    const host = '10.2.0.3';
    const other = await start(town, { world: town.world(host), listen: { host, port: PORT } });
    const session = await town.clock.settle(node.dial(other.enode ?? '').active);
    session.disconnect();
    await town.clock.advance(1); // taken down in a turn of its own
    expect(node.history?.stats()).toMatchObject({ summaries: 2, waiting: 1 });
    await town.clock.advance(3 * SECOND);
    expect(node.history?.stats()).toMatchObject({ summaries: 2, waiting: 0, lost: 0 });
    await town.clock.settle(node.close());
    await town.clock.settle(other.close());
  });
});

/** A daemon on loopback, and one that is in session with it. */
async function pair(): Promise<{ readonly datadir: string; readonly daemon: Cli; readonly peer: Cli }> {
  const datadir = temporaryFolder();
  const daemon = new Cli(['run', '--datadir', datadir, '--genesis', genesisFile, ...loopback]);
  const enode = await daemon.enode();
  const args = ['run', '--datadir', temporaryFolder(), '--genesis', genesisFile, ...loopback];
  const peer = new Cli([...args, '--peer', enode]);
  await daemon.event('session.active');
  return { datadir, daemon, peer };
}

interface Listed {
  readonly running: boolean;
  readonly live: readonly { readonly id: string; readonly state: string; readonly nodeId: string }[];
  readonly past: readonly { readonly name: string; readonly cause: CloseCause }[];
}

async function list(datadir: string, ...more: string[]): Promise<Listed> {
  const { stdout, stderr, code } = await rlpxd(['sessions', '--datadir', datadir, '--json', ...more]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe('004.5: who may end a session', () => {
  test('004.5: whoever may open the local socket lists, ends and explains; and afterwards, too', async () => {
    const { datadir, daemon, peer } = await pair();
    expect(statSync(join(datadir, 'rlpxd.ipc')).mode & 0o777).toBe(0o600);
    const { running, live } = await list(datadir, '--state', 'active');
    expect([running, live.length]).toEqual([true, 1]);
    const [session] = live;
    expect((await list(datadir, '--peer', session?.nodeId.slice(0, 8) ?? '')).live).toHaveLength(1);
    expect((await list(datadir, '--state', 'draining')).live).toEqual([]);

    const id = session?.id ?? '';
    const ended = await rlpxd(['disconnect', id, '--datadir', datadir]);
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(await peer.event('session.ended')).toBeDefined();
    const told = await rlpxd(['explain', id, '--datadir', datadir]);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toMatch(/^closed while active by us.*: asked for at the local socket\n$/);
    const second = await rlpxd(['disconnect', id, '--datadir', datadir]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('no living session') });

    peer.child.kill('SIGTERM');
    await peer.done;
    daemon.child.kill('SIGTERM');
    await daemon.done;
    const after = await list(datadir);
    expect(after.running).toBe(false);
    const name = `1-${id}`;
    const kept = after.past.find((one) => one.name === name);
    expect(kept?.cause).toMatchObject({ outcome: 'closed', by: 'local' });
    expect((await rlpxd(['explain', name, '--datadir', datadir])).stdout).toBe(told.stdout);
    const file = join(datadir, 'end.json');
    writeFileSync(file, JSON.stringify(kept));
    expect((await rlpxd(['explain', file])).stdout).toBe(told.stdout);
    const gone = await rlpxd(['disconnect', id, '--datadir', datadir]);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('no node runs') });
  }, 60_000);

  test('004.5: the socket of a daemon that was killed is taken over, and geth’s methods answer there', async () => {
    const datadir = temporaryFolder();
    const args = ['run', '--datadir', datadir, '--genesis', genesisFile, ...loopback];
    const first = new Cli(args);
    await first.enode();
    first.child.kill('SIGKILL');
    await first.done;
    expect((await list(datadir)).running).toBe(false);
    const enode = await new Cli(args).enode();
    const heard = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(join(datadir, 'rlpxd.ipc'), () =>
        socket.end(
          '[{"jsonrpc":"2.0","id":1,"method":"admin_nodeInfo"}]{"jsonrpc":"2.0","id":2,"method":"no"}',
        ),
      );
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        text += chunk.toString('utf8');
      });
      socket.on('close', () => resolve(text));
    });
    const answers = heard.trim().split('\n');
    expect(answers.map((line) => JSON.parse(line))).toMatchObject([
      [{ id: 1, result: { enode } }],
      { id: 2, error: { code: -32601 } },
    ]);
  }, 60_000);

  test('004.5: what is no session, or no record of one, is refused in one line', async () => {
    const datadir = temporaryFolder();
    const file = join(datadir, 'a.json');
    writeFileSync(file, '{"cause":{}}');
    for (const args of [['explain', file], ['explain', 's1'], ['explain', 'nothing'], ['sessions']]) {
      const { code, stderr } = await rlpxd([...args, '--datadir', datadir]);
      expect(code, args.join(' ')).toBe(1);
      expect(stderr).toMatch(/^rlpxd: [^\n]+\n$/);
    }
    expect((await rlpxd(['sessions', '--state', 'asleep'])).code).toBe(2);
    expect((await rlpxd(['sessions', '--peer', 'xyz'])).code).toBe(2);
  });
});

test('003.6: a hook for metrics hears of every end, once, with its record', async () => {
  const town = new Town();
  const heard: [string, CloseCause][] = [];
  const sessionEnded = (cause: CloseCause, { id }: { readonly id: string }): void => {
    heard.push([id, cause]);
    throw new Error('a monitor that fails hurts nobody');
  };
  const node = await start(town, { world: town.world('10.2.0.1'), metrics: { sessionEnded } });
  const host = '10.2.0.2';
  const other = await start(town, { world: town.world(host), listen: { host, port: PORT } });
  const session = await town.clock.settle(node.dial(other.enode ?? '').active);
  session.disconnect();
  await town.clock.settle(other.close());
  const failed = node.dial((other.enode ?? '').replace(host, '10.2.0.9'));
  await town.clock.settle(failed.ended);
  expect(heard).toEqual([
    [session.id, await session.ended],
    [failed.id, await failed.ended],
  ]);
  await town.clock.settle(node.close());
  expect(heard).toHaveLength(2);
});

/** A daemon that writes down what it says, and was pinged once. @returns the file of that session */
async function journaled(): Promise<string> {
  const folder = temporaryFolder();
  const args = ['run', '--datadir', join(folder, 'data'), '--genesis', genesisFile, ...loopback];
  const daemon = new Cli([...args, '--journal', join(folder, 'journal')]);
  await rlpxd(['ping', await daemon.enode()]);
  daemon.child.kill('SIGTERM');
  await daemon.done;
  return join(folder, 'journal', '000001-s00000001.jsonl');
}

describe('000.5, 004.7: what a daemon has written down', () => {
  test('000.5: a daemon leaves a journal of each session, in which every change is found', async () => {
    const file = await journaled();
    const entries = decodeJournal(readFileSync(file)).entries;
    expect(verifyJournal(entries, (...parts) => crypto.keccak256(...parts))).toMatchObject({
      complete: true,
    });
    expect(await rlpxd(['journal', 'verify', file])).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(file, encodeJournal(entries.toSpliced(3, 1)));
    const { code, stderr } = await rlpxd(['journal', 'verify', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^rlpxd: .*: record 3: record 4 stands where 3 belongs\n$/);
  }, 60_000);

  test('004.7: its journal, replayed, comes to the same states and the same end, which explain tells as well', async () => {
    const file = await journaled();
    const replayed = await rlpxd(['journal', 'replay', file, '--json']);
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      arrived: true,
      states: ['accepted', 'authenticating', 'greeting', 'verifying', 'active', 'closed'],
      cause: { outcome: 'closed', by: 'remote' },
    });
    const { stdout } = await rlpxd(['explain', file]);
    expect(stdout).toMatch(/^closed while active by the peer/);
  }, 60_000);
});
