// Builds what the tests stand on (simulation, churn) from the sources as they are, into `dist.sim`, beside the build that is
// published, for scripts that run it without the test runner. Types are the business of `npm run check`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assemble } from './assemble.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'dist.sim');
const stamp = join(built, 'began');

function newestMs(folder) {
  let newest = 0;
  for (const item of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (item.isFile()) newest = Math.max(newest, statSync(join(item.parentPath, item.name)).mtimeMs);
  }
  return newest;
}

function isFresh() {
  if (!existsSync(stamp)) return false;
  const since = Number(readFileSync(stamp, 'utf8'));
  return ['src', 'test/support'].every((folder) => newestMs(join(root, folder)) < since);
}

function build() {
  const began = Date.now(); // what is edited while it builds is built again
  assemble({ skipUnchanged: true });
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const fresh = `${built}.${process.pid}`;
  const project = join(root, 'test', 'support', 'sim', 'tsconfig.json');
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, '--outDir', fresh], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    return false;
  }
  writeFileSync(join(fresh, 'began'), String(began));
  const old = `${fresh}.old`;
  if (existsSync(built)) renameSync(built, old);
  renameSync(fresh, built);
  rmSync(old, { recursive: true, force: true });
  return true;
}

/**
 * @param path of a module below `test/support`, as `sim/cli.js`
 * @param options.build whether to look for changes; a process that others start need not
 * @returns the module @throws Error where it cannot be built
 */
export async function supportModule(path, { build: builds = true } = {}) {
  if (builds && !isFresh() && !build()) throw new Error('the simulation cannot be built');
  return import(pathToFileURL(join(built, 'test', 'support', path)).href);
}
