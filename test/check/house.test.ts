import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../scripts/check/main.mjs', import.meta.url));

/** A small house that keeps all rules, and comes close to breaking some. */
const CLEAN: Readonly<Record<string, string>> = {
  'src/index.ts': `export * from './session/index.js';\n`,
  'src/runtime/index.ts': `import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
export const realClock = { now: () => Date.now(), random: () => Math.random(), read: readFileSync, wait };
`,
  'src/codec/index.ts': 'export const half = (n: number): number => Math.floor(n / 2);\n',
  'src/crypto/index.ts': `import { createHmac, createPublicKey, verify } from 'node:crypto';
export const hmac = (key: Uint8Array): Uint8Array => createHmac('sha256', key).digest();
export const good = (bytes: Uint8Array, signature: Uint8Array): boolean =>
  verify('sha256', bytes, createPublicKey('x'), signature);
`,
  'src/rlpx/index.ts': `import { hmac } from '../crypto/index.js';
import { half } from '../codec/index.js';
export function check(crypto: { equal(a: Uint8Array, b: Uint8Array): boolean }, mac: Uint8Array, stage: string): boolean {
  if (mac === undefined || mac.length !== half(32) || typeof mac !== 'object' || stage === 'greeting') return false;
  return crypto.equal(mac, hmac(mac));
}
`,
  'src/session/index.ts': `import type { realClock } from '../runtime/index.js';
import { check } from '../rlpx/index.js';
// Date.now() in a comment, and 'setTimeout(…)' in a string, are nobody's clock.
export const words = 'setTimeout(Date.now, Math.random())';
export type Handle = ReturnType<typeof setTimeout> | Date;
export function run(clock: typeof realClock, setTimeout: (ms: number) => void, fetch: { crypto: number }): number {
  setTimeout(1);
  const performance = { now: () => clock.now() };
  queueMicrotask(() => check);
  const racing = AbortSignal.any([AbortSignal.abort()]);
  if (racing instanceof AbortSignal) return Math.min(performance.now(), fetch.crypto);
  return { Date: 1, process: 2 }.process;
}
`,
  'src/testing/index.ts': `export { realClock } from '../runtime/index.js';\n`,
  'src/node/index.ts': `import pino from 'pino';
import { spawn } from 'node:child_process';
export { run } from '../session/index.js';
export const log = () => [pino, spawn, process.env['HOME'], process.platform];
process.on('SIGTERM', log);
`,
  'bin/main.ts': `import { log } from '../src/node/index.js';
import { words } from '../src/index.js';
process.exitCode = log().length + words.length;
`,
};

/** What is planted, on which line it is found, and what is said. */
interface Plant {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly line?: number;
  readonly says: RegExp;
}

const session = (name: string, text: string, says: RegExp, line = 1): Plant => ({
  name,
  file: `src/session/planted-${name.replaceAll(/\W+/g, '-').toLowerCase()}.ts`,
  text,
  says,
  line,
});

const PLANTS: readonly Plant[] = [
  // Rooms and floors.
  {
    name: 'an import from above',
    file: 'src/rlpx/above.ts',
    text: `import { half } from '../codec/index.js';\nimport { run } from '../session/index.js';\nexport const x = [half, run];\n`,
    line: 2,
    says: /src\/rlpx \(floor 1\) must not import from src\/session \(floor 3\), which is above it/,
  },
  {
    name: 'an import from beside',
    file: 'src/codec/beside.ts',
    text: `\n\nexport * from '../crypto/index.js';\n`,
    line: 3,
    says: /floor 0.*beside it/,
  },
  {
    name: 'an import of a type from above',
    file: 'src/codec/type.ts',
    text: `import type { run } from '../session/index.js';\nexport type Run = typeof run;\n`,
    says: /above it/,
  },
  {
    name: 'a type that imports from above',
    file: 'src/codec/type-import.ts',
    text: `export type Run = import('../session/index.js').Handle;\n`,
    says: /above it/,
  },
  {
    name: 'a dynamic import from above',
    file: 'src/eth/dynamic.ts',
    text: `\nexport const x = () => import('../session/index.js');\n`,
    line: 2,
    says: /above it/,
  },
  {
    name: 'the public face from within',
    file: 'src/eth/face.ts',
    text: `export * from '../index.js';\n`,
    says: /public face above it/,
  },
  {
    name: 'testing from within',
    file: 'src/eth/testing.ts',
    text: `export * from '../testing/index.js';\n`,
    says: /must not need src\/testing/,
  },
  {
    name: 'node from testing',
    file: 'src/testing/node.ts',
    text: `export * from '../node/index.js';\n`,
    says: /floors below src\/node/,
  },
  {
    name: 'bin from within',
    file: 'src/node/bin.ts',
    text: `export * from '../../bin/main.js';\n`,
    says: /nothing imports from bin/,
  },
  {
    name: 'a room from bin',
    file: 'bin/room.ts',
    text: `export * from '../src/session/index.js';\n`,
    says: /bin imports from src\/node and src\/index\.ts only/,
  },
  {
    name: 'a room without a floor',
    file: 'src/attic/index.ts',
    text: 'export const x = 1;\n',
    says: /src\/attic is no room/,
  },
  {
    name: 'a module beside the public face',
    file: 'src/loose.ts',
    text: 'export const x = 1;\n',
    says: /only index\.ts stands in src/,
  },
  {
    name: 'a way out of the house',
    file: 'src/eth/out.ts',
    text: `export * from '../../scripts/x.js';\n`,
    says: /leaves src and bin/,
  },
  {
    name: 'an import that leads nowhere',
    file: 'src/eth/nowhere.ts',
    text: `export * from './missing.js';\n`,
    says: /leads to no file \(src\/eth\/missing\.ts\)/,
  },
  {
    name: 'an import without .js',
    file: 'src/eth/bare.ts',
    text: `export * from './nowhere';\n`,
    says: /end in \.js/,
  },
  {
    name: 'the package by its own name',
    file: 'src/eth/self.ts',
    text: `export * from 'rlpxd/session';\n`,
    says: /this package itself/,
  },
  {
    name: 'a computed import',
    file: 'src/eth/computed.ts',
    text: `export const x = (name: string) => import(name);\n`,
    says: /computed name/,
  },
  { name: 'a syntax error', file: 'src/eth/broken.ts', text: `export const = 1;\n`, says: /\S/ },
  // Packages.
  session('pino', `import pino from 'pino';\nexport const x = pino;\n`, /'pino' does not belong here/),
  session('pino-pretty', `export { default } from 'pino-pretty';\n`, /'pino-pretty' does not belong here/),
  session(
    'classic-level',
    `import { ClassicLevel } from 'classic-level';\nexport const x = ClassicLevel;\n`,
    /does not belong here/,
  ),
  session(
    'a queue with a timeout',
    `import PQueue from 'p-queue';\nexport const x = new PQueue({\n  concurrency: 2,\n  timeout: 5,\n});\n`,
    /p-queue.*no `timeout`/,
    4,
  ),
  session(
    'a queue with an interval',
    `import Q from 'p-queue';\nexport const x = new Q({ interval: 5, concurrency: 1 });\n`,
    /p-queue.*no `interval`/,
    2,
  ),
  session(
    'a queue with hidden options',
    `import Q from 'p-queue';\nexport const x = (o: object) => new Q({ ...o });\n`,
    /p-queue.*written out/,
    2,
  ),
  session(
    'a task with a timeout',
    `import Q from 'p-queue';\nconst q = new Q();\nexport const x = () => q.add(() => 1, { timeout: 3 });\n`,
    /p-queue.*no `timeout`/,
    3,
  ),
  session(
    'a queue given a timeout later',
    `import Q from 'p-queue';\nconst q = new Q();\nq.timeout = 3;\n`,
    /p-queue.*no `timeout`/,
    3,
  ),
  // The world by import.
  ...[
    'net',
    'node:net',
    'tls',
    'dgram',
    'node:dns',
    'dns/promises',
    'fs',
    'node:fs/promises',
    'worker_threads',
    'child_process',
    'timers',
    'node:timers/promises',
    'node:perf_hooks',
    'node:module',
    'http',
    'process',
  ].map((name) =>
    session(
      `module ${name}`,
      `\nimport * as x from '${name}';\nexport const y = x;\n`,
      /no ambient world/,
      2,
    ),
  ),
  session(
    'an aliased import of files',
    `import { readFileSync as look } from 'node:fs';\nexport const x = look;\n`,
    /'node:fs' \(files\)/,
  ),
  session('files without a name', `import 'fs';\n`, /'fs' \(files\)/),
  session(
    'files late',
    `export const x = async () => {\n  const { open } = await import('fs/promises');\n  return open;\n};\n`,
    /files/,
    2,
  ),
  session('files through require', `export const x = require('fs');\n`, /require/),
  session(
    'files through import-require',
    `import fs = require('node:fs');\nexport const x = fs;\n`,
    /'node:fs'/,
  ),
  session('files passed on', `export { readFile } from 'node:fs';\n`, /files/),
  session(
    'modules of Node by name',
    `export const x = process.getBuiltinModule('fs');\n`,
    /getBuiltinModule|belongs to src\/node/,
  ),
  { name: 'files in bin', file: 'bin/files.ts', text: `import 'node:fs';\n`, says: /'node:fs' \(files\)/ },
  {
    name: 'sockets in src/node',
    file: 'src/node/sockets.ts',
    text: `import 'node:net';\n`,
    says: /'node:net' \(sockets\)/,
  },
  // Clock and timers.
  session('Date.now', `\nexport const x = () => Date.now();\n`, /Date \(the clock\)/, 2),
  session('new Date', `export const x = () => new Date();\n`, /Date \(the clock\)/),
  session('Date called', `export const x = () => Date();\n`, /Date \(the clock\)/),
  session('Date renamed', `const D = Date;\nexport const x = () => new D();\n`, /Date \(the clock\)/),
  session('Date in short', `export const x = { Date };\n`, /Date \(the clock\)/),
  ...['setTimeout', 'setInterval', 'setImmediate'].map((name) =>
    session(
      name,
      `export function x(): void {\n  ${name}(() => undefined, 1);\n}\n`,
      new RegExp(`${name} \\(a timer\\)`),
      2,
    ),
  ),
  session(
    'a timer of globalThis',
    `\n\nglobalThis.setTimeout(() => undefined, 1);\n`,
    /globalThis\.setTimeout \(a timer\)/,
    3,
  ),
  session(
    'a timer of globalThis in brackets',
    `globalThis['setInterval'](() => undefined, 1);\n`,
    /globalThis\.setInterval \(a timer\)/,
  ),
  session(
    'a timer of globalThis behind a cast',
    `(globalThis as { setTimeout?: unknown }).setTimeout;\n`,
    /globalThis\.setTimeout \(a timer\)/,
  ),
  session(
    'a timer of globalThis maybe',
    `globalThis?.setTimeout?.(() => undefined, 1);\n`,
    /globalThis\.setTimeout \(a timer\)/,
  ),
  session('a timer of global', `global.setImmediate(() => undefined);\n`, /global\.setImmediate \(a timer\)/),
  session('globalThis twice', `globalThis.globalThis.Date.now();\n`, /globalThis\.Date|Date \(the clock\)/),
  session('globalThis computed', `export const x = (n: 'a') => (globalThis as never)[n];\n`, /computed name/),
  session(
    'globalThis renamed',
    `const g = globalThis;\nexport const x = g.setTimeout;\n`,
    /used by its members only/,
  ),
  session(
    'globalThis taken apart',
    `export const { setTimeout: wait } = globalThis;\n`,
    /used by its members only/,
  ),
  session(
    'a timer out of its shadow',
    `export function x(): void {\n  { const setTimeout = 1; void setTimeout; }\n  setTimeout(() => undefined, 1);\n}\n`,
    /setTimeout/,
    3,
  ),
  session(
    'a timer that is only declared',
    `declare function setTimeout(f: () => void): void;\nsetTimeout(() => undefined);\n`,
    /setTimeout/,
    2,
  ),
  session('performance', `export const x = () => performance.now();\n`, /performance \(the clock\)/),
  session('hrtime', `export const x = () => process.hrtime.bigint();\n`, /process/),
  {
    name: 'hrtime at the top',
    file: 'src/node/hrtime.ts',
    text: `export const x = () => process.hrtime.bigint();\n`,
    says: /hrtime \(the clock\)/,
  },
  {
    name: 'hrtime at the top, hidden',
    file: 'src/node/hidden.ts',
    text: `const { hrtime } = process;\nexport const x = hrtime;\n`,
    says: /hrtime \(the clock\)/,
  },
  {
    name: 'a timer at the top',
    file: 'bin/timer.ts',
    text: `\nsetTimeout(() => undefined, 1);\n`,
    line: 2,
    says: /setTimeout \(a timer\)/,
  },
  session(
    'AbortSignal.timeout',
    `export const x = () => AbortSignal.timeout(5);\n`,
    /AbortSignal\.timeout \(a timer\)/,
  ),
  session(
    'AbortSignal in brackets',
    `export const x = () => AbortSignal['timeout'](5);\n`,
    /AbortSignal\.timeout \(a timer\)/,
  ),
  session(
    'AbortSignal taken apart',
    `const { timeout } = AbortSignal;\nexport const x = timeout;\n`,
    /AbortSignal\.timeout \(a timer\)/,
  ),
  session('AbortSignal renamed', `const A = AbortSignal;\nexport const x = A;\n`, /used by its members only/),
  // Randomness.
  session('Math.random', `export const x = () => Math.random();\n`, /Math\.random \(randomness\)/),
  session(
    'Math.random in brackets',
    'export const x = () => Math[`random`]();\n',
    /Math\.random \(randomness\)/,
  ),
  session(
    'Math.random taken apart',
    `const { random: dice, floor } = Math;\nexport const x = [dice, floor];\n`,
    /Math\.random \(randomness\)/,
  ),
  session('Math renamed', `const M = Math;\nexport const x = M.random;\n`, /used by its members only/),
  session(
    'random bytes of Node',
    `import { createHash, randomBytes as fresh } from 'node:crypto';\nexport const x = [createHash, fresh];\n`,
    /randomBytes \(randomness\)/,
  ),
  session(
    'random bytes of all of Node',
    `import * as c from 'node:crypto';\nexport const x = () => c.randomBytes(3);\n`,
    /randomBytes \(randomness\)/,
    2,
  ),
  session(
    'random bytes of a library',
    `import { randomBytes } from '@noble/hashes/utils.js';\nexport const x = randomBytes;\n`,
    /randomBytes \(randomness\)/,
  ),
  session(
    'random bytes of the web',
    `export const x = () => crypto.getRandomValues(new Uint8Array(3));\n`,
    /crypto|getRandomValues/,
  ),
  session(
    'a UUID',
    `import { randomUUID } from 'crypto';\nexport const x = randomUUID;\n`,
    /randomUUID \(randomness\)/,
  ),
  session('a UUID of globalThis', `export const x = globalThis.crypto;\n`, /globalThis\.crypto/),
  session(
    'keys out of nothing',
    `import { createECDH } from 'node:crypto';\nexport const x = () => createECDH('secp256k1').generateKeys();\n`,
    /generateKeys \(randomness\)/,
    2,
  ),
  session(
    'random bytes passed on',
    `export { randomBytes } from 'node:crypto';\n`,
    /randomBytes \(randomness\)/,
  ),
  // Network, environment, signals.
  session('fetch', `export const x = () => fetch('x');\n`, /fetch \(the network\)/),
  session('WebSocket', `export const x = () => new WebSocket('x');\n`, /WebSocket \(the network\)/),
  session('the environment', `export const x = process.env;\n`, /process belongs to src\/node and bin/),
  session('signals', `\nprocess.on('SIGINT', () => undefined);\n`, /process belongs to src\/node and bin/, 2),
  session(
    'the environment of globalThis',
    `export const x = globalThis.process.env;\n`,
    /belongs to src\/node and bin/,
  ),
  session('eval', `export const x = () => eval('1');\n`, /eval/),
  session('code from text', `export const x = new Function('return 1');\n`, /Function/),
  // Secrets and background cryptography.
  {
    name: 'H13 ===',
    file: 'src/rlpx/mac-equal.ts',
    text: `export function x(headerMac: unknown, expected: unknown): boolean {\n  return headerMac === expected;\n}\n`,
    line: 2,
    says: /H13: `===` on headerMac/,
  },
  {
    name: 'H13 byte by byte',
    file: 'src/rlpx/mac-bytes.ts',
    text: `export const x = (got: Uint8Array, tag: Uint8Array, i: number) => got[i] !== tag[i];\n`,
    says: /H13: `!==` on tag/,
  },
  {
    name: 'H13 a member',
    file: 'src/crypto/member.ts',
    text: `export const x = (a: { sharedSecret: string }, b: string) => b == a.sharedSecret;\n`,
    says: /H13: `==` on sharedSecret/,
  },
  {
    name: 'H13 a digest',
    file: 'src/crypto/digest.ts',
    text: `export const x = (h: { digest(): string }, b: string) => h.digest() === b;\n`,
    says: /H13: `===` on digest/,
  },
  {
    name: 'H13 sameBytes',
    file: 'src/rlpx/same.ts',
    text: `import { half as sameBytes } from '../codec/index.js';\nexport const x = (mac: never, other: never) => (sameBytes as never as (a: unknown, b: unknown) => boolean)(mac, other);\nexport const y = (mac: never) => sameBytes(mac);\n`,
    line: 3,
    says: /H13: sameBytes\(\) on mac/,
  },
  {
    name: 'H13 Buffer.compare',
    file: 'src/rlpx/compare.ts',
    text: `export const x = (mac: Uint8Array, b: Uint8Array) => Buffer.compare(b, mac.subarray(0, 16)) === 0;\n`,
    says: /H13: compare\(\) on mac/,
  },
  {
    name: 'H13 equals',
    file: 'src/rlpx/equals.ts',
    text: `export const x = (macs: Buffer, b: Buffer) => macs.equals(b);\n`,
    says: /H13: equals\(\) on macs/,
  },
  {
    name: 'H8 verify with a callback',
    file: 'src/crypto/verify.ts',
    text: `import { verify } from 'node:crypto';\nexport const x = (a: never) => verify('sha256', a, a, a, () => undefined);\n`,
    line: 2,
    says: /H8: verify with a callback/,
  },
  {
    name: 'H8 sign with a callback',
    file: 'src/crypto/sign.ts',
    text: `import * as c from 'node:crypto';\nexport const x = (a: never) => c.sign('sha256', a, a, () => undefined);\n`,
    line: 2,
    says: /H8: sign with a callback/,
  },
  {
    name: 'H8 sign handed on',
    file: 'src/crypto/handed.ts',
    text: `import { sign } from 'node:crypto';\nexport const x = sign;\n`,
    line: 2,
    says: /H8: sign of node:crypto is called directly/,
  },
  {
    name: 'H8 subtle',
    file: 'src/crypto/subtle.ts',
    text: `import { webcrypto } from 'node:crypto';\nexport const x = webcrypto.subtle;\n`,
    line: 2,
    says: /H8: webcrypto works in the background/,
  },
  {
    name: 'H8 hkdf',
    file: 'src/crypto/hkdf.ts',
    text: `import crypto from 'node:crypto';\nexport const x = (a: never) => crypto.hkdf('sha256', a, a, a, 3, () => undefined);\n`,
    line: 2,
    says: /H8: hkdf works in the background/,
  },
];

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rlpxd-house-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function plant(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function check(...args: string[]): { status: number | null; lines: string[]; err: string } {
  const run = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status: run.status, lines: run.stdout.split('\n').filter((line) => line !== ''), err: run.stderr };
}

describe('the check of the house', () => {
  it('passes a house that keeps its rules, and says how many modules it saw', () => {
    plant(CLEAN);
    const { status, lines } = check('--house-only', '--root', root);
    expect(lines).toEqual([`house: ${Object.keys(CLEAN).length} modules, 0 broken rules`]);
    expect(status).toBe(0);
  });

  it('passes this house', () => {
    const { status, lines } = check('--house-only');
    expect(lines.filter((line) => !line.startsWith('warning:'))).toEqual([
      expect.stringMatching(/^house: \d+ modules, 0 broken rules$/),
    ]);
    expect(status).toBe(0);
    expect(Number(/\d+/.exec(lines.at(-1) ?? '')?.[0])).toBeGreaterThan(50);
  });

  it('finds every planted breach, with its file and line', () => {
    plant(CLEAN);
    const paths = PLANTS.map(({ file }) => file);
    expect(new Set(paths).size).toBe(paths.length);
    plant(Object.fromEntries(PLANTS.map(({ file, text }) => [file, text])));
    const { status, lines } = check('--house-only', '--root', root);
    expect(status).toBe(1);
    const missed = PLANTS.filter(({ file, line = 1, says }) => {
      const prefix = `${file}:${line}: `;
      return !lines.some((found) => found.startsWith(prefix) && says.test(found.slice(prefix.length)));
    });
    expect(
      missed.map(({ name, file }) => `${name}: ${lines.filter((line) => line.startsWith(file)).join(' | ')}`),
    ).toEqual([]);
    // Nothing else is blamed.
    const blamed = lines.slice(0, -1).map((line) => line.split(':')[0]);
    expect(blamed.filter((file) => !paths.includes(file ?? ''))).toEqual([]);
    expect(lines.at(-1)).toMatch(
      new RegExp(`^house: ${PLANTS.length + Object.keys(CLEAN).length} modules, \\d+ broken rules$`),
    );
  });

  it.each([
    [
      'a forbidden import',
      `export * from '../session/index.js';\n`,
      'src/rlpx/planted.ts:1: src/rlpx (floor 1)',
    ],
    [
      'a forbidden timer',
      `\nsetTimeout(() => undefined, 1);\n`,
      'src/rlpx/planted.ts:2: no ambient world: setTimeout',
    ],
  ])('fails over %s alone', (_name, text, says) => {
    plant({ ...CLEAN, 'src/rlpx/planted.ts': text });
    const { status, lines } = check('--house-only', '--root', root);
    expect(status).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(says);
    expect(lines[1]).toMatch(/modules, 1 broken rules$/);
  });

  it('warns of a file that is too long, without failing', () => {
    plant({
      ...CLEAN,
      'src/eth/long.ts': '// line\n'.repeat(401),
      'src/eth/fits.ts': '// line\n'.repeat(400),
    });
    const { status, lines } = check('--house-only', '--root', root);
    expect(lines[0]).toBe('warning: src/eth/long.ts:401: 401 lines; what two things is it?');
    expect(lines).toHaveLength(2);
    expect(status).toBe(0);
  });

  it('fails where there is nothing to check', () => {
    const { status, lines } = check('--house-only', '--root', root);
    expect(lines[0]).toBe('house: 0 modules, 0 broken rules');
    expect(status).toBe(1);
  });

  it('fails where the compiler and Biome are not installed', () => {
    plant({ ...CLEAN, 'package.json': '{ "type": "module" }' });
    const { status, lines } = check('--root', root);
    expect(lines).toContain('types (tsconfig.json): typescript is not installed; run `npm ci` first');
    expect(lines).toContain('biome: @biomejs/biome is not installed; run `npm ci` first');
    expect(status).toBe(1);
  });

  it('refuses arguments that it does not know', () => {
    const { status, err } = check('--hous-only');
    expect(status).toBe(1);
    expect(err).toBe("check: unknown argument '--hous-only'; there are --house-only and --root DIR\n");
  });
});
