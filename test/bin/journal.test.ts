import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { replayJournalFile, verifyJournalFile } from '../../src/node/index.js';
import { Cli, ensureBuilt, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const loopback = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8', '--log', 'json'];
const run = (folder: string, name: string): string[] => [
  ...['run', '--genesis', demo.path('genesis.json'), '--datadir', join(folder, name), ...loopback],
];

/** Journals in a folder, the longest first. */
function journals(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder).map((name) => join(folder, name));
  return paths.sort((a, b) => statSync(b).size - statSync(a).size);
}

describe('rlpxd journal', () => {
  test('000.5, 004.7: what a daemon writes down is verified, shown, replayed and explained', async () => {
    const folder = temporaryFolder();
    const dir = join(folder, 'journals');
    const daemon = new Cli([
      ...run(folder, 'a'),
      '--journal',
      dir,
      '--journal-what',
      'whole',
      '--journal-ambient',
    ]);
    expect((await rlpxd(['ping', await daemon.enode()])).code).toBe(0);
    daemon.child.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    expect(readdirSync(dir)).toEqual(['000001-s00000001.jsonl']);
    const [file = ''] = journals(dir);
    const verified = await rlpxd(['journal', 'verify', file]);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/^\d+ records, each linked to the one before it/);
    const check: unknown = JSON.parse((await rlpxd(['journal', 'verify', file, '--json'])).stdout);
    expect(check).toMatchObject({ file, sound: true, missed: 0 });
    const shown = await rlpxd(['journal', 'show', file]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout.split('\n')[1]).toMatch(
      /^ *0 {2}\+0\.000 s {2}session s1, that came in; of messages every byte is kept$/,
    );
    const records = (await rlpxd(['journal', 'show', file, '--json'])).stdout.trimEnd().split('\n');
    expect(records.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(
      records.map((_, at) => at),
    );
    const replayed = await rlpxd(['journal', 'replay', file]);
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    expect(replayed.stdout).toMatch(
      /^accepted → authenticating → greeting → verifying → active → closed; the same end/,
    );
    expect(JSON.parse((await rlpxd(['journal', 'replay', file, '--json'])).stdout)).toMatchObject({
      arrived: true,
    });
    const explained = await rlpxd(['explain', file]);
    expect(explained.stdout).toMatch(/^closed while active by the peer/);

    const damaged = join(folder, 'damaged');
    const text = readFileSync(file, 'utf8');
    writeFileSync(damaged, text.replace('"name":"Status"', '"name":"status"'));
    for (const reader of ['verify', 'replay']) {
      const { code, stdout, stderr } = await rlpxd(['journal', reader, damaged]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^rlpxd: .*damaged: .*record \d: .*\n$/);
    }
    const { code, stdout } = await rlpxd(['journal', 'verify', damaged, '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { sound: false, at: 4 }]);
    const part = await rlpxd(['journal', 'show', damaged]);
    expect(part.code).toBe(0);
    expect(part.stderr).toMatch(/^rlpxd: .*record 4: its link does not follow/);
  }, 60_000);

  test('what is no journal is refused in one line', async () => {
    const folder = temporaryFolder();
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const cases: readonly (readonly [string, RegExp, number])[] = [
      [join(folder, 'nothing'), /does not exist/, 1],
      [folder, /is a folder/, 1],
      [file('empty', ''), /is empty/, 1],
      [file('rubbish', 'hello\n'), /is no journal of a session/, 1],
      [file('other', '{"seq":0,"chain":"life","atMs":1,"kind":"open","version":9}\n'), /is of version 9/, 1],
      ['', /is wanted, this is empty/, 2],
    ];
    await Promise.all(
      cases.map(async ([path, says, expected]) => {
        const { code, stdout, stderr } = await rlpxd(['journal', 'verify', path]);
        expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
        expect(stderr).toMatch(says);
        expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      }),
    );
    const alone = await rlpxd([...run(folder, 'a'), '--journal-what', 'whole']);
    expect(alone).toMatchObject({ code: 2, stderr: 'rlpxd: --journal-what needs --journal\n' });
    const noFolder = await rlpxd([...run(folder, 'a'), '--journal', join(folder, 'rubbish')]);
    expect(noFolder.code).toBe(2);
    expect(noFolder.stderr).toMatch(/rlpxd: --journal: .*rubbish is no folder\n$/);
  }, 60_000);

  test('000.5: killed while it writes, a daemon leaves journals of which at most the end is missing', async () => {
    const folder = temporaryFolder();
    const dir = join(folder, 'journals');
    const source = new Cli([...run(folder, 'a')]);
    const imported = await rlpxd([
      ...[
        'import',
        demo.path('chain.rlp'),
        '--genesis',
        demo.path('genesis.json'),
        '--datadir',
        join(folder, 'b'),
      ],
      ...['--receipts', demo.path('receipts.rlp')],
    ]);
    expect(imported.code).toBe(0);
    await source.enode();
    for (let round = 1; round <= 2; round++) {
      const daemon = new Cli([
        ...[...run(folder, 'b'), '--journal', dir, '--journal-what', 'whole'],
        ...['--peer', await source.enode()],
      ]);
      const enode = await daemon.enode();
      const pulling = new Cli([
        ...['pull', enode, '--genesis', demo.path('genesis.json'), '--datadir', join(folder, `c${round}`)],
      ]);
      const written = (): string[] => journals(dir).filter((path) => path.includes(`/00000${round}-`));
      // in the middle of a transfer, of which some 700 KB are written down
      await vi.waitUntil(() => written().some((path) => statSync(path).size > 20_000 * round), {
        ...{ timeout: 15_000, interval: 5 },
      });
      daemon.child.kill('SIGKILL');
      await daemon.done;
      pulling.child.kill('SIGKILL');
      await pulling.done;
      expect(written().length).toBeGreaterThan(0);
      for (const path of written()) {
        const check = await verifyJournalFile(path);
        expect(check, path).toMatchObject({ sound: false, at: check.records });
        expect(check.records).toBeGreaterThan(5);
        const replay = await replayJournalFile(path);
        expect(replay, path).toMatchObject({ at: check.records });
        expect(replay.states).toContain('active');
      }
    }
  }, 120_000);
});
