// The wire: sets rlpxd beside geth's `p2p/rlpx` and beside the earlier TypeScript stack, in the same run on the same machine:
// `node bench/wire.mjs [--quick] [--row WORD] [--rounds N] [--out FILE] [--library dist]`. Each end is a process of its own,
// over loopback. The sides take turns (A B C, A B C, …); of the rounds the best counts, and the median is told beside it:
// what else runs on the machine can only make a round slower.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
    row: { type: 'string', default: '' },
    rounds: { type: 'string' },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const ms = options.quick ? 400 : 2_000;
/** Before, V8 is still compiling: 100 kB at 0.65 of geth after 0.3 s, 0.73 after 1 s, and no more after 2. */
const warmMs = options.quick ? 1_000 : 1_500;
/** Was compiled before it was started. */
const gethWarmMs = 300;
/** Most of a handshake is code that runs once in it: V8 has compiled it after some thousand, which is what a node lives on. */
const handshakesWarmMs = options.quick ? 2_000 : 3_000;
const handshakesWarm = 3_000;

/** `bytes`: shown in MB/s as well. `sides`: those that take part; all if not said. */
const rows = [
  { row: '100 kB random', work: ['frames'], size: 100_000, content: 'random' },
  { row: '100 kB zeros', work: ['frames'], size: 100_000, content: 'zeros' },
  { row: '200 B random', work: ['frames'], size: 200, content: 'random' },
  { row: 'round trip of 200 B', work: ['echoes'], size: 200, content: 'random', sides: ['rlpxd', 'geth'] },
  { row: 'handshakes, one at a time', work: ['handshakes'], parallel: 1, warm: handshakesWarmMs },
  { row: 'handshakes, 16 at once', work: ['handshakes'], parallel: 16, warm: handshakesWarmMs },
  {
    row: '100 kB random, noble alone',
    work: ['frames'],
    size: 100_000,
    content: 'random',
    sides: ['noble', 'earlier'],
  },
];

const missing = [];
const sides = new Map();
const ownPeer = join(here, 'peer.mjs');
const peer = [process.execPath, ownPeer, '--library', options.library];
if (existsSync(join(options.library, 'src', 'index.js'))) {
  sides.set('rlpxd', peer);
  sides.set('noble', [...peer, '--crypto', 'noble']);
} else {
  missing.push(`rlpxd: no build in ${options.library}; run \`npm run build\``);
}
addGeth();
addEarlier();

function addGeth() {
  const module = join(root, 'test', 'interop', 'geth');
  const binary = join(module, 'bin', process.platform === 'win32' ? 'rlpxbench.exe' : 'rlpxbench');
  const go = spawnSync('go', ['build', '-o', binary, './cmd/rlpxbench'], { cwd: module, encoding: 'utf8' });
  if (go.error !== undefined) missing.push('geth: Go is not installed (https://go.dev/dl)');
  else if (go.status !== 0) missing.push(`geth: does not build: ${go.stderr.trim().split('\n')[0]}`);
  else sides.set('geth', [binary]);
}

function addEarlier() {
  const module = join(root, 'test', 'interop', 'legacy');
  if (existsSync(join(module, 'node_modules', '@ethereumjs', 'devp2p')))
    sides.set('earlier', [process.execPath, join(here, 'legacy-peer.mjs')]);
  else missing.push('the earlier stack: not installed; run `npm ci --ignore-scripts` in test/interop/legacy');
}

/** One round of one side. @returns { perSecond, cpuUs } or why there is nothing */
async function round(command, { work, size, content, parallel, warm }) {
  const enoughMs = command === sides.get('geth') ? gethWarmMs : (warm ?? warmMs);
  const flags = ['--work', work[0], '--warm-ms', String(enoughMs)];
  if (warm !== undefined && command.includes(ownPeer)) flags.push('--warm-count', String(handshakesWarm));
  const sending = ['--ms', String(ms), '--size', String(size ?? 200), '--content', content ?? 'random'];
  const listener = start(command, ['listen', '0', ...flags, '--size', String(size ?? 200)]);
  try {
    const { port } = JSON.parse(await listener.line());
    const dialer = start(command, [
      'dial',
      String(port),
      ...flags,
      ...sending,
      '--parallel',
      String(parallel ?? 1),
    ]);
    const sent = JSON.parse(await dialer.line());
    await dialer.exited;
    listener.child.stdin.end();
    const received = JSON.parse(await listener.line());
    const counted = work[0] === 'frames' ? received : sent;
    if (counted.ms === 0 || sent.count === 0 || received.count === 0) throw new Error('nothing was counted');
    return {
      perSecond: (counted.count * 1_000) / counted.ms,
      cpuUs: (sent.cpuMs / sent.count + received.cpuMs / received.count) * 1_000,
      ...(received.loopP99Ms === undefined ? {} : { loopP99Ms: received.loopP99Ms }),
    };
  } finally {
    listener.child.kill();
  }
}

function start([program, ...before], args) {
  // rlpxbench wants `listen` and `dial PORT` first; the others take them anywhere
  const own = before.length === 0 && args[0] === 'listen' ? ['listen', ...args.slice(2)] : args;
  const child = spawn(program, [...before, ...own], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = [];
  const waiting = [];
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const next = waiting.shift();
    if (next === undefined) said.push(line);
    else next.resolve(line);
  });
  const exited = new Promise((resolve) => {
    child.on('exit', resolve);
    child.on('error', resolve);
  });
  const late = setTimeout(() => child.kill(), ms + handshakesWarmMs + 60_000);
  void exited.then(() => {
    clearTimeout(late);
    // what stood on its last line may still be on its way
    setTimeout(() => {
      for (const { reject } of waiting) reject(new Error(complaint.trim().split('\n')[0] || 'ended early'));
    }, 100);
  });
  const line = () =>
    new Promise((resolve, reject) => {
      const first = said.shift();
      if (first === undefined) waiting.push({ resolve, reject });
      else resolve(first);
    });
  return { child, exited, line };
}

/** How late the listener's loop was, where that was measured. */
function loopDelay(list) {
  const delays = list.flatMap(({ loopP99Ms }) => loopP99Ms ?? []);
  return delays.length === 0 ? {} : { loopP99Ms: Math.min(...delays) };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const measured = [];
for (const row of rows.filter((candidate) => candidate.row.includes(options.row))) {
  const names = (row.sides ?? ['rlpxd', 'geth', 'earlier']).filter((name) => sides.has(name));
  const results = new Map(names.map((name) => [name, []]));
  const failures = new Map();
  for (let i = 0; i < rounds; i++) {
    for (const name of names) {
      if (failures.has(name)) continue;
      try {
        results.get(name).push(await round(sides.get(name), row));
      } catch (error) {
        failures.set(name, error.message);
      }
    }
  }
  const values = {};
  for (const [name, list] of results) {
    if (list.length === 0) {
      values[name] = { failed: failures.get(name) };
      continue;
    }
    const rates = list.map(({ perSecond }) => perSecond);
    values[name] = {
      perSecond: Math.max(...rates),
      medianPerSecond: median(rates),
      slowestPerSecond: Math.min(...rates),
      cpuUs: Math.min(...list.map(({ cpuUs }) => cpuUs)),
      ...loopDelay(list),
    };
  }
  const own = values.rlpxd ?? values.noble;
  const ratios = {};
  for (const name of ['geth', 'earlier'])
    if (values[name]?.perSecond !== undefined && own?.perSecond !== undefined)
      ratios[name] = { rate: own.perSecond / values[name].perSecond, cpu: values[name].cpuUs / own.cpuUs };
  measured.push({ row: row.row, bytes: row.size ?? null, values, ratios });
  process.stdout.write(text(measured.at(-1)));
}

if (options.out === undefined) for (const line of missing) process.stdout.write(`missing – ${line}\n`);
else writeFileSync(options.out, JSON.stringify({ rows: measured, missing }));

/** A row as lines: rate (best, median and slowest round), processor time of both ends for one, and ratios: above 1, rlpxd is the better. */
function text({ row, bytes, values, ratios }) {
  const lines = [row];
  for (const [name, value] of Object.entries(values)) {
    if (value.failed !== undefined) {
      lines.push(`  ${name.padEnd(8)} failed: ${value.failed}`);
      continue;
    }
    const rate = Math.round(value.perSecond).toLocaleString('en');
    const megabytes =
      bytes >= 1_000 ? ` ${((value.perSecond * bytes) / 1e6).toFixed(1).padStart(8)} MB/s` : '';
    const [middle, slowest] = [value.medianPerSecond, value.slowestPerSecond].map((one) =>
      Math.round(one).toLocaleString('en'),
    );
    const ratio = ratios[name];
    const beside =
      ratio === undefined
        ? ''
        : `   rlpxd: ${ratio.rate.toFixed(2)} × its rate, ${ratio.cpu.toFixed(2)} × per CPU`;
    lines.push(
      `  ${name.padEnd(8)}${rate.padStart(10)}/s (median ${middle}, slowest ${slowest})${megabytes} ${value.cpuUs.toFixed(1).padStart(9)} µs CPU${beside}`,
    );
    if (value.loopP99Ms !== undefined)
      lines.push(
        `  ${''.padEnd(8)}the listener's loop is late by ${value.loopP99Ms.toFixed(1)} ms at most in 99 of 100 looks`,
      );
  }
  return `${lines.join('\n')}\n`;
}
