import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairLane } from '../../src/session/fair-lane.js';
import { FairQueue, hasFairRoom, type Waiting } from '../../src/session/fair-shares.js';
import type { Outbound } from '../../src/session/lane.js';
import { ETH_CAPABILITY } from '../support/session-values.js';

const message = (id: number, bytes = 1): Outbound => ({
  capability: ETH_CAPABILITY,
  ...{ id, payload: new Uint8Array(bytes), packed: undefined, bytes, items: 1, sentAtMs: undefined },
});

describe('a fair lane', () => {
  test('lets the sorts take turns, each in its order', () => {
    const lane = new FairLane(({ id }) => id, { maxItems: 100, maxBytes: 1_000 });
    for (const [id, bytes] of [
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 4],
      [3, 5],
      [2, 6],
    ] as const)
      lane.push(message(id, bytes));
    const order: (readonly [number, number])[] = [];
    for (let one = lane.shift(); one !== undefined; one = lane.shift()) order.push([one.id, one.bytes]);
    expect(order).toEqual([
      [1, 1],
      [2, 4],
      [3, 5],
      [1, 2],
      [2, 6],
      [1, 3],
    ]);
  });

  test('bounds all sorts together, and each by itself', () => {
    const lane = new FairLane(({ id }) => id, { maxItems: 3, maxBytes: 100 }, { maxItems: 2, maxBytes: 50 });
    expect(lane.fits(message(1, 1_000))).toBe(true);
    lane.push(message(1));
    lane.push(message(1));
    expect(lane.fits(message(1))).toBe(false);
    expect(lane.fits(message(2))).toBe(true);
    lane.push(message(2, 60));
    expect(lane.fits(message(3))).toBe(false);
    lane.shift();
    expect(lane.fits(message(3, 40))).toBe(false);
    expect(lane.fits(message(3, 39))).toBe(true);
  });

  test('counts what it holds, whatever is put in, taken out and withdrawn', () => {
    const step = fc.record({ id: fc.integer({ min: 1, max: 4 }), bytes: fc.nat(50), what: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const lane = new FairLane(({ id }) => id, { maxItems: 1_000, maxBytes: 100_000 });
        let held: Outbound[] = [];
        for (const { id, bytes, what } of steps) {
          const gone = what === 1 ? lane.shift() : held[bytes];
          if (what === 0) {
            const fresh = message(id, bytes);
            lane.push(fresh);
            held.push(fresh);
          } else if (gone !== undefined) {
            if (what === 1) expect(held.find((one) => one.id === gone.id)).toBe(gone);
            else expect(lane.remove(gone)).toBe(true);
            expect(lane.remove(gone)).toBe(false);
            held = held.filter((one) => one !== gone);
          }
          expect(lane.gauge).toEqual({
            items: held.length,
            bytes: held.reduce((sum, one) => sum + one.bytes, 0),
          });
          expect(lane.isEmpty).toBe(held.length === 0);
        }
      }),
    );
  });
});

describe('fair shares', () => {
  const kinds = ['a', 'b', 'c'] as const;
  type Kind = (typeof kinds)[number];

  test('leave each kind its own places, whoever came first', () => {
    const taken = { a: 0, b: 0, c: 0 };
    const room = (kind: Kind): boolean => hasFairRoom(kind, kinds, (one) => taken[one], 10, 2);
    while (room('b')) taken.b++;
    expect(taken.b).toBe(6);
    while (room('a')) taken.a++;
    expect(taken.a).toBe(2);
    expect(room('c')).toBe(true);
    taken.b--;
    expect(room('a')).toBe(true);
    taken.a++;
    expect(room('b')).toBe(false);
  });

  test('are never more than there are, and nobody is ever without its own', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...kinds), fc.boolean())), (steps) => {
        const taken = { a: 0, b: 0, c: 0 };
        const room = (kind: Kind): boolean => hasFairRoom(kind, kinds, (one) => taken[one], 12, 3);
        for (const [kind, take] of steps) {
          if (take && room(kind)) taken[kind]++;
          else if (!take && taken[kind] > 0) taken[kind]--;
          expect(taken.a + taken.b + taken.c).toBeLessThanOrEqual(12);
          for (const one of kinds) if (taken[one] < 3) expect(room(one)).toBe(true);
        }
      }),
    );
  });
});

describe('a fair queue', () => {
  test('lets the kinds take turns, each in its order, and passes those that may not go', () => {
    const queue = new FairQueue<Waiting & { readonly name: string }>(10, 100);
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'])
      queue.push({ name, kind: name.charAt(0), bytes: 1 });
    const order: string[] = [];
    for (;;) {
      const next = queue.next(({ kind }) => kind !== 'c');
      if (next === undefined) break;
      queue.remove(next);
      order.push(next.name);
    }
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
    expect([...queue].map(({ name }) => name)).toEqual(['c1']);
    expect(queue.has('a')).toBe(false);
  });

  test('is bounded in items and in bytes', () => {
    const queue = new FairQueue<Waiting>(2, 10);
    const large = { kind: 'a', bytes: 8 };
    expect(queue.push(large)).toBe(true);
    expect(queue.push({ kind: 'a', bytes: 3 })).toBe(false);
    expect(queue.push({ kind: 'b', bytes: 2 })).toBe(true);
    expect(queue.push({ kind: 'b', bytes: 0 })).toBe(false);
    expect(queue.remove(large)).toBe(true);
    expect(queue.remove(large)).toBe(false);
    expect([queue.items, queue.bytes]).toEqual([1, 2]);
  });
});
