import { beforeEach, describe, expect, test } from 'vitest';
import { type ChainStore, fillReceiptsFrom, MemoryChain, openChainStore } from '../../src/chain/index.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { buildChain, hasher } from '../support/chain-builder.js';

const chain = buildChain(200, (n) => ({ transactions: n % 3 }));
const bare = chain.blocks.map((block, at) =>
  (at + 1) % 3 === 0 ? block : { ...block, receipts: undefined },
);

describe('receipts from another chain', () => {
  let store: ChainStore;
  let source: MemoryChain;
  beforeEach(async () => {
    store = await openChainStore({ stores: new SimulatedStores(), path: '/x', chain: chain.spec, hasher });
    await store.append(bare);
    source = new MemoryChain(chain.spec, hasher);
    source.append(chain.blocks);
  });

  test('all that are missing come, and the range grows', async () => {
    const { receiptsMissing } = store;
    expect(receiptsMissing).toBeGreaterThan(100);
    expect(await fillReceiptsFrom(store, source, { hasher })).toBe(receiptsMissing);
    expect(store.receiptsMissing).toBe(0);
    expect(store.range()).toMatchObject({ earliest: 0n, latest: 200n });
    for (const { header, receipts } of chain.blocks)
      expect(await store.receipts(header.hash)).toEqual(receipts);
    expect(await fillReceiptsFrom(store, source, { hasher })).toBe(0);
  });

  test('what the other chain lacks stays missing', async () => {
    source.prune(50n);
    const { receiptsMissing } = store;
    const filled = await fillReceiptsFrom(store, source, { hasher });
    expect(filled).toBeGreaterThan(0);
    expect(store.receiptsMissing).toBe(receiptsMissing - filled);
    expect(store.range().earliest).toBe(150n); // the last one that lacks them is 149
  });

  test('false ones are refused, and who calls it off is heard', async () => {
    const [eight] = chain.blocks.slice(7, 8);
    const liar = { receipts: async () => eight?.receipts };
    await expect(fillReceiptsFrom(store, liar, { hasher })).rejects.toMatchObject({
      code: 'ERR_CHAIN_RECEIPTS',
    });
    const gone = fillReceiptsFrom(store, source, { hasher, signal: AbortSignal.abort() });
    await expect(gone).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });
});
