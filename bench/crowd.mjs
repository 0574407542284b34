// Many sessions with one node: the node in the process that asks for them, the other ends in a second one.
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(import.meta.url);
const builtLibrary = join(dirname(dirname(here)), 'dist');
/** How many handshakes are under way at once. */
const PARALLEL = 16;
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

async function makerOf(library, most, pingMs) {
  const room = (name) => import(pathToFileURL(join(resolve(library), `src/${name}/index.js`)).href);
  const { chooseCrypto } = await room('crypto');
  const { realWorld } = await room('runtime');
  const { SessionManager } = await room('session');
  const crypto = chooseCrypto();
  const world = realWorld();
  const manager = (number, more = {}) =>
    new SessionManager({
      world,
      crypto,
      status,
      secretKey: keyOf(number),
      clientId: 'crowd',
      ethVersions: [69],
      deadlines: { pingAfterMs: pingMs, idleMs: 2 * pingMs },
      limits: {
        maxPendingInbound: 4 * PARALLEL,
        maxPendingOutbound: 4 * PARALLEL,
        maxActiveInbound: most,
        maxActiveOutbound: most,
      },
      ...more,
    });
  return { crypto, manager };
}

/**
 * A node that listens, and a second process to dial it.
 * @param options.library a build; `most`: sessions that there will be; `pingMs`: silence before a ping
 * @returns the node's manager, `grow(count)` which resolves once there are so many sessions, and `heard()`: how many bytes of
 * gossip the others have been told
 */
export async function crowd({ library = builtLibrary, most, pingMs = 15_000 }) {
  const { manager } = await makerOf(library, most, pingMs);
  const node = manager(0);
  const { port } = await node.listen({ host: '127.0.0.1', port: 0 });
  const args = [
    here,
    String(port),
    '--library',
    library,
    '--most',
    String(most),
    '--ping-ms',
    String(pingMs),
  ];
  const others = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  others.on('exit', () => process.exit(1));
  const lines = createInterface({ input: others.stdout })[Symbol.asyncIterator]();
  const asked = async (line) => {
    others.stdin.write(`${line}\n`);
    return JSON.parse((await lines.next()).value);
  };
  return { node, grow: (count) => asked(`grow ${count}`), heard: () => asked('heard') };
}

/** The other ends: each a manager with one session. */
async function beTheOthers() {
  const { values: own, positionals } = parseArgs({
    allowPositionals: true,
    options: { library: { type: 'string' }, most: { type: 'string' }, 'ping-ms': { type: 'string' } },
  });
  const { crypto, manager } = await makerOf(own.library, Number(own.most), Number(own['ping-ms']));
  const to = { host: '127.0.0.1', port: Number(positionals[0]), publicKey: crypto.publicKey(keyOf(0)) };
  let open = 0;
  let messages = 0;
  const gossip = () => messages++;
  process.stdout.on('error', () => process.exit(0)); // whoever asked is gone
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, count] = line.split(' ');
    if (word === 'grow') {
      const lane = async () => {
        while (open < Number(count)) await manager(++open, { gossip }).dial(to).active;
      };
      await Promise.all(Array.from({ length: PARALLEL }, lane));
    }
    process.stdout.write(`${JSON.stringify(word === 'grow' ? open : messages)}\n`);
  }
  process.exit(0);
}

if (process.argv[1] === here) await beTheOthers();
