import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

interface Mutant {
  readonly row: string;
  readonly name: string;
  readonly breaks: string;
  readonly file: string;
  readonly title: string;
}

interface Patches {
  readMutants(folder: string): readonly Mutant[];
  readMutant(name: string, text: string): Mutant;
  mutated(mutant: Mutant, root: string): Map<string, { before: string; after: string }>;
}

interface Verdict {
  readonly caught: boolean;
  readonly by?: string;
  readonly survived?: boolean;
  readonly says?: string;
}

const script = async <T>(path: string): Promise<T> => (await import(join(root, 'scripts', path))) as T;
const { readMutants, readMutant, mutated } = await script<Patches>('mutants/patch.mjs');
const { judge } = await script<{ judge(report: unknown, mutant: Mutant): Verdict }>('mutants/judge.mjs');
const mutants = readMutants(join(root, 'test', 'mutants'));

/** Faults of other nodes that this run must be able to see. */
const ROWS = ['C5', 'C7', 'F5', 'F8', 'F15', 'H1', 'H3', 'H4', 'H11', 'H12'];

test('each of these rows has a mutant', () => {
  expect([...new Set(mutants.map(({ row }) => row))].filter((row) => ROWS.includes(row))).toEqual(ROWS);
});

test('docs/testing.md has a line for every mutant, and none for others', () => {
  const page = readFileSync(join(root, 'docs', 'testing.md'), 'utf8');
  const [, table] = /\n\| row \| fault \| test that sees it \|\n\|[-|]+\|\n((?:\|.*\n)*)/.exec(page) ?? [];
  const wanted = mutants.map(
    ({ row, breaks, title, file }) => `| ${row} | ${breaks} | ${title} (\`${file}\`) |\n`,
  );
  expect(table).toBe(wanted.join(''));
});

describe.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s', (_name, mutant) => {
  test('changes sources, and its places are there exactly once', () => {
    const files = mutated(mutant, root);
    for (const [path, { before, after }] of files) {
      expect(path).toMatch(/^src\//);
      expect(after).not.toBe(before);
    }
  });

  test('names a test of its row that exists', () => {
    expect(mutant.title).toMatch(new RegExp(`^(?:[A-Z]\\d+, )*${mutant.row}(?:, [A-Z]\\d+)*: `));
    expect(readFileSync(join(root, mutant.file), 'utf8')).toContain(mutant.title);
  });
});

describe('a mutant', () => {
  const patch = (hunk: string): string =>
    `Breaks: a limit\nCaught by: test/rlpx/ecies.test.ts > H4: a limit of %i\n\n--- a/package.json\n+++ b/package.json\n${hunk}`;
  const one = patch('@@ -1 +1 @@\n-  "name": "rlpxd",\n+  "name": "other",\n');

  test('is a diff under a head; what does not apply any more says which patch and where', () => {
    const mutant = readMutant('H4-limit.patch', one);
    expect(mutant).toMatchObject({ row: 'H4', breaks: 'a limit', title: 'H4: a limit of %i' });
    expect([...mutated(mutant, root).values()].map(({ after }) => after.includes('"other"'))).toEqual([true]);
    const gone = readMutant('H4-limit.patch', one.replace('"rlpxd"', '"gone"'));
    expect(() => mutated(gone, root)).toThrow(
      /^test\/mutants\/H4-limit\.patch does not apply: .*package\.json/,
    );
    const twice = readMutant('H4-limit.patch', patch('@@ -1 +1 @@\n-    },\n+    }\n'));
    expect(() => mutated(twice, root)).toThrow(/is there \d+ times/);
  });

  test('without a name, a head or a change is none', () => {
    expect(() => readMutant('limit.patch', one)).toThrow(/^limit\.patch: .*ROW/);
    expect(() => readMutant('H4-limit.patch', one.replace('Caught by', 'Seen by'))).toThrow(/Caught by/);
    expect(() => readMutant('H4-limit.patch', patch(''))).toThrow(/changes nothing/);
  });

  const mutant = readMutant('H4-limit.patch', one);
  const ran = (title: string, status: string, ...ancestorTitles: string[]) => ({
    ...{ title, status, ancestorTitles, fullName: [...ancestorTitles, title].join(' ') },
  });
  const reportOf = (...assertionResults: unknown[]) => ({
    testResults: [{ status: 'failed', message: 'why', assertionResults }],
  });

  test('is caught where the test that it names fails', () => {
    const report = reportOf(ran('something', 'failed'), ran('H4: a limit of 7', 'failed'));
    expect(judge(report, mutant)).toEqual({ caught: true, by: 'H4: a limit of 7' });
  });

  test('is not caught where others fail, a file does not load, or nothing fails', () => {
    const passed = ran('H4: a limit of 7', 'passed');
    expect(judge(reportOf(passed, ran('x', 'failed')), mutant)).toMatchObject({ caught: false });
    expect(judge(reportOf(passed, ran('x', 'failed')), mutant).says).toMatch(/another concern: x/);
    expect(judge(reportOf(passed, ran('x', 'failed', 'H3, H4: all')), mutant).says).toMatch(/of its row: x/);
    expect(judge(reportOf(), mutant)).toEqual({ caught: false, says: 'a test file does not load: why' });
    const quiet = { testResults: [{ status: 'passed', assertionResults: [passed, passed] }] };
    expect(judge(quiet, mutant)).toEqual({ caught: false, survived: true, says: 'survives 2 tests' });
  });
});
