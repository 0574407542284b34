// Runs every test whose title begins with the id of a row, and prints the rows of test/rows/rows.json with their tests
// and what came of each. Fails where a row has no test, a test failed or did not run, or a title names no row.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const rows = new Map(
  Object.entries(JSON.parse(readFileSync(join(root, 'test', 'rows', 'rows.json'), 'utf8'))),
);
const ROW_TITLE = /^(\d{3}\.\d+): (.*)$/s;

/** Test files that have such titles; what talks with other clients has a suite of its own. */
function filesWithRows() {
  const tests = join(root, 'test');
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.startsWith(`interop${sep}`))
    .filter((name) => /['"`]\d{3}\.\d+: /.test(readFileSync(join(tests, name), 'utf8')))
    .map((name) => join('test', name));
}

/** @returns every test of a row that vitest knows of: its id, the rest of its title, its file and its result */
function runTests(files) {
  const folder = mkdtempSync(join(tmpdir(), 'rlpxd-seeds-'));
  try {
    const output = join(folder, 'results.json');
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const args = [
      vitest,
      'run',
      '--reporter=json',
      `--outputFile=${output}`,
      '-t',
      '\\d{3}\\.\\d+: ',
      ...files,
    ];
    const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    if (done.error !== undefined) throw done.error;
    const { testResults } = JSON.parse(readFileSync(output, 'utf8'));
    // a file that does not load has no tests to tell of, and must not pass for one that has none
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    const found = testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.flatMap(({ title, status }) => {
        const [, id, says] = ROW_TITLE.exec(title) ?? [];
        return id === undefined ? [] : [{ id, says, status, file: name.slice(root.length + 1) }];
      }),
    );
    return { found, broken: broken.map(({ name, message }) => `${name.slice(root.length + 1)}: ${message}`) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const print = (line) => process.stdout.write(`${line}\n`);
const { found, broken } = runTests(filesWithRows());
const complaints = broken.map((says) => `does not load: ${says}`);
let shown = 0;
for (const [id, name] of rows) {
  const tests = found.filter((test) => test.id === id);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const stands = tests.length > 0 && passed === tests.length;
  if (stands) shown++;
  else
    complaints.push(
      tests.length === 0
        ? `${id} has no test`
        : `${id}: ${tests.length - passed} of ${tests.length} not passed`,
    );
  print(`${stands ? 'ok  ' : 'FAIL'} ${id.padEnd(6)} ${name} (${passed} of ${tests.length})`);
  for (const { says, status, file } of tests)
    print(`       ${status === 'passed' ? '+' : `- ${status}:`} ${says}  [${file}]`);
}
for (const { id, says } of found) if (!rows.has(id)) complaints.push(`${id} is no row: ${says}`);

print(`\n${shown} of ${rows.size} rows shown, by ${found.length} tests`);
for (const says of complaints) process.stderr.write(`seeds: ${says}\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
