import { beforeAll, expect, test } from 'vitest';
import { ChainPuller, type ChainStore, openChainStore, type PullResult } from '../../src/chain/index.js';
import type { CompleteBlock, HashedHeader } from '../../src/chain/verify.js';
import { encodeHeader } from '../../src/eth/index.js';
import { SimulatedStores, VirtualClock } from '../../src/runtime/index.js';
import { type BuiltChain, buildChain, extend, hasher } from '../support/chain-builder.js';
import { type PeerScript, ScriptedPeer } from '../support/chain-peer.js';

/** A run is so long here; of headers twice as many are held at once, so that most are let go and fetched again. */
const SEGMENT = 50;
const LENGTH = 2_000;
const FORK = 200;
const clock = new VirtualClock();
let long: BuiltChain;
let other: BuiltChain;

/** Empty blocks, quickly: only number, time and parent change. */
function emptyBlocks(parent: HashedHeader, length: number, extra: string): CompleteBlock[] {
  const [model] = extend(parent, 1, () => ({ extra }));
  if (model === undefined) throw new Error('no block');
  const blocks = [model];
  for (let last = model.header; blocks.length < length; ) {
    const { number, timestamp } = last.header;
    const header = { ...last.header, number: number + 1n, timestamp: timestamp + 12n, parentHash: last.hash };
    const raw = encodeHeader(header);
    last = { raw, header, hash: hasher.keccak256(raw) };
    blocks.push({ ...model, header: last });
  }
  return blocks;
}

beforeAll(() => {
  const base = buildChain(0);
  long = { ...base, blocks: emptyBlocks(base.genesis, LENGTH, 'long') };
  const fork = long.blocks[FORK - 1];
  if (fork === undefined) throw new Error('no fork');
  other = {
    ...base,
    blocks: [...long.blocks.slice(0, FORK), ...emptyBlocks(fork.header, LENGTH - FORK, 'other')],
  };
});

async function pull(
  chain: BuiltChain,
  target: Uint8Array | undefined,
  script: PeerScript,
  before: readonly CompleteBlock[] = [],
) {
  const store = await openChainStore({
    stores: new SimulatedStores(),
    path: '/c',
    hasher,
    chain: chain.spec,
  });
  if (before.length > 0) await store.append(before);
  const puller = new ChainPuller({
    store,
    clock,
    hasher,
    segmentBlocks: SEGMENT,
    ...(target === undefined ? {} : { target }),
  });
  const peer = new ScriptedPeer(clock, chain, script);
  puller.addPeer(peer);
  let result: PullResult | undefined;
  let error: unknown;
  puller.run({ patienceMs: 10_000 }).then(
    (value) => {
      result = value;
    },
    (reason: unknown) => {
      error = reason;
    },
  );
  for (let turn = 0; turn < 5_000 && result === undefined && error === undefined; turn++)
    await clock.advance(100);
  expect(clock.pendingTimers).toBe(0);
  return { store, peer, result, error };
}

const headHash = (store: ChainStore): Uint8Array => store.head.hash;
const end = (chain: BuiltChain): Uint8Array => chain.blocks[LENGTH - 1]?.header.hash ?? new Uint8Array();

test('a long chain is taken in runs, each proven back to what is stored', async () => {
  const { store, peer, result } = await pull(long, undefined, {});
  expect(result).toMatchObject({ head: BigInt(LENGTH), blocks: LENGTH });
  expect(headHash(store)).toEqual(end(long));
  expect(peer.misdeeds).toEqual([]);
});

test('the way to a pinned hash is walked once to its beginning, and then from boundary to boundary', async () => {
  const { store, peer, result } = await pull(long, end(long), {});
  expect(result).toMatchObject({ head: BigInt(LENGTH) });
  expect(headHash(store)).toEqual(end(long));
  const asked = peer.asked.reduce((sum, { items }) => sum + items, 0);
  expect(asked).toBeLessThan(2 * LENGTH + 3 * 512);
});

test('nothing is stored of a pinned chain whose way to what is stored is not proven', async () => {
  const { store, peer, error } = await pull(long, end(long), { diesAt: 3 });
  expect(peer.asked.map(({ kind }) => kind)).toEqual(['headers', 'headers', 'headers']);
  expect(error).toMatchObject({ code: 'ERR_CHAIN_NO_PEERS' });
  expect(store.range().latest).toBe(0n);
});

test('a reorganisation deeper than a run is followed', async () => {
  const { store, result } = await pull(other, undefined, { trust: 'trusted' }, long.blocks.slice(0, 1_500));
  expect(result).toMatchObject({ reorganisations: 1 });
  expect(headHash(store)).toEqual(end(other));
});
