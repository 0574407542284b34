// What idle sessions cost: `node --expose-gc bench/idle.mjs [--counts 100,1000,10000] [--seconds 31] [--ping-ms 15000] [--out FILE] [--library dist]`.
// One process holds the sessions, a second one the other ends; neither says more than its pings. Memory is taken after a
// collection, processor time over a stretch of at least two pings, once the first one is over: what they run for the first
// time is compiled then. With a shorter `--ping-ms` fewer sessions say as much as more of them do. Wants two open files per
// session, one in each process.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { crowd } from './crowd.mjs';

const { values: options } = parseArgs({
  options: {
    counts: { type: 'string', default: '100,1000,10000' },
    seconds: { type: 'string', default: '31' },
    'ping-ms': { type: 'string', default: '15000' },
    out: { type: 'string' },
    library: { type: 'string' },
  },
});
const counts = options.counts.split(',').map(Number);
const pingMs = Number(options['ping-ms']);
/** Sockets come and go, the heap settles, and the first pings are over. */
const SETTLE_MS = Math.max(3_000, 1.1 * pingMs);
/**
 * V8 gives back what a heap has grown by once the process has little to do: three collections of everything, 22 to 38 s after
 * so many sessions were opened, a quarter of a second each. That is once, and over before an idle hour begins.
 */
const MANY = 5_000;
const SETTLE_MANY_MS = 60_000;
/** Made before anything is measured: what is made once is made then. */
const FIRST = 10;

const pause = (ms) => new Promise((over) => setTimeout(over, ms));

function memory() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

const { library } = options;
const { node, grow } = await crowd({
  most: Math.max(...counts),
  pingMs,
  ...(library === undefined ? {} : { library }),
});
await grow(FIRST);
await pause(1_000);
const before = memory();
const rows = [];
for (const count of counts) {
  const began = performance.now();
  await grow(count);
  const grownMs = performance.now() - began;
  await pause(count > MANY ? SETTLE_MANY_MS : SETTLE_MS);
  const cpu = process.cpuUsage();
  const from = performance.now();
  await pause(Number(options.seconds) * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - from;
  const after = memory();
  const { activeInbound } = node.count();
  if (activeInbound !== count) throw new Error(`${activeInbound} of ${count} sessions are left`);
  rows.push({
    row: pingMs === 15_000 ? `${count} idle sessions` : `${count} sessions, a ping each ${pingMs / 1_000} s`,
    ratios: {},
    sessions: count,
    pingMs,
    bytesPerSession: (after.heap - before.heap) / (count - FIRST),
    rssMiB: after.rss / 2 ** 20,
    corePercent: (user + system) / 10 / ms,
    grownMs,
  });
  process.stdout.write(`${text(rows.at(-1))}\n`);
}
if (options.out !== undefined) writeFileSync(options.out, JSON.stringify({ rows }));
process.exit(0);

function text({ row, sessions, bytesPerSession, rssMiB, corePercent, grownMs }) {
  return [
    row,
    `${(bytesPerSession / 1024).toFixed(1).padStart(6)} KiB each`,
    `${rssMiB.toFixed(0).padStart(5)} MiB in all`,
    `${corePercent.toFixed(2).padStart(6)} % of a core`,
    `opened in ${(grownMs / 1_000).toFixed(1)} s`,
    ...(pingMs === 15_000
      ? []
      : [`(as many pings as ${((sessions * 15_000) / pingMs).toLocaleString('en')} idle ones)`]),
  ].join('  ');
}
