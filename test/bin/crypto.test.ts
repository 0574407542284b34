import { beforeAll, describe, expect, test } from 'vitest';
import { CRYPTO_CHOICES } from '../../src/crypto/index.js';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const genesis = ['--genesis', demo.path('genesis.json')];
const BY_NAME = CRYPTO_CHOICES.filter((choice) => choice !== 'auto');
/** A Node that loads nobody's native code: as on a machine that no package has a build for. */
const noAddons = { NODE_OPTIONS: '--no-addons' };

function daemon(more: readonly string[] = []): Cli {
  const place = ['--datadir', temporaryFolder(), '--addr', '127.0.0.1', '--port', '0', '--log', 'json'];
  return new Cli(['run', ...genesis, ...place, ...more]);
}

describe('the cryptographic back end', () => {
  test('every one can be forced, on either side, and is named on the log', async () => {
    const running = BY_NAME.map((name) => ({ name, run: daemon(['--crypto', name]) }));
    for (const { name, run } of running) {
      const enode = await run.enode();
      expect(await run.event('listening')).toMatchObject({
        crypto: { name, parts: { curve: expect.any(String), keccak: expect.any(String) } },
        msg: expect.stringContaining(`${name} cryptography`),
      });
      const { code, stdout, stderr } = await rlpxd(['ping', enode, '--crypto', name, '--json']);
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
      expect(JSON.parse(stdout).id).toMatch(/^[0-9a-f]{64}$/);
    }
  }, 60_000);

  test.each(['store check', 'import', 'pull', 'ping', 'run', 'devnet'])(
    '%s refuses a name that is none',
    async (name) => {
      const { code, stderr } = await rlpxd([...name.split(' '), 'x', '--crypto', 'rot13']);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^rlpxd: .*rot13.*auto, native, wasm, node, noble.*\n$/);
    },
  );

  test('one that is forced and does not work here: one line, exit code 1', async () => {
    const enode = await daemon().enode();
    for (const args of [['ping', enode], ['run', ...genesis], ['pull', enode, ...genesis], ['devnet']]) {
      const folder = temporaryFolder();
      const options = { env: { ...noAddons, HOME: folder, TMPDIR: folder } };
      const { code, stdout, stderr } = await rlpxd([...args, '--crypto', 'native'], options);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^rlpxd: .*native: secp256k1 does not load.*\n$/);
    }
  });

  test('one that is chosen instead: the command works, and one line says what is lost', async () => {
    const enode = await daemon().enode();
    const { code, stdout, stderr } = await rlpxd(['ping', enode, '--json'], { env: noAddons });
    expect({ code, id: JSON.parse(stdout).id }).toEqual({ code: 0, id: expect.any(String) });
    expect(stderr).toMatch(/^rlpxd: .*wasm, slower than it could be: native: .*\n$/);
    const version = await rlpxd(['version', '--json'], { env: noAddons });
    expect(JSON.parse(version.stdout).crypto).toMatchObject({
      name: 'wasm',
      parts: { curve: 'tiny-secp256k1' },
      lost: [expect.stringContaining('native: ')],
    });
  });
});

test('where LevelDB does not load, what needs no store works, and the rest says so', async () => {
  const env = noAddons;
  expect(await rlpxd(['--help'], { env })).toMatchObject({ code: 0, stderr: '' });
  const args = ['run', ...genesis, '--datadir', temporaryFolder(), '--crypto', 'wasm'];
  const { code, stderr } = await rlpxd(args, { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^rlpxd: cannot open the store .*LevelDB does not load on this machine: .*\n$/);
});
