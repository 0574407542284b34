import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

function codesIn(text: string): string[] {
  return [...text.matchAll(/\bERR_[A-Z0-9]+(?:_[A-Z0-9]+)+\b/g)].map((match) => match[0]);
}

function sourceCodes(): Set<string> {
  const codes = new Set<string>();
  for (const folder of ['src', 'bin']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      // Only literals count: a code that a comment mentions must exist as one.
      const text = readFileSync(join(root, folder, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      for (const code of codesIn(text)) codes.add(code);
    }
  }
  return codes;
}

test('docs/errors.md lists every error code of the source, and no other', () => {
  const rows = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `ERR_'));
  const documented = rows.map((line) => codesIn(line)[0] ?? line);
  const source = [...sourceCodes()].sort();
  expect(source.length).toBeGreaterThan(20);
  expect([...documented].sort()).toEqual(source);
});
