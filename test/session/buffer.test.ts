import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BoundedBuffer,
  type BufferMode,
  type BufferOptions,
  type BufferPolicy,
} from '../../src/session/buffer.js';

interface Parcel {
  readonly name: string;
  readonly bytes: number;
  readonly key?: string;
  readonly items?: number;
}

const parcel = (name: string, bytes = 1, key = name): Parcel => ({ name, bytes, key });

function buffer(
  mode: BufferMode,
  policy: BufferPolicy,
  bounds = { maxItems: 2, maxBytes: 10 },
  options: Partial<BufferOptions<Parcel>> = {},
): BoundedBuffer<Parcel> {
  return new BoundedBuffer<Parcel>({
    direction: 'out',
    mode,
    policy,
    bounds,
    bytesOf: ({ bytes }) => bytes,
    itemsOf: ({ items = 1 }) => items,
    keyOf: ({ key = '' }) => key,
    ...options,
  });
}

const names = (held: BoundedBuffer<Parcel>): string[] => [...held].map(({ name }) => name);

describe('the eight pairs of mode and policy', () => {
  test('000.4: fifo, block: a third is not taken, and its producer is called when there is room', () => {
    const held = buffer('fifo', 'block');
    expect(['a', 'b', 'c'].map((name) => held.push(parcel(name)))).toEqual(['taken', 'taken', 'full']);
    const called: string[] = [];
    held.onRoom(() => called.push(held.push(parcel('c'))));
    expect(called).toEqual([]);
    expect(held.shift()?.name).toBe('a');
    expect(called).toEqual(['taken']);
    expect(names(held)).toEqual(['b', 'c']);
    expect(held.gauge).toMatchObject({ refused: 1, dropped: 0, waiting: 0 });
  });

  test('000.4: fifo, drop: the oldest makes way and is counted', () => {
    const held = buffer('fifo', 'drop');
    expect(['a', 'b', 'c'].map((name) => held.push(parcel(name)))).toEqual(['taken', 'taken', 'taken']);
    expect(names(held)).toEqual(['b', 'c']);
    expect(held.push(parcel('d', 10))).toBe('taken');
    expect(names(held)).toEqual(['d']);
    expect(held.gauge).toMatchObject({ items: 1, bytes: 10, dropped: 3, refused: 0 });
  });

  test('000.4: fifo, error: the producer is told, and nothing has changed', () => {
    const held = buffer('fifo', 'error');
    expect(['a', 'b', 'c'].map((name) => held.push(parcel(name)))).toEqual(['taken', 'taken', 'error']);
    expect(names(held)).toEqual(['a', 'b']);
    expect(held.gauge).toMatchObject({ items: 2, refused: 1 });
  });

  test('000.4: fifo, resize: grows by doubling up to its maximum, then it is an error', () => {
    const held = buffer('fifo', { resizeTo: { maxItems: 5, maxBytes: 25 } });
    const outcomes = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => held.push(parcel(name)));
    expect(outcomes).toEqual(['taken', 'taken', 'taken', 'taken', 'taken', 'error']);
    expect(held.gauge.bounds).toEqual({ maxItems: 5, maxBytes: 10 });
    held.shift();
    expect(held.push(parcel('g', 20))).toBe('taken');
    expect(held.gauge.bounds).toEqual({ maxItems: 5, maxBytes: 25 });
    held.shift();
    expect(held.push(parcel('h', 3))).toBe('error');
  });

  test('000.4: latest, block: a key is replaced in its place; a new key that has no room waits', () => {
    const held = buffer('latest', 'block');
    held.push(parcel('a1', 1, 'a'));
    held.push(parcel('b1', 1, 'b'));
    expect(held.push(parcel('a2', 2, 'a'))).toBe('replaced');
    expect(names(held)).toEqual(['a2', 'b1']);
    expect(held.push(parcel('c1', 1, 'c'))).toBe('full');
    const called: string[] = [];
    held.onRoom(() => called.push(held.push(parcel('c2', 1, 'c'))));
    held.shift();
    expect(called).toEqual(['taken']);
    expect(names(held)).toEqual(['b1', 'c2']);
    expect(held.gauge).toMatchObject({ replaced: 1, refused: 1 });
  });

  test('000.4: latest, drop: a new key takes the room of the oldest', () => {
    const held = buffer('latest', 'drop');
    held.push(parcel('a1', 1, 'a'));
    held.push(parcel('b1', 1, 'b'));
    held.push(parcel('a2', 1, 'a'));
    expect(held.push(parcel('c1', 1, 'c'))).toBe('taken');
    expect(names(held)).toEqual(['b1', 'c1']);
    expect(held.push(parcel('c2', 10, 'c'))).toBe('replaced');
    expect(names(held)).toEqual(['c2']);
    expect(held.gauge).toMatchObject({ replaced: 2, dropped: 2, items: 1, bytes: 10 });
  });

  test('000.4: latest, error: a new key without room, or a value that outgrows it, is refused', () => {
    const held = buffer('latest', 'error');
    held.push(parcel('a1', 5, 'a'));
    held.push(parcel('b1', 5, 'b'));
    expect(held.push(parcel('c1', 1, 'c'))).toBe('error');
    expect(held.push(parcel('a2', 6, 'a'))).toBe('error');
    expect(held.push(parcel('a3', 4, 'a'))).toBe('replaced');
    expect(names(held)).toEqual(['a3', 'b1']);
    expect(held.gauge).toMatchObject({ bytes: 9, refused: 2, replaced: 1 });
  });

  test('000.4: latest, resize: new keys make it grow, newer values do not', () => {
    const held = buffer('latest', { resizeTo: { maxItems: 3, maxBytes: 10 } });
    for (const value of ['a1', 'b1', 'a2', 'b2']) held.push(parcel(value, 1, value.charAt(0)));
    expect(held.gauge.bounds.maxItems).toBe(2);
    expect(held.push(parcel('c1', 1, 'c'))).toBe('taken');
    expect(held.gauge.bounds.maxItems).toBe(3);
    expect(held.push(parcel('d1', 1, 'd'))).toBe('error');
    expect(names(held)).toEqual(['a2', 'b2', 'c1']);
  });
});

describe('a bounded buffer', () => {
  test('without keys, latest means one value', () => {
    const held = new BoundedBuffer<number>({
      direction: 'out',
      mode: 'latest',
      policy: 'error',
      bounds: { maxItems: 1, maxBytes: 8 },
      bytesOf: () => 8,
    });
    expect([1, 2, 2, 3].map((value) => held.push(value))).toEqual([
      'taken',
      'replaced',
      'replaced',
      'replaced',
    ]);
    expect(held.shift()).toBe(3);
    expect(held.shift()).toBeUndefined();
  });

  test('takes one value of any size when it is empty, so that nothing waits for ever', () => {
    for (const policy of ['block', 'drop', 'error', { resizeTo: { maxItems: 2, maxBytes: 10 } }] as const) {
      const held = buffer('fifo', policy);
      expect(held.push(parcel('whale', 1_000))).toBe('taken');
      expect(held.push(parcel('minnow'))).toBe(
        policy === 'drop' ? 'taken' : policy === 'block' ? 'full' : 'error',
      );
    }
  });

  test('counts items as the message says', () => {
    const held = buffer('fifo', 'error', { maxItems: 100, maxBytes: 100 });
    held.push({ name: 'a', bytes: 1, items: 99 });
    expect(held.push({ name: 'b', bytes: 1, items: 2 })).toBe('error');
    expect(held.push({ name: 'c', bytes: 1, items: 1 })).toBe('taken');
    expect(held.gauge).toMatchObject({ items: 100, bytes: 2, highest: { items: 100, bytes: 2 } });
  });

  test('lets nobody pass who came later: neither a newcomer nor a smaller wish behind a large one', () => {
    const held = buffer('fifo', 'block');
    held.push(parcel('a', 5));
    held.push(parcel('b', 5));
    const order: string[] = [];
    held.onRoom(() => order.push(`large ${held.push(parcel('large', 8))}`), 8);
    held.onRoom(() => order.push(`small ${held.push(parcel('small', 1))}`), 1);
    held.shift();
    expect(held.push(parcel('newcomer', 1))).toBe('full');
    expect(order).toEqual([]);
    held.shift();
    expect(order).toEqual(['large taken', 'small taken']);
  });

  test('a wish can be taken back, and whoever stood behind it has its turn', () => {
    const held = buffer('fifo', 'block');
    held.push(parcel('a', 5));
    held.push(parcel('b', 4));
    held.shift();
    const called: string[] = [];
    const takeBack = held.onRoom(() => called.push('large'), 9);
    held.onRoom(() => called.push('small'), 1);
    takeBack();
    takeBack();
    expect(called).toEqual(['small']);
    expect(held.gauge.waiting).toBe(0);
  });

  test('what is cleared calls nobody, and holds nothing', () => {
    const held = buffer('fifo', 'block');
    held.push(parcel('a', 10));
    let called = 0;
    held.onRoom(() => called++, 1);
    held.clear();
    expect(held.gauge).toMatchObject({ items: 0, bytes: 0, waiting: 0 });
    expect(called).toBe(0);
    expect(held.isEmpty).toBe(true);
  });

  test('a value leaves from the middle, once', () => {
    const held = buffer('fifo', 'error', { maxItems: 3, maxBytes: 10 });
    const [a, b, c] = [parcel('a'), parcel('b'), parcel('c')];
    for (const one of [a, b, c]) held.push(one);
    expect(held.remove(b)).toBe(true);
    expect(held.remove(b)).toBe(false);
    expect(names(held)).toEqual(['a', 'c']);
    expect(() => held.push(a)).toThrow(RangeError);
    const latest = buffer('latest', 'error');
    const [old, young] = [parcel('old', 1, 'k'), parcel('young', 1, 'k')];
    latest.push(old);
    latest.push(young);
    expect(latest.remove(old)).toBe(false);
    expect(latest.remove(young)).toBe(true);
  });

  test('is not made with bounds that are none', () => {
    for (const maxItems of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => buffer('fifo', 'drop', { maxItems, maxBytes: 1 })).toThrow(/maxItems/);
    }
    expect(() => buffer('fifo', { resizeTo: { maxItems: 1, maxBytes: 10 } })).toThrow(/resizeTo/);
  });

  test('holds what a naive list holds, within its bounds, for every pair and any order of calls', () => {
    const policies: readonly BufferPolicy[] = [
      'block',
      'drop',
      'error',
      { resizeTo: { maxItems: 6, maxBytes: 40 } },
    ];
    const steps = fc.array(
      fc.oneof(
        fc.record({ push: fc.nat(25), key: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
        fc.constant('shift' as const),
        fc.record({ remove: fc.nat(5) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom('fifo' as const, 'latest' as const),
        fc.constantFrom(...policies),
        steps,
        (mode, policy, calls) => {
          const held = buffer(mode, policy, { maxItems: 4, maxBytes: 30 });
          const most = typeof policy === 'string' ? { maxItems: 4, maxBytes: 30 } : policy.resizeTo;
          let list: Parcel[] = [];
          let lost = 0;
          let taken = 0;
          for (const call of calls) {
            if (call === 'shift') {
              expect(held.shift()).toBe(list.shift());
            } else if ('remove' in call) {
              const victim = list[call.remove];
              if (victim === undefined) continue;
              expect(held.remove(victim)).toBe(true);
              list = list.filter((one) => one !== victim);
            } else {
              const value = parcel('x', call.push, call.key);
              const at = mode === 'latest' ? list.findIndex(({ key }) => key === call.key) : -1;
              const outcome = held.push(value);
              if (outcome === 'replaced') list[at] = value;
              else if (outcome === 'taken') list.push(value);
              if (outcome === 'replaced') expect(at).toBeGreaterThanOrEqual(0);
              if (outcome === 'taken') expect(at).toBe(-1);
              if (outcome === 'taken' || outcome === 'replaced') taken++;
              else if (policy === 'drop') expect.unreachable('a dropping buffer takes everything');
              // the oldest made way
              const now = [...held];
              lost += list.filter((one) => !now.includes(one)).length;
              list = list.filter((one) => now.includes(one));
            }
            expect([...held]).toEqual(list);
            const bytes = list.reduce((sum, one) => sum + one.bytes, 0);
            expect(held.items).toBe(list.length);
            expect(held.bytes).toBe(bytes);
            if (list.length > 1) {
              expect(list.length).toBeLessThanOrEqual(most.maxItems);
              expect(bytes).toBeLessThanOrEqual(most.maxBytes);
            }
          }
          expect(held.gauge.dropped).toBe(lost);
          expect(held.gauge.highest.items).toBeLessThanOrEqual(most.maxItems);
          expect(taken).toBeGreaterThanOrEqual(list.length);
        },
      ),
    );
  });
});
