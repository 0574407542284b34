// Verifies a chain store, then imports a chain without receipts, fills them in from a peer or a file, and drops old blocks,
// until it is killed. What it has found it says on stdout. Arguments: folder of the store, folder of the files, who fills.
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  ChainPuller,
  checkChain,
  importChain,
  openChainStore,
  readHeader,
} from '../../dist/src/chain/index.js';
import { bytesToHex, RlpReader } from '../../dist/src/codec/index.js';
import { nobleCrypto as hasher } from '../../dist/src/crypto/index.js';
import { splitBlock } from '../../dist/src/eth/index.js';
import { realClock as clock, realFiles, realStores } from '../../dist/src/runtime/index.js';

const [path, folder, filler] = process.argv.slice(2);
const say = (...words) => writeSync(1, `${words.join(' ')}\n`);
const bytesOf = (name) => new Uint8Array(readFileSync(join(folder, name)));

function items(name) {
  const reader = new RlpReader(bytesOf(name));
  const found = [];
  while (!reader.done) found.push(reader.raw());
  return found;
}

const genesis = readHeader(bytesOf('genesis'), hasher);
const chain = {
  name: 'killed',
  chainId: 1n,
  networkId: 1n,
  genesisHash: genesis.hash,
  genesisHeader: genesis.raw,
  genesisTime: genesis.header.timestamp,
  forkBlocks: [],
  forkTimes: [],
};
const store = await openChainStore({ stores: realStores, path, chain, hasher });
const { head, receiptsMissing, pruned } = await checkChain(store, { clock });
say('checked', head, receiptsMissing, pruned);
const alive = setInterval(() => {}, 1_000);

await importChain(store, realFiles, join(folder, 'chain.rlp.gz'), { clock });
if (filler === 'file') {
  await importChain(store, realFiles, join(folder, 'chain.rlp'), {
    clock,
    receiptsPath: join(folder, 'receipts.rlp'),
  });
} else {
  const receipts = new Map();
  const lists = items('receipts.rlp');
  for (const [i, raw] of items('chain.rlp').entries())
    receipts.set(bytesToHex(hasher.keccak256(splitBlock(raw).header)), lists[i]);
  const soon = (make) => new Promise((resolve) => clock.timer(1, () => resolve(make())));
  const puller = new ChainPuller({ store, clock, hasher, batchBlocks: 5, target: store.head.hash });
  puller.addPeer({
    id: 'memory',
    trust: 'trusted',
    ethVersion: 69,
    range: () => ({ earliest: 0n, latest: store.head.header.number, latestHash: store.head.hash }),
    headers: async () => [],
    bodies: async () => [],
    receipts: (hashes) => soon(() => hashes.slice(0, 10).map((hash) => receipts.get(bytesToHex(hash)))),
    misbehaved: (says) => say('misbehaved', says),
    gone: new AbortController().signal,
  });
  await puller.run({ patienceMs: 20_000 });
}
say('filled', store.receiptsMissing);
for (let keep = 500n; keep >= 100n; keep -= 50n) await store.prune(keep);
await store.close();
clearInterval(alive);
say('done');
