// What an honest session feels of hostile neighbours: `npm run isolation [-- --quick] [--json] [--unlimited] [--only SORT,…]
// [--out FILE] [--library dist]`. A real daemon, the honest peer and the hostile ones are a process each, over loopback. The honest one asks
// for headers at a steady pace: in quiet, beside each sort of neighbour, beside all at once, and so round after round, so that
// whatever else the machine does falls on all alike; a p99 is that of all requests of all rounds (of one round it would be that
// of its eighth worst). Fails where the p99 beside all of them is more than 25 ms above the quiet one, or more than twice as
// long, where an answer was lost, or where the daemon's memory grew by more than its stated bounds.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { memoryBounds } from './isolation/bounds.mjs';
import { SORTS } from './isolation/sorts.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    unlimited: { type: 'boolean', default: false },
    only: { type: 'string' },
    library: { type: 'string', default: join(root, 'dist') },
    rounds: { type: 'string' },
    out: { type: 'string' },
    profile: { type: 'string' },
  },
});
/** What it is called in the table of all benches. */
const ROW = 'a request p99 beside hostile neighbours, to its quiet p99';
const MAX_ABOVE_MS = 25;
const MAX_RATIO = 2;
const GOAL_RATIO = 1.3;
const WARM_MS = options.quick ? 1_500 : 3_000;
const WINDOW_MS = options.quick ? 1_500 : 3_000;
const SETTLE_MS = 500;

const rounds = Number(options.rounds ?? (options.quick ? 3 : 5));
const library = resolve(options.library);
const sorts = options.only === undefined ? Object.keys(SORTS) : options.only.split(',');
for (const sort of sorts)
  if (!(sort in SORTS)) throw new Error(`--only ${sort}: there are ${Object.keys(SORTS)}`);
const genesis = join(root, 'demo', 'genesis.json');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A process of the bench that answers one question at a time. */
class Part {
  #child;
  #waiting = [];
  #first;

  constructor(script, args, execArgv = []) {
    const env = { ...process.env, RLPXD_LIBRARY: library };
    this.#child = fork(join(here, 'isolation', script), args, {
      env,
      execArgv,
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    this.#first = this.#next();
    this.#child.on('message', ({ answer }) => this.#waiting.shift()?.resolve(answer));
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${script} ended with ${code}`));
    });
  }

  #next() {
    return new Promise((resolveNext, reject) => {
      this.#waiting.push({ resolve: resolveNext, reject });
    });
  }

  ready() {
    return this.#first;
  }

  ask(question) {
    const answer = this.#next();
    this.#child.send(question, () => undefined); // where it is gone, its end has told
    return answer;
  }

  /** Resolves once it has gone: a profile is written on the way out. */
  gone() {
    return this.#child.exitCode !== null ? undefined : once(this.#child, 'exit');
  }

  kill() {
    this.#child.kill();
  }
}

/** @returns a folder with the demonstration chain in it */
function chainIn(folder) {
  const demo = (name) => join(root, 'demo', name);
  const args = ['import', demo('chain.rlp'), '--receipts', demo('receipts.rlp'), '--genesis', genesis];
  const main = join(library, 'bin', 'main.js');
  const done = spawnSync(process.execPath, [main, ...args, '--datadir', folder], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the chain cannot be imported: ${done.stderr.trim()}`);
  return folder;
}

function percentile(times, share) {
  const sorted = Float64Array.from(times).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Of the last minute, before anything of ours ran: what is busy with other things answers late, and says little. */
const load = loadavg()[0];

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'rlpxd-isolation-'));
  const parts = [];
  const part = (...args) => {
    parts.push(new Part(...args));
    return parts.at(-1);
  };
  try {
    const profile =
      options.profile === undefined
        ? []
        : ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${options.profile}`];
    const daemon = part('node.mjs', [chainIn(folder)], profile);
    const { enode, head, pid } = await daemon.ready();
    const honest = part('honest.mjs', [enode, readFileSync(genesis, 'utf8'), String(head), String(pid)]);
    const hostile = part('hostile.mjs', [enode, String(head)]);
    await Promise.all([honest.ready(), hostile.ready()]);
    await honest.ask({ ask: 'measure', ms: WARM_MS });

    const stretch = async (beside) => {
      if (beside.length > 0) await hostile.ask({ ask: 'begin', sorts: beside, unlimited: options.unlimited });
      await pause(SETTLE_MS);
      await daemon.ask({ ask: 'stats' });
      const { times, ownTimes, failed, state } = await honest.ask({ ask: 'measure', ms: WINDOW_MS });
      const stats = await daemon.ask({ ask: 'stats' });
      const told = beside.length > 0 ? await hostile.ask({ ask: 'stop' }) : [];
      const found = { answers: times.length, failed, stands: state === 'active', ...stats, told };
      return { ...found, times, ownTimes, cpu: stats.cpuMs / WINDOW_MS };
    };
    const rows = new Map([['quiet', []]]);
    if (sorts.length > 1 && !options.quick) for (const sort of sorts) rows.set(sort, []);
    rows.set('all at once', []);
    const { rssBytes } = await daemon.ask({ ask: 'stats' });
    await stretch(sorts); // a daemon that has met them before: the code that meets them is compiled by then
    for (let round = 0; round < rounds; round++) {
      for (const [name, found] of rows)
        found.push(await stretch(name === 'quiet' ? [] : name === 'all at once' ? sorts : [name]));
    }
    await Promise.all([honest.ask({ ask: 'close' }), daemon.ask({ ask: 'close' })]);
    await daemon.gone();
    return report(
      [...rows].map(([name, found]) => ({ name, ...summed(found) })),
      rssBytes,
    );
  } finally {
    for (const one of parts) one.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** The rounds of one row as one. */
function summed(found) {
  const of = (name) => found.map((one) => one[name]);
  const add = (all, more) => {
    for (const [key, count] of Object.entries(more)) all[key] = (all[key] ?? 0) + count;
    return all;
  };
  const told = (name) =>
    of('told').map((list) => Object.fromEntries(list.map((one) => [one.sort, one[name]])));
  const p99s = of('times').map((times) => percentile(times, 0.99));
  const ownP99s = of('ownTimes').map((times) => percentile(times, 0.99));
  return {
    p50Ms: percentile(of('times').flat(), 0.5),
    p99Ms: percentile(of('times').flat(), 0.99),
    leastP99Ms: Math.min(...p99s),
    mostP99Ms: Math.max(...p99s),
    ownP99Ms: percentile(of('ownTimes').flat(), 0.99), // NaN where the system does not tell
    leastOwnP99Ms: Math.min(...ownP99s),
    mostOwnP99Ms: Math.max(...ownP99s),
    loopP99Ms: median(of('loopP99Ms')),
    cpu: median(of('cpu')),
    rssBytes: Math.max(...of('rssBytes')),
    answers: of('answers').reduce((a, b) => a + b, 0),
    failed: of('failed').reduce((a, b) => a + b, 0),
    stands: of('stands').every(Boolean),
    done: told('done').reduce(add, {}),
    sessions: told('sessions').reduce(add, {}),
    ends: of('ends').reduce(add, {}),
  };
}

/** @param before the most memory that the daemon had had before there was a neighbour */
async function report(rows, before) {
  const [quiet, beside] = [rows.at(0), rows.at(-1)];
  const grewBytes = Math.max(...rows.map(({ rssBytes }) => rssBytes)) - before;
  const bounds = await memoryBounds(library);
  const boundBytes = bounds.perSessionBytes * sorts.length;
  // what other work on the machine costs falls on quiet and noise alike, and drowns both: it is taken out where that can be told
  const by = Number.isNaN(quiet.ownP99Ms + beside.ownP99Ms) ? 'p99Ms' : 'ownP99Ms';
  const ratio = beside[by] / quiet[by];
  const held = {
    'no answer lost, the session stands': rows.every(({ failed, stands }) => failed === 0 && stands),
    [`p99 at most ${MAX_ABOVE_MS} ms above quiet`]: beside[by] <= quiet[by] + MAX_ABOVE_MS,
    [`p99 at most ${MAX_RATIO} × quiet`]: ratio <= MAX_RATIO,
    'memory within its stated bounds': grewBytes <= boundBytes,
  };
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, load };
  return {
    ...machine,
    unlimited: options.unlimited,
    rounds,
    by,
    ratio,
    rows,
    grewBytes,
    boundBytes,
    bounds,
    held,
  };
}

function print({ load: before, cpus: cores, by, ratio, rows, grewBytes, boundBytes, bounds, held }) {
  const say = (line) => process.stdout.write(`${line}\n`);
  const ms = (value) => value.toFixed(2).padStart(8);
  const [quiet] = rows;
  const own = by === 'ownP99Ms';
  say(`ms${'p50      p99   own p99   (least to most)  × quiet  loop p99  processor      RSS'.padStart(96)}`);
  for (const row of rows) {
    const { name, p50Ms, p99Ms, ownP99Ms, loopP99Ms, cpu, rssBytes } = row;
    const [least, most] = own ? [row.leastOwnP99Ms, row.mostOwnP99Ms] : [row.leastP99Ms, row.mostP99Ms];
    const spread = `${least.toFixed(2)} – ${most.toFixed(2)}`.padStart(17);
    const share = `${(cpu * 100).toFixed(0)} %`.padStart(10);
    const memory = `${(rssBytes / 2 ** 20).toFixed(0)} MiB`.padStart(9);
    const times = (row[by] / quiet[by]).toFixed(2).padStart(8);
    const label = name === 'quiet' ? 'in quiet' : `beside ${name}`;
    say(
      `${label.padEnd(20)} ${ms(p50Ms)} ${ms(p99Ms)}  ${ms(ownP99Ms)} ${spread} ${times}  ${ms(loopP99Ms)} ${share} ${memory}`,
    );
  }
  if (own) say('own p99: without what honest peer and daemon waited for a processor; it decides');
  say('\nwhat the neighbours did, and how their connections ended');
  for (const { name, done, sessions, ends, failed } of rows) {
    if (failed > 0) say(`  ${name}: ${failed} honest requests failed`);
    const did = Object.entries(done).map(([sort, count]) => {
      return `${sort} ${count}${sessions[sort] > 0 ? ` in ${sessions[sort]} sessions` : ''}`;
    });
    const ended = Object.entries(ends).map(([code, count]) => `${count} ${code}`);
    if (did.length > 0) say(`  ${name}: ${did.join(', ')}; ended: ${ended.join(', ') || 'none'}`);
  }
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const each = mib(bounds.perSessionBytes);
  say(
    `\nmemory grew by ${mib(grewBytes)}; ${sorts.length} such sessions may hold ${mib(boundBytes)}, ${each} each`,
  );
  for (const [name, holds] of Object.entries(held)) say(`${holds ? 'held  ' : 'BROKEN'} ${name}`);
  if (before > cores / 2 && options.out === undefined)
    // in a run of all benches it is the row before that was busy
    say(
      `note   the machine had other work (load ${before.toFixed(1)} on ${cores} cores): the figures say little`,
    );
  say(`${ratio <= GOAL_RATIO ? 'met   ' : 'missed'} the goal of ${GOAL_RATIO} × quiet: ${ratio.toFixed(2)}`);
}

/** As a row of `npm run bench`, which prints figures and judges nothing. */
function asRow({ rows, by, ratio, rounds: taken, held }) {
  const [quiet, beside] = [rows.at(0), rows.at(-1)].map(
    ({ p50Ms, p99Ms, ownP99Ms, leastOwnP99Ms, mostOwnP99Ms, cpu }) => ({
      ...{ p50Ms, p99Ms, ownP99Ms, leastOwnP99Ms, mostOwnP99Ms, cpu },
    }),
  );
  return { row: ROW, ratios: {}, values: { quiet, beside }, by, ratio, rounds: taken, held };
}

const found = await main();
if (options.out !== undefined && !options.json) process.stdout.write(`${ROW}\n`);
if (options.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
else print(found);
if (options.out !== undefined) writeFileSync(options.out, JSON.stringify({ rows: [asRow(found)] }));
else if (!options.unlimited && !Object.values(found.held).every(Boolean)) process.exitCode = 1;
