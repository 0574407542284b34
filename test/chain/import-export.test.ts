import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ChainStore,
  checkChain,
  exportChain,
  importChain,
  openChainStore,
} from '../../src/chain/index.js';
import { concatBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { encodeBlock } from '../../src/eth/index.js';
import { SimulatedFiles, SimulatedStores } from '../../src/runtime/index.js';
import {
  type BuiltChain,
  branch,
  buildChain,
  chainFiles,
  hasher,
  mixture,
} from '../support/chain-builder.js';

const chain: BuiltChain = buildChain(60);
const { chain: chainFile, receipts: receiptsFile } = chainFiles(chain.blocks);
let stores: SimulatedStores;
let files: SimulatedFiles;
let store: ChainStore;

beforeEach(async () => {
  stores = new SimulatedStores();
  files = new SimulatedFiles();
  store = await openChainStore({ stores, path: '/chain', hasher, chain: chain.spec });
  await put('/chain.rlp', chainFile);
  await put('/receipts.rlp', receiptsFile);
});

const put = (path: string, bytes: Uint8Array): Promise<void> => files.writeWhole(path, bytes);
const options = { receiptsPath: '/receipts.rlp' };

describe('import', () => {
  test('stores a whole chain, verified', async () => {
    const result = await importChain(store, files, '/chain.rlp', options);
    expect(result).toMatchObject({ head: 60n, blocks: 60, known: 0, hash: chain.blocks[59]?.header.hash });
    expect((await checkChain(store)).head).toBe(60n);
  });

  test('passes over block 0 and over what is stored, so that it can be repeated', async () => {
    await put(
      '/chain.rlp',
      concatBytes([encodeBlock(chain.genesis.raw, encodeList([encodeList([]), encodeList([])])), chainFile]),
    );
    await store.append(chain.blocks.slice(0, 33));
    expect(await importChain(store, files, '/chain.rlp', options)).toMatchObject({
      head: 60n,
      blocks: 27,
      known: 33,
    });
    expect(await importChain(store, files, '/chain.rlp', options)).toMatchObject({
      head: 60n,
      blocks: 0,
      known: 60,
    });
  });

  test('of a later part finds its receipts by their numbers', async () => {
    await store.append(chain.blocks.slice(0, 20));
    await put('/part.rlp', chainFiles(chain.blocks.slice(20)).chain);
    expect(await importChain(store, files, '/part.rlp', options)).toMatchObject({ head: 60n, blocks: 40 });
  });

  test('of a file that is cut off keeps what was good, and says up to where', async () => {
    await put('/cut.rlp', chainFile.subarray(0, chainFile.length - 1));
    const importing = importChain(store, files, '/cut.rlp', options);
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_FILE' });
    await expect(importing).rejects.toThrow(/block 60:.*cut off.*stored: up to block 59/);
    expect((await checkChain(store)).head).toBe(59n);
  });

  test('of a file cut at any byte of a block keeps the blocks before it', async () => {
    const before = chainFiles(chain.blocks.slice(0, 2)).chain.length;
    const end = chainFiles(chain.blocks.slice(0, 3)).chain.length;
    for (let cut = before; cut < end; cut += 7) {
      const spare = new SimulatedStores();
      const target = await openChainStore({ stores: spare, path: '/c', hasher, chain: chain.spec });
      await put('/cut.rlp', chainFile.subarray(0, cut));
      const importing = importChain(target, files, '/cut.rlp', options);
      if (cut === before) await importing;
      else await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_FILE' });
      expect(target.range().latest).toBe(2n);
    }
  });

  test('of another genesis says so at its first block', async () => {
    const other = buildChain(3, undefined, 'other');
    const made = chainFiles(other.blocks);
    await put('/other.rlp', made.chain);
    const importing = importChain(store, files, '/other.rlp');
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_GENESIS' });
    await expect(importing).rejects.toThrow(/other.rlp, block 1: it follows the genesis/);
    await put('/other.rlp', encodeBlock(other.genesis.raw, encodeList([encodeList([]), encodeList([])])));
    await expect(importChain(store, files, '/other.rlp')).rejects.toMatchObject({
      code: 'ERR_CHAIN_GENESIS',
    });
  });

  test('of another branch than the stored one is refused', async () => {
    await store.append(chain.blocks.slice(0, 30));
    const other = chainFiles(branch(chain, 10, 40).blocks);
    await put('/other.rlp', other.chain);
    await put('/other-receipts.rlp', other.receipts);
    const importing = importChain(store, files, '/other.rlp', { receiptsPath: '/other-receipts.rlp' });
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_LINK' });
    await expect(importing).rejects.toThrow(/block 11/);
    expect(store.head.hash).toEqual(chain.blocks[29]?.header.hash);
  });

  test.each([10, 256])(
    'of a block %i that the next one disowns keeps neither, so that the right file still fits',
    async (at) => {
      const long = buildChain(at + 4, undefined, 'import');
      const stranger = branch(long, at - 1, at, () => ({ extra: 'stranger' })).blocks[at - 1];
      const right = chainFiles(long.blocks);
      const wrong = chainFiles(long.blocks.map((block, i) => (i === at - 1 ? (stranger ?? block) : block)));
      const other = await openChainStore({
        stores: new SimulatedStores(),
        path: 's',
        chain: long.spec,
        hasher,
      });
      await put('/wrong.rlp', wrong.chain);
      await put('/wrong-receipts.rlp', wrong.receipts);
      await put('/right.rlp', right.chain);
      await put('/right-receipts.rlp', right.receipts);
      const importing = importChain(other, files, '/wrong.rlp', { receiptsPath: '/wrong-receipts.rlp' });
      await expect(importing).rejects.toThrow(
        new RegExp(`block ${at + 1}: .*stored: up to block ${at - 1}\\)`),
      );
      expect(other.head.header.number).toBe(BigInt(at - 1));
      await importChain(other, files, '/right.rlp', { receiptsPath: '/right-receipts.rlp' });
      expect(other.head.hash).toEqual(long.blocks.at(-1)?.header.hash);
    },
  );

  test.each([
    [
      'a missing block',
      (b: typeof chain.blocks) => [...b.slice(0, 9), ...b.slice(10)],
      'ERR_CHAIN_LINK',
      /block 11: block 10 is missing/,
    ],
    [
      'a body of another block',
      (b: typeof chain.blocks) =>
        b.map((block, i) => (i === 9 ? { ...block, body: b[10]?.body ?? block.body } : block)),
      'ERR_CHAIN_BODY',
      /block 10: .*transactions are others/,
    ],
    [
      'receipts of another block',
      (b: typeof chain.blocks) =>
        b.map((block, i) => (i === 9 ? { ...block, receipts: b[10]?.receipts ?? block.receipts } : block)),
      'ERR_CHAIN_RECEIPTS',
      /block 10: .*they are others/,
    ],
  ])('with %s keeps the blocks before it', async (_what, change, code, says) => {
    const made = chainFiles(change(chain.blocks));
    await put('/bad.rlp', made.chain);
    await put('/bad-receipts.rlp', made.receipts);
    const importing = importChain(store, files, '/bad.rlp', { receiptsPath: '/bad-receipts.rlp' });
    await expect(importing).rejects.toMatchObject({ code });
    await expect(importing).rejects.toThrow(says);
    expect((await checkChain(store)).head).toBe(9n);
  });

  test.each([
    ['text', new TextEncoder().encode('{"not": "a chain"}'), /no RLP list/],
    ['a string', Uint8Array.of(0x83, 1, 2, 3), /no RLP list/],
    ['an item of 4 GiB', Uint8Array.of(0xfb, 0xff, 0xff, 0xff, 0xff), /more than any block/],
    [
      'an item of 2^64 bytes',
      Uint8Array.of(0xff, 255, 255, 255, 255, 255, 255, 255, 255),
      /more than any block/,
    ],
    ['lists that are no blocks', Uint8Array.of(0xc3, 1, 2, 3), /cannot be read/],
    ['half a prefix', Uint8Array.of(0xf9, 0x01), /cut off/],
  ])('of %s is refused', async (_what, bytes, says) => {
    await put('/bad.rlp', bytes);
    await expect(importChain(store, files, '/bad.rlp')).rejects.toThrow(says);
    expect(store.range().latest).toBe(0n);
  });

  test('of a receipts file that ends early says which block has none', async () => {
    await put('/short.rlp', chainFiles(chain.blocks.slice(0, 50)).receipts);
    const importing = importChain(store, files, '/chain.rlp', { receiptsPath: '/short.rlp' });
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_RECEIPTS_MISSING' });
    expect(store.range().latest).toBe(50n);
  });

  test('takes access lists where they are, and none that is false', async () => {
    const list = (n: number): Uint8Array => encodeList([encodeList([Uint8Array.of(n)])]);
    const amsterdam = buildChain(
      12,
      (n) => (n < 6 ? mixture(n) : { transactions: 2, accessList: list(n) }),
      'amsterdam',
    );
    const made = chainFiles(amsterdam.blocks);
    const item = (n: number, accessList: Uint8Array): Uint8Array =>
      encodeList([
        concatBytes([Uint8Array.of(0xa0), amsterdam.blocks[n - 1]?.header.hash ?? new Uint8Array(32)]),
        accessList,
      ]);
    await put('/a.rlp', made.chain);
    await put('/a-receipts.rlp', made.receipts);
    await put('/lists.rlp', concatBytes([item(6, list(6)), item(8, list(8)), item(9, list(9))]));
    const paths = { receiptsPath: '/a-receipts.rlp', accessListsPath: '/lists.rlp' };
    const target = await openChainStore({ stores, path: '/a', hasher, chain: amsterdam.spec });
    await importChain(target, files, '/a.rlp', paths);
    expect(await checkChain(target)).toMatchObject({ head: 12n, accessLists: 3, accessListsMissing: 4 });
    expect(await target.accessList(amsterdam.blocks[7]?.header.hash ?? new Uint8Array())).toEqual(list(8));
    await put('/lists.rlp', item(6, list(7)));
    const again = await openChainStore({ stores, path: '/b', hasher, chain: amsterdam.spec });
    await expect(importChain(again, files, '/a.rlp', paths)).rejects.toMatchObject({
      code: 'ERR_CHAIN_ACCESS_LIST',
    });
    expect(again.range().latest).toBe(5n);
  });

  test('stops when it is called off, and keeps what was verified', async () => {
    const controller = new AbortController();
    const importing = importChain(store, files, '/chain.rlp', {
      ...options,
      signal: controller.signal,
      clock: {
        soon: (run) =>
          void Promise.resolve().then(() => {
            controller.abort();
            run();
          }),
      },
    });
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    expect((await checkChain(store)).head).toBe(1n);
  });

  test('on a full disk says so and keeps what was stored', async () => {
    await store.append(chain.blocks.slice(0, 10));
    stores.failWrites('ENOSPC');
    await expect(importChain(store, files, '/chain.rlp', options)).rejects.toMatchObject({
      detail: 'ENOSPC',
    });
    stores.failWrites(undefined);
    expect((await checkChain(store)).head).toBe(10n);
  });
});

describe('export', () => {
  beforeEach(() => store.append(chain.blocks));

  test('writes the file that was imported, byte for byte', async () => {
    expect(await exportChain(store, files, '/out.rlp')).toEqual({ blocks: 60, bytes: chainFile.length });
    expect(await files.read('/out.rlp')).toEqual(chainFile);
  });

  test('carries the access lists that are here, and an import takes them from it', async () => {
    const list = (n: number): Uint8Array => encodeList([encodeUint(n)]);
    const plan = (n: number) => (n < 6 ? mixture(n) : { transactions: 2, accessList: list(n) });
    const amsterdam = buildChain(12, plan, 'amsterdam');
    const open = (path: string) => openChainStore({ stores, path, hasher, chain: amsterdam.spec });
    const [from, to] = [await open('/from'), await open('/to')];
    const lost = { accessList: undefined };
    await from.append(amsterdam.blocks.map((block, i) => (i === 8 ? { ...block, ...lost } : block)));
    await exportChain(from, files, '/amsterdam.rlp');
    await put('/amsterdam-receipts.rlp', chainFiles(amsterdam.blocks).receipts);
    await importChain(to, files, '/amsterdam.rlp', { receiptsPath: '/amsterdam-receipts.rlp' });
    expect(await checkChain(to)).toMatchObject({ head: 12n, accessLists: 6, accessListsMissing: 1 });
    await exportChain(to, files, '/again.rlp');
    expect(await files.read('/again.rlp')).toEqual(await files.read('/amsterdam.rlp'));
  });

  test('of a part writes that part; of nothing an empty file', async () => {
    await exportChain(store, files, '/out.rlp', { from: 5n, to: 9n });
    expect(await files.read('/out.rlp')).toEqual(chainFiles(chain.blocks.slice(4, 9)).chain);
    expect(await exportChain(store, files, '/out.rlp', { from: 9n, to: 8n })).toEqual({
      blocks: 0,
      bytes: 0,
    });
    await expect(exportChain(store, files, '/no.rlp', { to: 61n })).rejects.toMatchObject({
      code: 'ERR_CHAIN_RANGE',
    });
    expect(await files.stat('/no.rlp')).toBeUndefined();
  });

  test('that is called off leaves no file', async () => {
    await expect(
      exportChain(store, files, '/out.rlp', { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      code: 'ERR_CHAIN_ABORTED',
    });
    expect(await files.stat('/out.rlp')).toBeUndefined();
  });
});
