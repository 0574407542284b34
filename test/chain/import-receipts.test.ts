import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ChainStore,
  checkChain,
  importChain,
  openChainStore,
  serveRequest,
} from '../../src/chain/index.js';
import { encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { SimulatedFiles, SimulatedStores } from '../../src/runtime/index.js';
import { branch, buildChain, chainFiles, hasher, mixture } from '../support/chain-builder.js';

const chain = buildChain(60);
const made = chainFiles(chain.blocks);
/** Of `mixture`: every third block, and every seventh, has no transactions. */
const withReceipts = chain.blocks.filter(({ receipts }) => receipts.length > 1);
const hashOf = (number: number): Uint8Array => chain.blocks[number - 1]?.header.hash ?? chain.genesis.hash;
const numberOfLast = withReceipts.at(-1)?.header.header.number ?? 0n;

let stores: SimulatedStores;
let files: SimulatedFiles;
let store: ChainStore;
const open = (): Promise<ChainStore> => openChainStore({ stores, path: '/chain', hasher, chain: chain.spec });

beforeEach(async () => {
  stores = new SimulatedStores();
  files = new SimulatedFiles();
  store = await open();
  await files.writeWhole('/chain.rlp', made.chain);
  await files.writeWhole('/receipts.rlp', made.receipts);
});

describe('an import without receipts', () => {
  test('stores every block, and the store knows which ones lack receipts', async () => {
    const missing = withReceipts.length;
    expect(await importChain(store, files, '/chain.rlp')).toMatchObject({
      head: 60n,
      blocks: 60,
      receiptsMissing: missing,
      receiptsFilled: 0,
    });
    expect(store.receiptsMissing).toBe(missing);
    expect(await store.missingReceipts(1_000)).toEqual(
      withReceipts.map(({ header }) => header.header.number).reverse(),
    );
    expect(await store.missingReceipts(2, 10n)).toEqual(
      withReceipts
        .map(({ header }) => header.header.number)
        .filter((number) => number < 10n)
        .reverse()
        .slice(0, 2),
    );
    expect(await store.lacksReceipts(1n)).toBe(true);
    expect(await store.lacksReceipts(3n)).toBe(false);
    expect(await checkChain(store)).toMatchObject({ head: 60n, blocks: 61, receiptsMissing: missing });
  });

  test('is no damage after the store was closed and opened, or power was lost', async () => {
    await importChain(store, files, '/chain.rlp');
    await store.close();
    store = await open();
    expect(store.receiptsMissing).toBe(withReceipts.length);
    expect(store.range().earliest).toBe(60n);
    stores.crash('/chain');
    store = await open();
    expect(await checkChain(store)).toMatchObject({ receiptsMissing: withReceipts.length });
  });

  test('announces only what can be had whole, and the head alone where that is not', async () => {
    await store.append(chain.blocks.slice(0, 5));
    expect(store.range()).toMatchObject({ earliest: 0n, latest: 5n });
    await store.append([{ ...(chain.blocks[5] as (typeof chain.blocks)[0]) }]);
    const [seventh, eighth] = [chain.blocks[6], chain.blocks[7]];
    if (seventh === undefined || eighth === undefined) throw new Error('no blocks');
    await store.append([seventh]);
    await store.append([{ ...eighth, receipts: undefined }]);
    expect(store.range()).toMatchObject({ earliest: 8n, latest: 8n });
    await store.append(chain.blocks.slice(8, 20));
    expect(store.range()).toMatchObject({ earliest: 9n, latest: 20n });
    expect(await store.fillReceipts([eighth])).toBe(1);
    expect(store.range()).toMatchObject({ earliest: 0n, latest: 20n });
  });

  test('leads to answers that end at the first block without receipts, on every version', async () => {
    await importChain(store, files, '/chain.rlp');
    await store.fillReceipts(chain.blocks.slice(0, 4));
    const hashes = [3, 2, 1, 5, 4].map(hashOf); // 5 has none
    for (const version of [68, 69, 70, 71, 72] as const) {
      const answer = await serveRequest(
        store,
        {
          name: 'GetReceipts',
          requestId: 1n,
          hashes,
          ...(version < 70 ? {} : { firstBlockReceiptIndex: 0n }),
        },
        version,
        { hasher },
      );
      if (answer.name !== 'Receipts') throw new Error(answer.name);
      expect(answer.blocks).toHaveLength(3);
      expect(answer.lastBlockIncomplete ?? false).toBe(false);
      expect(answer.blocks[0]).toEqual(encodeList([]));
      expect(answer.blocks[1]?.length).toBeGreaterThan(10);
    }
    const bodies = await serveRequest(store, { name: 'GetBlockBodies', requestId: 1n, hashes }, 69, {
      hasher,
    });
    expect(bodies.name === 'BlockBodies' && bodies.bodies.length).toBe(5);
  });

  test('is completed by a later import of the same file with its receipts, as often as it is broken off', async () => {
    await importChain(store, files, '/chain.rlp');
    await files.writeWhole('/short.rlp', chainFiles(chain.blocks.slice(0, 30)).receipts);
    await expect(
      importChain(store, files, '/chain.rlp', { receiptsPath: '/short.rlp' }),
    ).rejects.toMatchObject({ code: 'ERR_CHAIN_RECEIPTS_MISSING' });
    const left = withReceipts.filter(({ header }) => header.header.number > 30n).length;
    expect(store.receiptsMissing).toBe(left);
    expect(await importChain(store, files, '/chain.rlp', { receiptsPath: '/receipts.rlp' })).toMatchObject({
      head: 60n,
      blocks: 0,
      known: 60,
      receiptsFilled: left,
      receiptsMissing: 0,
    });
    expect(await checkChain(store)).toMatchObject({ receiptsMissing: 0 });
    expect(store.range().earliest).toBe(0n);
    for (const { header, receipts } of chain.blocks)
      expect(await store.receipts(header.hash)).toEqual(receipts);
  });

  test('goes on where the one with receipts ended', async () => {
    const half = chainFiles(chain.blocks.slice(0, 30));
    await files.writeWhole('/half.rlp', half.chain);
    await importChain(store, files, '/half.rlp', { receiptsPath: '/receipts.rlp' });
    expect(await importChain(store, files, '/chain.rlp')).toMatchObject({ blocks: 30, known: 30 });
    expect(await checkChain(store)).toMatchObject({
      receiptsMissing: withReceipts.filter(({ header }) => header.header.number > 30n).length,
    });
  });

  test('takes no receipts that are not those of the block', async () => {
    await importChain(store, files, '/chain.rlp');
    const swapped = chain.blocks.map((block, i) =>
      i === 9 ? { ...block, receipts: chain.blocks[10]?.receipts ?? block.receipts } : block,
    );
    await files.writeWhole('/bad.rlp', chainFiles(swapped).receipts);
    const importing = importChain(store, files, '/chain.rlp', { receiptsPath: '/bad.rlp' });
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_RECEIPTS' });
    await expect(importing).rejects.toThrow(/block 10: .*they are others/);
    expect(await store.receipts(hashOf(10))).toBeUndefined();
    expect(await store.receipts(hashOf(8))).toEqual(chain.blocks[7]?.receipts);
    await checkChain(store);
  });
});

describe('receipts that are missing', () => {
  test('go with their blocks in a reorganisation', async () => {
    await importChain(store, files, '/chain.rlp');
    const other = branch(chain, 20, 70);
    await store.append(other.blocks.slice(20), { rollbackTo: 20n });
    const left = withReceipts.filter(({ header }) => header.header.number <= 20n);
    expect(store.receiptsMissing).toBe(left.length);
    const last = left.at(-1)?.header.header.number ?? 0n;
    expect(store.range().earliest).toBe(last + 1n);
    expect(await checkChain(store)).toMatchObject({ head: 70n, receiptsMissing: left.length });
    await store.rollback(0n);
    expect(store.receiptsMissing).toBe(0);
    expect(store.range()).toMatchObject({ earliest: 0n, latest: 0n });
    await checkChain(store);
  });

  test('are filled only where the block is on the chain and lacks them', async () => {
    await importChain(store, files, '/chain.rlp');
    const other = branch(chain, 50, 60).blocks.slice(50);
    expect(await store.fillReceipts([...other, ...chain.blocks.slice(0, 3)])).toBe(2);
    expect(await store.fillReceipts(chain.blocks.slice(0, 3))).toBe(0);
    await checkChain(store);
  });

  test('that fail to be written change nothing', async () => {
    await importChain(store, files, '/chain.rlp');
    stores.failWrites('ENOSPC');
    await expect(store.fillReceipts(chain.blocks)).rejects.toMatchObject({ detail: 'ENOSPC' });
    stores.failWrites(undefined);
    expect(store.receiptsMissing).toBe(withReceipts.length);
    expect(await checkChain(store)).toMatchObject({ receiptsMissing: withReceipts.length });
  });

  test('move the announced range once the last ones are here, and who listens hears of it', async () => {
    await importChain(store, files, '/chain.rlp');
    const heard: bigint[] = [];
    store.subscribe(({ earliest }) => heard.push(earliest));
    await store.fillReceipts(withReceipts.slice(0, 3));
    expect(heard).toEqual([]);
    await store.fillReceipts(withReceipts.slice(-2));
    expect(heard).toEqual([(withReceipts.at(-3)?.header.header.number ?? 0n) + 1n]);
    expect(heard[0]).toBeLessThan(numberOfLast);
  });

  test.each([
    ['of a block that has them', 3],
    ['beyond the head', 99],
  ])('by the word of the store, %s, are damage', async (_what, number) => {
    await store.append(chain.blocks.slice(0, 10));
    await store.close();
    const level = await stores.open('/chain');
    const key = new Uint8Array(9);
    key[0] = 0x6d;
    key[8] = number;
    const head = encodeList([encodeUint(10), encodeBytes(hashOf(10)), encodeUint(0), encodeUint(1)]);
    await level.batch(
      [
        { key, value: new Uint8Array(0) },
        { key: Uint8Array.of(1), value: head },
      ],
      { sync: true },
    );
    await level.close();
    store = await open();
    await expect(checkChain(store)).rejects.toMatchObject({ code: 'ERR_CHAIN_DAMAGED' });
  });
});

test('a store of schema version 1 is read, and is one of version 2 from then on', async () => {
  await store.append(chain.blocks.slice(0, 10));
  await store.close();
  let level = await stores.open('/chain');
  const meta = await level.get(Uint8Array.of(0));
  if (meta === undefined) throw new Error('no description');
  const at = 3; // after the prefix of a list of 256 bytes or more: its first item
  expect(meta[at]).toBe(2);
  const old = meta.slice();
  old[at] = 1;
  const head = encodeList([encodeUint(10), encodeBytes(hashOf(10)), encodeUint(0)]);
  await level.batch(
    [
      { key: Uint8Array.of(0), value: old },
      { key: Uint8Array.of(1), value: head },
    ],
    { sync: true },
  );
  await level.close();
  store = await openChainStore({ stores, path: '/chain', hasher });
  expect(store.range()).toMatchObject({ earliest: 0n, latest: 10n });
  expect(await checkChain(store)).toMatchObject({ head: 10n, receiptsMissing: 0 });
  await importChain(store, files, '/chain.rlp');
  await store.close();
  level = await stores.open('/chain');
  expect(await level.get(Uint8Array.of(0))).toEqual(meta);
  await level.close();
  store = await open();
  expect(await checkChain(store)).toMatchObject({ head: 60n });
});

test('blocks without transactions lack nothing', async () => {
  const empty = buildChain(10, () => ({}), 'empty');
  const target = await openChainStore({ stores, path: '/empty', hasher, chain: empty.spec });
  await files.writeWhole('/empty.rlp', chainFiles(empty.blocks).chain);
  expect(await importChain(target, files, '/empty.rlp')).toMatchObject({ head: 10n, receiptsMissing: 0 });
  expect(target.range().earliest).toBe(0n);
  expect(mixture(3).transactions).toBe(0);
});
