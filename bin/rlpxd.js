#!/usr/bin/env node
// The launcher: in a checkout without a build it builds first; in an installed package `dist` is always there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = new URL('../dist/bin/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main)) && existsSync(join(root, 'scripts', 'build.mjs'))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) process.exit(built.status ?? 1);
}
await import(main.href);
