import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ChainPuller,
  type ChainStore,
  checkChain,
  openChainStore,
  type PullerOptions,
  type PullResult,
  type PullRunOptions,
} from '../../src/chain/index.js';
import { bytesToHex, encodeList, encodeUint } from '../../src/codec/index.js';
import { decodeReceipts, encodeReceipts } from '../../src/eth/index.js';
import { SimulatedStores, VirtualClock } from '../../src/runtime/index.js';
import {
  type BuiltChain,
  branch,
  type buildBlock,
  buildChain,
  hasher,
  mixture,
} from '../support/chain-builder.js';
import { type PeerScript, ScriptedPeer } from '../support/chain-peer.js';

const chain: BuiltChain = buildChain(120);
let clock: VirtualClock;
let stores: SimulatedStores;
let store: ChainStore;

beforeEach(async () => {
  clock = new VirtualClock();
  stores = new SimulatedStores();
  store = await openChainStore({ stores, path: '/c', hasher, chain: chain.spec });
});

afterEach(() => {
  expect(clock.pendingTimers).toBe(0);
});

const hashOf = (of: BuiltChain, number: number): Uint8Array =>
  of.blocks[number - 1]?.header.hash ?? of.genesis.hash;

function peerOf(of: BuiltChain, script: PeerScript = {}): ScriptedPeer {
  return new ScriptedPeer(clock, of, script);
}

/** Runs a pull to its end on the virtual clock. */
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

async function verifiedHead(): Promise<Uint8Array> {
  return (await checkChain(store)).hash;
}

describe('from one honest peer', () => {
  test('the whole chain is stored, verified', async () => {
    const result = await pull([peerOf(chain)]);
    expect(result).toMatchObject({
      head: 120n,
      hash: hashOf(chain, 120),
      blocks: 120,
      reorganisations: 0,
      conflicts: [],
    });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('nothing is asked for that a header shows to be empty', async () => {
    const empty = buildChain(50, () => ({}), 'empty');
    store = await openChainStore({ stores, path: '/e', hasher, chain: empty.spec });
    const peer = peerOf(empty);
    await pull([peer]);
    expect(peer.asked.map(({ kind }) => kind)).toEqual(['headers']);
    expect(await verifiedHead()).toEqual(hashOf(empty, 50));
  });

  test('requests stay within what geth serves and asks for itself', async () => {
    const long = buildChain(1_500, () => ({ transactions: 1 }), 'long');
    store = await openChainStore({ stores, path: '/l', hasher, chain: long.spec });
    const peer = peerOf(long);
    await pull([peer]);
    const most = (kind: string): number =>
      Math.max(...peer.asked.filter((a) => a.kind === kind).map(({ items }) => items));
    expect([most('headers'), most('bodies'), most('receipts')]).toEqual([512, 128, 256]);
    expect(await verifiedHead()).toEqual(hashOf(long, 1_500));
  });

  test('a peer at our own head ends the pull at once', async () => {
    await store.append(chain.blocks);
    expect(await pull([peerOf(chain)])).toMatchObject({ head: 120n, blocks: 0 });
    expect(await pull([peerOf({ ...chain, blocks: chain.blocks.slice(0, 50) })])).toMatchObject({
      head: 120n,
      blocks: 0,
    });
  });

  test('short answers are gone on from', async () => {
    const peer = peerOf(chain, { atMost: 3 });
    await pull([peer]);
    expect(peer.misdeeds).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('progress is told after every batch, and ends at the target', async () => {
    const heads: bigint[] = [];
    const result = await pull([peerOf(chain)], {
      onProgress: ({ head, target, blocks, bytes, peers }) => {
        expect(target).toBe(120n);
        expect(peers).toBe(1);
        expect(bytes).toBeGreaterThan(0);
        expect(BigInt(blocks)).toBe(head);
        heads.push(head);
      },
    });
    expect(heads.at(-1)).toBe(result.head);
  });

  test('a peer that does not say what it has is asked until it has no more', async () => {
    const peer = peerOf(chain, { announces: null, ethVersion: 68 });
    expect(await pull([peer])).toMatchObject({ head: 120n });
    expect(peer.misdeeds).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });
});

describe('a target', () => {
  test('by number ends there', async () => {
    const result = await pull([peerOf(chain)], { target: 70n });
    expect(result).toMatchObject({ head: 70n, hash: hashOf(chain, 70), blocks: 70 });
    expect(await verifiedHead()).toEqual(hashOf(chain, 70));
    expect(await pull([peerOf(chain)], { target: 30n })).toMatchObject({
      head: 30n,
      hash: hashOf(chain, 30),
      blocks: 0,
    });
  });

  test('by hash ends there', async () => {
    const result = await pull([peerOf(chain)], { target: hashOf(chain, 70) });
    expect(result).toMatchObject({ head: 70n, hash: hashOf(chain, 70), blocks: 70 });
    expect(await verifiedHead()).toEqual(hashOf(chain, 70));
  });

  test('by hash keeps to its chain, whatever longer one a trusted peer has', async () => {
    const other = branch(chain, 40, 200);
    const result = await pull(
      [peerOf(other, { id: 'b', trust: 'trusted' }), peerOf(chain, { id: 'a', trust: 'other' })],
      {
        target: hashOf(chain, 120),
      },
    );
    expect(result).toMatchObject({ head: 120n, hash: hashOf(chain, 120) });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('by hash replaces a stored chain that does not lead there', async () => {
    const other = branch(chain, 40, 100);
    await store.append(other.blocks);
    const result = await pull([peerOf(chain)], { target: hashOf(chain, 90) });
    expect(result).toMatchObject({ head: 90n, reorganisations: 1 });
    expect(await verifiedHead()).toEqual(hashOf(chain, 90));
  });

  test('by hash that nobody has ends with a plain sentence when patience is over, and nothing is stored', async () => {
    const pulling = pull([peerOf(chain)], { target: new Uint8Array(32).fill(1) }, { patienceMs: 20_000 });
    await expect(pulling).rejects.toMatchObject({ code: 'ERR_CHAIN_NO_PEERS' });
    await expect(pulling).rejects.toThrow(/nobody has the header 0x01010101/);
    expect(store.range().latest).toBe(0n);
  });

  test('by hash of a chain with another genesis is refused', async () => {
    const other = buildChain(30, undefined, 'other');
    const pulling = pull([peerOf(other)], { target: hashOf(other, 30) });
    await expect(pulling).rejects.toMatchObject({ code: 'ERR_CHAIN_TARGET' });
    await expect(pulling).rejects.toThrow(/another genesis/);
    expect(store.range().latest).toBe(0n);
  });
});

describe('several peers', () => {
  test('share the work', async () => {
    const peers = ['a', 'b', 'c'].map((id) => peerOf(chain, { id, latencyMs: 100 }));
    await pull(peers);
    for (const peer of peers) expect(peer.asked.some(({ kind }) => kind === 'bodies')).toBe(true);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('a dozen of them, all busy, cost no warning of listeners that leak', async () => {
    const warnings: string[] = [];
    const warned = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', warned);
    try {
      await pull(Array.from({ length: 12 }, (_, i) => peerOf(chain, { id: `p${i}`, latencyMs: 100 })));
      await new Promise((resolve) => setImmediate(resolve)); // a warning comes a tick later
    } finally {
      process.off('warning', warned);
    }
    expect(warnings).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('a slow one does not hold up the others for long, and one that leaves is made up for', async () => {
    const slow = peerOf(chain, { id: 'slow', latencyMs: 4_000 });
    const leaving = peerOf(chain, { id: 'leaving', diesAt: 4 });
    const good = peerOf(chain, { id: 'z' });
    const result = await pull([slow, leaving, good]);
    expect(leaving.gone.aborted).toBe(true);
    expect(result.ms).toBeLessThan(20_000);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('one that never answers is left out, without being told off', async () => {
    const silent = peerOf(chain, { id: 'a', trust: 'trusted', silent: ['headers', 'bodies', 'receipts'] });
    const good = peerOf(chain, { id: 'b', trust: 'other' });
    await pull([silent, good]);
    expect(silent.misdeeds).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('each may have only a part of the contents', async () => {
    const low = peerOf(chain, { id: 'a', contentsUpTo: 50 });
    const high = peerOf(chain, {
      id: 'b',
      announces: { earliest: 51n, latest: 120n, latestHash: hashOf(chain, 120) },
    });
    await pull([low, high]);
    expect([...low.misdeeds, ...high.misdeeds]).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('each is asked for contents only of what it announces, or a little beyond', async () => {
    const low = peerOf(chain, {
      id: 'a',
      announces: { earliest: 10n, latest: 40n, latestHash: hashOf(chain, 40) },
    });
    await pull([low, peerOf(chain, { id: 'b', latencyMs: 200 })]);
    const asked = low.asked.filter(({ kind }) => kind !== 'headers').flatMap(({ hashes }) => hashes);
    const numbers = asked.map(
      (hash) => 1 + chain.blocks.findIndex(({ header }) => bytesToHex(header.hash) === bytesToHex(hash)),
    );
    expect(numbers.length).toBeGreaterThan(0);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(40 + 64);
  });

  test('one that passes over what it has not got is understood', async () => {
    const gaps: PeerScript['change'] = (kind, items, asked) =>
      kind === 'headers' ? items : items.filter((_, i) => (asked[i]?.[0] ?? 0) % 3 !== 0);
    const gappy = peerOf(chain, { id: 'a', change: gaps });
    const good = peerOf(chain, { id: 'b', latencyMs: 500 });
    await pull([gappy, good]);
    expect(gappy.misdeeds).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('joining while it runs takes part', async () => {
    const puller = new ChainPuller({ store, clock, hasher });
    const running = puller.run();
    await clock.advance(60_000);
    puller.addPeer(peerOf(chain));
    expect(await settle(running)).toMatchObject({ head: 120n });
  });
});

describe('a peer that lies is disconnected, and the pull goes on with the others:', () => {
  const flip = (bytes: Uint8Array | undefined): Uint8Array | undefined =>
    bytes?.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  const others = buildChain(120, (n) => ({ ...mixture(n), transactions: (n % 5) + 1, logBytes: 20 }));
  const lies: [what: string, change: NonNullable<PeerScript['change']>][] = [
    [
      'a header with one bit changed',
      (kind, items) => (kind === 'headers' ? [flip(items[0]), ...items.slice(1)] : items),
    ],
    ['headers in another order', (kind, items) => (kind === 'headers' ? [...items].reverse() : items)],
    ['a header left out', (kind, items) => (kind === 'headers' ? [items[0], ...items.slice(2)] : items)],
    ['more headers than asked for', (kind, items) => (kind === 'headers' ? [...items, ...items] : items)],
    ['headers that are none', (kind, items) => (kind === 'headers' ? [encodeList([])] : items)],
    [
      'a body with one bit changed',
      (kind, items) => (kind === 'bodies' ? [flip(items[0]), ...items.slice(1)] : items),
    ],
    ['bodies in another order', (kind, items) => (kind === 'bodies' ? [...items].reverse() : items)],
    [
      'the same body twice',
      (kind, items) => (kind === 'bodies' ? [items[0], items[0], ...items.slice(2)] : items),
    ],
    ['more bodies than asked for', (kind, items) => (kind === 'bodies' ? [...items, ...items] : items)],
    [
      'bodies of another chain',
      (kind, items) => (kind === 'bodies' ? items.map((_, i) => others.blocks[i]?.body) : items),
    ],
    [
      'bodies that are none',
      (kind, items) => (kind === 'bodies' ? items.map(() => encodeList([encodeUint(1)])) : items),
    ],
    [
      'a body with withdrawals where there are none',
      (kind, items) =>
        kind === 'bodies'
          ? items.map(() => encodeList([encodeList([]), encodeList([]), encodeList([])]))
          : items,
    ],
    [
      'a body with uncles',
      (kind, items) =>
        kind === 'bodies'
          ? items.map(() => encodeList([encodeList([]), encodeList([encodeList([])])]))
          : items,
    ],
    [
      'a body with more transactions than the gas is enough for',
      (kind, items) =>
        kind === 'bodies'
          ? [encodeList([encodeList(new Array(60_000).fill(encodeList([]))), encodeList([])])]
          : items,
    ],
    [
      'receipts with one bit changed',
      (kind, items) => (kind === 'receipts' ? [flip(items[0]), ...items.slice(1)] : items),
    ],
    [
      'receipts of another chain',
      (kind, items) => (kind === 'receipts' ? items.map((_, i) => others.blocks[i]?.receipts) : items),
    ],
    [
      'receipts that are none',
      (kind, items) => (kind === 'receipts' ? items.map(() => encodeList([encodeUint(1)])) : items),
    ],
    [
      'no receipts where there are some',
      (kind, items) => (kind === 'receipts' ? items.map(() => encodeList([])) : items),
    ],
    [
      'receipts with another status',
      (kind, items) =>
        kind === 'receipts'
          ? items.map((raw) =>
              encodeReceipts(
                decodeReceipts(raw ?? new Uint8Array()).map((r) => ({ ...r, status: new Uint8Array() })),
              ),
            )
          : items,
    ],
    [
      'more receipts than the gas is enough for',
      (kind, items) =>
        kind === 'receipts'
          ? items.map((raw) => {
              const [one] = decodeReceipts(raw ?? new Uint8Array());
              return encodeReceipts(one === undefined ? [] : new Array(500).fill(one));
            })
          : items,
    ],
  ];
  test.each(lies)('%s', async (_what, change) => {
    const liar = peerOf(chain, { id: 'a', trust: 'trusted', latencyMs: 5, change });
    const honest = peerOf(chain, { id: 'b', trust: 'other', latencyMs: 50 });
    await pull([liar, honest]);
    expect(liar.misdeeds).toHaveLength(1);
    expect(liar.gone.aborted).toBe(true);
    expect(honest.misdeeds).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test.each(lies)('%s, and nothing of it is stored where there is nobody else', async (_what, change) => {
    const liar = peerOf(chain, { change });
    await expect(pull([liar], {}, { patienceMs: 5_000 })).rejects.toMatchObject({
      code: 'ERR_CHAIN_NO_PEERS',
    });
    expect(liar.misdeeds).toHaveLength(1);
    await checkChain(store);
  });

  test.each<[string, NonNullable<Parameters<typeof buildBlock>[1]>['change']]>([
    ['a number that jumps', (h) => ({ ...h, number: h.number + 1n })],
    ['a time before its parent', (h) => ({ ...h, timestamp: h.timestamp - 12n })],
    ['more gas used than its limit', (h) => ({ ...h, gasUsed: h.gasLimit + 1n })],
    ['a gas limit beyond 63 bits', (h) => ({ ...h, gasLimit: 2n ** 63n })],
    ['a false bloom filter', (h) => ({ ...h, logsBloom: new Uint8Array(256).fill(255) })],
    ['gas that its receipts do not add up to', (h) => ({ ...h, gasUsed: h.gasUsed + 1n })],
  ])('a chain whose header has %s', async (_what, change) => {
    const bad = branch(
      chain,
      60,
      150,
      (n) => ({ transactions: 3, ...(n === 100 ? { change } : {}) }) as object,
    );
    const liar = peerOf(bad, { id: 'a' });
    const honest = peerOf(chain, { id: 'b', latencyMs: 40 });
    const result = await pull([liar, honest]);
    expect(liar.misdeeds).toHaveLength(1);
    expect(honest.misdeeds).toEqual([]);
    expect(result.hash).toEqual(hashOf(chain, 120));
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('announcing another number than its latest block has', async () => {
    const liar = peerOf(chain, {
      id: 'a',
      announces: { earliest: 0n, latest: 121n, latestHash: hashOf(chain, 120) },
    });
    await pull([liar, peerOf(chain, { id: 'b' })]);
    expect(liar.misdeeds).toEqual([expect.stringContaining('number 120, not 121')]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });
});

describe('a peer that announces blocks which nobody has', () => {
  test('does not keep the others from being followed', async () => {
    const liar = peerOf(chain, {
      id: 'a',
      trust: 'static',
      announces: { earliest: 0n, latest: 2n ** 60n, latestHash: new Uint8Array(32).fill(5) },
    });
    const honest = peerOf(chain, { id: 'b', trust: 'other' });
    await pull([liar, honest]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('with headers for them, but no bodies, is left out', async () => {
    const fake = branch(chain, 10, 300, () => ({ transactions: 2, extra: 'fake' }));
    const liar = peerOf(fake, { id: 'a', contentsUpTo: 10 });
    const honest = peerOf(chain, { id: 'b' });
    await pull([liar, honest]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });
});

describe('where peers disagree', () => {
  const other = branch(chain, 60, 150);

  test('the trusted one is followed, though its chain is shorter, and the conflict reported', async () => {
    const trusted = peerOf(chain, { id: 'a', trust: 'trusted' });
    const longer = peerOf(other, { id: 'b', trust: 'static' });
    const result = await pull([trusted, longer]);
    expect(result).toMatchObject({ head: 120n, hash: hashOf(chain, 120) });
    expect(result.conflicts).toEqual([
      { peer: 'b', trust: 'static', number: 120n, theirs: hashOf(other, 120), taken: hashOf(chain, 120) },
    ]);
    expect([...trusted.misdeeds, ...longer.misdeeds]).toEqual([]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('the trusted one wins over a chain that is stored already', async () => {
    await store.append(other.blocks);
    const result = await pull([
      peerOf(chain, { id: 'a', trust: 'trusted' }),
      peerOf(other, { id: 'b', trust: 'other' }),
    ]);
    expect(result).toMatchObject({ head: 120n, hash: hashOf(chain, 120), reorganisations: 1 });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('among equals the longer chain is taken, and the other reported', async () => {
    const result = await pull([peerOf(chain, { id: 'a' }), peerOf(other, { id: 'b' })]);
    expect(result).toMatchObject({ head: 150n, hash: hashOf(other, 150) });
    expect(result.conflicts).toMatchObject([{ peer: 'a', number: 120n, theirs: hashOf(chain, 120) }]);
  });

  test('a longer chain that contains what the trusted one has is followed beyond it', async () => {
    const trusted = peerOf({ ...chain, blocks: chain.blocks.slice(0, 80) }, { id: 'a', trust: 'trusted' });
    const result = await pull([trusted, peerOf(chain, { id: 'b', trust: 'other' })]);
    expect(result).toMatchObject({ head: 120n, conflicts: [] });
  });

  test('a shorter or equally long chain of somebody less than trusted replaces nothing', async () => {
    await store.append(other.blocks);
    const result = await pull([peerOf(chain, { id: 'a', trust: 'static' })]);
    expect(result).toMatchObject({ head: 150n, hash: hashOf(other, 150), blocks: 0 });
    expect(result.conflicts).toHaveLength(1);
  });
});

describe('a reorganisation', () => {
  const other = branch(chain, 60, 150);

  test('is rolled back and replaced in one stroke, only once the new chain is longer', async () => {
    await store.append(chain.blocks);
    const heads: bigint[] = [];
    store.subscribe(({ latest }) => heads.push(latest));
    const result = await pull([peerOf(other, { atMost: 4 })], { batchBlocks: 2 });
    expect(result).toMatchObject({ head: 150n, reorganisations: 1 });
    expect(Math.min(...heads.map(Number))).toBeGreaterThan(120);
    expect(await verifiedHead()).toEqual(hashOf(other, 150));
  });

  test('whose new blocks never come leaves the old chain as it is', async () => {
    await store.append(chain.blocks);
    const fake = peerOf(other, { contentsUpTo: 110 });
    expect(await pull([fake, peerOf(chain, { id: 'b' })])).toMatchObject({
      head: 120n,
      hash: hashOf(chain, 120),
    });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('down to the genesis is followed', async () => {
    const whole = branch(chain, 0, 130);
    await store.append(chain.blocks);
    await pull([peerOf(whole)]);
    expect(await verifiedHead()).toEqual(hashOf(whole, 130));
  });

  test('under way at the peer is followed', async () => {
    const peer = peerOf(chain, { latencyMs: 200 });
    const puller = new ChainPuller({ store, clock, hasher });
    puller.addPeer(peer);
    const stop = new AbortController();
    const running = puller.run({ follow: true, signal: stop.signal });
    running.catch(() => {});
    await clock.advance(500);
    peer.switchTo(other);
    puller.peerRangeChanged();
    await clock.advance(60_000);
    expect(await verifiedHead()).toEqual(hashOf(other, 150));
    stop.abort();
    await expect(settle(running)).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });
});

describe('following', () => {
  test('goes on as the peer announces more', async () => {
    const peer = peerOf({ ...chain, blocks: chain.blocks.slice(0, 30) });
    const puller = new ChainPuller({ store, clock, hasher });
    puller.addPeer(peer);
    const stop = new AbortController();
    const running = puller.run({ follow: true, signal: stop.signal, patienceMs: 1_000 });
    running.catch(() => {});
    for (const upTo of [30, 31, 90, 120]) {
      peer.switchTo({ ...chain, blocks: chain.blocks.slice(0, upTo) });
      puller.peerRangeChanged();
      await clock.advance(5_000);
      expect(store.range().latest).toBe(BigInt(upTo));
    }
    stop.abort();
    await expect(settle(running)).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });
});

describe('following', () => {
  test.each([
    ['announces late', { announces: { earliest: 0n, latest: 30n, latestHash: hashOf(chain, 30) } }],
    ['never announces', { announces: null }],
  ])('finds what is new at a peer that %s', async (_what, script) => {
    const peer = peerOf({ ...chain, blocks: chain.blocks.slice(0, 30) }, script);
    const puller = new ChainPuller({ store, clock, hasher });
    puller.addPeer(peer);
    const stop = new AbortController();
    const running = puller.run({ follow: true, signal: stop.signal });
    running.catch(() => {});
    await clock.advance(60_000);
    expect(store.range().latest).toBe(30n);
    expect(peer.asked.length).toBeLessThan(20);
    for (const upTo of [31, 70]) {
      peer.switchTo({ ...chain, blocks: chain.blocks.slice(0, upTo) });
      await clock.advance(15_000);
      expect(store.range().latest).toBe(BigInt(upTo));
    }
    expect(peer.misdeeds).toEqual([]);
    stop.abort();
    await expect(settle(running)).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });
});

describe('an interrupted pull', () => {
  test('goes on from what was stored', async () => {
    const stop = new AbortController();
    const first = peerOf(chain, { latencyMs: 400 });
    const puller = new ChainPuller({ store, clock, hasher, onProgress: () => stop.abort() });
    puller.addPeer(first);
    await expect(settle(puller.run({ signal: stop.signal }))).rejects.toMatchObject({
      code: 'ERR_CHAIN_ABORTED',
    });
    const stored = store.range().latest;
    expect(stored).toBeGreaterThan(0n);
    expect(stored).toBeLessThan(120n);
    expect(first.open).toBe(0);
    await store.close();
    store = await openChainStore({ stores, path: '/c', hasher });
    expect(await pull([peerOf(chain)])).toMatchObject({ head: 120n, blocks: 120 - Number(stored) });
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test("on a full disk ends with the system's word, and goes on later", async () => {
    stores.failWrites('ENOSPC');
    await expect(pull([peerOf(chain)])).rejects.toMatchObject({ detail: 'ENOSPC' });
    stores.failWrites(undefined);
    await pull([peerOf(chain)]);
    expect(await verifiedHead()).toEqual(hashOf(chain, 120));
  });

  test('without any peer ends when patience is over', async () => {
    await expect(pull([], {}, { patienceMs: 1_000 })).rejects.toMatchObject({ code: 'ERR_CHAIN_NO_PEERS' });
  });

  test('cannot be begun twice', async () => {
    const puller = new ChainPuller({ store, clock, hasher });
    const stop = new AbortController();
    const running = puller.run({ signal: stop.signal });
    await expect(puller.run()).rejects.toMatchObject({ code: 'ERR_CHAIN_TARGET' });
    stop.abort();
    await expect(settle(running)).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });
});

describe('access lists', () => {
  const list = (n: number): Uint8Array => encodeList([encodeUint(n)]);
  const amsterdam = buildChain(
    40,
    (n) => (n < 20 ? mixture(n) : { transactions: 1, accessList: list(n) }),
    'amsterdam',
  );

  beforeEach(async () => {
    store = await openChainStore({ stores, path: '/a', hasher, chain: amsterdam.spec });
  });

  test('come from peers that know them', async () => {
    await pull([
      peerOf(amsterdam, { id: 'a', ethVersion: 69 }),
      peerOf(amsterdam, { id: 'b', ethVersion: 71 }),
    ]);
    expect(await checkChain(store)).toMatchObject({ head: 40n, accessLists: 21, accessListsMissing: 0 });
  });

  test('are done without where nobody has them', async () => {
    await pull([peerOf(amsterdam)]);
    expect(await checkChain(store)).toMatchObject({ head: 40n, accessLists: 0, accessListsMissing: 21 });
  });

  test('are done without where those who might have them do not', async () => {
    const without = {
      ...amsterdam,
      blocks: amsterdam.blocks.map((b, i) => (i % 2 === 0 ? b : { ...b, accessList: undefined })),
    };
    await pull([peerOf(without, { ethVersion: 71 })]);
    expect(await checkChain(store)).toMatchObject({ head: 40n, accessLists: 10, accessListsMissing: 11 });
  });

  test('that are false have their peer disconnected', async () => {
    const liar = peerOf(amsterdam, {
      id: 'a',
      ethVersion: 71,
      change: (kind, items) => (kind === 'accessLists' ? items.map(() => list(99)) : items),
    });
    await pull([liar, peerOf(amsterdam, { id: 'b', ethVersion: 71, latencyMs: 60 })]);
    expect(liar.misdeeds).toHaveLength(1);
    expect(await checkChain(store)).toMatchObject({ head: 40n, accessLists: 21 });
  });
});
