// What idle sessions cost: `node --expose-gc bench/idle.mjs [--counts 100,1000,10000] [--seconds 31] [--out FILE] [--library dist]`. One process
// holds the sessions, a second one the other ends; neither says more than its pings. Memory is taken after a collection,
// processor time over a stretch of at least two pings. Wants two open files per session, one in each process.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { crowd } from './crowd.mjs';

const { values: options } = parseArgs({
  options: {
    counts: { type: 'string', default: '100,1000,10000' },
    seconds: { type: 'string', default: '31' },
    out: { type: 'string' },
    library: { type: 'string' },
  },
});
const counts = options.counts.split(',').map(Number);
/** Sockets come and go, and the heap settles. */
const SETTLE_MS = 3_000;
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
  ...(library === undefined ? {} : { library }),
});
await grow(FIRST);
await pause(SETTLE_MS);
const before = memory();
const rows = [];
for (const count of counts) {
  const began = performance.now();
  await grow(count);
  const grownMs = performance.now() - began;
  await pause(SETTLE_MS);
  const cpu = process.cpuUsage();
  const from = performance.now();
  await pause(Number(options.seconds) * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - from;
  const after = memory();
  const { activeInbound } = node.count();
  if (activeInbound !== count) throw new Error(`${activeInbound} of ${count} sessions are left`);
  rows.push({
    row: `${count} idle sessions`,
    ratios: {},
    sessions: count,
    bytesPerSession: (after.heap - before.heap) / (count - FIRST),
    rssMiB: after.rss / 2 ** 20,
    corePercent: (user + system) / 10 / ms,
    grownMs,
  });
  process.stdout.write(`${text(rows.at(-1))}\n`);
}
if (options.out !== undefined) writeFileSync(options.out, JSON.stringify({ rows }));
process.exit(0);

function text({ sessions, bytesPerSession, rssMiB, corePercent, grownMs }) {
  return [
    `${sessions.toLocaleString('en').padStart(7)} idle sessions`,
    `${(bytesPerSession / 1024).toFixed(1).padStart(6)} KiB each`,
    `${rssMiB.toFixed(0).padStart(5)} MiB in all`,
    `${corePercent.toFixed(2).padStart(6)} % of a core`,
    `opened in ${(grownMs / 1_000).toFixed(1)} s`,
  ].join('  ');
}
