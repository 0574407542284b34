// Finds and reads the modules of the house: every TypeScript file below src/ and bin/.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';

/** @returns paths of all modules below `root`, relative, with `/`, in order */
export function listModules(root) {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.[cm]?tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) {
        found.push(relative(root, path).split(sep).join('/'));
      }
    }
  };
  for (const name of ['src', 'bin']) if (existsSync(join(root, name))) walk(join(root, name));
  return found.sort();
}

/** One parsed module. `lineOf` turns an offset of the parser into a line number. */
export function readModule(root, path) {
  const text = readFileSync(join(root, path), 'utf8');
  const parsed = parseSync(path, text, { lang: 'ts', sourceType: 'module', preserveParens: false });
  const starts = [0];
  for (let i = 0; i < text.length; i++) if (text[i] === '\n') starts.push(i + 1);
  const lineOf = (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
  const errors = parsed.errors.filter((error) => error.severity === 'Error');
  return {
    root,
    path,
    program: parsed.program,
    errors,
    lines: starts.length - (text.endsWith('\n') ? 1 : 0),
    lineOf,
  };
}

/**
 * Everything that a module imports, in whatever form: static, re-exported, dynamic, `import x = require()`, and
 * `import('…')` in types. `specifier` is undefined where it is computed.
 */
export function importsOf(program) {
  const found = [];
  const look = (node) => {
    if (Array.isArray(node)) {
      for (const one of node) look(one);
      return;
    }
    if (node === null || typeof node !== 'object' || typeof node.type !== 'string') return;
    if (IMPORTING.has(node.type) && node.source !== null && node.source !== undefined) {
      const { source } = node;
      const specifier = literalText(source);
      found.push({ specifier, start: source.start ?? node.start });
    } else if (node.type === 'TSExternalModuleReference') {
      found.push({ specifier: literalText(node.expression), start: node.start });
    }
    for (const value of Object.values(node)) if (value !== null && typeof value === 'object') look(value);
  };
  look(program.body);
  return found;
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'ImportExpression',
  'TSImportType',
]);

/** @returns the text of a string, or of a template without holes; else undefined */
export function literalText(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked;
  return undefined;
}
