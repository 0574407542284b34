// The honest session of `bench/isolation.mjs`, in a process of its own: asks for headers at a steady pace, whether the last
// answer has come or not, and tells how long each one took.
import { library } from './library.mjs';

const { createNode } = await library('index');
const [enode, genesis, head] = process.argv.slice(2);
/** 500 a second: a p99 of ten seconds is the fiftieth worst. */
const EVERY_MS = 2;

const node = await createNode({ chain: genesis });
const session = await node.dial(enode).active;
let began = 0;
let failed = 0;
let times = [];

async function ask() {
  const origin = BigInt(1 + (began++ % (Number(head) - 4)));
  const startedMs = performance.now();
  try {
    const headers = await session.eth.getBlockHeaders({ origin, amount: 4, skip: 0n, reverse: false });
    if (headers.length !== 4) throw new Error(`${headers.length} headers`);
    times.push(performance.now() - startedMs);
  } catch {
    failed++;
  }
}

/** A timer that comes late is made up for, or a busy moment would be asked about less often than a quiet one. */
async function measure(ms) {
  times = [];
  failed = 0;
  const startedMs = performance.now();
  const pending = [];
  for (let asked = 0; ; ) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= ms) break;
    for (; asked * EVERY_MS <= elapsedMs; asked++) pending.push(ask());
    await new Promise((soon) => setTimeout(soon, 1));
  }
  await Promise.all(pending);
  return { times, failed, state: session.state };
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
