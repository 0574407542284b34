import { beforeEach, expect, test } from 'vitest';
import { type ChainStore, checkChain, openChainStore } from '../../src/chain/index.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { branch, buildChain, hasher } from '../support/chain-builder.js';

const chain = buildChain(60);
let stores: SimulatedStores;
let store: ChainStore;
const open = (keepBlocks?: bigint): Promise<ChainStore> =>
  openChainStore({
    ...{ stores, path: '/chain', hasher, chain: chain.spec },
    ...(keepBlocks === undefined ? {} : { keepBlocks }),
  });

beforeEach(async () => {
  stores = new SimulatedStores();
  store = await open();
});

/** Keys in the store that begin with this letter. */
async function keys(letter: string): Promise<number> {
  await store.close();
  const level = await stores.open('/chain');
  const code = letter.charCodeAt(0);
  let count = 0;
  for await (const _entry of level.range({ from: Uint8Array.of(code), to: Uint8Array.of(code + 1) })) count++;
  await level.close();
  store = await open();
  return count;
}

test('a store that keeps the latest blocks drops older ones as new ones come, each time in one batch', async () => {
  await store.close();
  store = await open(10n);
  const heard: bigint[] = [];
  store.subscribe(({ earliest }) => heard.push(earliest));
  for (let at = 0; at < 60; at += 5) await store.append(chain.blocks.slice(at, at + 5));
  expect(heard).toEqual([0n, 1n, 6n, 11n, 16n, 21n, 26n, 31n, 36n, 41n, 46n, 51n]);
  expect(store.range()).toMatchObject({ earliest: 51n, latest: 60n });
  expect(await checkChain(store)).toMatchObject({ blocks: 61, pruned: 50 });
  expect(await keys('b')).toBe(11); // and the genesis
  expect(await keys('r')).toBe(11);
  expect(await keys('h')).toBe(61);
});

test('a batch larger than what is kept stays until the next one', async () => {
  await store.close();
  store = await open(10n);
  await store.append(chain.blocks.slice(0, 40));
  expect(store.range()).toMatchObject({ earliest: 1n, latest: 40n });
  await store.append(chain.blocks.slice(40));
  expect(store.range()).toMatchObject({ earliest: 41n, latest: 60n });
  await store.prune(10n);
  expect(store.range()).toMatchObject({ earliest: 51n, latest: 60n });
  await checkChain(store);
});

test('a store that was let grow is brought down in time', async () => {
  await store.append(chain.blocks.slice(0, 40));
  await store.close();
  store = await open(5n);
  expect(store.range()).toMatchObject({ earliest: 0n, latest: 40n });
  await store.append(chain.blocks.slice(40, 45));
  expect(store.range()).toMatchObject({ earliest: 10n, latest: 45n });
  await store.append(chain.blocks.slice(45, 55));
  expect(store.range()).toMatchObject({ earliest: 30n, latest: 55n });
  await checkChain(store);
});

test('receipts that are missing of dropped blocks are missing no more', async () => {
  await store.append(chain.blocks.map((block) => ({ ...block, receipts: undefined })));
  expect(store.receiptsMissing).toBe(60);
  await store.prune(10n);
  expect(store.receiptsMissing).toBe(10);
  expect(await store.missingReceipts(100)).toHaveLength(10);
  expect(await checkChain(store)).toMatchObject({ pruned: 50, receiptsMissing: 10 });
  expect(await store.fillReceipts(chain.blocks)).toBe(10);
  expect(store.range()).toMatchObject({ earliest: 51n, latest: 60n });
});

test('whatever the power loss leaves, the store is whole and says what it has', async () => {
  const long = buildChain(2_600, () => ({}), 'long');
  const openLong = (): Promise<ChainStore> =>
    openChainStore({ stores, path: '/long', hasher, chain: long.spec });
  let target = await openLong();
  await target.append(long.blocks);
  const seen = new Set<bigint>();
  for (let after = 1; after <= 3; after++) {
    const controller = new AbortController();
    let changes = 0;
    target.subscribe(() => {
      if (++changes === 1) controller.abort();
    });
    await target.prune(100n, { signal: controller.signal }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    });
    stores.crash('/long');
    target = await openLong();
    seen.add(target.range().earliest);
  }
  expect([...seen]).toEqual([1_024n, 2_048n, 2_501n]); // 1,024 blocks in a batch
  expect(await checkChain(target)).toMatchObject({ blocks: 2_601, pruned: 2_500 });
});

test('a prune that fails to be written changes nothing', async () => {
  await store.append(chain.blocks);
  stores.failWrites('ENOSPC');
  await expect(store.prune(10n)).rejects.toMatchObject({ detail: 'ENOSPC' });
  stores.failWrites(undefined);
  expect(store.range()).toMatchObject({ earliest: 0n, latest: 60n });
  expect(await checkChain(store)).toMatchObject({ pruned: 0 });
});

test('appending goes on while a store is pruned', async () => {
  await store.append(chain.blocks.slice(0, 50));
  const pruning = store.prune(10n);
  const appending = store.append(chain.blocks.slice(50));
  await Promise.all([pruning, appending]);
  expect(store.range().latest).toBe(60n);
  expect(store.range().earliest).toBeGreaterThanOrEqual(41n);
  await checkChain(store);
});

test('a reorganisation below the earliest block is taken, with the new branch alone', async () => {
  await store.append(chain.blocks);
  await store.prune(5n);
  const other = branch(chain, 30, 70);
  await store.append(other.blocks.slice(30), { rollbackTo: 30n });
  expect(store.range()).toMatchObject({ earliest: 31n, latest: 70n });
  expect(await checkChain(store)).toMatchObject({ pruned: 30 });
});

test('fewer than one block cannot be kept', async () => {
  await store.close();
  await expect(open(0n)).rejects.toMatchObject({ code: 'ERR_CHAIN_RANGE' });
  store = await open();
  await expect(store.prune(0n)).rejects.toMatchObject({ code: 'ERR_CHAIN_RANGE' });
});
