// What idle sessions cost: `npm run idle [-- --counts 100,1000,10000] [--seconds 30] [--json] [--library dist]`. One process
// holds the sessions, a second one the other ends; neither says more than its pings. Memory is taken after a collection,
// processor time over a stretch of at least two pings. Wants two open files per session, one in each process.
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    counts: { type: 'string', default: '100,1000,10000' },
    seconds: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const counts = options.counts.split(',').map(Number);
const most = Math.max(...counts);
/** How many handshakes are under way at once. */
const PARALLEL = 16;
/** Sockets come and go, and the heap settles. */
const SETTLE_MS = 3_000;

const room = (name) => import(pathToFileURL(join(resolve(options.library), `src/${name}/index.js`)).href);
const { chooseCrypto } = await room('crypto');
const { realWorld } = await room('runtime');
const { SessionManager } = await room('session');

const crypto = chooseCrypto();
const world = realWorld();
const genesisHash = new Uint8Array(32).fill(0x91);
const status = {
  status: (version) => ({
    version,
    networkId: 7n,
    genesisHash,
    forkId: { hash: Uint8Array.of(1, 2, 3, 4), next: 0n },
    earliest: 0n,
    latest: 9n,
    latestHash: genesisHash,
  }),
  check: () => undefined,
};

function keyOf(number) {
  const key = new Uint8Array(32).fill(0x33);
  new DataView(key.buffer).setUint32(28, number + 1);
  return key;
}

function manager(number) {
  const maxPending = 4 * PARALLEL;
  return new SessionManager({
    world,
    crypto,
    status,
    secretKey: keyOf(number),
    clientId: 'idle',
    ethVersions: [69],
    limits: {
      maxPendingInbound: maxPending,
      maxPendingOutbound: maxPending,
      maxActiveInbound: most,
      maxActiveOutbound: most,
    },
  });
}

const pause = (ms) => new Promise((over) => setTimeout(over, ms));

/** The other ends: each a manager with one session. Told a number on a line, they become as many. */
async function beTheOthers() {
  const to = { host: '127.0.0.1', port: Number(positionals[1]), publicKey: crypto.publicKey(keyOf(0)) };
  const open = [];
  process.stdout.on('error', () => process.exit(0)); // whoever asked is gone
  for await (const line of createInterface({ input: process.stdin })) {
    const wanted = Number(line);
    let next = open.length;
    const lane = async () => {
      while (next < wanted) {
        const number = ++next;
        const session = await manager(number).dial(to).active;
        open.push(session);
        void session.ended.then(({ says }) => process.stdout.write(`lost ${says}\n`));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    process.stdout.write('ready\n');
  }
  process.exit(0);
}

function memory() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

async function measure() {
  const held = manager(0);
  const { port } = await held.listen({ host: '127.0.0.1', port: 0 });
  const others = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), 'others', String(port), ...passedOn()],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  others.on('exit', () => process.exit(1));
  const lines = createInterface({ input: others.stdout })[Symbol.asyncIterator]();
  const grow = async (count) => {
    others.stdin.write(`${count}\n`);
    const { value } = await lines.next();
    if (value !== 'ready') throw new Error(value ?? 'the other process is gone');
  };
  await grow(10); // what is made once is made
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
    const active = held.count().activeInbound;
    if (active !== count) throw new Error(`${active} of ${count} sessions are left`);
    rows.push({
      sessions: count,
      bytesPerSession: (after.heap - before.heap) / (count - 10),
      rssMiB: after.rss / 2 ** 20,
      corePercent: (user + system) / 10 / ms,
      grownMs,
    });
    if (!options.json) process.stdout.write(`${text(rows.at(-1))}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ node: process.version, rows })}\n`);
  process.exit(0);
}

function passedOn() {
  return ['--counts', options.counts, '--library', options.library];
}

function text({ sessions, bytesPerSession, rssMiB, corePercent, grownMs }) {
  return [
    `${sessions.toLocaleString('en').padStart(7)} sessions`,
    `${(bytesPerSession / 1024).toFixed(1).padStart(6)} KiB each`,
    `${rssMiB.toFixed(0).padStart(5)} MiB in all`,
    `${corePercent.toFixed(2).padStart(6)} % of a core`,
    `opened in ${(grownMs / 1_000).toFixed(1)} s`,
  ].join('  ');
}

if (positionals[0] === 'others') await beTheOthers();
else await measure();
