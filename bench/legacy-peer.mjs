// One end of sessions over loopback, made of the earlier TypeScript stack (`@ethereumjs/devp2p`, as test/interop/legacy has
// it), with the command line of rlpxbench. Its sessions carry eth/68 with a Status first: there is no way below.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { content, Meter, wireArguments } from './meter.mjs';

const legacy = fileURLToPath(new URL('../test/interop/legacy/', import.meta.url));
const from = createRequire(join(legacy, 'peer.mjs'));
const load = (name) => import(pathToFileURL(from.resolve(name)).href);
const { Common, Mainnet } = await load('@ethereumjs/common');
const { ETH, RLPx } = await load('@ethereumjs/devp2p');

const options = wireArguments();
const meter = new Meter(options.warmMs);
const common = new Common({ chain: Mainnet });
const key = (fill) => new Uint8Array(32).fill(fill);
const make = (fill) =>
  new RLPx(key(fill), {
    capabilities: [ETH.eth68],
    common,
    timeout: 10_000,
    maxPeers: 1_000,
    listenPort: null,
    remoteClientIdFilter: [],
  });
/** NewPooledTransactionHashes is the plainest message with bytes in it. */
const CODE = 0x08;
const bytesIn = (payload) => payload[1];
const status = {
  td: new Uint8Array([1]),
  bestHash: key(1),
  genesisHash: key(2),
};
const quiet = (rlpx) => {
  for (const name of ['error', 'peer:error']) rlpx.events.on(name, () => undefined);
  return rlpx;
};
const ethOf = (peer) => peer.getProtocols().find((protocol) => protocol instanceof ETH);

if (options.role === 'listen') {
  const rlpx = quiet(make(4));
  rlpx.events.on('peer:added', (peer) => {
    if (options.work === 'handshakes') {
      meter.add(1);
      return;
    }
    const eth = ethOf(peer);
    eth.sendStatus(status);
    eth.events.on('message', (_code, payload) => {
      if (bytesIn(payload).length === options.size) meter.add(1);
    });
  });
  rlpx._server.once('listening', () => process.stdout.write(`{"port":${rlpx._server.address().port}}\n`));
  rlpx.listen(0, '127.0.0.1');
  process.stdin.resume().on('end', () => {
    meter.print();
    process.exit(0);
  });
} else {
  const listener = make(4);
  const id = listener.id;
  const endpoint = { id, address: '127.0.0.1', tcpPort: options.port, udpPort: 0 };
  const until = performance.now() + options.ms + options.warmMs;
  const over = () => {
    meter.print();
    process.exit(0);
  };
  if (options.work === 'handshakes') {
    for (let i = 0; i < options.parallel; i++) again();
  } else {
    const rlpx = quiet(make(3));
    rlpx.events.on('peer:added', (peer) => {
      const eth = ethOf(peer);
      eth.sendStatus(status);
      eth.events.once('status', () => send(eth, peer._socket));
    });
    await rlpx.connect(endpoint);
  }
  /** Each dial under a key of its own: a second session of one key is refused. */
  function again() {
    if (performance.now() >= until) over();
    const rlpx = quiet(
      new RLPx(crypto.getRandomValues(new Uint8Array(32)), {
        capabilities: [ETH.eth68],
        common,
        timeout: 10_000,
        maxPeers: 10,
        listenPort: null,
        remoteClientIdFilter: [],
      }),
    );
    rlpx.events.on('peer:added', () => {
      meter.add(1);
      rlpx.destroy();
      again();
    });
    rlpx.connect(endpoint).catch(again);
  }
  function send(eth, socket) {
    const bytes = content(options);
    const turn = () => {
      for (let i = 0; i < 32 && socket.writableLength < 262_144; i++) {
        eth.sendMessage(CODE, [new Uint8Array(0), bytes, []]);
        meter.add(1);
      }
      if (performance.now() >= until) over();
      else if (socket.writableLength < 262_144) setImmediate(turn);
      else socket.once('drain', turn);
    };
    turn();
  }
}
