// Builds `dist` from the TypeScript sources: beside it first, then swapped in whole, so that a process that
// starts meanwhile never sees half a build. `--if-missing` does nothing where a build already stands.
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble } from './assemble.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

function build() {
  const require = createRequire(import.meta.url);
  let tsc;
  try {
    tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    process.stderr.write(
      'rlpxd: the TypeScript compiler is not installed; run `npm ci` in the checkout first\n',
    );
    return 1;
  }
  assemble({ skipUnchanged: true });
  const fresh = `${dist}.${process.pid}`;
  const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), '--outDir', fresh], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    return built.status ?? 1;
  }
  const old = `${fresh}.old`;
  if (existsSync(dist)) renameSync(dist, old); // two renames: there is no build for microseconds, not for a deletion
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
  return 0;
}

const standing = existsSync(join(dist, 'bin', 'main.js'));
process.exitCode = process.argv.includes('--if-missing') && standing ? 0 : build();
