import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import { gunzip } from '../../src/chain/gunzip.js';
import { type ChainStore, checkChain, importChain, openChainStore } from '../../src/chain/index.js';
import { concatBytes } from '../../src/codec/index.js';
import { SimulatedFiles, SimulatedStores } from '../../src/runtime/index.js';
import { buildChain, chainFiles, hasher } from '../support/chain-builder.js';

const chain = buildChain(60);
const made = chainFiles(chain.blocks);
const packed = new Uint8Array(gzipSync(made.chain));
let files: SimulatedFiles;
let store: ChainStore;

beforeEach(async () => {
  files = new SimulatedFiles();
  store = await openChainStore({ stores: new SimulatedStores(), path: '/chain', hasher, chain: chain.spec });
  await files.writeWhole('/receipts.rlp.gz', new Uint8Array(gzipSync(made.receipts)));
});

const options = { receiptsPath: '/receipts.rlp.gz' };

test('an import reads packed blocks and receipts, whatever the files are called', async () => {
  await files.writeWhole('/chain', packed);
  expect(await importChain(store, files, '/chain', options)).toMatchObject({ head: 60n, receiptsMissing: 0 });
  expect(await checkChain(store)).toMatchObject({ head: 60n });
});

test('a packed file in several members is one file', async () => {
  const [a, b] = [made.chain.subarray(0, 5_000), made.chain.subarray(5_000)];
  await files.writeWhole('/chain.rlp.gz', concatBytes([gzipSync(a), gzipSync(b)]));
  expect((await importChain(store, files, '/chain.rlp.gz', options)).head).toBe(60n);
});

test.each([0.25, 0.5, 0.9])(
  'cut off at %d of its length, what is in it is kept, and the block is named',
  async (part) => {
    await files.writeWhole('/cut.rlp.gz', packed.subarray(0, Math.floor(packed.length * part)));
    const importing = importChain(store, files, '/cut.rlp.gz', options);
    await expect(importing).rejects.toMatchObject({ code: 'ERR_CHAIN_FILE' });
    const { latest } = store.range();
    await expect(importing).rejects.toThrow(
      new RegExp(`block ${latest + 1n}: .*cut off.*\\(stored: up to block ${latest}\\)`),
    );
    expect(latest).toBeGreaterThan(0n);
    expect(latest).toBeLessThan(60n);
    await checkChain(store);
  },
);

test('cut off in its last eight bytes, all blocks are kept and it is said', async () => {
  await files.writeWhole('/cut.rlp.gz', packed.subarray(0, packed.length - 3));
  await expect(importChain(store, files, '/cut.rlp.gz', options)).rejects.toThrow(/cut off.*up to block 60/);
  expect(store.range().latest).toBe(60n);
});

test('corrupt bytes end the import with what came before them', async () => {
  const bad = packed.slice();
  bad.fill(0xff, bad.length - 400, bad.length - 300);
  await files.writeWhole('/bad.rlp.gz', bad);
  await expect(importChain(store, files, '/bad.rlp.gz', options)).rejects.toMatchObject({
    code: 'ERR_CHAIN_FILE',
  });
  expect(store.range().latest).toBeLessThan(60n);
  await checkChain(store);
});

test('zeros, packed by the thousand, are refused at its first item', async () => {
  const mebibyte = new Uint8Array(1024 * 1024);
  const bomb = concatBytes(Array.from({ length: 64 }, () => new Uint8Array(gzipSync(mebibyte))));
  await files.writeWhole('/bomb.gz', bomb);
  await expect(importChain(store, files, '/bomb.gz')).rejects.toThrow(/no RLP list/);
});

test('what is unpacked at once is bounded, however well it was packed', async () => {
  const bomb = new Uint8Array(gzipSync(new Uint8Array(48 * 1024 * 1024)));
  async function* read(): AsyncGenerator<Uint8Array> {
    yield bomb;
  }
  let pieces = 0;
  let bytes = 0;
  for await (const piece of gunzip(read(), 'bomb')) {
    pieces++;
    bytes += piece.length;
    expect(piece.length).toBeLessThanOrEqual(64 * 1024);
  }
  expect(bytes).toBe(48 * 1024 * 1024);
  expect(pieces).toBeGreaterThan(100);
});
