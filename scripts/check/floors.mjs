// Who may import what: rooms and floors, and which package belongs where.
import { existsSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { importsOf } from './modules.mjs';

/** Floor by room. A room imports from lower floors only. */
export const FLOORS = {
  codec: 0,
  crypto: 0,
  runtime: 0,
  rlpx: 1,
  eth: 2,
  session: 3,
  peers: 3,
  chain: 3,
  pool: 3,
  node: 4,
};

/** Packages that belong to some places only; `why` is said where they are found elsewhere. */
const PACKAGES = {
  pino: { rooms: ['node', 'bin'], why: 'logging lives in src/node and bin' },
  'pino-pretty': { rooms: ['node', 'bin'], why: 'logging lives in src/node and bin' },
  commander: { rooms: ['bin'], why: 'the command line lives in bin' },
  ws: { rooms: ['runtime'], why: 'sockets come in through src/runtime' },
  'classic-level': { rooms: ['runtime'], why: 'stores come in through src/runtime' },
};

/** Modules of Node by which the world would come in unasked. */
const AMBIENT_MODULES = {
  net: 'sockets',
  tls: 'sockets',
  dgram: 'datagrams',
  dns: 'name lookups',
  'dns/promises': 'name lookups',
  fs: 'files',
  'fs/promises': 'files',
  http: 'sockets',
  https: 'sockets',
  http2: 'sockets',
  cluster: 'processes',
  worker_threads: 'workers',
  child_process: 'processes',
  timers: 'timers',
  'timers/promises': 'timers',
  perf_hooks: 'time',
  async_hooks: 'process-wide state',
  inspector: 'sockets',
  'inspector/promises': 'sockets',
  module: 'modules by computed names',
  process: 'the process',
};

/** The places that load what need not be installed, or what is no module; each has its own tests. */
const LOADERS = new Set(['src/crypto/packages.ts', 'src/node/version.ts']);

/** What src/node and bin may have all the same. */
const AT_THE_TOP = new Set(['child_process', 'process']);

/** @returns the room of a path: a folder of src, `bin`, or `src` for the public face */
export function roomOf(path) {
  const parts = path.split('/');
  if (parts[0] === 'bin') return 'bin';
  return parts.length > 2 ? parts[1] : 'src';
}

/** Whether the world may come in here without an interface. */
export const isRuntime = (path) => path.startsWith('src/runtime/');

/** Whether processes, signals and the environment are at home here. */
export const isAtTheTop = (path) => path.startsWith('bin/') || path.startsWith('src/node/');

/** @returns why `from` may not import `to`, or undefined where it may */
function roomsBreak(from, to, target) {
  if (from === to) return undefined;
  if (to === 'bin') return 'nothing imports from bin';
  if (from === 'bin') {
    return to === 'node' || target === 'src/index.ts'
      ? undefined
      : `bin imports from src/node and src/index.ts only, not from src/${to}`;
  }
  if (from === 'src')
    return to === 'testing' ? 'src/index.ts leaves out src/testing, which is public by itself' : undefined;
  if (to === 'src') return 'a room never imports from the public face above it';
  if (to === 'testing') return `src/${from} must not need src/testing`;
  if (from === 'testing')
    return to === 'node' ? 'src/testing imports from the floors below src/node' : undefined;
  if (FLOORS[to] < FLOORS[from]) return undefined;
  const where = FLOORS[to] === FLOORS[from] ? 'beside it' : 'above it';
  return `src/${from} (floor ${FLOORS[from]}) must not import from src/${to} (floor ${FLOORS[to]}), which is ${where}`;
}

function checkRelative(module, specifier) {
  if (!specifier.endsWith('.js')) return `relative imports end in .js: '${specifier}'`;
  const target = posix.normalize(posix.join(dirname(module.path), specifier)).replace(/\.js$/, '.ts');
  if (!/^(src|bin)\//.test(target)) return `'${specifier}' leaves src and bin`;
  if (!existsSync(join(module.root, target))) return `'${specifier}' leads to no file (${target})`;
  return roomsBreak(roomOf(module.path), roomOf(target), target);
}

function checkPackage(module, specifier) {
  const builtin = specifier.replace(/^node:/, '');
  const room = roomOf(module.path);
  if (Object.hasOwn(AMBIENT_MODULES, builtin) && !isRuntime(module.path)) {
    if (isAtTheTop(module.path) && AT_THE_TOP.has(builtin)) return undefined;
    if (builtin === 'module' && LOADERS.has(module.path)) return undefined;
    return `no ambient world: '${specifier}' (${AMBIENT_MODULES[builtin]}) comes in through src/runtime`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (name === 'rlpxd')
    return `'${specifier}' is this package itself: import relatively, so that floors can be seen`;
  if (specifier.startsWith('#') || specifier.startsWith('/') || /^(data|file|https?):/.test(specifier)) {
    return `'${specifier}' is neither a package nor a relative path`;
  }
  const rule = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined;
  if (rule !== undefined && !rule.rooms.includes(room)) return `'${name}' does not belong here: ${rule.why}`;
  return undefined;
}

/** @returns findings `{ start, rule }` about the imports of a module */
export function checkImports(module) {
  const findings = [];
  const room = roomOf(module.path);
  if (room !== 'bin' && room !== 'src' && room !== 'testing' && !Object.hasOwn(FLOORS, room)) {
    findings.push({
      start: 0,
      rule: `src/${room} is no room of the house: give it a floor in scripts/check/floors.mjs`,
    });
  }
  if (room === 'src' && module.path !== 'src/index.ts') {
    findings.push({ start: 0, rule: 'only index.ts stands in src itself; everything else has a room' });
  }
  for (const { specifier, start } of importsOf(module.program)) {
    let rule;
    if (specifier === undefined) {
      rule = isRuntime(module.path) ? undefined : 'an import of a computed name cannot be checked';
    } else if (specifier.startsWith('.')) {
      rule = checkRelative(module, specifier);
    } else {
      rule = checkPackage(module, specifier);
    }
    if (rule !== undefined) findings.push({ start, rule });
  }
  return findings;
}
