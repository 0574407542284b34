// Mutants as they stand in test/mutants: a unified diff under a head that says what the fault is and which test must see it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = /^([A-Z]\d+)-[a-z0-9-]+\.patch$/;
const HEAD = /^Breaks: (.+)\nCaught by: (\S+\.test\.ts) > (.+)\n/;

/** @returns every mutant of a folder, by row. @throws Error that names the file which is none */
export function readMutants(folder) {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .map((name) => readMutant(name, readFileSync(join(folder, name), 'utf8')))
    .sort((a, b) => rank(a.row) - rank(b.row) || a.name.localeCompare(b.name));
}

const rank = (row) => row.charCodeAt(0) * 1_000 + Number(row.slice(1));

/** @returns row, name, breaks, and the test that catches it: `file`, `title`; and its edits */
export function readMutant(name, text) {
  const [, row] = NAME.exec(name) ?? [];
  if (row === undefined) throw new Error(`${name}: a mutant is named ROW-what-it-is.patch`);
  const [, breaks, file, title] = HEAD.exec(text) ?? [];
  if (breaks === undefined) throw new Error(`${name}: begins with 'Breaks: …' and 'Caught by: FILE > TITLE'`);
  const edits = readEdits(name, text);
  if (edits.length === 0) throw new Error(`${name}: changes nothing`);
  return { row, name, breaks, file, title, edits };
}

/** Each hunk is what must stand there, once in the file, and what stands there instead: line numbers do not matter. */
function readEdits(name, text) {
  const edits = [];
  let path;
  let edit;
  for (const line of text.slice(text.indexOf('\n--- ') + 1).split('\n')) {
    if (line.startsWith('--- ')) continue;
    if (line.startsWith('+++ b/')) path = line.slice(6);
    else if (line.startsWith('@@')) {
      if (path === undefined) throw new Error(`${name}: a hunk before its file`);
      edit = { path, before: [], after: [] };
      edits.push(edit);
    } else if (edit !== undefined && line !== '') {
      if (line[0] !== '+') edit.before.push(line.slice(1));
      if (line[0] !== '-') edit.after.push(line.slice(1));
    }
  }
  return edits;
}

/**
 * @returns the files that the fault changes, by path: `before` and `after`
 * @throws Error that names the patch, where a place is not there exactly once
 */
export function mutated({ name, edits }, root) {
  const files = new Map();
  for (const { path, before, after } of edits) {
    let file = files.get(path);
    if (file === undefined) {
      const text = readFileSync(join(root, path), 'utf8');
      file = { before: text, after: text };
      files.set(path, file);
    }
    const wanted = `\n${before.join('\n')}\n`;
    const parts = `\n${file.after}`.split(wanted);
    if (parts.length !== 2) {
      const times = parts.length === 1 ? 'is not there any more' : `is there ${parts.length - 1} times`;
      throw new Error(`test/mutants/${name} does not apply: its place in ${path} ${times}:${wanted}`);
    }
    file.after = parts.join(`\n${after.join('\n')}\n`).slice(1);
  }
  return files;
}

/** Writes the fault into a tree. @returns a function that takes it out again @throws Error as `mutated`; nothing is written then */
export function applyMutant(mutant, root) {
  const files = mutated(mutant, root);
  for (const [path, { after }] of files) writeFileSync(join(root, path), after);
  return () => {
    for (const [path, { before }] of files) writeFileSync(join(root, path), before);
  };
}
