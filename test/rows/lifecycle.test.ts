import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const here = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const files = readdirSync(new URL('.', import.meta.url)).filter((name) =>
  /^(00\d-.*|node-rows)\.test\.ts$/.test(name),
);

/** All rows, by document. */
const ROWS: readonly string[] = Object.entries({
  '000': 8,
  '001': 11,
  '002': 12,
  '003': 6,
  '004': 7,
}).flatMap(([document, rows]) => Array.from({ length: rows }, (_, at) => `${document}.${at + 1}`));

/** Row ids that begin the title of a test in this file. */
function titled(file: string): Set<string> {
  const titles = here(file).matchAll(/\btest(?:\.each(?:<[\s\S]*?>)?\([\s\S]*?\))?\(\s*['"`](00\d\.\d+): /g);
  return new Set([...titles].map((match) => match[1] ?? ''));
}

test('docs/lifecycle.md has a row for every test, a test for every row, and names what is missing', () => {
  const page = here('../../docs/lifecycle.md');
  const rows = [...page.matchAll(/^\| (00\d\.\d+) \| .* \| (`[^|]*`) \|$/gm)];
  const documented = rows.map((match) => match[1] ?? '');
  const tested = new Set(files.flatMap((file) => [...titled(file)]));
  expect(tested.size).toBeGreaterThan(20);
  expect([...documented].sort()).toEqual([...tested].sort());
  for (const [line, row = '', where = ''] of rows) {
    const named = [...where.matchAll(/`([^`]+)`/g)].map((match) => `${match[1]}.test.ts`);
    expect(named, line).toEqual(files.filter((file) => titled(file).has(row)));
  }
  const missing = /^Not there yet.*?: (.*)\.$/m.exec(page)?.[1]?.split(', ') ?? [];
  expect([...documented, ...missing].sort()).toEqual([...ROWS].sort());
});

test('the rows are shown with nothing but the public API', () => {
  const open =
    /^\.\.\/(\.\.\/src\/((rlpx|eth|session|peers|testing)\/)?index\.js|support\/(rows|bin)-[\w-]+\.js)$/;
  const helpers = readdirSync(new URL('../support/', import.meta.url)).filter((name) =>
    name.startsWith('rows-'),
  );
  for (const file of [...files, ...helpers.map((name) => `../support/${name}`)]) {
    for (const [, from = ''] of here(file).matchAll(/\bfrom '(\.[^']*)'/g)) expect(from, file).toMatch(open);
  }
});
