import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../bin/program.js';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');

/** Commands that do something, by their whole name: `store check`. */
function leaves(command: Command, path: readonly string[] = []): (readonly [string, Command])[] {
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const commands = leaves(buildProgram());
/** `--name` or `--name <value>` in a span of code, which is how the page names options. */
const SPAN = /`((?:-h, )?--[a-z-]+(?: <[^>`]+>)?)`/g;

/** The part of the page that is about a command; both key commands share one. */
function section(name: string): string {
  const heading = name.startsWith('key ') ? 'key' : name;
  const parts = text.split(/^## /m).filter((part) => part.startsWith(`rlpxd ${heading}\n`));
  expect(parts, `sections "## rlpxd ${heading}"`).toHaveLength(1);
  return parts[0] ?? '';
}

function optionNames(part: string): string[] {
  return [...part.matchAll(SPAN)].map((match) => /--[a-z-]+/.exec(match[1] ?? '')?.[0] ?? '');
}

test('the walk over the commands sees them all', () => {
  const names = [
    'run',
    'ping',
    'pull',
    'import',
    'store check',
    'sessions',
    'explain',
    'disconnect',
    'send',
    'watch',
    'journal verify',
    'journal show',
    'journal replay',
    'version',
    'key generate',
    'key inspect',
  ];
  expect(commands.map(([name]) => name)).toEqual([...names, 'devnet']);
});

test.each(commands)('docs/cli.md has every option of %s in its section', (name, command) => {
  const named = optionNames(section(name));
  const options = command.options.map(({ long }) => long ?? '');
  expect(options.filter((long) => !named.includes(long))).toEqual([]);
  for (const argument of command.registeredArguments) {
    expect(section(name)).toContain(`<${argument.name()}${argument.variadic ? '...' : ''}>`);
  }
});

test.each(commands)('docs/cli.md gives %s no option that it does not have', (name, command) => {
  const siblings = name.startsWith('key ') ? commands.filter(([other]) => other.startsWith('key ')) : [];
  const known = new Set(
    [command, ...siblings.map(([, sibling]) => sibling)].flatMap(({ options }) => options.map((o) => o.long)),
  );
  expect(optionNames(section(name)).filter((long) => !known.has(long))).toEqual([]);
});

test('what stands in a table is what --help says: value and default', () => {
  const all = new Map(commands.flatMap(([, { options }]) => options.map((o) => [o.flags, o] as const)));
  const rows = [...text.matchAll(/^\| `(--[^`]+)` \|([^|]*)\|/gm)].filter(([, flags]) => flags !== undefined);
  expect(rows.length).toBeGreaterThan(25);
  for (const [row, flags = '', second = ''] of rows) {
    const option = all.get(flags);
    expect(option, row).toBeDefined();
    const given = option?.defaultValueDescription ?? option?.defaultValue;
    if (given === undefined || given === 'none') continue;
    expect(second.replaceAll('`', '').trim(), row).toBe(String(given));
  }
});
