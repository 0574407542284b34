// Asks a node for blocks over one session and counts: `node bench/asker.mjs ENODE headers|bodies|receipts|quiet|busy`.
// Prints `warm` when counting begins, then one line of JSON.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const {
  values: options,
  positionals: [enode, work],
} = parseArgs({
  allowPositionals: true,
  options: {
    ms: { type: 'string', default: '1000' },
    /** Most of an answer's way is code that has to run some thousand times before V8 has made what it will be. */
    'warm-ms': { type: 'string', default: '1500' },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const from = (path) => import(pathToFileURL(join(resolve(options.library), path)).href);
const { chooseCrypto } = await from('src/crypto/index.js');
const { parseEnode } = await from('src/peers/index.js');
const { realWorld } = await from('src/runtime/index.js');
const { SessionManager } = await from('src/session/index.js');
const { decodeHeader } = await from('src/eth/index.js');

const BLOCKS = 560;
/** As geth asks for them. */
const HEADERS = 192;
const BODIES = 128;
const IN_FLIGHT = 4;
/** rlpxd answers a stranger 2,000 requests a second, and 20,000 at once; what comes beyond is answered empty. */
const MOST_ASKED = 20_000;
/** Of these, at most so many before times are counted. */
const WARM_ASKED = 8_000;

const crypto = chooseCrypto();
const world = realWorld();
const to = parseEnode(enode, crypto);
const wait = (ms) => new Promise((over) => setTimeout(over, ms));

function dial(number) {
  const manager = new SessionManager({
    world,
    crypto,
    secretKey: new Uint8Array(32).fill(number + 1),
    clientId: 'asker',
    ethVersions: [69],
    status: { status: () => undefined, check: () => undefined, mirror: true },
  });
  return manager.dial(to).active;
}

const header = (number) => ({ origin: BigInt(number), amount: 1, skip: 0n, reverse: false });

async function hashesOf(session) {
  const hashes = [];
  while (hashes.length < BLOCKS) {
    const query = { ...header(hashes.length + 1), amount: HEADERS };
    for (const raw of await session.eth.getBlockHeaders(query)) hashes.push(crypto.keccak256(raw));
  }
  return hashes;
}

/** Asks without a pause, a few at once. @returns how many blocks an answer to the given turn brought */
function asking(session, hashes, what) {
  const part = (turn, size) => {
    const at = (turn * size) % (BLOCKS - size);
    return hashes.slice(at, at + size);
  };
  if (what === 'headers') {
    return async (turn) => {
      const at = 1 + ((turn * HEADERS) % (BLOCKS - HEADERS));
      return (await session.eth.getBlockHeaders({ ...header(at), amount: HEADERS })).length;
    };
  }
  if (what === 'bodies') return async (turn) => (await session.eth.getBlockBodies(part(turn, BODIES))).length;
  return async (turn) => (await session.eth.getReceipts(part(turn, BODIES))).length;
}

async function pour(one, isOver, counted = () => undefined) {
  let turn = 0;
  const lane = async () => {
    while (!isOver()) {
      const blocks = await one(turn++);
      if (blocks === 0) throw new Error('an empty answer');
      counted(blocks);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function throughput() {
  const session = await dial(0);
  const one = asking(session, await hashesOf(session), work);
  const warmAt = performance.now() + Number(options['warm-ms']);
  const endAt = warmAt + Number(options.ms);
  let begun = 0;
  let blocks = 0;
  await pour(
    one,
    () => performance.now() >= endAt,
    (more) => {
      if (begun !== 0) blocks += more;
      else if (performance.now() >= warmAt) {
        begun = performance.now();
        process.stdout.write('warm\n');
      }
    },
  );
  return { blocks, ms: performance.now() - begun };
}

async function roundTrips() {
  const session = await dial(0);
  const hashes = await hashesOf(session);
  let over = false;
  const beside = [];
  if (work === 'busy') {
    for (const number of [1, 2]) {
      const other = await dial(number);
      beside.push(pour(asking(other, hashes, 'bodies'), () => over));
    }
  }
  const times = [];
  const warmAt = performance.now() + Number(options['warm-ms']);
  let endAt = Number.POSITIVE_INFINITY;
  for (let asked = 0; performance.now() < endAt && asked < MOST_ASKED; asked++) {
    const number = 1 + (asked % BLOCKS);
    const began = performance.now();
    const [raw] = await session.eth.getBlockHeaders(header(number));
    const took = performance.now() - began;
    if (decodeHeader(raw).number !== BigInt(number)) throw new Error('another header');
    if (began < warmAt && asked < WARM_ASKED) continue;
    if (times.length === 0) {
      endAt = performance.now() + Number(options.ms);
      process.stdout.write('warm\n');
    }
    times.push(took);
  }
  over = true;
  await Promise.all(beside);
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)] * 1_000;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

const alive = setInterval(() => undefined, 1_000);
const counted = work === 'quiet' || work === 'busy' ? await roundTrips() : await throughput();
clearInterval(alive);
process.stdout.write(`${JSON.stringify(counted)}\n`);
await wait(10);
process.exit(0);
