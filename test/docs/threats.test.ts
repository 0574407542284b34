import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

function range(letter: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `${letter}${from + at}`);
}

/** Known faults of other nodes (docs/threats.md) that every change must keep out. */
const ROWS: readonly string[] = [
  ...[...range('E', 1, 8), 'E11'],
  ...range('H', 1, 13),
  ...range('F', 1, 16),
  ...range('S', 1, 9),
  ...[...range('P', 1, 6), ...range('P', 8, 19), 'P21'],
  ...['P9', 'P10', 'P13', 'P16', 'P18'],
  ...range('C', 1, 8),
];

/** Row ids that open the title of a test: `'F7: …'`, `'E6, S2: …'`. */
function rowsTested(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const names = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  for (const name of names) {
    if (!name.endsWith('.test.ts') || name.includes('node_modules')) continue;
    const text = readFileSync(join(root, 'test', name), 'utf8');
    for (const title of text.matchAll(
      /\b(?:test|it|describe)(?:\.each\([\s\S]*?\))?\(\s*[`'"]((?:[EHFSPC]\d+[, /]*)+):/g,
    )) {
      for (const row of (title[1] ?? '').match(/[EHFSPC]\d+/g) ?? [])
        found.set(row, [...(found.get(row) ?? []), name]);
    }
  }
  return found;
}

test('every known fault has a test whose name begins with its row, and stands in docs/threats.md', () => {
  const tested = rowsTested();
  expect(ROWS.filter((row) => !tested.has(row))).toEqual([]);
  const page = readFileSync(join(root, 'docs', 'threats.md'), 'utf8');
  const documented = [...page.matchAll(/^\| ([EHFSPC]\d+) \|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual([...ROWS].sort());
});
