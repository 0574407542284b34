// Verifies a chain store, then pulls a chain into it until it is killed. What it has done it says on stdout, line by line.
// Arguments: folder of the store, genesis header, blocks, receipts, and a number to roll back to first (or nothing).
import { readFileSync, writeSync } from 'node:fs';
import { ChainPuller, checkChain, openChainStore, readHeader } from '../../dist/src/chain/index.js';
import { bytesToHex, RlpReader } from '../../dist/src/codec/index.js';
import { nobleCrypto as hasher } from '../../dist/src/crypto/index.js';
import { splitBlock } from '../../dist/src/eth/index.js';
import { realClock, realStores } from '../../dist/src/runtime/index.js';

const [path, genesisPath, blocksPath, receiptsPath, rollbackTo] = process.argv.slice(2);
const say = (...words) => writeSync(1, `${words.join(' ')}\n`); // at once: a kill must not swallow what was said
const clock = realClock;

function items(file) {
  const reader = new RlpReader(new Uint8Array(readFileSync(file)));
  const found = [];
  while (!reader.done) found.push(reader.raw());
  return found;
}

const genesis = readHeader(new Uint8Array(readFileSync(genesisPath)), hasher);
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
const receipts = items(receiptsPath);
const byHash = new Map([[bytesToHex(genesis.hash), { header: genesis }]]);
const blocks = items(blocksPath).map((raw, i) => {
  const { header, body } = splitBlock(raw);
  const block = { header: readHeader(header, hasher), body, receipts: receipts[i] };
  byHash.set(bytesToHex(block.header.hash), block);
  return block;
});
const head = blocks[blocks.length - 1].header;

const soon = (make) => new Promise((resolve) => clock.timer(1, () => resolve(make())));
const known = (hashes) =>
  hashes.map((hash) => byHash.get(bytesToHex(hash))).filter((block) => block !== undefined);
const peer = {
  id: 'memory',
  trust: 'trusted',
  ethVersion: 69,
  range: () => ({ earliest: 0n, latest: head.header.number, latestHash: head.hash }),
  headers: ({ origin, amount }) =>
    soon(() => {
      const found = [];
      for (let hash = origin; found.length < amount; ) {
        const block = byHash.get(bytesToHex(hash));
        if (block === undefined) break;
        found.push(block.header.raw);
        hash = block.header.header.parentHash;
      }
      return found;
    }),
  bodies: (hashes) => soon(() => known(hashes.slice(0, 8)).map(({ body }) => body)),
  receipts: (hashes) => soon(() => known(hashes.slice(0, 8)).map((block) => block.receipts)),
  misbehaved: (says) => say('misbehaved', says),
  gone: new AbortController().signal,
};

const store = await openChainStore({ stores: realStores, path, chain, hasher });
const checked = await checkChain(store, { clock });
say('checked', checked.head, bytesToHex(checked.hash));
if (rollbackTo !== '') {
  await store.rollback(BigInt(rollbackTo));
  say('stored', store.range().latest, bytesToHex(store.range().latestHash));
}
const puller = new ChainPuller({
  store,
  clock,
  hasher,
  batchBlocks: 3,
  onProgress: ({ head: at, hash }) => say('stored', at, bytesToHex(hash)),
});
puller.addPeer(peer);
// Never keeps the process alive by itself: see the clock.
const alive = setInterval(() => {}, 1_000);
const result = await puller.run({ patienceMs: 20_000 });
await store.close();
clearInterval(alive);
say('done', result.head, bytesToHex(result.hash));
