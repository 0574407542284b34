// Compiles `assembly/*.ts` (AssemblyScript) to WebAssembly and writes each as a module of `src`, as text: so that the
// library reads no file and waits for nothing when it starts, and tests run from the sources. What it writes is kept in
// the repository; a build leaves a module alone whose source has not changed since. `--check` writes nothing, and fails where a
// module is not what its source gives.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** No allocator and no garbage collection: the modules have areas of fixed size. */
const FLAGS = ['-O3', '--noAssert', '--runtime', 'stub'];

const MODULES = [
  { source: 'assembly/keccak.ts', module: 'src/crypto/wasm/keccak-wasm.ts', constant: 'KECCAK_WASM' },
  // a module of its own: where the machine has no vectors, Keccak still works
  {
    source: 'assembly/frames.ts',
    module: 'src/crypto/wasm/frames-wasm.ts',
    constant: 'FRAMES_WASM',
    imports: ['assembly/keccak.ts', 'assembly/aes.ts'],
    flags: ['--enable', 'simd'],
  },
  {
    source: 'assembly/ecies.ts',
    module: 'src/crypto/wasm/ecies-wasm.ts',
    constant: 'ECIES_WASM',
    imports: ['assembly/aes.ts', 'assembly/sha256.ts'],
    flags: ['--enable', 'simd'],
  },
  { source: 'assembly/snappy.ts', module: 'src/codec/snappy-wasm.ts', constant: 'SNAPPY_WASM' },
];

/** @returns the number of modules that were not what their sources give; throws where one does not compile. */
export function assemble({ check = false, skipUnchanged = false } = {}) {
  let stale = 0;
  for (const { source, module, constant, imports = [], flags = [] } of MODULES) {
    const allFlags = [...FLAGS, ...flags];
    const hash = createHash('sha256').update(allFlags.join(' '));
    for (const file of [source, ...imports]) hash.update(readFileSync(join(root, file)));
    const digest = hash.digest('hex');
    const path = join(root, module);
    const standing = textOf(path);
    if (skipUnchanged && standing?.includes(digest)) continue;
    const text = moduleText(source, constant, digest, compile(join(root, source), allFlags));
    if (text === standing) continue;
    stale++;
    if (check) continue;
    // beside it first: a build that runs at the same time never reads half a module
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  }
  return stale;
}

function compile(source, flags) {
  const compiler = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  const folder = mkdtempSync(join(tmpdir(), 'rlpxd-assemble-'));
  try {
    const binary = join(folder, 'out.wasm');
    const run = spawnSync(process.execPath, [compiler, source, ...flags, '-o', binary], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (run.status !== 0) throw new Error(`${source} does not compile`);
    return readFileSync(binary);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function moduleText(source, constant, digest, binary) {
  return `// Made by scripts/assemble.mjs of ${source} (sha256 ${digest}, with the compiler's flags before it). Do not edit.

/** WebAssembly of ${binary.length} bytes, in base64. */
export const ${constant}: string =
  '${binary.toString('base64')}';
`;
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const stale = assemble({ check });
  if (check && stale > 0) {
    process.stderr.write(
      'rlpxd: WebAssembly that is not what its source gives; run `node scripts/assemble.mjs`\n',
    );
    process.exitCode = 1;
  }
}
