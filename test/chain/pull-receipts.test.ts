import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ChainPuller,
  type ChainStore,
  checkChain,
  openChainStore,
  type PullerOptions,
  type PullResult,
  type PullRunOptions,
  type ReceiptsProgress,
} from '../../src/chain/index.js';
import { encodeList } from '../../src/codec/index.js';
import { SimulatedStores, VirtualClock } from '../../src/runtime/index.js';
import { type BuiltChain, branch, buildChain, hasher } from '../support/chain-builder.js';
import { type PeerScript, ScriptedPeer } from '../support/chain-peer.js';

const chain: BuiltChain = buildChain(120, (n) => ({ transactions: n % 4 }));
const STORED = 100;
const lacking = chain.blocks.slice(0, STORED).filter(({ receipts }) => receipts.length > 1);
let clock: VirtualClock;
let stores: SimulatedStores;
let store: ChainStore;

beforeEach(async () => {
  clock = new VirtualClock();
  stores = new SimulatedStores();
  store = await openChainStore({ stores, path: '/c', hasher, chain: chain.spec });
  await store.append(
    chain.blocks.slice(0, STORED).map((block) => ({
      ...block,
      receipts: block.receipts.length > 1 ? undefined : block.receipts,
    })),
  );
});

afterEach(() => {
  expect(clock.pendingTimers).toBe(0);
});

const peerOf = (script: PeerScript = {}, of: BuiltChain = chain): ScriptedPeer =>
  new ScriptedPeer(clock, of, script);

async function settle<T>(running: Promise<T>): Promise<T> {
  let over = false;
  const watched = running.finally(() => {
    over = true;
  });
  watched.catch(() => {});
  for (let turn = 0; turn < 20_000 && !over; turn++) await clock.advance(50);
  if (!over) throw new Error('the pull never ended');
  return watched;
}

async function pull(
  peers: readonly ScriptedPeer[],
  options: Partial<PullerOptions> = {},
  run: PullRunOptions = { patienceMs: 300_000 },
): Promise<PullResult> {
  const puller = new ChainPuller({ store, clock, hasher, ...options });
  for (const peer of peers) puller.addPeer(peer);
  const result = await settle(puller.run(run));
  for (const peer of peers) expect(peer.open).toBe(0);
  return result;
}

async function allHere(): Promise<void> {
  expect(await checkChain(store)).toMatchObject({ receiptsMissing: 0 });
  expect(store.range().earliest).toBe(0n);
  for (const { header, receipts } of chain.blocks.slice(0, Number(store.head.header.number)))
    expect(await store.receipts(header.hash)).toEqual(receipts);
}

describe('receipts that an import had to leave out', () => {
  test('are pulled after the chain, from the head downwards, and nothing else of those blocks is', async () => {
    const told: ReceiptsProgress[] = [];
    const earliest: bigint[] = [];
    store.subscribe((range) => earliest.push(range.earliest));
    const peer = peerOf();
    const result = await pull([peer], { batchBlocks: 8, onReceipts: (at) => told.push(at) });
    expect(result).toMatchObject({
      head: 120n,
      blocks: 20,
      receiptsFilled: lacking.length,
      receiptsMissing: 0,
    });
    await allHere();
    expect(told.length).toBeGreaterThan(3);
    expect(told.at(-1)).toMatchObject({ filled: lacking.length, missing: 0 });
    const falling = earliest.filter((number) => number < 101n);
    expect(falling).toEqual([...falling].sort((a, b) => Number(b - a)));
    const bodies = peer.asked.filter(({ kind }) => kind === 'bodies').flatMap(({ hashes }) => hashes);
    expect(bodies.length).toBeLessThanOrEqual(20);
  });

  test('are pulled when the chain is whole already, also up to a target', async () => {
    const result = await pull([peerOf()], { target: 100n });
    expect(result).toMatchObject({ head: 100n, blocks: 0, receiptsFilled: lacking.length });
    await allHere();
  });

  test('from whoever is not the peer of them is not believed: the liar is out, another fills them', async () => {
    const liar = peerOf({
      id: 'a',
      change: (kind, items) => (kind === 'receipts' ? [...items].reverse() : items),
    });
    await pull([liar, peerOf({ id: 'b', latencyMs: 200 })]);
    expect(liar.misdeeds).toHaveLength(1);
    await allHere();
  });

  test('that nobody has are counted, and the pull ends', async () => {
    const pruned = peerOf({ change: (kind, items) => (kind === 'receipts' ? [] : items) });
    const result = await pull([pruned], { target: 100n });
    expect(result).toMatchObject({ head: 100n, receiptsFilled: 0, receiptsMissing: lacking.length });
    expect(pruned.misdeeds).toEqual([]);
    expect(pruned.asked.filter(({ kind }) => kind === 'receipts').length).toBeLessThan(6);
  });

  test('of which a peer has some are taken as far as it has them', async () => {
    const { header } = chain.blocks[119] ?? chain.blocks[0] ?? { header: chain.genesis };
    const young = peerOf({ announces: { earliest: 60n, latest: 120n, latestHash: header.hash } });
    const result = await pull([young]);
    const left = lacking.filter((block) => block.header.header.number < 60n);
    expect(result).toMatchObject({ head: 120n, receiptsMissing: left.length });
    expect(store.range().earliest).toBe((left.at(-1)?.header.header.number ?? 0n) + 1n);
    for (const asked of young.asked.filter(({ kind }) => kind === 'receipts')) {
      for (const { header: below } of left) expect(asked.hashes).not.toContainEqual(below.hash);
    }
  });

  test('are fetched from many at once, though some are slow, silent, short, or leave', async () => {
    await pull([
      peerOf({ id: 'a', latencyMs: 300 }),
      peerOf({ id: 'b', silent: ['receipts'] }),
      peerOf({ id: 'c', atMost: 3 }),
      peerOf({ id: 'd', diesAt: 3 }),
    ]);
    await allHere();
  });

  test('wait for a peer as long as there is patience', async () => {
    await expect(pull([], { target: 100n }, { patienceMs: 5_000 })).rejects.toMatchObject({
      code: 'ERR_CHAIN_NO_PEERS',
    });
    const puller = new ChainPuller({ store, clock, hasher, target: 100n });
    const running = puller.run({ patienceMs: 60_000 });
    await clock.advance(10_000);
    puller.addPeer(peerOf());
    expect(await settle(running)).toMatchObject({ receiptsMissing: 0 });
    await allHere();
  });

  test('are asked for again while following, once somebody has come who has them', async () => {
    const puller = new ChainPuller({ store, clock, hasher });
    const controller = new AbortController();
    const running = puller.run({ follow: true, signal: controller.signal });
    running.catch(() => {});
    puller.addPeer(
      peerOf({
        id: 'a',
        change: (kind, items, asked) => (kind === 'receipts' && asked.length > 0 ? [] : items),
        contentsUpTo: 100,
      }),
    );
    for (let turn = 0; turn < 100; turn++) await clock.advance(100);
    expect(store.receiptsMissing).toBe(lacking.length);
    puller.addPeer(peerOf({ id: 'b' }));
    for (let turn = 0; turn < 2_000 && store.receiptsMissing > 0; turn++) await clock.advance(100);
    controller.abort();
    await expect(settle(running)).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    await allHere();
  });

  test('whatever is kept when the power fails, the next start goes on', async () => {
    let starts = 0;
    for (; store.receiptsMissing > 0; starts++) {
      expect(starts).toBeLessThan(30);
      const puller = new ChainPuller({ store, clock, hasher, target: 100n, batchBlocks: 8 });
      const peer = peerOf({ atMost: 4, latencyMs: 20 });
      puller.addPeer(peer);
      const running = puller.run({ patienceMs: 10_000 });
      running.catch(() => {});
      for (let turn = 0; turn < 3 + 2 * starts; turn++) await clock.advance(20);
      stores.crash('/c', { keep: starts % 3 });
      peer.leave();
      await settle(running).catch(() => {});
      store = await openChainStore({ stores, path: '/c', hasher, chain: chain.spec });
      await checkChain(store);
    }
    expect(starts).toBeGreaterThan(1);
    await allHere();
  });

  test('of a block that a reorganisation has taken meanwhile are let go', async () => {
    const other = branch(chain, 60, 130, (n) => ({ transactions: n % 3, extra: 'other' }));
    await pull([peerOf({ trust: 'trusted' }, other)]);
    expect(await checkChain(store)).toMatchObject({ head: 130n, receiptsMissing: 0 });
  });

  test('that contradict the header which names them are reported and not stored', async () => {
    const plan = (n: number) => ({
      transactions: 2,
      ...(n === 5
        ? {
            change: <T extends { logsBloom: Uint8Array }>(header: T) => ({
              ...header,
              logsBloom: new Uint8Array(256),
            }),
          }
        : {}),
    });
    const bad = buildChain(10, plan, 'bad');
    store = await openChainStore({ stores, path: '/bad', hasher, chain: bad.spec });
    await store.append(bad.blocks.map((block) => ({ ...block, receipts: undefined })));
    const errors: unknown[] = [];
    const says = (...said: unknown[]) => errors.push(said);
    const quiet = (): void => {};
    await pull([peerOf({}, bad)], { logger: { debug: quiet, info: quiet, warn: quiet, error: says } });
    expect(errors).toHaveLength(1);
    expect(await store.receipts(bad.blocks[4]?.header.hash ?? encodeList([]))).toBeUndefined();
    await checkChain(store);
  });
});
