import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BlockPart, type ChainStore, openChainStore } from '../../src/chain/index.js';
import { RecentBlocks } from '../../src/chain/recent-blocks.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { branch, buildChain, hasher } from '../support/chain-builder.js';

const PARTS: readonly BlockPart[] = ['header', 'body', 'receipts', 'accessList'];
const LENGTH = 24;
const main = buildChain(LENGTH, (n) => ({ transactions: n % 3 }));
const other = branch(main, 8, LENGTH + 4, (n) => ({ transactions: n % 2, extra: 'other' }));
const hashes = [main.genesis.hash, ...[...main.blocks, ...other.blocks].map(({ header }) => header.hash)];

const open = (recentBytes: number): Promise<ChainStore> =>
  openChainStore({ stores: new SimulatedStores(), path: '/c', hasher, chain: main.spec, recentBytes });

const one = {
  header: (store: ChainStore, hash: Uint8Array) => store.headerByHash(hash),
  body: (store: ChainStore, hash: Uint8Array) => store.body(hash),
  receipts: (store: ChainStore, hash: Uint8Array) => store.receipts(hash),
  accessList: (store: ChainStore, hash: Uint8Array) => store.accessList(hash),
};

async function expectSame(store: ChainStore): Promise<void> {
  for (const part of PARTS) {
    const singly = await Promise.all(hashes.map((hash) => one[part](store, hash)));
    expect(await store.many(part, hashes)).toEqual(singly);
    expect(await store.many(part, hashes)).toEqual(singly);
  }
  const head = store.head.header.number;
  const row = await store.inRow(0n, Number(head) + 5, false);
  expect(row.map(({ hash }) => hash)).toEqual(
    await Promise.all(Array.from({ length: Number(head) + 1 }, (_, i) => store.hashOf(BigInt(i)))),
  );
  for (const { hash, header } of row) expect(header).toEqual(await store.headerByHash(hash));
}

describe('what was read lately', () => {
  test('is never other than what is stored, whatever happens to the chain, also while it is read', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('extend' as const), by: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant('rollback' as const), by: fc.integer({ min: 0, max: 12 }) }),
      fc.record({ do: fc.constant('switch' as const), by: fc.constant(0) }),
      fc.record({ do: fc.constant('prune' as const), by: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ do: fc.constant('check' as const), by: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0, 3_000, 1_000_000),
        async (steps, recentBytes) => {
          const store = await open(recentBytes);
          let at = main;
          for (const { do: what, by } of steps) {
            const reading = [store.many('body', hashes), store.inRow(0n, 40, false)];
            const head = Number(store.head.header.number);
            if (what === 'extend') await store.append(at.blocks.slice(head, head + by));
            else if (what === 'rollback' && head - by >= 8 && BigInt(head - by) >= store.earliestBody)
              await store.rollback(BigInt(head - by));
            else if (what === 'switch' && head >= 8 && store.earliestBody <= 8n) {
              at = at === main ? other : main;
              await store.append(at.blocks.slice(8, head + 2), { rollbackTo: 8n });
            } else if (what === 'prune') await store.prune(BigInt(by));
            await Promise.all(reading);
            await expectSame(store);
          }
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is not served once the store is closed', async () => {
    const store = await open(1_000_000);
    await store.append(main.blocks);
    await store.many('body', hashes);
    await store.close();
    await expect(store.many('body', hashes)).rejects.toMatchObject({ code: 'ERR_CHAIN_CLOSED' });
    await expect(store.inRow(0n, 3, false)).rejects.toMatchObject({ code: 'ERR_CHAIN_CLOSED' });
  });

  test('takes no more than it may, and the ones used longest ago go first', () => {
    const recent = new RecentBlocks(100_000);
    const hash = (number: number): Uint8Array => hasher.keccak256(Uint8Array.of(number >> 8, number));
    for (let number = 0; number < 500; number++) {
      recent.put(recent.turn, BigInt(number), hash(number), 'body', new Uint8Array(1_000));
      recent.part('body', hash(0));
      expect(recent.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(recent.part('body', hash(0))).toHaveLength(1_000);
    expect(recent.part('body', hash(1))).toBeUndefined();
    expect(recent.part('body', hash(499))).toHaveLength(1_000);
    recent.put(recent.turn, 600n, hash(600), 'body', new Uint8Array(100_000));
    expect(recent.part('body', hash(600))).toBeUndefined();
    recent.forgetFrom(0n);
    expect(recent.bytes).toBe(0);
  });

  test('what was read before a change is not kept after it', () => {
    const recent = new RecentBlocks(100_000);
    const { turn } = recent;
    recent.forgetFrom(9n);
    recent.put(turn, 9n, new Uint8Array(32).fill(1), 'header', new Uint8Array(5));
    expect(recent.headers(9, 1, false)).toEqual([]);
  });

  test('a hash that shares 48 bits with a stored one finds nothing', () => {
    const recent = new RecentBlocks(100_000);
    const hash = new Uint8Array(32).fill(7);
    recent.put(recent.turn, 3n, hash, 'body', new Uint8Array(5));
    const alike = hash.slice();
    alike[31] = 8;
    expect(recent.part('body', alike)).toBeUndefined();
    expect(recent.numberOf(alike)).toBeUndefined();
  });
});
