import { describe, expect, test } from 'vitest';
import type { BlockRange, Status } from '../../src/eth/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { PeerRange, RangeAnnouncer, rangeNews, statusRange } from '../../src/session/range.js';

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const range = (earliest: bigint, latest: bigint, byte = 1): BlockRange => ({
  earliest,
  latest,
  latestHash: hash(byte),
});
const status69: Status = {
  version: 69,
  networkId: 1n,
  genesisHash: hash(9),
  forkId: { hash: new Uint8Array(4), next: 0n },
  ...range(0n, 100n),
};
const status68: Status = {
  version: 68,
  networkId: 1n,
  genesisHash: hash(9),
  forkId: { hash: new Uint8Array(4), next: 0n },
  totalDifficulty: 1n,
  bestHash: hash(1),
};
const deadlines = { rangeIntervalMs: 384_000, rangeSpacingMs: 1_000 };

describe('the range of the peer', () => {
  test('begins with its Status, and does not exist on eth/68', () => {
    expect(new PeerRange(new VirtualClock(), status69).current).toEqual(range(0n, 100n));
    expect(statusRange(status68)).toBeUndefined();
  });

  test('follows updates, those of the past and of the future, too', () => {
    const peer = new PeerRange(new VirtualClock(), status69);
    for (const update of [range(90n, 95n), range(5_000n, 9_000n), range(3n, 3n)]) {
      expect(peer.update(update)).toBeUndefined();
      expect(peer.current).toEqual(update);
    }
  });

  test('P18: refuses a range that runs backwards and a zero hash, and keeps the old one', () => {
    const peer = new PeerRange(new VirtualClock(), status69);
    expect(peer.update(range(10n, 8n))).toMatch(/after latest/);
    expect(peer.update(range(1n, 8n, 0))).toMatch(/zero/);
    expect(peer.current).toEqual(range(0n, 100n));
  });

  test('P18: reads one update per second after a burst of eight', () => {
    const clock = new VirtualClock();
    const peer = new PeerRange(clock, status69);
    const taken = Array.from({ length: 12 }, () => peer.mayUpdate()).filter(Boolean);
    expect(taken).toHaveLength(8);
    expect(peer.ignored).toBe(4);
    clock.advanceNow(999);
    expect(peer.mayUpdate()).toBe(false);
    clock.advanceNow(1);
    expect(peer.mayUpdate()).toBe(true);
    expect(peer.mayUpdate()).toBe(false);
    clock.advanceNow(3_600_000);
    expect(Array.from({ length: 12 }, () => peer.mayUpdate()).filter(Boolean)).toHaveLength(8);
  });

  test('does not keep a view of the message', () => {
    const peer = new PeerRange(new VirtualClock(), status69);
    const latestHash = hash(7);
    peer.update({ earliest: 0n, latest: 1n, latestHash });
    latestHash.fill(0xdd);
    expect(peer.current?.latestHash).toEqual(hash(7));
  });
});

describe('news of our range', () => {
  test.each([
    ['nothing new', range(0n, 100n), 'none'],
    ['one block', range(0n, 101n), 'later'],
    ['31 blocks', range(0n, 131n), 'later'],
    ['32 blocks', range(0n, 132n), 'soon'],
    ['a step back', range(0n, 99n), 'soon'],
    ['another block at the same height', range(0n, 100n, 2), 'later'],
    ['a pruned beginning', range(10n, 100n), 'soon'],
  ])('%s', (_, now, news) => {
    expect(rangeNews(range(0n, 100n), now)).toBe(news);
  });
});

describe('the range announcer', () => {
  function announcer() {
    const clock = new VirtualClock();
    const said: [number, bigint][] = [];
    const one = new RangeAnnouncer(clock, deadlines, range(0n, 100n), ({ latest }) =>
      said.push([clock.now(), latest]),
    );
    return { clock, said, one };
  }

  test('says nothing where nothing changed, for however long', () => {
    const { clock, said, one } = announcer();
    one.offer(range(0n, 100n));
    clock.advanceNow(3_600_000);
    expect(said).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('says 32 new blocks at once, but no two ranges within a second', () => {
    const { clock, said, one } = announcer();
    for (let latest = 101n; latest <= 300n; latest++) {
      one.offer(range(0n, latest));
      clock.advanceNow(10);
    }
    clock.advanceNow(1_000);
    expect(said.map(([, latest]) => latest)).toEqual([200n, 300n]);
    expect(said.map(([at]) => at)).toEqual([1_000, 2_000]);
  });

  test('says a little change once per interval, the latest of it', () => {
    const { clock, said, one } = announcer();
    one.offer(range(0n, 101n));
    clock.advanceNow(200_000);
    one.offer(range(0n, 105n));
    clock.advanceNow(184_000);
    expect(said).toEqual([[384_000, 105n]]);
    clock.advanceNow(3_600_000);
    expect(said).toHaveLength(1);
  });

  test('forgets a change that was taken back', () => {
    const { clock, said, one } = announcer();
    one.offer(range(0n, 101n));
    one.offer(range(0n, 100n));
    clock.advanceNow(3_600_000);
    expect(said).toEqual([]);
  });

  test('leaves no timer when stopped', () => {
    const { clock, one } = announcer();
    one.offer(range(0n, 101n));
    expect(clock.pendingTimers).toBe(1);
    one.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
