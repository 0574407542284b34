import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { parseEnode } from '../../src/index.js';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

/** Opens a socket that says nothing, and another one whenever it is lost. */
function hold(
  at: { readonly host: string; readonly port: number },
  open: Set<Socket>,
  until: AbortSignal,
): void {
  if (until.aborted) return;
  const socket = connect(at);
  open.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open.delete(socket);
    setTimeout(() => hold(at, open, until), 20);
  });
}

test('C4: with 256 descriptors and 400 sockets that hold them, store and local socket go on, and so does the listener after it', {
  timeout: 60_000,
  skip: process.platform !== 'linux',
}, async () => {
  const datadir = temporaryFolder();
  const loopback = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8'];
  const limits = ['--maxpeers', '2000', '--maxpendpeers', '2000'];
  const args = ['run', ...loopback, '--genesis', demo.path('genesis.json'), '--log', 'json', '--datadir'];
  const run = new Cli([...args, datadir, ...limits], { shell: 'ulimit -n 256;', timeoutMs: 60_000 });
  const enode = await run.enode();
  void new Cli([...args, temporaryFolder(), '--peer', enode]);
  await run.event('session.active');
  const open = new Set<Socket>();
  const over = new AbortController();
  for (let i = 0; i < 400; i++) hold(parseEnode(enode), open, over.signal);
  const live = async (): Promise<readonly { readonly id: string; readonly state: string }[]> => {
    const { code, stdout, stderr } = await rlpxd(['sessions', '--datadir', datadir, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout).live;
  };
  while ((await live()).length < 100) await wait(50);
  const [active] = (await live()).filter(({ state }) => state === 'active');
  expect(await rlpxd(['disconnect', active?.id ?? '', '--datadir', datadir])).toMatchObject({ code: 0 });
  const { stdout } = await rlpxd(['sessions', '--datadir', datadir, '--json', '--state', 'closed']);
  const { past, history } = JSON.parse(stdout);
  expect(past).toMatchObject([{ cause: { outcome: 'closed', by: 'local' } }]);
  expect(history).toMatchObject({ summaries: 1, lost: 0, unreadable: 0 });
  over.abort();
  for (const socket of open) socket.destroy();
  await wait(500);
  expect(await rlpxd(['ping', enode, '--genesis', demo.path('genesis.json')])).toMatchObject({ code: 0 });
  run.child.kill('SIGTERM');
  const { code, stderr } = await run.done;
  expect(code).toBe(0);
  expect(stderr.split('\n').filter((line) => /EMFILE|"level":"?(error|50)/.test(line))).toEqual([]);
});
