import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChainStore, checkChain, openChainStore } from '../../src/chain/index.js';
import { encodeList, encodeUint } from '../../src/codec/index.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { type BuiltChain, branch, buildChain, hasher } from '../support/chain-builder.js';

const path = '/chain';
const chain: BuiltChain = buildChain(40);
let stores: SimulatedStores;
let store: ChainStore;

const open = (spec?: BuiltChain['spec']): Promise<ChainStore> =>
  openChainStore({ stores, path, hasher, ...(spec === undefined ? {} : { chain: spec }) });

beforeEach(async () => {
  stores = new SimulatedStores();
  store = await open(chain.spec);
});

afterEach(async () => {
  await store.close();
});

describe('a new store', () => {
  test('holds the genesis block and nothing else', async () => {
    expect(store.range()).toEqual({
      earliest: 0n,
      latest: 0n,
      latestHash: chain.genesis.hash,
      latestTime: chain.genesis.header.timestamp,
    });
    expect(await store.headerByNumber(0n)).toEqual(chain.genesis.raw);
    expect(await store.body(chain.genesis.hash)).toEqual(encodeList([encodeList([]), encodeList([])]));
    expect(await store.receipts(chain.genesis.hash)).toEqual(encodeList([]));
    expect(await store.headerByNumber(1n)).toBeUndefined();
    await checkChain(store);
  });

  test('is not made without knowing of which chain', async () => {
    await expect(openChainStore({ stores, path: '/other', hasher })).rejects.toMatchObject({
      code: 'ERR_CHAIN_EMPTY',
    });
    await (await openChainStore({ stores, path: '/other', hasher, chain: chain.spec })).close(); // nothing was left behind
  });

  test('is not made of a genesis that does not have its hash', async () => {
    const spec = { ...chain.spec, genesisHash: new Uint8Array(32).fill(1) };
    await expect(openChainStore({ stores, path: '/other', hasher, chain: spec })).rejects.toMatchObject({
      code: 'ERR_CHAIN_GENESIS',
    });
  });
});

describe('blocks', () => {
  test('are found by number and by hash, byte for byte', async () => {
    await store.append(chain.blocks);
    expect(store.range().latest).toBe(40n);
    for (const { header, body, receipts } of chain.blocks) {
      const { hash, raw } = header;
      expect(await store.hashOf(header.header.number)).toEqual(hash);
      expect(await store.numberOf(hash)).toBe(header.header.number);
      expect(await store.headerByNumber(header.header.number)).toEqual(raw);
      expect(await store.headerByHash(hash)).toEqual(raw);
      expect(await store.body(hash)).toEqual(body);
      expect(await store.receipts(hash)).toEqual(receipts);
    }
    expect((await checkChain(store)).blocks).toBe(41);
  });

  test('that are not here are undefined, whatever was asked for', async () => {
    const unknown = new Uint8Array(32).fill(9);
    for (const hash of [unknown, new Uint8Array(0), new Uint8Array(31), new Uint8Array(64)]) {
      expect(await store.headerByHash(hash)).toBeUndefined();
      expect(await store.body(hash)).toBeUndefined();
      expect(await store.receipts(hash)).toBeUndefined();
      expect(await store.accessList(hash)).toBeUndefined();
    }
    for (const number of [-1n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 70n]) {
      expect(await store.headerByNumber(number)).toBeUndefined();
    }
  });

  test('must follow what is stored', async () => {
    await expect(store.append(chain.blocks.slice(1))).rejects.toMatchObject({ code: 'ERR_CHAIN_LINK' });
    await expect(store.append([...chain.blocks.slice(0, 5), ...chain.blocks.slice(6)])).rejects.toMatchObject(
      {
        code: 'ERR_CHAIN_LINK',
      },
    );
    expect(store.range().latest).toBe(0n);
    expect((await checkChain(store)).blocks).toBe(1);
  });

  test('are kept when the store is opened again, with or without the chain', async () => {
    await store.append(chain.blocks);
    await store.close();
    store = await open();
    expect(store.chain).toEqual(chain.spec);
    expect(store.head.hash).toEqual(chain.blocks[39]?.header.hash);
    await store.close();
    store = await open({ ...chain.spec, forkTimes: [1_800_000_000n] });
    await store.close();
    store = await open();
    expect(store.chain.forkTimes).toEqual([1_800_000_000n]);
  });

  test('asked for with an aborted signal are not read', async () => {
    const signal = AbortSignal.abort();
    await expect(store.headerByNumber(0n, { signal })).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });

  test('appended at the same time go in one after the other', async () => {
    const done = [
      store.append(chain.blocks.slice(0, 10)),
      store.append(chain.blocks.slice(10, 20)),
      store.append(chain.blocks.slice(5, 9)),
    ];
    expect((await Promise.allSettled(done)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    await store.append(chain.blocks.slice(20));
    expect((await checkChain(store)).head).toBe(40n);
  });
});

describe('a reorganisation', () => {
  test('replaces the blocks above the fork in one stroke, and leaves nothing of them', async () => {
    const other = branch(chain, 25, 33);
    await store.append(chain.blocks);
    await store.append(other.blocks.slice(25), { rollbackTo: 25n });
    expect(store.range()).toMatchObject({ latest: 33n, latestHash: other.blocks[32]?.header.hash });
    for (const { header } of chain.blocks.slice(25)) {
      expect(await store.headerByHash(header.hash)).toBeUndefined();
      expect(await store.numberOf(header.hash)).toBeUndefined();
      expect(await store.body(header.hash)).toBeUndefined();
    }
    expect(await store.hashOf(34n)).toBeUndefined();
    expect((await checkChain(store)).head).toBe(33n);
  });

  test('that fails to be written changes nothing', async () => {
    const other = branch(chain, 25, 45);
    await store.append(chain.blocks);
    stores.failWrites('ENOSPC');
    await expect(store.append(other.blocks.slice(25), { rollbackTo: 25n })).rejects.toMatchObject({
      detail: 'ENOSPC',
    });
    stores.failWrites(undefined);
    expect((await checkChain(store)).hash).toEqual(chain.blocks[39]?.header.hash);
    await store.append(other.blocks.slice(25), { rollbackTo: 25n });
    expect((await checkChain(store)).head).toBe(45n);
  });

  test('with new blocks that do not fit changes nothing', async () => {
    await store.append(chain.blocks);
    const blocks = branch(chain, 25, 45).blocks.slice(26);
    await expect(store.append(blocks, { rollbackTo: 25n })).rejects.toMatchObject({ code: 'ERR_CHAIN_LINK' });
    expect((await checkChain(store)).head).toBe(40n);
  });

  test('can end at a lower head, down to the genesis', async () => {
    await store.append(chain.blocks);
    await store.rollback(7n);
    expect((await checkChain(store)).hash).toEqual(chain.blocks[6]?.header.hash);
    await store.rollback(0n);
    expect((await checkChain(store)).hash).toEqual(chain.genesis.hash);
    await expect(store.rollback(1n)).rejects.toMatchObject({ code: 'ERR_CHAIN_RANGE' });
  });
});

describe('listeners', () => {
  test('hear of every change of the range, until they leave', async () => {
    const heard: bigint[] = [];
    const leave = store.subscribe(({ latest }) => heard.push(latest));
    await store.append(chain.blocks.slice(0, 5));
    await store.append(chain.blocks.slice(5, 9));
    await store.append([]);
    await store.rollback(3n);
    leave();
    await store.append(chain.blocks.slice(3));
    expect(heard).toEqual([5n, 9n, 3n]);
  });

  test('that throw hurt nobody, and are told of', async () => {
    await store.close();
    const error = vi.fn();
    const logger = { debug: error, info: error, warn: error, error };
    store = await openChainStore({ stores, path, hasher, logger });
    const heard: bigint[] = [];
    store.subscribe(() => {
      throw new Error('mine');
    });
    store.subscribe(({ latest }) => heard.push(latest));
    await store.append(chain.blocks);
    expect(heard).toEqual([40n]);
    expect(error).toHaveBeenCalledOnce();
  });
});

describe('a store that cannot be used', () => {
  test('of another genesis is refused, with both names', async () => {
    await store.close();
    const other = buildChain(0, undefined, 'other');
    await expect(open(other.spec)).rejects.toMatchObject({ code: 'ERR_CHAIN_GENESIS' });
    await expect(open(other.spec)).rejects.toThrow(/test .*other /);
    store = await open(chain.spec); // and is not locked by that
  });

  test('of another schema version is refused, with both versions', async () => {
    await store.close();
    const level = await stores.open(path);
    await level.batch([{ key: Uint8Array.of(0), value: encodeList([encodeUint(99), encodeUint(1)]) }], {
      sync: true,
    });
    await level.close();
    await expect(open(chain.spec)).rejects.toMatchObject({ code: 'ERR_CHAIN_SCHEMA' });
    await expect(open(chain.spec)).rejects.toThrow(/version 99.*versions 1 to 2/);
  });

  test('that holds something else is left alone', async () => {
    const level = await stores.open('/alien');
    await level.batch([{ key: Uint8Array.of(0x41), value: Uint8Array.of(1) }], { sync: true });
    await level.close();
    await expect(openChainStore({ stores, path: '/alien', hasher, chain: chain.spec })).rejects.toMatchObject(
      {
        code: 'ERR_CHAIN_SCHEMA',
      },
    );
  });

  test('in use is refused', async () => {
    await expect(open(chain.spec)).rejects.toMatchObject({ code: 'ERR_RUNTIME_STORE_BUSY' });
  });

  test('after close refuses reading and writing, and closes only once', async () => {
    const closing = [store.close(), store.close()];
    await Promise.all(closing);
    await expect(store.headerByNumber(0n)).rejects.toMatchObject({ code: 'ERR_CHAIN_CLOSED' });
    await expect(store.append(chain.blocks)).rejects.toMatchObject({ code: 'ERR_CHAIN_CLOSED' });
  });

  test('closing waits for a change that is under way', async () => {
    const appended = store.append(chain.blocks);
    await store.close();
    await appended;
    store = await open();
    expect(store.range().latest).toBe(40n);
  });
});

describe('a crash', () => {
  test('leaves the state before or after a change, never one between', async () => {
    const other = branch(chain, 20, 44);
    await store.append(chain.blocks.slice(0, 30));
    await store.append(chain.blocks.slice(30));
    await store.append(other.blocks.slice(20), { rollbackTo: 20n });
    stores.crash(path);
    store = await open();
    expect((await checkChain(store)).hash).toEqual(other.blocks[43]?.header.hash);
  });
});
