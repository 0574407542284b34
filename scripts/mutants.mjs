// Tests the tests: puts known faults of other nodes back, one at a time, into a copy of the tree, and asks whether the quick
// run sees them: `npm run mutants [-- --row H1] [--jobs N] [--json]`. A mutant (test/mutants/ROW-what.patch) names the test that
// must fail. Fails where one is not caught, is caught by something else, breaks types, or does not apply any more.
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { judge } from './mutants/judge.mjs';
import { applyMutant, readMutants } from './mutants/patch.mjs';
import { copyOf } from './mutants/tree.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => process.stdout.write(`${line}\n`);

/** Fails with every mutant, by design: it asks whether the patches apply to the tree that it stands in. */
const ASKS_FOR_PATCHES = ['test/docs/mutants.test.ts'];

function readChoices() {
  const { values } = parseArgs({
    options: {
      row: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      mutants: { type: 'string', default: join(root, 'test', 'mutants') },
      json: { type: 'boolean', default: false },
    },
  });
  if (!/^[1-9]\d*$/.test(values.jobs)) throw new Error(`--jobs ${values.jobs}: a whole number is wanted`);
  const all = readMutants(resolve(values.mutants));
  const mutants = all.filter(({ row }) => values.row === undefined || row === values.row);
  if (mutants.length === 0) {
    const rows = [...new Set(all.map(({ row }) => row))].join(', ');
    throw new Error(
      values.row === undefined ? 'there are no mutants' : `--row ${values.row}: there are ${rows}`,
    );
  }
  return { mutants, json: values.json, jobs: Math.min(Number(values.jobs), mutants.length) };
}

/** Without a fault the same tests pass, or what they say of faults means nothing. @returns what is wrong, if anything is */
async function control(tree, mutants) {
  const complaint = await tree.types();
  if (complaint !== undefined) return complaint;
  const rows = [...new Set(mutants.map(({ row }) => row))];
  const report = await tree.tests([...new Set(mutants.map(({ file }) => file))], { only: titlesOf(rows) });
  if (report.success && report.numPassedTests > 0) return undefined;
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const broken = report.testResults.find(({ status }) => status === 'failed');
  return tests.find(({ status }) => status === 'failed')?.fullName ?? broken?.message ?? 'no test ran';
}

/** Titles that begin with one of these rows, or name it beside others: `'H1, H3: …'`. */
const titlesOf = (rows) => `\\b(?:${rows.join('|')})[,:] `;

/** The row's tests in the named file first; where they let the fault pass: the rooms that it touches, then everything. */
async function tryMutant(tree, mutant) {
  const takeOut = applyMutant(mutant, tree.root);
  try {
    const complaint = await tree.types();
    if (complaint !== undefined)
      return { caught: false, says: `the types see it, no test has to: ${complaint}` };
    const rooms = mutant.edits.map(({ path }) => path.replace(/^src\/([^/]+)\/.*$/, 'test/$1/'));
    let verdict;
    for (const [files, options] of [
      [[mutant.file], { only: titlesOf([mutant.row]) }],
      [[...new Set(rooms)], { bail: true }],
      [[], { bail: true, exclude: ASKS_FOR_PATCHES }],
    ]) {
      verdict = judge(await tree.tests(files, options), mutant);
      if (!verdict.survived) return verdict;
    }
    return verdict;
  } finally {
    takeOut();
  }
}

async function main() {
  const { mutants, json, jobs } = readChoices();
  const trees = Array.from({ length: jobs }, () => copyOf(root));
  const results = [];
  try {
    const complaint = await control(trees[0], mutants);
    if (complaint !== undefined) {
      process.stderr.write(`mutants: it fails without any fault: ${complaint}\n`);
      return 1;
    }
    const waiting = [...mutants];
    const work = async (tree) => {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        const startedMs = performance.now();
        const verdict = await tryMutant(tree, mutant).catch((error) => ({
          caught: false,
          says: error.message,
        }));
        const { row, name, breaks } = mutant;
        results.push({ row, name, breaks, ...verdict, seconds: (performance.now() - startedMs) / 1_000 });
        if (!json) say(line(results.at(-1)));
      }
    };
    if (!json) say(`${'row'.padEnd(4)} ${'s'.padStart(5)}  fault → the test that sees it`);
    await Promise.all(trees.map(work));
  } finally {
    for (const tree of trees) tree.remove();
  }
  const free = results.filter(({ caught }) => !caught);
  if (json) say(JSON.stringify(results));
  else say(`${results.length - free.length} of ${results.length} mutants caught`);
  for (const { name, says } of free) process.stderr.write(`mutants: ${name} ${says}\n`);
  return free.length === 0 ? 0 : 1;
}

function line({ row, name, breaks, caught, by, says, seconds }) {
  const end = caught ? `→ ${by}` : `NOT CAUGHT: ${says}`;
  return `${row.padEnd(4)} ${seconds.toFixed(1).padStart(5)}  ${name}: ${breaks}\n${' '.repeat(12)}${end}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`mutants: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
