import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Announced, readAnnouncement, TransactionFetcher } from '../../src/pool/index.js';
import { VirtualClock } from '../../src/runtime/index.js';

function hash(n: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, n);
  bytes.fill(7, 4);
  return bytes;
}

function announced(n: number, bytes = 100, type = 2): Announced {
  return { hash: hash(n), type, bytes };
}

function numbers(hashes: readonly Uint8Array[]): number[] {
  return hashes.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
}

function delivered(n: number, bytes = 100, type = 2) {
  return { hash: hash(n), type, bytes, sizeIsProven: type !== 3 };
}

class Bench {
  readonly clock = new VirtualClock();
  readonly asked: { peer: string; hashes: number[] }[] = [];
  readonly blamed: string[] = [];
  readonly unwanted = new Set<number>();
  readonly fetcher: TransactionFetcher;

  constructor(maxBytes?: number) {
    this.fetcher = new TransactionFetcher({
      clock: this.clock,
      wants: (bytes) => !this.unwanted.has(numbers([bytes])[0] as number),
      ask: (peer, hashes) => void this.asked.push({ peer, hashes: numbers(hashes) }),
      blame: (peer, says) => void this.blamed.push(`${peer} ${says}`),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
  }

  announce(peer: string, ...all: number[]): number {
    return this.fetcher.announced(
      peer,
      all.map((n) => announced(n)),
    );
  }
}

describe('the transaction fetcher', () => {
  test('waits half a second for a broadcast, then asks whoever announced it', async () => {
    const { clock, asked, fetcher } = new Bench();
    fetcher.announced('a', [announced(1)]);
    await clock.advance(499);
    expect(asked).toEqual([]);
    await clock.advance(1);
    expect(asked).toEqual([{ peer: 'a', hashes: [1] }]);
  });

  test('does not ask for what came by itself meanwhile', async () => {
    const { clock, asked, fetcher } = new Bench();
    fetcher.announced('a', [announced(1), announced(2)]);
    fetcher.settled(hash(1));
    await clock.advance(1_000);
    expect(asked).toEqual([{ peer: 'a', hashes: [2] }]);
  });

  test('asks for a blob transaction at once: it is never broadcast', async () => {
    const { asked, fetcher } = new Bench();
    fetcher.announced('a', [announced(1, 140_000, 3)]);
    expect(asked).toEqual([{ peer: 'a', hashes: [1] }]);
  });

  test('gathers what becomes due within 100 ms into one request', async () => {
    const bench = new Bench();
    bench.announce('a', 1);
    await bench.clock.advance(90);
    bench.announce('a', 2);
    await bench.clock.advance(30);
    bench.announce('a', 3);
    await bench.clock.advance(380);
    expect(bench.asked).toEqual([{ peer: 'a', hashes: [1, 2] }]);
  });

  test('asks one peer for one thing at a time, and nobody for what another was asked for', async () => {
    const bench = new Bench();
    bench.announce('a', 1, 2);
    bench.announce('b', 1, 2, 3);
    await bench.clock.advance(600);
    expect(bench.asked).toEqual([
      { peer: 'a', hashes: [1, 2] },
      { peer: 'b', hashes: [3] },
    ]);
    bench.announce('a', 4);
    await bench.clock.advance(600);
    expect(bench.asked).toHaveLength(2);
    bench.fetcher.delivered('a', [delivered(1), delivered(2)]);
    expect(bench.asked[2]).toEqual({ peer: 'a', hashes: [4] });
  });

  test('asks for at most 256 hashes, and 128 KiB as announced', async () => {
    const bench = new Bench();
    bench.announce('a', ...Array.from({ length: 300 }, (_, i) => i));
    bench.fetcher.announced(
      'b',
      Array.from({ length: 10 }, (_, i) => announced(1_000 + i, 50_000)),
    );
    await bench.clock.advance(600);
    expect(bench.asked.map(({ peer, hashes }) => [peer, hashes.length])).toEqual([
      ['a', 256],
      ['b', 3], // the third one fills it
    ]);
  });

  test('asks the next announcer where one does not answer, and lets that one rest for a while', async () => {
    const bench = new Bench();
    bench.announce('a', 1, 2);
    bench.announce('b', 1);
    await bench.clock.advance(600);
    expect(bench.asked).toEqual([{ peer: 'a', hashes: [1, 2] }]);
    bench.fetcher.failed('a');
    expect(bench.asked[1]).toEqual({ peer: 'b', hashes: [1] });
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 1, failed: 1 }); // 2 is nobody's any more
    bench.announce('a', 3);
    await bench.clock.advance(9_000);
    expect(bench.asked).toHaveLength(2);
    await bench.clock.advance(1_000);
    expect(bench.asked[2]).toEqual({ peer: 'a', hashes: [3] });
  });

  test('asks others for what an answer passes over, and the same peer for what it did not get to', async () => {
    const bench = new Bench();
    bench.announce('a', 1, 2, 3, 4);
    bench.announce('b', 1);
    await bench.clock.advance(600);
    bench.fetcher.delivered('a', [delivered(2), delivered(3)]);
    expect(bench.asked.slice(1)).toEqual([
      { peer: 'b', hashes: [1] },
      { peer: 'a', hashes: [4] },
    ]);
  });

  test('asks the next announcer where a delivered transaction turns out to be false', async () => {
    const bench = new Bench();
    bench.fetcher.announced('a', [announced(1, 500, 3)]);
    bench.fetcher.announced('b', [announced(1, 140_000, 3)]);
    expect(bench.fetcher.delivered('a', [delivered(1, 500, 3)])).toBe(true);
    expect(bench.blamed).toEqual([]); // what is outside the hash says nothing about others
    expect(bench.asked).toHaveLength(1);
    bench.fetcher.lied('a', hash(1), 'sent no sidecar');
    expect(bench.blamed).toEqual(['a sent no sidecar']);
    expect(bench.asked[1]).toEqual({ peer: 'b', hashes: [1] });
    bench.fetcher.lied('b', hash(1), 'sent no sidecar');
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0, asking: 0 });
  });

  test('asks the next announcer, and blames nobody, where one does not have all of it', () => {
    const bench = new Bench();
    bench.fetcher.announced('a', [announced(1, 500, 3)]);
    bench.fetcher.announced('b', [announced(1, 500, 3)]);
    bench.fetcher.delivered('a', [delivered(1, 500, 3)]);
    bench.fetcher.missed('a', hash(1));
    expect(bench.asked[1]).toEqual({ peer: 'b', hashes: [1] });
    bench.fetcher.delivered('b', [delivered(1, 500, 3)]);
    bench.fetcher.missed('b', hash(1));
    expect(bench.blamed).toEqual([]);
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0, asking: 0 });
  });

  test('P12: every announcer is measured by what was delivered, a type and more than 8 bytes being lies', async () => {
    const bench = new Bench();
    bench.fetcher.announced('a', [announced(1, 100)]);
    bench.fetcher.announced('b', [announced(1, 108)]);
    bench.fetcher.announced('c', [announced(1, 109)]);
    bench.fetcher.announced('d', [announced(1, 100, 1)]);
    await bench.clock.advance(600);
    bench.fetcher.delivered('a', [delivered(1, 100)]);
    expect(bench.blamed).toEqual([
      'c announced a transaction with 109 bytes that has 100',
      'd announced a transaction as type 1 that is of type 2',
    ]);
    bench.fetcher.settled(hash(1));
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0 });
  });

  test('P12: announced sizes of 0 and of 2^32 - 1 neither overfill nor starve a request', async () => {
    const bench = new Bench();
    const sizes = [0xffff_ffff, 0xffff_ffff, 0, 0];
    const reading = readAnnouncement({
      name: 'NewPooledTransactionHashes',
      types: new Uint8Array(4).fill(2),
      sizes,
      hashes: sizes.map((_, i) => hash(i)),
    });
    if ('breach' in reading) throw new Error(reading.breach);
    expect(reading.announced.map(({ bytes }) => bytes)).toEqual([16_777_216, 16_777_216, 0, 0]);
    bench.fetcher.announced('a', reading.announced);
    await bench.clock.advance(600);
    expect(bench.asked).toEqual([{ peer: 'a', hashes: [0] }]);
    bench.fetcher.delivered('a', []);
    expect(bench.asked[1]).toEqual({ peer: 'a', hashes: [1] });
    bench.fetcher.delivered('a', []);
    expect(bench.asked[2]).toEqual({ peer: 'a', hashes: [2, 3] });
  });

  test('P14: an answer with what was not asked for, or with the same twice, ends it for the peer', async () => {
    for (const answer of [
      [delivered(1), delivered(9)],
      [delivered(1), delivered(1)],
    ]) {
      const bench = new Bench();
      bench.announce('a', 1);
      bench.announce('b', 1);
      await bench.clock.advance(600);
      expect(bench.fetcher.delivered('a', answer)).toBe(false);
      expect(bench.blamed).toHaveLength(1);
      expect(bench.asked[1]).toEqual({ peer: 'b', hashes: [1] });
      expect(bench.fetcher.announcedBy('a')).toBe(0);
    }
  });

  test('remembers 4,096 announcements of a peer, and a bounded number of bytes of all', async () => {
    const bench = new Bench(2 * 1024 * 1024);
    const many = Array.from({ length: 5_000 }, (_, i) => i);
    expect(bench.announce('a', ...many)).toBe(4_096);
    expect(bench.fetcher.gauges().ignored).toBe(904);
    expect(bench.announce('b', ...many.map((n) => n + 10_000))).toBeLessThan(1_100);
    expect(bench.fetcher.gauges().bytes).toBeLessThanOrEqual(2 * 1024 * 1024);
  });

  test('forgets what a peer has said when it leaves, and asks others for what it was asked for', async () => {
    const bench = new Bench();
    bench.announce('a', 1, 2);
    bench.announce('b', 2);
    await bench.clock.advance(600);
    bench.fetcher.left('a');
    expect(bench.asked[1]).toEqual({ peer: 'b', hashes: [2] });
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 1 });
    bench.fetcher.left('b');
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0, asking: 0 });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('does not remember what is not wanted', () => {
    const bench = new Bench();
    bench.unwanted.add(1);
    expect(bench.announce('a', 1)).toBe(0);
    expect(bench.fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0 });
  });

  test('leaves no timer when it is closed', async () => {
    const bench = new Bench();
    bench.announce('a', 1);
    await bench.clock.advance(600);
    bench.fetcher.failed('a');
    bench.announce('b', 2);
    bench.fetcher.close();
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.announce('c', 3)).toBe(0);
  });

  test('whatever happens: nothing is asked of two at once, nothing is counted wrongly, nothing is left behind', async () => {
    const peers = ['a', 'b', 'c'] as const;
    const peer = fc.constantFrom(...peers);
    const number = fc.integer({ min: 0, max: 11 });
    const step = fc.oneof(
      fc.record({ do: fc.constant('announce' as const), peer, all: fc.array(number, { maxLength: 6 }) }),
      fc.record({ do: fc.constant('deliver' as const), peer, share: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant('fail' as const), peer }),
      fc.record({ do: fc.constant('leave' as const), peer }),
      fc.record({ do: fc.constant('settle' as const), n: number }),
      fc.record({ do: fc.constant('lie' as const), peer, n: number }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 12_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new VirtualClock();
        const open = new Map<string, number[]>();
        const checking = new Set<number>();
        const fetcher = new TransactionFetcher({
          clock,
          wants: () => true,
          ask: (name, hashes) => {
            expect(open.has(name)).toBe(false);
            const asked = numbers(hashes);
            for (const other of open.values()) for (const n of asked) expect(other).not.toContain(n);
            for (const n of asked) expect(checking.has(n)).toBe(false);
            open.set(name, asked);
          },
          blame: (name) => void open.delete(name),
        });
        for (const one of steps) {
          if (one.do === 'announce') {
            fetcher.announced(
              one.peer,
              one.all.map((n) => announced(n)),
            );
          } else if (one.do === 'deliver') {
            const asked = open.get(one.peer);
            if (asked === undefined) continue;
            open.delete(one.peer);
            const given = asked.filter((_, i) => i % (one.share + 1) === 0);
            for (const n of given) checking.add(n);
            fetcher.delivered(
              one.peer,
              given.map((n) => delivered(n)),
            );
          } else if (one.do === 'fail') {
            if (open.delete(one.peer)) fetcher.failed(one.peer);
          } else if (one.do === 'leave') {
            open.delete(one.peer);
            fetcher.left(one.peer);
          } else if (one.do === 'settle') {
            checking.delete(one.n);
            fetcher.settled(hash(one.n));
          } else if (one.do === 'lie') {
            if (!checking.delete(one.n)) continue;
            open.delete(one.peer);
            fetcher.lied(one.peer, hash(one.n), 'no');
          } else await clock.advance(one.ms);
          expect(fetcher.gauges().bytes).toBeGreaterThanOrEqual(0);
        }
        for (const n of checking) fetcher.settled(hash(n));
        for (const name of peers) {
          open.delete(name);
          fetcher.left(name);
        }
        expect(fetcher.gauges()).toMatchObject({ wanted: 0, bytes: 0, asking: 0 });
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('announcements', () => {
  const message = (count: number) => ({
    name: 'NewPooledTransactionHashes' as const,
    types: new Uint8Array(count).fill(2),
    sizes: new Array<number>(count).fill(100),
    hashes: Array.from({ length: count }, (_, i) => hash(i)),
  });

  test('P11: of one announcement 4,096 hashes are looked at, and more than 8,192 are a breach', () => {
    const all = readAnnouncement(message(8_192));
    expect('announced' in all && [all.announced.length, all.ignored]).toEqual([4_096, 4_096]);
    expect(readAnnouncement(message(8_193))).toEqual({ breach: 'announced 8193 transactions at once' });
  });

  test('the same hash twice counts once', () => {
    const { types, sizes, hashes, name } = message(2);
    const twice = readAnnouncement({ name, types, sizes, hashes: [hashes[0] as Uint8Array, hash(0)] });
    expect('announced' in twice && twice.announced).toHaveLength(1);
  });
});
