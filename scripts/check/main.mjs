// `npm run check`: types, Biome, and the rules of the house (scripts/check/house.mjs).
// --house-only leaves types and Biome out; --root DIR checks another tree.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkHouse } from './house.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

function readArguments(words) {
  const options = { houseOnly: false, root: dirname(dirname(dirname(fileURLToPath(import.meta.url)))) };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '--house-only') options.houseOnly = true;
    else if (words[i] === '--root' && words[i + 1] !== undefined) options.root = resolve(words[++i]);
    else throw new Error(`unknown argument '${words[i]}'; there are --house-only and --root DIR`);
  }
  return options;
}

function house(root) {
  const { modules, broken, warnings } = checkHouse(root);
  for (const line of warnings) say(`warning: ${line}`);
  for (const line of broken) say(line);
  say(`house: ${modules} modules, ${broken.length} broken rules`);
  if (modules === 0) say(`house: no modules below ${root}: nothing was checked`);
  return modules > 0 && broken.length === 0;
}

/** Runs a tool that is installed below `root`, by its script. */
function tool(root, label, packageName, script, args) {
  let path;
  try {
    path = join(
      dirname(createRequire(join(root, 'package.json')).resolve(`${packageName}/package.json`)),
      script,
    );
  } catch {
    say(`${label}: ${packageName} is not installed; run \`npm ci\` first`);
    return false;
  }
  const run = spawnSync(process.execPath, [path, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const good = run.status === 0;
  say(`${label}: ${good ? 'ok' : 'failed'}`);
  return good;
}

function main() {
  const { houseOnly, root } = readArguments(process.argv.slice(2));
  const results = [house(root)];
  if (!houseOnly) {
    const types = (project) =>
      tool(root, `types (${project})`, 'typescript', join('bin', 'tsc'), [
        '--noEmit',
        '-p',
        join(root, project),
      ]);
    results.push(types('tsconfig.json'), types(join('test', 'tsconfig.json')));
    results.push(tool(root, 'biome', '@biomejs/biome', join('bin', 'biome'), ['check', '.']));
  }
  return results.every(Boolean) ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`check: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
