// Measures what messages cost from one end to the other: `node bench/frames.mjs [--json] [--quick] [--library dist]`.
// Each row takes turns of its own, and the best turn counts: what else runs on the machine can only make a turn slower.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const room = (name) => import(pathToFileURL(join(resolve(options.library), `src/${name}/index.js`)).href);
const { chooseCrypto, nobleCrypto } = await room('crypto');
const { FrameDecoder, FrameEncoder, packMessage, RlpxConnection } = await room('rlpx');
const { realClock, realRandom, realTcp, seededRandom } = await room('runtime');

const turns = options.quick ? 2 : 5;
const turnMs = options.quick ? 50 : 400;
const fast = chooseCrypto();
const capabilities = [{ name: 'eth', version: 69, length: 18 }];

/** Content that compresses to about two thirds, as transactions do: every third byte is 0. */
function content(bytes) {
  return seededRandom('content')
    .bytes(bytes)
    .map((byte, i) => (i % 3 === 0 ? 0 : byte));
}

function secrets(crypto) {
  const word = (text) => crypto.keccak256(new TextEncoder().encode(text));
  const state = () => crypto.keccakStream();
  return { aes: word('aes'), mac: word('mac'), egressMac: state(), ingressMac: state() };
}

/** Frames in memory: encode, and decode from chunks as a socket gives them. */
function inMemory(crypto, bytes) {
  const encoder = new FrameEncoder(crypto, secrets(crypto));
  const decoder = new FrameDecoder(crypto, secrets(crypto), 0xff_ff_ff);
  const payload = content(bytes);
  return async (forMs) => {
    const started = performance.now();
    let messages = 0;
    while (performance.now() - started < forMs) {
      for (let i = 0; i < 20; i++) {
        const pieces = [];
        encoder.encode(17, payload, pieces);
        for (const piece of pieces) {
          for (let at = 0; at < piece.length; at += 65_536) {
            decoder.push(piece.subarray(at, at + 65_536));
            while (decoder.next() !== undefined) messages++;
          }
        }
      }
    }
    return (messages * 1_000) / (performance.now() - started);
  };
}

async function openPair() {
  const owner = () => {
    const self = {
      authenticated() {},
      pong() {},
      ended() {},
      message() {},
      drained() {},
      greeted(_hello, shared) {
        self.eth = shared[0];
        self.opened();
      },
    };
    self.open = new Promise((done) => {
      self.opened = done;
    });
    return self;
  };
  const near = owner();
  const far = owner();
  const keys = { near: new Uint8Array(32).fill(3), far: new Uint8Array(32).fill(4) };
  const common = { crypto: fast, clock: realClock, random: realRandom, capabilities };
  const hello = { clientId: 'bench', listenPort: 0 };
  const listener = await realTcp.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    far.connection = new RlpxConnection({
      ...common,
      hello,
      socket,
      role: 'recipient',
      secretKey: keys.far,
      handlers: far,
    });
  });
  const socket = await realTcp.connect(listener.address);
  const remotePublicKey = nobleCrypto.publicKey(keys.far);
  near.connection = new RlpxConnection({
    ...common,
    hello,
    socket,
    role: 'initiator',
    secretKey: keys.near,
    remotePublicKey,
    handlers: near,
  });
  await Promise.all([near.open, far.open]);
  await listener.close();
  return { near, far };
}

/** One connection over loopback, both ends in this process: as many messages as the far end takes. */
function overLoopback(bytes) {
  const payload = content(bytes);
  return async (forMs) => {
    const { near, far } = await openPair();
    const packed = packMessage(1, payload);
    let received = 0;
    far.message = (message) => {
      received += message.payload(1_000_000).length;
    };
    const fill = () => {
      while (near.connection.sendPacked(near.eth, packed));
    };
    near.drained = fill;
    const started = performance.now();
    fill();
    await new Promise((done) => setTimeout(done, forMs));
    const rate = (received * 1_000) / bytes / (performance.now() - started);
    near.connection.destroy();
    far.connection.destroy();
    return rate;
  };
}

/** Questions over loopback, each answered before the next is asked: the round trips per second. */
function roundTrips() {
  const question = content(40);
  const answer = content(200);
  return async (forMs) => {
    const { near, far } = await openPair();
    let answers = 0;
    far.message = () => void far.connection.send(far.eth, 2, answer);
    near.message = () => {
      answers++;
      near.connection.send(near.eth, 1, question);
    };
    const started = performance.now();
    near.connection.send(near.eth, 1, question);
    await new Promise((done) => setTimeout(done, forMs));
    const rate = (answers * 1_000) / (performance.now() - started);
    near.connection.destroy();
    far.connection.destroy();
    return rate;
  };
}

const rows = [
  ['frames in memory, 200 B, noble', 200, inMemory(nobleCrypto, 200)],
  ['frames in memory, 100 KB, noble', 100_000, inMemory(nobleCrypto, 100_000)],
  [`frames in memory, 200 B, ${fast.name}`, 200, inMemory(fast, 200)],
  [`frames in memory, 100 KB, ${fast.name}`, 100_000, inMemory(fast, 100_000)],
  [`loopback, 200 B, ${fast.name}`, 200, overLoopback(200)],
  [`loopback, 100 KB, ${fast.name}`, 100_000, overLoopback(100_000)],
  [`round trips over loopback, ${fast.name}`, 200, roundTrips()],
];

const results = [];
for (const [row, bytes, run] of rows) {
  let best = 0;
  await run(turnMs / 4);
  for (let turn = 0; turn < turns; turn++) best = Math.max(best, await run(turnMs));
  const result = {
    row,
    messagesPerSecond: Math.round(best),
    megabytesPerSecond: Number(((best * bytes) / 1e6).toFixed(1)),
  };
  results.push(result);
  if (!options.json) {
    process.stdout.write(
      `${row.padEnd(40)} ${String(result.messagesPerSecond).padStart(9)} msg/s ${String(result.megabytesPerSecond).padStart(9)} MB/s\n`,
    );
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
