import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('docs/testing.md names the sorts of hostile neighbours that there are, and their rates', async () => {
  const path = join(root, 'bench', 'isolation', 'sorts.mjs');
  const { SORTS } = (await import(path)) as { SORTS: Record<string, { perSecond: number }> };
  const page = readFileSync(join(root, 'docs', 'testing.md'), 'utf8');
  const [, table = ''] = /\| sort \| a second \| what it does \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(page) ?? [];
  const documented = [...table.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)].map(([, sort, rate = '']) => [
    sort,
    Number(rate.replace(',', '')),
  ]);
  expect(documented).toEqual(Object.entries(SORTS).map(([sort, { perSecond }]) => [sort, perSecond]));
});
