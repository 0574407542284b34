// One end of RLPx connections over loopback, made of rlpxd, in a process of its own, with the command line of rlpxbench
// (test/interop/geth/cmd/rlpxbench): `node bench/peer.mjs listen|dial PORT --work frames|echoes|handshakes …`.
import { dirname, join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { content, Meter, wireArguments } from './meter.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: own } = parseArgs({
  strict: false,
  options: {
    crypto: { type: 'string', default: 'auto' },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const built = (path) => import(pathToFileURL(join(resolve(own.library), 'src', path)).href);
const room = (name) => built(`${name}/index.js`);
const { chooseCrypto } = await room('crypto');
const { AuthReplays, EphemeralKeys, RlpxConnection } = await room('rlpx');
const { HandshakeQueue } = await built('session/handshake-queue.js');
const { realClock, realRandom, realTcp } = await room('runtime');

const options = wireArguments();
const crypto = chooseCrypto(own.crypto);
const keys = { listen: new Uint8Array(32).fill(4), dial: new Uint8Array(32).fill(3) };
const meter = new Meter(options.warmMs, options.warmCount);
const address = { host: '127.0.0.1', port: options.port };
const listenerKey = crypto.publicKey(keys.listen);
const maxBytes = 10_000_000;
/** What the sessions of a node share. */
const shared = {
  replays: new AuthReplays(),
  handshakes: new HandshakeQueue(realClock, () => false),
  ephemeralKeys: new EphemeralKeys(crypto, realRandom, realClock),
};

function connection(socket, role, handlers) {
  return new RlpxConnection({
    ...shared,
    socket,
    crypto,
    clock: realClock,
    random: realRandom,
    role: role === 'listen' ? 'recipient' : 'initiator',
    ...(role === 'listen' ? {} : { remotePublicKey: listenerKey }),
    secretKey: keys[role],
    hello: { clientId: 'bench', listenPort: 0 },
    capabilities: [{ name: 'eth', version: 69, length: 18 }],
    handlers: {
      authenticated() {},
      greeted() {},
      message() {},
      pong() {},
      drained() {},
      ended() {},
      ...handlers,
    },
  });
}

async function listen() {
  const listener = await realTcp.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    let eth;
    const end = connection(socket, 'listen', {
      greeted(_hello, shared) {
        eth = shared[0];
        if (options.work === 'handshakes') meter.add(1);
      },
      message(message) {
        const payload = message.payload(maxBytes);
        meter.add(1);
        if (options.work === 'echoes') end.send(eth, 2, payload);
      },
    });
  });
  process.stdout.write(`{"port":${listener.address.port}}\n`);
  // how late the loop is: what a session feels of the handshakes of others
  const delay = monitorEventLoopDelay({ resolution: 10 });
  if (options.work === 'handshakes') setTimeout(() => delay.enable(), options.warmMs);
  process.stdin.resume().on('end', () => {
    if (options.work === 'handshakes') meter.print({ loopP99Ms: delay.percentile(99) / 1e6 });
    else meter.print();
    process.exit(0);
  });
}

/** @returns an open connection and its capability */
function dial(handlers = {}) {
  return new Promise((opened, failed) => {
    realTcp.connect(address).then((socket) => {
      let eth;
      const end = connection(socket, 'dial', {
        ...handlers,
        greeted(_hello, shared) {
          eth = shared[0];
          opened({ end, eth });
        },
        ended: ({ says }) => {
          if (eth === undefined) failed(new Error(says));
        },
      });
    }, failed);
  });
}

async function shakeHands() {
  const one = async () => {
    while (meter.countingMs < options.ms) {
      const { end } = await dial();
      meter.add(1);
      // as geth's end: it closes when its Hello is out, and says no more
      setImmediate(() => end.destroy());
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, one));
}

async function send(until) {
  const payload = content(options);
  let over;
  const done = new Promise((resolveDone) => {
    over = resolveDone;
  });
  let open;
  const echo = () => {
    meter.add(1);
    if (performance.now() >= until) over();
    else open.end.send(open.eth, 1, payload);
  };
  const fill = () => {
    if (performance.now() >= until) return over();
    for (let more = true; more; meter.add(1)) more = open.end.send(open.eth, 1, payload);
  };
  open = await dial({ message: echo, drained: fill });
  if (options.work === 'echoes') open.end.send(open.eth, 1, payload);
  else fill();
  await done;
  open.end.destroy();
}

if (options.role === 'listen') {
  await listen();
} else {
  const until = performance.now() + options.ms + options.warmMs;
  // the loop of a library that keeps no process alive
  const alive = setInterval(() => undefined, 1_000);
  if (options.work === 'handshakes') await shakeHands();
  else await send(until);
  clearInterval(alive);
  meter.print();
  process.exit(0);
}
