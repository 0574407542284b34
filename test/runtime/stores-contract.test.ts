import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyValueStore, KeyValueStores } from '../../src/runtime/index.js';
import { rejection, TWINS, type Twin } from '../support/runtime-worlds.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function keysOf(
  store: KeyValueStore,
  range: Parameters<KeyValueStore['range']>[0],
): Promise<number[][]> {
  const keys: number[][] = [];
  for await (const [key] of store.range(range)) keys.push([...key]);
  return keys;
}

describe.each(TWINS)('stores, $name', (kind) => {
  let twin: Twin;
  let stores: KeyValueStores;
  let path: string;
  let store: KeyValueStore;
  beforeEach(async () => {
    twin = await kind.open();
    stores = twin.world.stores;
    path = `${twin.folder}/deep/store`;
    store = await stores.open(path);
  });
  afterEach(async () => {
    await store.close();
    await twin.dispose();
  });

  it('gives back plain bytes, and undefined for what is not there', async () => {
    await store.batch([
      { key: bytes(1), value: bytes(10, 11) },
      { key: bytes(2), value: bytes() },
    ]);
    const value = await store.get(bytes(1));
    expect(value).toEqual(bytes(10, 11));
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
    expect(await store.get(bytes(2))).toEqual(bytes());
    expect(await store.get(bytes(3))).toBeUndefined();
    expect(await store.getMany([bytes(3), bytes(1), bytes(1), bytes(2)])).toEqual([
      undefined,
      bytes(10, 11),
      bytes(10, 11),
      bytes(),
    ]);
    expect(await store.getMany([])).toEqual([]);
  });

  it('keeps its own copies of keys and values', async () => {
    const key = bytes(1);
    const value = bytes(5);
    await store.batch([{ key, value }]);
    key[0] = 7;
    value[0] = 7;
    const read = await store.get(bytes(1));
    expect(read).toEqual(bytes(5));
    read?.fill(0);
    expect(await store.get(bytes(1))).toEqual(bytes(5));
  });

  it('applies the changes of a batch in order, deletions included', async () => {
    await store.batch([{ key: bytes(1), value: bytes(1) }]);
    await store.batch([
      { key: bytes(1) },
      { key: bytes(2), value: bytes(2) },
      { key: bytes(2), value: bytes(3) },
      { key: bytes(3), value: bytes(3) },
      { key: bytes(3) },
    ]);
    expect(await store.getMany([bytes(1), bytes(2), bytes(3)])).toEqual([undefined, bytes(3), undefined]);
    await store.batch([]);
  });

  it('orders keys bytewise and cuts ranges at their ends', async () => {
    const keys = [
      bytes(),
      bytes(0),
      bytes(0, 0),
      bytes(0x7f),
      bytes(0x80),
      bytes(0xff),
      bytes(0xff, 0),
    ].slice(1);
    await store.batch(keys.map((key) => ({ key, value: key })).reverse());
    const all = { from: bytes(0), to: bytes(0xff, 0xff) };
    expect(await keysOf(store, all)).toEqual(keys.map((key) => [...key]));
    expect(await keysOf(store, { ...all, reverse: true })).toEqual(keys.map((key) => [...key]).reverse());
    expect(await keysOf(store, { ...all, limit: 2 })).toEqual([[0], [0, 0]]);
    expect(await keysOf(store, { ...all, limit: 1, reverse: true })).toEqual([[0xff, 0]]);
    expect(await keysOf(store, { ...all, limit: 0 })).toEqual([]);
    expect(await keysOf(store, { from: bytes(0, 0), to: bytes(0x80) })).toEqual([[0, 0], [0x7f]]);
    expect(await keysOf(store, { from: bytes(0x80), to: bytes(0x80) })).toEqual([]);
    for await (const _entry of store.range(all)) break;
  });

  it('ranges over what was there when it began', async () => {
    await store.batch([1, 2, 3].map((n) => ({ key: bytes(n), value: bytes(n) })));
    const seen: number[] = [];
    for await (const [key] of store.range({ from: bytes(0), to: bytes(9) })) {
      seen.push(key[0] ?? 0);
      await store.batch([{ key: bytes(3) }, { key: bytes(4), value: bytes(4) }]);
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  it('is there again after it was closed', async () => {
    await store.batch([{ key: bytes(1), value: bytes(1) }], { sync: true });
    await store.batch([{ key: bytes(2), value: bytes(2) }]);
    await store.close();
    await store.close();
    store = await stores.open(path);
    expect(await store.getMany([bytes(1), bytes(2)])).toEqual([bytes(1), bytes(2)]);
  });

  it('is held by one opener at a time', async () => {
    expect(await rejection(stores.open(path))).toMatchObject({ code: 'ERR_RUNTIME_STORE_BUSY' });
    await store.batch([{ key: bytes(1), value: bytes(1) }]);
    await store.close();
    store = await stores.open(path);
    expect(await store.get(bytes(1))).toEqual(bytes(1));
  });

  it('refuses everything once closed', async () => {
    await store.batch([1, 2].map((n) => ({ key: bytes(n), value: bytes(n) })));
    const running = store.range({ from: bytes(0), to: bytes(9) })[Symbol.asyncIterator]();
    await running.next();
    await store.close();
    const range = store.range({ from: bytes(0), to: bytes(9) })[Symbol.asyncIterator]();
    for (const attempt of [
      () => store.get(bytes(1)),
      () => store.getMany([bytes(1)]),
      () => store.batch([{ key: bytes(1) }]),
      () => range.next(),
      () => running.next(),
    ]) {
      expect(await rejection(attempt())).toMatchObject({ code: 'ERR_RUNTIME_STORE', detail: 'CLOSED' });
    }
  });

  it('behaves as a sorted map, whatever is written', async () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 3 });
    const batch = fc.array(fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 4 }), { nil: undefined })), {
      maxLength: 12,
    });
    const model = new Map<string, Uint8Array>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { maxLength: 4 }),
        key,
        key,
        fc.boolean(),
        async (batches, a, b, reverse) => {
          for (const changes of batches) {
            await store.batch(
              changes.map(([k, value]) => (value === undefined ? { key: k } : { key: k, value })),
            );
            for (const [k, value] of changes) {
              const name = Buffer.from(k).toString('hex');
              if (value === undefined) model.delete(name);
              else model.set(name, value);
            }
          }
          const [from, to] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a];
          const [low, high] = [Buffer.from(from).toString('hex'), Buffer.from(to).toString('hex')];
          const expected = [...model.keys()].filter((name) => name >= low && name < high).sort();
          if (reverse) expected.reverse();
          const found: string[] = [];
          for await (const [k, value] of store.range({ from, to, reverse })) {
            const name = Buffer.from(k).toString('hex');
            found.push(name);
            expect(value).toEqual(model.get(name));
          }
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});
