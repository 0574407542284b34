// The honest session of `bench/isolation.mjs`, in a process of its own: asks for headers at a steady pace, whether the last
// answer has come or not, and tells how long each one took.
import { library } from './library.mjs';
import { processorWait } from './processor-wait.mjs';

const { createNode } = await library('index');
const [enode, genesis, head, daemonPid] = process.argv.slice(2);
/** Of this process and of the daemon's. */
const waitedMs = processorWait([process.pid, Number(daemonPid)]);
/** 500 a second: a p99 of ten seconds is the fiftieth worst. */
const EVERY_MS = 2;
/** Not more at once: the session refuses to queue without end, and a machine that stands still must not look like a lost answer. */
const MAX_PENDING = 64;

const node = await createNode({ chain: genesis });
const session = await node.dial(enode).active;
let began = 0;
let waiting = 0;
let failed = 0;
let times = [];
/** The same without what both ends waited for a processor meanwhile. */
let ownTimes = [];

async function ask() {
  const origin = BigInt(1 + (began++ % (Number(head) - 4)));
  waiting++;
  const before = waitedMs?.();
  const startedMs = performance.now();
  try {
    const headers = await session.eth.getBlockHeaders({ origin, amount: 4, skip: 0n, reverse: false });
    if (headers.length !== 4) throw new Error(`${headers.length} headers`);
    const took = performance.now() - startedMs;
    times.push(took);
    if (waitedMs !== undefined) ownTimes.push(Math.max(0, took - (waitedMs() - before)));
  } catch {
    failed++;
  } finally {
    waiting--;
  }
}

/** A timer that comes late is made up for, or a busy moment would be asked about less often than a quiet one. */
async function measure(ms) {
  times = [];
  ownTimes = [];
  failed = 0;
  const startedMs = performance.now();
  const pending = [];
  for (let asked = 0; ; ) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= ms) break;
    for (; asked * EVERY_MS <= elapsedMs && waiting < MAX_PENDING; asked++) pending.push(ask());
    await new Promise((soon) => setTimeout(soon, 1));
  }
  await Promise.all(pending);
  return { times, ownTimes, failed, state: session.state };
}

process.on('message', async ({ ask: what, ms }) => {
  if (what === 'measure') process.send({ answer: await measure(ms) });
  else {
    await node.close();
    process.send({ answer: 'closed' });
    process.exit(0);
  }
});
process.on('disconnect', () => process.exit(1));
process.send({ answer: session.id });
