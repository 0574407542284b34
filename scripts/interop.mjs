// Runs the interop suite: builds geth, its conformance tool and the peers of test/interop/geth (two minutes from
// cold, seconds afterwards), builds `dist`, installs the eth/68 peer, and hands over to vitest. What follows on
// the command line goes to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const geth = join(root, 'test', 'interop', 'geth');
const legacy = join(root, 'test', 'interop', 'legacy');

function fail(line) {
  process.stderr.write(`interop: ${line}\n`);
  process.exit(1);
}

function run(what, command, args, cwd) {
  const started = process.hrtime.bigint();
  const done = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (done.error !== undefined) fail(`${what}: ${done.error.message}`);
  if (done.status !== 0) fail(`${what} failed`);
  process.stderr.write(`interop: ${what} (${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms)\n`);
}

/** Whether `npm ci` must run: the lock file is newer than what it installed last. */
function stale(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  return (
    !existsSync(installed) ||
    statSync(installed).mtimeMs < statSync(join(folder, 'package-lock.json')).mtimeMs
  );
}

const version = spawnSync('go', ['version'], { encoding: 'utf8' });
if (version.error !== undefined || version.status !== 0) {
  fail(
    'Go is not installed; the interop suite builds go-ethereum and needs Go 1.24 or newer (https://go.dev/dl)',
  );
}

mkdirSync(join(geth, 'bin'), { recursive: true });
run(
  'built geth and the peers',
  'go',
  ['build', '-o', `bin${process.platform === 'win32' ? '\\' : '/'}`, 'tool', './cmd/...'],
  geth,
);
run('tested the generator of the demonstration chain', 'go', ['test', './...'], geth);
run('built rlpxd', process.execPath, [join(root, 'scripts', 'build.mjs')], root);
if (stale(legacy))
  run('installed the eth/68 peer', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], legacy);

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const tested = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', join(root, 'vitest.interop.config.ts'), ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = tested.status ?? 1;
