// One end of eth/68 sessions, made of @ethereumjs/devp2p: it listens on loopback, dials on demand, says Status, and
// answers requests for headers from the chain given. Driven by JSON lines on stdin, it prints JSON lines on stdout,
// and ends when stdin is closed.
//
//   node peer.mjs GENESIS.json CHAIN.rlp
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createCommonFromGethGenesis } from '@ethereumjs/common';
import { ETH, EthMessageCodes, RLPx } from '@ethereumjs/devp2p';
import { RLP } from '@ethereumjs/rlp';
import { bytesToHex, bytesToInt, hexToBytes, intToBytes } from '@ethereumjs/util';
import { keccak256 } from 'ethereum-cryptography/keccak.js';
import { getRandomBytesSync } from 'ethereum-cryptography/random.js';

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const { positionals } = parseArgs({ allowPositionals: true });
const [genesisPath, chainPath] = positionals;
const genesis = JSON.parse(readFileSync(genesisPath, 'utf8'));

/** Headers by number, from 1 on. */
const headers = [undefined];
for (let rest = new Uint8Array(readFileSync(chainPath)); rest.length > 0; ) {
  const { data, remainder } = RLP.decode(rest, true);
  const number = data[0][8].length === 0 ? 0 : bytesToInt(data[0][8]);
  if (number > 0) headers[number] = data[0];
  rest = remainder;
}
const head = headers[headers.length - 1];
const genesisHash = headers[1][0];
const hashOf = (header) => keccak256(RLP.encode(header));

const common = createCommonFromGethGenesis(genesis, { chain: 'interop', genesisHash, hardfork: 'prague' });
const rlpx = new RLPx(getRandomBytesSync(32), {
  capabilities: [ETH.eth68],
  common,
  timeout: 10_000,
  maxPeers: 10,
  listenPort: null,
  remoteClientIdFilter: [],
});

/** Sessions by the public key of the other end. */
const sessions = new Map();
let requestId = 0;

rlpx.events.on('error', (error) => print({ event: 'error', error: String(error) }));
rlpx.events.on('peer:error', (_peer, error) => print({ event: 'peer.error', error: String(error) }));
rlpx.events.on('peer:removed', (_peer, reason, byUs) => print({ event: 'peer.removed', reason, byUs }));
rlpx.events.on('peer:added', (peer) => {
  const eth = peer.getProtocols().find((protocol) => protocol instanceof ETH);
  const hello = peer.getHelloMessage();
  const publicKey = bytesToHex(peer.getId()).slice(2);
  print({ event: 'peer.added', publicKey, client: hello.clientId, eth: eth.getVersion() });
  sessions.set(publicKey, eth);
  eth.events.once('status', (status) =>
    print({
      event: 'status',
      publicKey,
      networkId: bytesToHex(status.chainId),
      totalDifficulty: bytesToHex(status.td),
      bestHash: bytesToHex(status.bestHash),
      genesisHash: bytesToHex(status.genesisHash),
      forkHash: bytesToHex(status.forkId[0]),
    }),
  );
  eth.events.on('message', (code, payload) => {
    if (code === EthMessageCodes.GET_BLOCK_HEADERS) {
      const [id, query] = payload;
      const found = answer(query);
      eth.sendMessage(EthMessageCodes.BLOCK_HEADERS, [id, found]);
      print({ event: 'served', headers: found.length });
    } else if (code === EthMessageCodes.BLOCK_HEADERS) {
      print({ event: 'headers', hashes: payload[1].map((header) => bytesToHex(hashOf(header))) });
    } else if (code === EthMessageCodes.BLOCK_BODIES) {
      print({ event: 'bodies', transactions: payload[1].map((body) => body[0].length) });
    } else if (code === EthMessageCodes.RECEIPTS) {
      // As the receipts trie holds them: typed receipts are byte strings, the others lists.
      const lists = payload[1].map((list) =>
        list.map((r) => bytesToHex(r instanceof Uint8Array ? r : RLP.encode(r))),
      );
      print({ event: 'receipts', lists });
    } else if (code === EthMessageCodes.GET_BLOCK_BODIES) {
      eth.sendMessage(EthMessageCodes.BLOCK_BODIES, [payload[0], []]);
    } else if (code === EthMessageCodes.GET_RECEIPTS) {
      eth.sendMessage(EthMessageCodes.RECEIPTS, [payload[0], []]);
    } else {
      print({ event: 'message', code });
    }
  });
  eth.sendStatus({ td: hexToBytes('0x20000'), bestHash: hashOf(head), genesisHash });
});

/** Headers for `[origin, amount, skip, reverse]`. */
function answer([origin, amount, skip, reverse]) {
  let number = origin.length === 0 ? 0 : bytesToInt(origin.subarray(-6));
  if (origin.length === 32)
    number = headers.findIndex((h) => h !== undefined && bytesToHex(hashOf(h)) === bytesToHex(origin));
  const step = (skip.length === 0 ? 0 : bytesToInt(skip)) + 1;
  const found = [];
  for (let n = amount.length === 0 ? 0 : bytesToInt(amount); n > 0 && headers[number] !== undefined; n--) {
    found.push(headers[number]);
    number += reverse.length === 0 ? step : -step;
  }
  return found;
}

const commands = {
  dial: ({ enode }) => {
    const [, id, address, port] = /^enode:\/\/([0-9a-f]{128})@([^:]+):(\d+)/.exec(enode);
    rlpx
      .connect({ id: hexToBytes(`0x${id}`), address, tcpPort: Number(port), udpPort: null })
      .catch((error) => print({ event: 'error', error: String(error) }));
  },
  headers: ({ peer, origin, amount }) =>
    sessions
      .get(peer)
      .sendMessage(EthMessageCodes.GET_BLOCK_HEADERS, [
        intToBytes(++requestId),
        [intToBytes(origin), intToBytes(amount), new Uint8Array(), new Uint8Array()],
      ]),
  bodies: ({ peer, hashes }) =>
    sessions
      .get(peer)
      .sendMessage(EthMessageCodes.GET_BLOCK_BODIES, [intToBytes(++requestId), hashes.map(hexToBytes)]),
  receipts: ({ peer, hashes }) =>
    sessions
      .get(peer)
      .sendMessage(EthMessageCodes.GET_RECEIPTS, [intToBytes(++requestId), hashes.map(hexToBytes)]),
};

rlpx.events.once('listening', () => {
  const { port } = rlpx._server.address();
  print({
    event: 'ready',
    enode: `enode://${bytesToHex(rlpx.id).slice(2)}@127.0.0.1:${port}`,
    head: headers.length - 1,
    hash: bytesToHex(hashOf(head)),
    forkHash: common.forkHash(),
  });
});
rlpx.listen(0, '127.0.0.1');

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const command = JSON.parse(line);
  commands[command.op](command);
});
input.on('close', () => process.exit(0));
