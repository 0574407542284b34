import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TICK_MS, TimerWheel } from '../../src/runtime/real/timer-wheel.js';

/** As if what runs took its time: the next look at the clock sees it. */
function take(ms: number): void {
  vi.spyOn(performance, 'now').mockReturnValueOnce(performance.now() + ms);
}

describe('the wheel of long waits', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('fires each once, never early and at most a tick late, whatever is cancelled meanwhile', () => {
    const plan = fc.array(
      fc.record({
        startMs: fc.integer({ min: 0, max: 3_000 }),
        delayMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
        cancelMs: fc.option(fc.integer({ min: 0, max: 6_000 })),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(plan, (waits) => {
        const wheel = new TimerWheel();
        const fired = waits.map(() => [] as number[]);
        const due = waits.map(() => 0);
        const cancelledMs = waits.map(() => Number.POSITIVE_INFINITY);
        for (const [i, { startMs, delayMs, cancelMs }] of waits.entries()) {
          setTimeout(() => {
            due[i] = performance.now() + delayMs;
            const timer = wheel.timer(delayMs, () => fired[i]?.push(performance.now()));
            if (cancelMs === null) return;
            setTimeout(() => {
              cancelledMs[i] = performance.now();
              timer.cancel();
              timer.cancel();
            }, cancelMs);
          }, startMs);
        }
        vi.advanceTimersByTime(20_000);
        for (const [i, dueMs] of due.entries()) {
          const times = fired[i] ?? [];
          if ((cancelledMs[i] ?? 0) <= dueMs) expect(times).toEqual([]);
          else if ((cancelledMs[i] ?? 0) > dueMs + TICK_MS + 2) expect(times).toHaveLength(1);
          for (const atMs of times) {
            expect(atMs).toBeGreaterThanOrEqual(dueMs);
            expect(atMs).toBeLessThanOrEqual(dueMs + TICK_MS + 2);
          }
        }
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  it('needs one timer of the system for all', () => {
    const wheel = new TimerWheel();
    let fired = 0;
    for (let i = 0; i < 1_000; i++) wheel.timer(15_000, () => fired++);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(15_000 + TICK_MS);
    expect(fired).toBe(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fires in the order of the ticks, and within one in the order asked', () => {
    const wheel = new TimerWheel();
    const order: string[] = [];
    wheel.timer(3_000, () => order.push('c'));
    wheel.timer(2_000, () => order.push('a'));
    wheel.timer(3_000, () => order.push('d'));
    wheel.timer(2_000, () => order.push('b'));
    vi.advanceTimersByTime(4_000);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives the loop a turn between many that are due together and take their time', () => {
    const wheel = new TimerWheel();
    const firedAtTurn: number[] = [];
    let turn = 0;
    for (let i = 0; i < 9; i++)
      wheel.timer(2_000, () => {
        firedAtTurn.push(turn);
        take(3);
      });
    for (let i = 0; i < 9; i++) {
      vi.advanceTimersToNextTimer();
      turn++;
    }
    expect(firedAtTurn).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('fires the others where one throws', () => {
    const wheel = new TimerWheel();
    let fired = 0;
    wheel.timer(2_000, () => {
      throw new Error('on purpose');
    });
    wheel.timer(2_000, () => fired++);
    wheel.timer(2_500, () => fired++);
    expect(() => vi.advanceTimersByTime(2_100)).toThrow('on purpose');
    vi.advanceTimersByTime(1_000);
    expect(fired).toBe(2);
  });

  it('takes a wait that begins as another one fires', () => {
    const wheel = new TimerWheel();
    const times: number[] = [];
    const again = (): void => {
      times.push(performance.now());
      if (times.length < 4) wheel.timer(2_000, again);
    };
    wheel.timer(2_000, again);
    vi.advanceTimersByTime(20_000);
    expect(times).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });
});
