import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Cli, type CliOptions, type CliResult, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const KEY =
  '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
  '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
const genesis = demo.path('genesis.json');
const loopback = ['--addr', '127.0.0.1', '--port', '0', '--log', 'json', '--loglevel', 'error'];

/** Runs it in a home of its own, and holds it to the rule: one line that begins with `rlpxd: `, never a stack. */
async function refused(args: readonly string[], code: 1 | 2, options: CliOptions = {}): Promise<string> {
  const home = temporaryFolder();
  const result = await rlpxd(args, { cwd: home, env: { HOME: home }, ...options });
  return oneLine(result, code);
}

function oneLine({ code, stdout, stderr }: CliResult, expected: 1 | 2): string {
  const lines = stderr.trimEnd().split('\n');
  expect({ code, stdout, stderr: lines.length === 1 ? lines[0] : stderr }).toEqual({
    code: expected,
    stdout: '',
    stderr: expect.stringMatching(/^rlpxd: \S.*\S$/),
  });
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+|node:internal|undefined|\[object/);
  return lines[0] ?? '';
}

describe('asked wrongly: exit code 2', () => {
  test.each<[string, string[], RegExp]>([
    ['an unknown flag', ['run', '--what'], /--what/],
    ['an unknown command', ['fly'], /fly/],
    ['a flag without its value', ['run', '--port'], /--port/],
    ['a missing argument', ['ping'], /enode/],
    ['one argument too many', ['version', 'please'], /argument/],
    ['a malformed enode', ['ping', 'enode://1234@127.0.0.1:30303'], /4 hex digits, 128 wanted/],
    ['an enode without a port', ['ping', `enode://${KEY}@127.0.0.1`], /no port/],
    ['an enode whose key is on no curve', ['ping', `enode://${'11'.repeat(64)}@127.0.0.1:1`], /not a point/],
    [
      'a malformed static peer',
      ['run', '--network', 'hoodi', '--peer', 'enode:/x', ...loopback],
      /--peer: .*enode:/,
    ],
    ['a malformed peer to pull from', ['pull', 'nobody', '--network', 'hoodi'], /enode/],
    ['--eth 99', ['run', '--network', 'hoodi', '--eth', '99'], /99.*68, 69, 70, 71, 72/],
    ['--eth 69,', ['ping', `enode://${KEY}@127.0.0.1:1`, '--eth', '69,'], /68, 69, 70, 71, 72/],
    ['a network that is none', ['run', '--network', 'moonnet'], /mainnet.*sepolia.*hoodi/],
    [
      'two chains',
      ['run', '--network', 'hoodi', '--genesis', genesis],
      /--genesis.*--network|--network.*--genesis/,
    ],
    ['no chain', ['run', ...loopback], /genesis.*network/],
    [
      'an upstream that is no address',
      ['run', '--network', 'hoodi', '--upstream', 'ftp://x', ...loopback],
      /: --upstream: .*http:\/\//,
    ],
    [
      'two places for one chain',
      ['run', '--network', 'hoodi', '--upstream', 'http://127.0.0.1:1', '--pull', ...loopback],
      /: --pull: .*upstream/,
    ],
    ['a port that is none', ['run', '--network', 'hoodi', '--port', '65536'], /0 to 65535/],
    [
      'a listening address that is none',
      ['run', '--network', 'hoodi', '--addr', 'here', '--port', '0'],
      /--addr.*here/,
    ],
    ['a CIDR that is none', ['run', '--network', 'hoodi', '--netrestrict', '10.0.0.0/99'], /10\.0\.0\.0\/99/],
    ['a timeout that is none', ['ping', `enode://${KEY}@127.0.0.1:1`, '--timeout', 'soon'], /10s/],
    [
      'a target that is none',
      ['pull', `enode://${KEY}@127.0.0.1:1`, '--network', 'hoodi', '--to', 'top'],
      /--to/,
    ],
    ['a log format that is none', ['run', '--log', 'xml'], /json, pretty/],
    ['a timeout of nothing', ['ping', `enode://${KEY}@127.0.0.1:1`, '--timeout', '0'], /above zero/],
    ['an empty datadir', ['run', '--genesis', genesis, '--datadir', ''], /--datadir.*empty/],
    ['an empty name of a genesis', ['run', '--genesis', ''], /--genesis.*empty/],
    ['an empty name of a chain', ['import', ' '], /chain.rlp.*empty/],
    ['an empty name of a key', ['key', 'generate', ''], /file.*empty/],
    ['too few nodes', ['devnet', '--nodes', '1'], /2 to 16/],
    [
      'two keys',
      ['run', '--network', 'hoodi', '--nodekey', 'f', '--nodekeyhex', '01'.repeat(32)],
      /--nodekey/,
    ],
  ])('%s', async (_, args, words) => {
    expect(await refused(args, 2)).toMatch(words);
  });

  test('a command that is missing: the help, on standard error', async () => {
    const { code, stdout, stderr } = await rlpxd([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: rlpxd');
  });
});

describe('keys', () => {
  const run = (...more: string[]): string[] => ['run', '--genesis', genesis, ...loopback, ...more];

  test('a key file that is not there', async () => {
    expect(await refused(run('--nodekey', 'nowhere'), 1)).toMatch(/key file nowhere does not exist/);
  });

  test('a key file that cannot be read', async () => {
    expect(await refused(run('--nodekey', temporaryFolder()), 1)).toMatch(/key file .* is a folder/);
  });

  test.each(['', 'hello', 'ab', '00'.repeat(32), 'ff'.repeat(32)])(
    'a key file with %j in it',
    async (content) => {
      const file = join(temporaryFolder(), 'key');
      writeFileSync(file, content, { mode: 0o600 });
      expect(await refused(run('--nodekey', file), 1)).toMatch(/key file .*(64 hex digits|secret key)/);
      expect(await refused(['key', 'inspect', file], 1)).toContain(file);
    },
  );

  test('a key file readable by others, with the command that mends it', async () => {
    const file = join(temporaryFolder(), 'key');
    writeFileSync(file, '01'.repeat(32));
    chmodSync(file, 0o644);
    const line = await refused(run('--nodekey', file), 1);
    expect(line).toContain(`chmod 600 ${file}`);
    expect(await refused(['key', 'inspect', file], 1)).toContain(`chmod 600 ${file}`);
    chmodSync(file, 0o600); // what the line said
    expect((await rlpxd(['key', 'inspect', file])).code).toBe(0);
  });

  test('a malformed key on the command line, which is not shown', async () => {
    const secret = `${'ab'.repeat(31)}xy`;
    const line = await refused(run('--nodekeyhex', secret), 2);
    expect(line).toContain('64 hex digits');
    expect(line).not.toContain('abab');
  });

  test('what holds no key at all is not mended by a chmod', async () => {
    expect(await refused(['key', 'inspect', '/dev/null'], 1)).not.toContain('chmod');
  });

  test('a key that is not overwritten', async () => {
    const file = join(temporaryFolder(), 'key');
    writeFileSync(file, 'precious', { mode: 0o600 });
    expect(await refused(['key', 'generate', file], 1)).toContain(file);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });
});

describe('genesis', () => {
  test.each<[string, string | Buffer, RegExp]>([
    ['is not there', '', /does not exist/],
    ['is not JSON', 'not json {', /JSON/],
    ['is JSON of something else', '[1, 2]', /object|config/],
    ['lacks its config', '{"alloc": {}}', /config/],
    ['lacks its alloc', '{"config": {"chainId": 1}, "difficulty": "0x1", "gasLimit": "0x1"}', /alloc/],
    ['has a field of the wrong kind', '{"config": {"chainId": "x"}, "alloc": {}}', /chainId/],
    ['is not text', Buffer.from([0xff, 0xfe, 0x00, 0x80]), /not text/],
  ])('that %s', async (name, content, words) => {
    const file = join(temporaryFolder(), 'genesis.json');
    if (name !== 'is not there') writeFileSync(file, content);
    const line = await refused(['run', '--genesis', file, ...loopback], 1);
    expect(line).toContain(file);
    expect(line).toMatch(words);
  });
});

describe('what is in use', () => {
  test('the port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const line = await refused(['run', '--genesis', genesis, ...loopback, '--port', port], 1);
    expect(line).toContain(port);
    expect(line).toContain('in use');
  });

  test('the datadir, by another process', async () => {
    const datadir = temporaryFolder();
    const first = new Cli(['run', '--genesis', genesis, '--datadir', datadir, ...loopback]);
    await first.enode();
    for (const args of [
      ['run', ...loopback],
      ['store', 'check'],
      ['import', demo.path('chain.rlp')],
    ]) {
      const line = await refused([...args, '--datadir', datadir], 1);
      expect(line).toContain(datadir);
      expect(line).toContain('another process');
    }
  });

  test('the datadir, by another chain', async () => {
    const datadir = temporaryFolder();
    const first = new Cli(['run', '--genesis', genesis, '--datadir', datadir, ...loopback]);
    await first.enode();
    first.child.kill('SIGTERM');
    await first.done;
    const line = await refused(['run', '--network', 'sepolia', '--datadir', datadir, ...loopback], 1);
    expect(line).toMatch(/genesis.*sepolia/);
  });

  test('nothing: a store that is not there is not checked, and not made', async () => {
    const datadir = temporaryFolder();
    expect(await refused(['store', 'check', '--datadir', datadir], 1)).toContain('holds no chain');
    expect(readdirSync(datadir)).toEqual([]);
  });

  test('a datadir that is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(await refused(['run', '--genesis', genesis, '--datadir', file, ...loopback], 1)).toContain(file);
  });
});

describe('import', () => {
  const files = ['--receipts', demo.path('receipts.rlp')];
  const whole = readFileSync(demo.path('chain.rlp'));

  async function importing(chain: string | Buffer, more: readonly string[] = files) {
    const datadir = temporaryFolder();
    const file = typeof chain === 'string' ? chain : join(datadir, 'chain.rlp');
    if (typeof chain !== 'string') writeFileSync(file, chain);
    const result = await rlpxd(['import', file, ...more, '--genesis', genesis, '--datadir', datadir]);
    return { result, datadir, file };
  }

  async function checked(datadir: string): Promise<{ head: number }> {
    const { code, stdout } = await rlpxd(['store', 'check', '--datadir', datadir, '--json']);
    expect(code).toBe(0);
    return JSON.parse(stdout);
  }

  test('a truncated chain: what was good is kept, and said', async () => {
    const { result, datadir } = await importing(whole.subarray(0, Math.floor(whole.length / 2)));
    const line = oneLine(result, 1);
    const { head } = await checked(datadir);
    expect(head).toBeGreaterThan(0);
    expect(line).toContain(String(head));
    // and the whole file goes on from there
    const rest = await rlpxd(['import', demo.path('chain.rlp'), ...files, '--datadir', datadir]);
    expect(rest).toMatchObject({ code: 0, stderr: '' });
    expect(await checked(datadir)).toMatchObject({ head: 560 });
  });

  test('a chain of another genesis', async () => {
    const other = JSON.parse(demo.genesis());
    other.extraData = '0x1234';
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'other.json'), JSON.stringify(other));
    const args = ['import', demo.path('chain.rlp'), ...files, '--genesis', join(folder, 'other.json')];
    const line = oneLine(await rlpxd([...args, '--datadir', join(folder, 'd')]), 1);
    expect(line).toMatch(/block 1\b/);
    expect(await checked(join(folder, 'd'))).toMatchObject({ head: 0 });
  });

  test('a file that is no chain', async () => {
    oneLine((await importing(demo.path('README.md'))).result, 1);
    oneLine((await importing(Buffer.alloc(100))).result, 1);
    expect(oneLine((await importing('/nowhere/chain.rlp')).result, 1)).toContain('/nowhere/chain.rlp');
    expect(oneLine((await importing(Buffer.alloc(0))).result, 1)).toContain('holds no block');
    expect(oneLine((await importing(temporaryFolder())).result, 1)).toContain('it is a folder');
  });

  test('receipts that are missing: said, and added by another import', async () => {
    const { result, datadir } = await importing(demo.path('chain.rlp'), []);
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(
      /^rlpxd: \d+ blocks stored without receipts; .*--receipts or --upstream\n$/,
    );
    const looked = await rlpxd(['store', 'check', '--datadir', datadir]);
    expect(looked.stdout).toMatch(/; \d+ blocks without receipts\n$/);
    const again = await rlpxd(['import', demo.path('chain.rlp'), ...files, '--datadir', datadir, '--json']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(again.stdout)).toMatchObject({ blocks: 0, known: 560, receiptsMissing: 0 });
    expect(JSON.parse(again.stdout).receiptsFilled).toBeGreaterThan(0);
    expect(await checked(datadir)).toMatchObject({ head: 560, receiptsMissing: 0 });
  });

  test('receipts of another chain', async () => {
    const wrong = ['--receipts', demo.path('chain.rlp')];
    expect(oneLine((await importing(demo.path('chain.rlp'), wrong)).result, 1)).toMatch(/receipts/i);
  });

  test('a store that is damaged: what to do is said', async () => {
    const { datadir } = await importing(demo.path('chain.rlp'));
    const manifest = readdirSync(join(datadir, 'chain')).find((name) => name.startsWith('MANIFEST')) ?? '';
    writeFileSync(join(datadir, 'chain', manifest), 'hurt');
    const line = oneLine(await rlpxd(['store', 'check', '--datadir', datadir]), 1);
    expect(line).toContain(`remove the folder ${join(datadir, 'chain')} and copy the chain again`);
  });

  test('a file that may not grow: said, and what was stored is whole', async () => {
    // the shell's own limit on file sizes, in blocks of 512 bytes or 1 KiB: LevelDB's log meets it after some blocks
    const datadir = temporaryFolder();
    const args = ['import', demo.path('chain.rlp'), ...files, '--genesis', genesis, '--datadir', datadir];
    const line = oneLine(await rlpxd(args, { shell: "trap '' XFSZ; ulimit -f 200;" }), 1);
    expect(line).toMatch(/larger than is allowed|File too large/i);
    expect(line).toMatch(/block \d+/);
    const { head } = await checked(datadir);
    expect(head).toBeLessThan(560);
  });
});

describe('peers', () => {
  test('a peer that is gone: ping says at which stage', async () => {
    expect(await refused(['ping', `enode://${KEY}@127.0.0.1:1`], 1)).toMatch(
      /connect: .*(ECONNREFUSED|nobody listens)/,
    );
  });

  test('a peer that is gone: pull gives up', async () => {
    const args = ['pull', `enode://${KEY}@127.0.0.1:1`, '--genesis', genesis];
    expect(await refused(args, 1)).toMatch(/ECONNREFUSED|nobody listens/);
    // also where patience ends first
    expect(await refused([...args, '--patience', '300ms'], 1)).toMatch(/nobody could help: .*ECONNREFUSED/);
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    [
      'is a web server',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\nwho are you?\n'.repeat(20)),
      /no RLPx node/,
    ],
    ['closes at once', (socket) => socket.end(), /closed the connection \(no RLPx node/],
    ['echoes', (socket) => socket.pipe(socket), /no RLPx node/],
    ['says zeros', (socket) => socket.write(new Uint8Array(5_000)), /no RLPx node/],
  ])('who answers %s', async (_, answer, words) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await refused(['ping', `enode://${KEY}@127.0.0.1:${port}`], 1)).toMatch(words);
  });

  test('a peer that says nothing', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const line = await refused(['ping', `enode://${KEY}@127.0.0.1:${port}`, '--timeout', '300ms'], 1);
    expect(line).toMatch(/ecies: no answer within 300 ms/);
  });

  test('a host that has no address', async () => {
    const line = await refused(['ping', `enode://${KEY}@no-such-host.invalid:1`, '--timeout', '5s'], 1);
    expect(line).toMatch(/connect: /);
  });
});

test('a folder that may not be written', async () => {
  const parent = join(temporaryFolder(), 'file');
  mkdirSync(parent);
  writeFileSync(join(parent, 'x'), '');
  expect(await refused(['key', 'generate', join(parent, 'x', 'key')], 1)).toContain('key');
});

test('a first Ctrl-C calls off what waits for standard input', async () => {
  const cli = new Cli(['send'], { stdin: 'pipe' });
  // more than a pipe holds: once all is written it reads, and by then it heeds signals
  cli.say('0x01');
  await new Promise((resolve) => cli.child.stdin?.write(' '.repeat(4_000_000), resolve));
  cli.child.kill('SIGINT');
  expect(oneLine(await cli.done, 1)).toBe('rlpxd: called off before the end of standard input');
});

test('neither the id of a session nor a file: both are named', async () => {
  expect(await refused(['explain', 'seventeen'], 1)).toMatch(
    /: seventeen is neither the id of a session.* nor a file/,
  );
});
