import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realIpc } from '../../src/runtime/index.js';
import { rejection } from '../support/runtime-worlds.js';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rlpxd-ipc-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('the socket is for its owner alone, and nothing else is left beside it', async () => {
  const at = folder();
  const listener = await realIpc.listen(join(at, 'a.ipc'), (socket) => socket.destroy());
  expect(statSync(join(at, 'a.ipc')).mode & 0o777).toBe(0o600);
  expect(readdirSync(at)).toEqual(['a.ipc']);
  await listener.close();
  expect(readdirSync(at)).toEqual([]);
});

test('a socket that a dead process has left is replaced', async () => {
  const path = join(folder(), 'a.ipc');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  expect(await rejection(realIpc.listen(path, () => undefined))).toMatchObject({ detail: 'EADDRINUSE' });
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await rejection(realIpc.connect(path))).toMatchObject({ detail: 'ECONNREFUSED' });
  const listener = await realIpc.listen(path, (socket) => socket.destroy());
  (await realIpc.connect(path)).destroy();
  await listener.close();
});

test('a file that is no socket is left alone', async () => {
  const path = join(folder(), 'a.ipc');
  writeFileSync(path, 'mine');
  expect(await rejection(realIpc.listen(path, () => undefined))).toMatchObject({ detail: 'ENOTSOCK' });
  expect(readFileSync(path, 'utf8')).toBe('mine');
});
