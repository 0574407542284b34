// Packs rlpxd, installs the archive into an empty project, and there imports and type-checks every public
// sub-path and runs the README's library example against a daemon of the package itself.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const project = mkdtempSync(join(tmpdir(), 'rlpxd-package-'));

function run(command, args, cwd) {
  const done = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}\n${done.stdout}`);
  return done.stdout;
}

/** The first ```js block of the README that imports the library: the example as a reader would paste it. */
function readmeExample() {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)];
  const example = blocks.map((block) => block[1]).find((text) => text.includes("from 'rlpxd'"));
  if (example === undefined) throw new Error('the README shows no library example');
  return example;
}

/** Starts the packaged daemon on the demo chain's genesis. @returns its process and enode URL */
async function daemon() {
  const bin = join(project, 'node_modules', 'rlpxd', 'bin', 'rlpxd.js');
  const genesis = join(project, 'node_modules', 'rlpxd', 'demo', 'genesis.json');
  const args = [
    bin,
    'run',
    '--datadir',
    join(project, 'data'),
    '--genesis',
    genesis,
    '--addr',
    '127.0.0.1',
    '--port',
    '0',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return { child, enode: line };
}

try {
  const archive = run('npm', ['pack', '--silent', '--pack-destination', project], root)
    .trim()
    .split('\n')
    .at(-1);
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'empty', private: true, type: 'module' }),
  );
  run('npm', ['install', '--no-save', join(project, archive)], project);

  const paths = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => path.replace(/^\./, 'rlpxd'));
  for (const path of paths) {
    const names = run(
      process.execPath,
      ['--input-type=module', '-e', `console.log(Object.keys(await import('${path}')).length)`],
      project,
    );
    if (Number(names) === 0) throw new Error(`${path} exports nothing`);
    process.stdout.write(`${path}: ${names.trim()} names\n`);
  }

  const imports = paths.map(
    (path, at) =>
      `import * as m${at} from '${path}';\nexport const n${at}: number = Object.keys(m${at}).length;`,
  );
  writeFileSync(join(project, 'all.ts'), imports.join('\n'));
  const options = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: false,
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['all.ts'] }),
  );
  const require = createRequire(import.meta.url);
  cpSync(join(root, 'node_modules', '@types'), join(project, 'node_modules', '@types'), { recursive: true });
  cpSync(join(root, 'node_modules', 'undici-types'), join(project, 'node_modules', 'undici-types'), {
    recursive: true,
  });
  run(
    process.execPath,
    [join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc'), '-p', project],
    project,
  );
  process.stdout.write(`${paths.length} public paths type-check\n`);

  writeFileSync(join(project, 'example.mjs'), readmeExample());
  cpSync(join(project, 'node_modules', 'rlpxd', 'demo', 'genesis.json'), join(project, 'genesis.json'));
  const { child, enode } = await daemon();
  try {
    process.stdout.write(run(process.execPath, ['example.mjs', enode, 'genesis.json'], project));
    const backend = join(project, 'node_modules', 'rlpxd', 'examples', 'backend.mjs');
    process.stdout.write(run(process.execPath, [backend, 'genesis.json'], project));
    // the third example listens, and ends with its input
    const chat = join(project, 'node_modules', 'rlpxd', 'examples', 'chat.mjs');
    process.stdout.write(run(process.execPath, [chat, 'genesis.json'], project));
  } finally {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}
