import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'dist', 'bin', 'main.js');
const lock = join(root, 'dist.lock');

/**
 * Builds `dist` where it is missing or older than a source: for tests that start real processes, which cannot run
 * TypeScript. Several test files may ask at once; one of them builds, the others wait.
 */
export async function ensureBuilt(): Promise<void> {
  while (!fresh()) {
    if (!takeLock()) {
      await sleep(200);
      continue;
    }
    try {
      if (!fresh()) build();
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** Where the built command stands, for `process.execPath`. */
export const builtMain: string = entry;

function fresh(): boolean {
  if (!existsSync(entry)) return false;
  const builtAt = statSync(entry).mtimeMs;
  const sources = ['src', 'bin', 'package.json', 'tsconfig.json'].map((name) => join(root, name));
  return sources.every((path) => newest(path) <= builtAt);
}

function newest(path: string): number {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return 0;
  if (!facts.isDirectory()) return facts.mtimeMs;
  return Math.max(facts.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function takeLock(): boolean {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch {
    if (!ownerLives()) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function ownerLives(): boolean {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    // no pid yet: the lock has just been taken
    return (
      (error as NodeJS.ErrnoException).code === 'ENOENT' &&
      existsSync(lock) &&
      Date.now() - statSync(lock).mtimeMs < 5_000
    );
  }
}

function build(): void {
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
}
