import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairLane } from '../../src/session/fair-lane.js';
import { FairShares } from '../../src/session/fair-shares.js';
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
  test('leave each kind its own places, whoever came first', () => {
    const shares = new FairShares(['headers', 'bodies', 'receipts'], 10, 2);
    while (shares.hasRoom('bodies')) shares.take('bodies');
    expect(shares.sum).toBe(6);
    while (shares.hasRoom('headers')) shares.take('headers');
    expect(shares.sum).toBe(8);
    expect(shares.hasRoom('receipts')).toBe(true);
    shares.release('bodies');
    expect(shares.hasRoom('headers')).toBe(true);
    shares.take('headers');
    expect(shares.hasRoom('bodies')).toBe(false);
  });

  test('are never more than there are', () => {
    expect(() => new FairShares(['a', 'b'], 3, 2)).toThrow(RangeError);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())), (steps) => {
        const shares = new FairShares(['a', 'b', 'c'], 12, 3);
        const taken = { a: 0, b: 0, c: 0 };
        for (const [kind, take] of steps as ['a' | 'b' | 'c', boolean][]) {
          if (take && shares.hasRoom(kind)) {
            shares.take(kind);
            taken[kind]++;
          } else if (!take && taken[kind] > 0) {
            shares.release(kind);
            taken[kind]--;
          }
          expect(shares.sum).toBe(taken.a + taken.b + taken.c);
          expect(shares.sum).toBeLessThanOrEqual(12);
          // nobody is ever without its own places
          for (const kind of ['a', 'b', 'c'] as const)
            if (taken[kind] < 3) expect(shares.hasRoom(kind)).toBe(true);
        }
      }),
    );
  });
});
