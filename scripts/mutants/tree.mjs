// A copy of the tree, for faults: the checkout is never touched.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';

/** Built, fetched or another project's: no test of a mutant needs them. */
const LEFT_OUT = [
  /^\.git$/,
  /^node_modules$/,
  /^dist(\.|$)/,
  /^test\/interop\/(geth|legacy)/,
  /^bench\/results/,
];

/** @returns the copy: `root`, `run(…)` and `remove()` */
export function copyOf(checkout) {
  const root = mkdtempSync(join(tmpdir(), 'rlpxd-mutants-'));
  cpSync(checkout, root, {
    recursive: true,
    filter: (from) => {
      const path = relative(checkout, from).split(sep).join('/');
      return !LEFT_OUT.some((pattern) => pattern.test(path));
    },
  });
  // entry by entry: what tools keep in node_modules for themselves must not be shared with the checkout
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(join(checkout, 'node_modules'))) {
    if (name.startsWith('.') && name !== '.bin') continue;
    symlinkSync(join(checkout, 'node_modules', name), join(root, 'node_modules', name));
  }
  return {
    root,
    types: () => types(root),
    tests: (files, options) => tests(root, files, options),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** @returns what the compiler says against the sources, or undefined */
async function types(root) {
  const { code, said } = await run(root, [
    'node_modules/typescript/bin/tsc',
    '--noEmit',
    '-p',
    'tsconfig.json',
  ]);
  return code === 0 ? undefined : said.trim().split('\n')[0];
}

/** @returns vitest's JSON report */
async function tests(root, files, { only, bail = false, exclude = [] } = {}) {
  const output = join(root, 'report.json');
  rmSync(output, { force: true });
  const args = ['run', '--reporter=json', `--outputFile=${output}`, ...(bail ? ['--bail=1'] : [])];
  if (only !== undefined) args.push('-t', only);
  for (const pattern of exclude) args.push('--exclude', pattern);
  const { code, said } = await run(root, ['node_modules/vitest/vitest.mjs', ...args, ...files]);
  try {
    return JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    throw new Error(`vitest ended with ${code} and left no report: ${said.trim().slice(-500)}`);
  }
}

function run(cwd, args) {
  return new Promise((resolve, reject) => {
    const { RLPXD_TEST_REPORTS: _, ...env } = process.env; // the reports of who runs us are not ours to write
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said = (said + text).slice(-20_000);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}
