import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDns, realFiles, realRandom, realStores, realWorld } from '../../src/runtime/index.js';
import { storeError } from '../../src/runtime/real/stores.js';
import { plainHost } from '../../src/runtime/real/tcp-socket.js';
import { rejection } from '../support/runtime-worlds.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rlpxd-real-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('real sockets', () => {
  it('read no more than their share in a row while others have something', async () => {
    const { tcp } = realWorld();
    const bulk = new Uint8Array(2 * 1024 * 1024);
    const quiet = { drain: () => undefined, end: () => undefined, closed: () => undefined };
    let bulkBytes = 0;
    let aheadOfIt: number | undefined;
    let done: () => void = () => undefined;
    const whole = new Promise<void>((resolve) => {
      done = resolve;
    });
    const data = (chunk: Uint8Array): void => {
      if (chunk.length === 1) aheadOfIt = bulkBytes;
      else bulkBytes += chunk.length;
      if (bulkBytes === bulk.length && aheadOfIt !== undefined) done();
    };
    const listener = await tcp.listen({ host: '127.0.0.1', port: 0 }, (socket) =>
      socket.attach({ ...quiet, data }),
    );
    const [first, second] = await Promise.all([tcp.connect(listener.address), tcp.connect(listener.address)]);
    for (const socket of [first, second]) socket.attach({ ...quiet, data: () => undefined });
    await new Promise((soon) => setTimeout(soon, 50)); // both are accepted
    first.write([bulk]);
    second.write([Uint8Array.of(1)]);
    await whole;
    expect(aheadOfIt).toBeLessThanOrEqual(2 * 65_536);
    first.destroy();
    second.destroy();
    await listener.close();
  });
});

describe('real files', () => {
  it('leave no temporary file behind, whether writing works or fails', async () => {
    const file = join(folder, 'file');
    await realFiles.writeWhole(file, Uint8Array.of(1));
    await realFiles.writeWhole(file, Uint8Array.of(2), 0o600);
    await rejection(realFiles.createNew(file, Uint8Array.of(3), 0o600));
    await realFiles.makeDirectory(join(folder, 'taken'));
    expect(await rejection(realFiles.writeWhole(join(folder, 'taken'), Uint8Array.of(4)))).toMatchObject({
      code: 'ERR_RUNTIME_FILE',
      detail: 'EISDIR',
    });
    expect((await readdir(folder)).sort()).toEqual(['file', 'taken']);
    expect(await realFiles.read(file)).toEqual(Uint8Array.of(2));
  });

  it.runIf(process.platform === 'linux')(
    'say so where a file system takes no folders, in place of trying for ever',
    async () => {
      const none = realFiles.makeDirectory('/proc/rlpxd-test/deep');
      expect(await rejection(none)).toMatchObject({ code: 'ERR_RUNTIME_FILE', detail: 'ENOENT' });
    },
  );

  it('replace a symbolic link by the file instead of writing through it', async () => {
    const target = join(folder, 'target');
    const alias = join(folder, 'alias');
    await realFiles.writeWhole(target, Uint8Array.of(1));
    await symlink(target, alias);
    await realFiles.writeWhole(alias, Uint8Array.of(2));
    expect(await realFiles.read(target)).toEqual(Uint8Array.of(1));
    expect(await realFiles.read(alias)).toEqual(Uint8Array.of(2));
  });

  it('write to what cannot be synced', async () => {
    const writer = await realFiles.openWriter('/dev/null');
    await writer.write(Uint8Array.of(1, 2, 3));
    await writer.close();
  });

  it('name a full disk', async () => {
    const writer = await realFiles.openWriter('/dev/full').catch(() => undefined);
    if (writer === undefined) return;
    expect(await rejection(writer.write(Uint8Array.of(1)))).toMatchObject({
      code: 'ERR_RUNTIME_FILE',
      detail: 'ENOSPC',
    });
    await writer.close();
  });
});

describe('real stores', () => {
  it('are refused while another process holds them, and open once it is gone', async () => {
    const script = `
      import { ClassicLevel } from 'classic-level';
      const level = new ClassicLevel(process.argv[1], { keyEncoding: 'view', valueEncoding: 'view' });
      await level.open();
      process.stdout.write('held');
      process.stdin.resume();
    `;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      cwd: new URL('../..', import.meta.url),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    try {
      await new Promise<void>((resolve, reject) => {
        holder.stdout.once('data', () => resolve());
        holder.once('exit', () => reject(new Error('the other process ended early')));
      });
      expect(await rejection(realStores.open(folder))).toMatchObject({ code: 'ERR_RUNTIME_STORE_BUSY' });
    } finally {
      holder.kill('SIGKILL');
    }
    await gone;
    const store = await realStores.open(folder);
    await store.close();
  });

  it('cannot be opened where a file is in the way', async () => {
    await realFiles.writeWhole(join(folder, 'file'), Uint8Array.of(1));
    expect(await rejection(realStores.open(join(folder, 'file')))).toMatchObject({
      code: 'ERR_RUNTIME_STORE',
      detail: 'EEXIST',
    });
  });

  it('name full and broken disks by the system’s word, however deep LevelDB hides it', () => {
    const of = (words: string, code: string): string | undefined =>
      storeError('write', '/data', Object.assign(new Error(words), { code })).detail;
    expect(of('IO error: /data/000005.log: No space left on device', 'LEVEL_IO_ERROR')).toBe('ENOSPC');
    expect(of('IO error: /data/000005.log: Input/output error', 'LEVEL_IO_ERROR')).toBe('EIO');
    expect(of('Corruption: bad record', 'LEVEL_CORRUPTION')).toBe('LEVEL_CORRUPTION');
    const wrapped = Object.assign(new Error('Database failed to open'), {
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: Object.assign(new Error('IO error: lock /data/LOCK: already held by process'), {
        code: 'LEVEL_LOCKED',
      }),
    });
    expect(storeError('open', '/data', wrapped)).toMatchObject({
      code: 'ERR_RUNTIME_STORE_BUSY',
      detail: 'LEVEL_LOCKED',
    });
    expect(storeError('open', '/data', 'no error at all').detail).toBeUndefined();
  });
});

describe('the real resolver', () => {
  it('finds this machine, IPv4 first', async () => {
    const addresses = await realDns.lookup('localhost');
    expect(addresses).toContain('127.0.0.1');
    expect(addresses[0]).toBe('127.0.0.1');
  });

  it('takes addresses as they are', async () => {
    expect(await realDns.lookup('10.1.2.3')).toEqual(['10.1.2.3']);
    expect(await realDns.lookup('fd00::1')).toEqual(['fd00::1']);
  });

  it('refuses what can be no name, and stops when told', async () => {
    expect(await rejection(realDns.lookup(''))).toMatchObject({
      code: 'ERR_RUNTIME_DNS',
      detail: 'ENOTFOUND',
    });
    expect(await rejection(realDns.lookup('a'.repeat(300)))).toMatchObject({ code: 'ERR_RUNTIME_DNS' });
    expect(await rejection(realDns.lookup('localhost', { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_RUNTIME_ABORTED',
    });
    const controller = new AbortController();
    const looking = realDns.lookup('localhost', { signal: controller.signal });
    controller.abort();
    expect(await rejection(looking)).toMatchObject({ code: 'ERR_RUNTIME_ABORTED' });
  });
});

describe('the rest of the real world', () => {
  it('gives fresh random bytes that the caller owns', () => {
    const a = realRandom.bytes(32);
    const b = realRandom.bytes(32);
    expect(a).toHaveLength(32);
    expect(Object.getPrototypeOf(a)).toBe(Uint8Array.prototype);
    expect(a).not.toEqual(b);
    expect(a.buffer.byteLength).toBe(32);
    expect(realRandom.bytes(0)).toHaveLength(0);
    const unit = realRandom.unit();
    expect(unit >= 0 && unit < 1).toBe(true);
  });

  it('names IPv4 peers of dual-stack sockets plainly', () => {
    expect(plainHost('::ffff:127.0.0.1')).toBe('127.0.0.1');
    expect(plainHost('::FFFF:10.0.0.1')).toBe('10.0.0.1');
    expect(plainHost('::1')).toBe('::1');
    expect(plainHost('::ffff:0:1')).toBe('::ffff:0:1');
    expect(plainHost('10.0.0.1')).toBe('10.0.0.1');
  });

  it('comes in one object', () => {
    expect(Object.keys(realWorld()).sort()).toEqual([
      'clock',
      'dns',
      'files',
      'ipc',
      'random',
      'stores',
      'tcp',
      'web',
      'workers',
    ]);
  });
});
