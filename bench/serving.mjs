// Serving a chain: rlpxd from its store beside a real geth, the same blocks, asked by the same client over loopback:
// `node bench/serving.mjs [--quick] [--row WORD] [--out FILE] [--library dist]`. Each server is a process of its own and so is the client, an
// rlpxd library. The servers take turns. Without Go only rlpxd is measured.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    row: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const ms = options.quick ? 700 : 2_000;
const demo = (file) => join(root, 'demo', file);
const folder = mkdtempSync(join(tmpdir(), 'rlpxd-serving-'));
const rlpxd = [process.execPath, join(options.library, 'bin', 'main.js')];
/** The system counts processor time in hundredths of a second. */
const TICK_MS = 10;

const running = [];
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function startRlpxd() {
  const datadir = join(folder, 'server');
  const take = ['import', '--datadir', datadir, '--genesis', demo('genesis.json'), demo('chain.rlp')];
  const imported = spawnSync(rlpxd[0], [rlpxd[1], ...take, '--receipts', demo('receipts.rlp')], {
    encoding: 'utf8',
  });
  if (imported.status !== 0) throw new Error(imported.stderr.trim());
  const args = ['run', '--datadir', datadir, '--addr', '127.0.0.1', '--port', '0', '--loglevel', 'silent'];
  return await server('rlpxd', rlpxd[0], [rlpxd[1], ...args, '--netrestrict', '127.0.0.0/8'], (line) => line);
}

async function startGeth() {
  const module = join(root, 'test', 'interop', 'geth');
  const binary = join(module, 'bin', process.platform === 'win32' ? 'gethpeer.exe' : 'gethpeer');
  const go = spawnSync('go', ['build', '-o', binary, './cmd/gethpeer'], { cwd: module, encoding: 'utf8' });
  if (go.error !== undefined || go.status !== 0) return undefined;
  const args = [
    '-genesis',
    demo('genesis.json'),
    '-chain',
    demo('chain.rlp'),
    '-ipc',
    join(folder, 'geth.ipc'),
  ];
  return await server('geth', binary, args, (line) => {
    const said = JSON.parse(line);
    return said.event === 'ready' ? said.enode : undefined;
  });
}

async function server(name, program, args, enodeOf) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  running.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const enode = enodeOf(line);
    if (enode === undefined) continue;
    child.stdout.resume();
    return { name, enode, pid: child.pid };
  }
  throw new Error(`${name} does not start`);
}

/** Processor time of a process so far, in milliseconds; undefined where the system does not tell. */
function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}

/** One turn of the client. @returns what it printed, and what the server spent meanwhile */
async function ask({ enode, pid }, work) {
  const args = [join(here, 'asker.mjs'), enode, work, '--ms', String(ms), '--library', options.library];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  let before;
  let after;
  let said;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'warm') before = cpuMs(pid);
    else {
      after = cpuMs(pid);
      said = JSON.parse(line);
    }
  }
  if (child.exitCode === null) await once(child, 'exit');
  if (said === undefined) throw new Error(`${work}: the client has failed`);
  return { ...said, serverCpuMs: after - before };
}

/** Seconds that `rlpxd pull` takes for the whole chain, start and end of the process included. */
async function pull({ enode }, number) {
  const datadir = join(folder, `pulled-${number}`);
  const args = ['pull', '--datadir', datadir, '--genesis', demo('genesis.json'), '--to', '560', enode];
  const began = performance.now();
  const child = spawn(rlpxd[0], [rlpxd[1], ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`rlpxd pull ended with ${code}`);
  rmSync(datadir, { recursive: true, force: true });
  return (performance.now() - began) / 1_000;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
/** @returns the middle of the rounds, the least and the most of them */
const middle = (name, values) => ({ [name]: median(values), [`${name}Spread`]: spread(values) });
const spread = (values) => [Math.min(...values), Math.max(...values)];
const servers = [await startRlpxd(), await startGeth()].filter((one) => one !== undefined);
const rows = [];

const wanted = (row) => row.includes(options.row);

for (const work of ['headers', 'bodies', 'receipts']) {
  if (!wanted(`${work} served`)) continue;
  const results = new Map(servers.map(({ name }) => [name, []]));
  for (let i = 0; i < rounds; i++)
    for (const one of servers) results.get(one.name).push(await ask(one, work));
  const values = {};
  for (const [name, list] of results) {
    values[name] = {
      ...middle(
        'perSecond',
        list.map(({ blocks, ms: took }) => (blocks * 1_000) / took),
      ),
      serverCpuUs: median(list.map(({ blocks, serverCpuMs }) => (serverCpuMs * 1_000) / blocks)),
    };
  }
  show({ row: `${work} served`, unit: 'blocks', values });
}
for (const [row, work] of [
  ['one header asked, quiet', 'quiet'],
  ['one header asked, beside two that take all bodies', 'busy'],
]) {
  if (!wanted(row)) continue;
  const results = new Map(servers.map(({ name }) => [name, []]));
  for (let i = 0; i < rounds; i++)
    for (const one of servers) results.get(one.name).push(await ask(one, work));
  const values = {};
  for (const [name, list] of results)
    values[name] = {
      ...middle(
        'p50Us',
        list.map(({ p50Us }) => p50Us),
      ),
      ...middle(
        'p99Us',
        list.map(({ p99Us }) => p99Us),
      ),
    };
  show({ row, values });
}
if (wanted('blocks pulled')) {
  const values = {};
  for (const one of servers) {
    const seconds = [];
    for (let i = 0; i < rounds; i++) seconds.push(await pull(one, i));
    values[one.name] = middle(
      'perSecond',
      seconds.map((took) => 560 / took),
    );
  }
  show({ row: 'blocks pulled and verified from it', unit: 'blocks', values });
}
const missing =
  servers.length < 2 ? ['geth: Go is not installed (https://go.dev/dl), or its peer does not build'] : [];
if (options.out === undefined) for (const line of missing) process.stdout.write(`missing – ${line}\n`);
else writeFileSync(options.out, JSON.stringify({ rows, missing }));
process.exit(0);

function whole(value) {
  return Math.round(value).toLocaleString('en');
}

function microseconds(value, name) {
  return `${value[name].toFixed(0).padStart(8)} µs (${value[`${name}Spread`].map(whole).join(' to ')})`;
}

/** The medians of the rounds, and the least and the most. Above 1, rlpxd is the better. */
function show({ row, unit, values }) {
  const { rlpxd: ours, geth } = values;
  const ratios = {};
  if (geth !== undefined)
    ratios.geth = { rate: unit === undefined ? geth.p50Us / ours.p50Us : ours.perSecond / geth.perSecond };
  rows.push({ row, values, ratios });
  process.stdout.write(`${row}\n`);
  for (const [name, value] of Object.entries(values)) {
    const cpu =
      value.serverCpuUs === undefined ? '' : ` ${value.serverCpuUs.toFixed(1).padStart(7)} µs CPU each`;
    const text =
      unit === undefined
        ? `${microseconds(value, 'p50Us')} p50 ${microseconds(value, 'p99Us')} p99`
        : `${whole(value.perSecond).padStart(10)} ${unit}/s (${value.perSecondSpread.map(whole).join(' to ')})${cpu}`;
    process.stdout.write(`  ${name.padEnd(8)}${text}\n`);
  }
  if (ratios.geth !== undefined) process.stdout.write(`  rlpxd: ${ratios.geth.rate.toFixed(2)} × geth\n`);
}
