import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lru } from '../../src/node/lru.js';
import { type HistoryLimits, SessionHistory } from '../../src/node/session-history.js';
import { type SimulatedWorld, silentLogger, simulatedWorld } from '../../src/runtime/index.js';
import type { CloseCause, SessionHandle } from '../../src/session/index.js';

const cause = (says: string): CloseCause => ({
  ...{ outcome: 'closed', by: 'local', stage: 'active', says, atMs: 2, epoch: 1 },
  counters: { bytesIn: 1, bytesOut: 2, messagesIn: 3, messagesOut: 4 },
});

/** What a history asks of a session. */
function ended(
  id: string,
  more: { readonly publicKey?: string; readonly direction?: string } = {},
): SessionHandle {
  const record = { id, direction: 'outbound', kind: 'dynamic', createdAtMs: 1, ...more };
  return { ...record, describe: () => record } as unknown as SessionHandle;
}

async function open(world: SimulatedWorld, limits: Partial<HistoryLimits> = {}): Promise<SessionHistory> {
  const { clock, stores } = world;
  return SessionHistory.open({ store: await stores.open('/s'), clock, logger: silentLogger, limits });
}

async function names(history: SessionHistory): Promise<readonly string[]> {
  return (await history.list({ limit: 1_000 })).map(({ name }) => name);
}

describe('the history of sessions', () => {
  test('keeps so many and so many bytes, the oldest go, in memory and on disk', async () => {
    const world = simulatedWorld({ seed: 1 });
    const first = await open(world, { maxSummaries: 5 });
    for (let i = 1; i <= 8; i++) {
      first.add(ended(`s${i}`), cause('done'));
      if (i === 4) await first.flush();
    }
    const kept = ['1-s8', '1-s7', '1-s6', '1-s5', '1-s4'];
    expect(await names(first)).toEqual(kept);
    await first.close();
    const second = await open(world);
    expect(await names(second)).toEqual(kept);
    const { bytes } = second.stats();
    await second.close();
    const third = await open(world, { maxBytes: bytes - 1 });
    expect(await names(third)).toEqual(kept.slice(0, 4));
    third.add(ended('s1'), cause('again'));
    expect((await third.get('s1'))?.name).toBe('3-s1');
    expect(third.stats().bytes).toBeLessThan(bytes);
    await third.close();
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('a crash costs what was not written yet, and nothing else', async () => {
    const world = simulatedWorld({ seed: 1 });
    const first = await open(world);
    first.add(ended('s1'), cause('one'));
    await first.flush({ sync: true });
    first.add(ended('s2'), cause('two'));
    await first.flush();
    first.add(ended('s3'), cause('three'));
    world.stores.crash('/s', { keep: 0 });
    const second = await open(world);
    expect(await names(second)).toEqual(['1-s1']);
    second.add(ended('s1'), cause('four'));
    expect(await names(second)).toEqual(['2-s1', '1-s1']);
    await second.close();
  });

  test('a store that cannot be written costs summaries, never an error, and is not the end', async () => {
    const world = simulatedWorld({ seed: 1 });
    const history = await open(world);
    world.stores.failWrites('ENOSPC');
    history.add(ended('s1'), cause('one'));
    await world.clock.advance(2_000);
    expect(history.stats()).toMatchObject({ summaries: 0, bytes: 0, waiting: 0, lost: 1 });
    world.stores.failWrites(undefined);
    history.add(ended('s2'), cause('two'));
    await world.clock.advance(2_000);
    expect(history.stats()).toMatchObject({ summaries: 1, waiting: 0, lost: 1 });
    await history.close();
    await expect(history.close()).resolves.toBeUndefined();
  });

  test('of more ends than can be written the oldest are lost, and counted', async () => {
    const world = simulatedWorld({ seed: 1 });
    const history = await open(world);
    for (let i = 0; i < 1_100; i++) history.add(ended(`s${i}`), cause('flood'));
    expect(history.stats()).toMatchObject({ summaries: 1_000, waiting: 1_000, lost: 100 });
    expect(await history.get('s99')).toBeUndefined();
    expect((await history.get('s100'))?.name).toBe('1-s100');
    await history.close();
  });

  test('strangers who proved no identity leave nothing', async () => {
    const history = await open(simulatedWorld({ seed: 1 }));
    history.add(ended('s1', { direction: 'inbound' }), cause('no key'));
    history.add(ended('s2', { direction: 'inbound', publicKey: 'ab' }), cause('a key'));
    expect(await names(history)).toEqual(['1-s2']);
    await history.close();
  });

  test('records that are damaged are left out, and go', async () => {
    const world = simulatedWorld({ seed: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 60 }),
            fc.json().map((t) => new TextEncoder().encode(t)),
          ),
          { minLength: 1, maxLength: 5 },
        ),
        async (values) => {
          const store = await world.stores.open('/s');
          await store.batch(
            values.map((value, i) => ({ key: Uint8Array.of(0x73, 9, 0, 0, 0, 0, 0, 0, i), value })),
          );
          await store.close();
          const history = await open(world);
          expect(await names(history)).toEqual([]);
          expect(history.stats().unreadable).toBe(values.length);
          await history.close();
          const again = await open(world);
          expect(again.stats().unreadable).toBe(0);
          await again.close();
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a summary is found while it is being written', async () => {
    const world = simulatedWorld({ seed: 1 });
    const history = await open(world, { cached: 1 });
    history.add(ended('s1'), cause('one'));
    const written = history.flush();
    history.add(ended('s2'), cause('two')); // drives s1 out of memory
    await Promise.resolve();
    expect((await history.get('1-s1'))?.cause.says).toBe('one');
    await written;
    await history.close();
  });
});

test('the least recently used goes first', () => {
  const lru = new Lru<number>(2);
  lru.set('a', 1);
  lru.set('b', 2);
  expect(lru.get('a')).toBe(1);
  lru.set('c', 3);
  expect([lru.get('b'), lru.get('a'), lru.get('c'), lru.size]).toEqual([undefined, 1, 3, 2]);
  expect([lru.hits, lru.misses]).toEqual([3, 1]);
});
