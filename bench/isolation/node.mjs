// The daemon of `bench/isolation.mjs`, in a process of its own: a node as `rlpxd run` makes one, with a protocol beside eth whose
// handlers are slow or throw, and a listener that throws. Speaks with the bench over the channel of `fork`.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { library } from './library.mjs';

const { createNode } = await library('index');
const { collectSeldom } = await import(
  pathToFileURL(join(process.env.RLPXD_LIBRARY, 'bin', 'collections.js')).href
);
collectSeldom();
const [datadir] = process.argv.slice(2);

/** What a user may have written. The slow one takes its time without holding the loop: what holds the loop holds everybody. */
const trial = {
  name: 'trial',
  version: 1,
  length: 4,
  maxBytes: 10 * 1024 * 1024,
  onSession: () => ({
    message(id) {
      if (id === 0) return new Promise((done) => setTimeout(done, 10_000));
      if (id === 1) throw new Error('on purpose');
      if (id === 2) return Promise.reject(new Error('on purpose'));
    },
  }),
};

const node = await createNode({
  datadir,
  listen: { host: '127.0.0.1', port: 0 },
  protocols: [trial],
  maxPeers: 100,
});
node.on('session.active', () => {
  throw new Error('on purpose');
});
const ends = new Map();
node.on('session.ended', ({ cause }) => {
  const key = cause.code ?? `by ${cause.by}`;
  ends.set(key, (ends.get(key) ?? 0) + 1);
});

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let cpu = process.cpuUsage();

/** Since the last time it was asked. */
function stats() {
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  const found = {
    loopP99Ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
    cpuMs: (user + system) / 1_000,
    rssBytes: process.resourceUsage().maxRSS * 1_024, // the most so far: to look at it often would take the daemon's time
    peers: node.status().peers,
    ends: Object.fromEntries([...ends].sort()),
  };
  delay.reset();
  ends.clear();
  return found;
}

process.on('message', async ({ ask }) => {
  if (ask === 'stats') process.send({ answer: stats() });
  else if (ask === 'close') {
    await node.close();
    process.send({ answer: 'closed' });
    process.disconnect();
    process.exit(0);
  }
});
process.on('disconnect', () => process.exit(1)); // the bench has died
process.send({ answer: { enode: node.enode, head: Number(node.status().head), pid: process.pid } });
