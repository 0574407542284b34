import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Feed, OwnTransactions, RefusedHashes, type Sighting, Sightings } from '../../src/pool/index.js';
import { VirtualClock } from '../../src/runtime/index.js';

const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);

describe('sightings', () => {
  test('are told once, a second after the first, with all who have said so', async () => {
    const clock = new VirtualClock();
    const told: Sighting<string>[] = [];
    const sightings = new Sightings<string>({ clock, tell: (seen) => void told.push(seen) });
    const firstSeenMs = clock.wallMs();
    sightings.see('x', 'a', () => 'fact');
    await clock.advance(500);
    for (const peer of ['b', 'b', 'a']) sightings.see('x', peer, () => 'other');
    expect(told).toEqual([]);
    await clock.advance(500);
    sightings.see('x', 'c', () => 'other');
    await clock.advance(5_000);
    expect(told).toEqual([{ fact: 'fact', firstSeenMs, peers: 2 }]);
    expect(sightings.total).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('are bounded: the oldest is told early and forgotten', () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    const sightings = new Sightings<string>({ clock, maxItems: 3, tell: ({ fact }) => void told.push(fact) });
    for (const key of ['1', '2', '3', '4', '5']) sightings.see(key, 'a', () => key);
    expect(told).toEqual(['1', '2']);
    sightings.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a feed', () => {
  test('gives what comes from a place on, and says what has made way', () => {
    const feed = new Feed<number>(4);
    const begin = feed.end;
    for (const n of [1, 2, 3]) feed.push(n);
    expect(feed.read(begin, 2)).toEqual({ items: [1, 2], next: 2, lost: 0 });
    expect(feed.read(2, 10)).toEqual({ items: [3], next: 3, lost: 0 });
    for (const n of [4, 5, 6, 7, 8]) feed.push(n);
    expect(feed.read(3, 10)).toEqual({ items: [5, 6, 7, 8], next: 8, lost: 1 });
    expect(feed.read(8, 10)).toEqual({ items: [], next: 8, lost: 0 });
    expect(feed.read(99, 10)).toEqual({ items: [], next: 8, lost: 0 });
  });

  test('whatever the readers do, each item is read once or counted as lost', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.oneof(fc.constant('push' as const), fc.integer({ min: 1, max: 5 })), { maxLength: 60 }),
        (size, steps) => {
          const feed = new Feed<number>(size);
          let pushed = 0;
          let at = 0;
          let accounted = 0;
          for (const step of steps) {
            if (step === 'push') feed.push(pushed++);
            else {
              const { items, next, lost } = feed.read(at, step);
              accounted += items.length + lost;
              if (items.length > 0) expect(items[items.length - 1]).toBe(next - 1);
              at = next;
              expect(accounted).toBe(at);
            }
          }
          const rest = feed.read(at, 1_000);
          expect(accounted + rest.items.length + rest.lost).toBe(pushed);
        },
      ),
    );
  });

  test('wakes who waits, and nobody who has gone', () => {
    const feed = new Feed<number>();
    let woken = 0;
    const stop = feed.onItem(() => woken++);
    feed.push(1);
    stop();
    feed.push(2);
    expect(woken).toBe(1);
  });
});

describe('own transactions', () => {
  test('are followed through the peers', () => {
    const own = new OwnTransactions();
    own.note(hash(1), hash(9), 'sent');
    own.add(hash(1));
    own.note(hash(1), hash(9), 'announced');
    own.note(hash(1), hash(9), 'askedFor');
    own.note(hash(1), hash(8), 'sent');
    own.note(hash(2), hash(8), 'sent');
    expect(own.report(hash(1))?.peers).toEqual([
      { nodeId: hash(9), sent: false, announced: true, askedFor: true, seenBack: false },
      { nodeId: hash(8), sent: true, announced: false, askedFor: false, seenBack: false },
    ]);
    expect(own.report(hash(2))).toBe(undefined);
  });

  test('are 1,024 at most, and 256 peers of each', () => {
    const own = new OwnTransactions();
    const word = (n: number) => {
      const bytes = new Uint8Array(32);
      new DataView(bytes.buffer).setUint32(0, n);
      return bytes;
    };
    for (let n = 0; n < 2_000; n++) own.add(word(n));
    expect([own.size, own.has(word(0)), own.has(word(1_999))]).toEqual([1_024, false, true]);
    for (let n = 0; n < 1_000; n++) own.note(word(1_999), word(n), 'sent');
    expect(own.report(word(1_999))?.peers).toHaveLength(256);
  });
});

describe('refused hashes', () => {
  test('are remembered for five minutes, the latest of them', () => {
    const refused = new RefusedHashes(2);
    refused.add(hash(1), 0);
    refused.add(hash(2), 1_000);
    expect([refused.has(hash(1), 299_999), refused.has(hash(1), 300_000)]).toEqual([true, false]);
    refused.add(hash(3), 2_000);
    refused.add(hash(4), 2_000);
    expect([1, 2, 3, 4].map((n) => refused.has(hash(n), 3_000))).toEqual([false, false, true, true]);
    expect(refused.size).toBe(2);
  });
});
