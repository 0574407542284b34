import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.js';
import { EventQueue } from '../../src/runtime/simulated/event-queue.js';
import { rejection } from '../support/runtime-worlds.js';

describe('the virtual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new VirtualClock({ wallMs: 1_000_000 });
    expect([clock.now(), clock.wallMs()]).toEqual([0, 1_000_000]);
    await clock.advance(1_500);
    expect([clock.now(), clock.wallMs()]).toEqual([1_500, 1_001_500]);
    await clock.run(1_000);
    expect(clock.now()).toBe(1_500);
  });

  it('moves on for whoever waits for what is left until a moment, however it rounds', () => {
    const moment = fc.tuple(
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e5, noNaN: true }),
    );
    fc.assert(
      fc.property(moment, ([beganMs, restMs]) => {
        const clock = new VirtualClock();
        clock.advanceNow(beganMs);
        const endsAtMs = clock.now() + restMs;
        let waits = 0;
        const wait = (): void => {
          if (clock.now() >= endsAtMs || ++waits > 3) return;
          clock.timer(endsAtMs - clock.now(), wait);
        };
        wait();
        clock.advanceNow(restMs + 1);
        expect(waits).toBeLessThanOrEqual(2);
        expect(clock.now()).toBeGreaterThanOrEqual(endsAtMs);
      }),
    );
  });

  it('fires by due time, then in the order asked, each at its own time', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
    clock.timer(10, note('c'));
    clock.timer(5, note('a'));
    clock.timer(10, note('d'));
    clock.timer(5, note('b'));
    clock.soon(note('now'));
    clock.timer(0, note('zero'));
    clock.timer(-3, note('late'));
    clock.timer(11, note('e'));
    clock.advanceNow(10);
    expect(seen).toEqual(['now@0', 'zero@0', 'late@0', 'a@5', 'b@5', 'c@10', 'd@10']);
    expect(clock.pendingTimers).toBe(1);
  });

  it('runs what is asked soon after what is due now', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.timer(1, () => {
      seen.push('first');
      clock.soon(() => seen.push('soon'));
    });
    clock.timer(1, () => seen.push('second'));
    clock.advanceNow(1);
    expect(seen).toEqual(['first', 'second', 'soon']);
  });

  it('lets promises go on between two events', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.timer(ms, resolve));
    const walk = async (name: string, step: number): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sleep(step);
        await Promise.resolve().then(() => undefined);
        seen.push(`${name}@${clock.now()}`);
      }
    };
    const walks = Promise.all([walk('a', 10), walk('b', 15)]);
    await clock.advance(100);
    await walks;
    expect(seen).toEqual(['a@10', 'b@15', 'a@20', 'b@30', 'a@30', 'b@45']);
  });

  it('counts the timers that wait, so that a leak shows', () => {
    const clock = new VirtualClock();
    const timers = [1, 2, 3].map((ms) => clock.timer(ms, () => undefined));
    clock.soon(() => undefined);
    clock.happening(1, () => undefined);
    expect([clock.pendingTimers, clock.pendingEvents]).toEqual([3, 5]);
    timers[0]?.cancel();
    timers[0]?.cancel();
    expect(clock.pendingTimers).toBe(2);
    clock.advanceNow(2);
    expect([clock.pendingTimers, clock.pendingEvents]).toEqual([1, 1]);
    timers[1]?.cancel();
    expect(clock.pendingTimers).toBe(1);
    timers[2]?.cancel();
    expect([clock.pendingTimers, clock.pendingEvents]).toEqual([0, 0]);
  });

  it('cancels from inside another event of the same moment', () => {
    const clock = new VirtualClock();
    let fired = false;
    clock.timer(1, () => later.cancel());
    const later = clock.timer(1, () => {
      fired = true;
    });
    clock.advanceNow(5);
    expect(fired).toBe(false);
  });

  it('runs until idle, and says so where that never comes', async () => {
    const clock = new VirtualClock();
    let left = 5;
    const again = (): void => {
      if (--left > 0) clock.timer(1_000, again);
    };
    clock.timer(1_000, again);
    await clock.runUntilIdle();
    expect(clock.now()).toBe(5_000);
    const forever = (): void => {
      clock.timer(1, forever);
    };
    forever();
    expect(await rejection(clock.runUntilIdle(100))).toMatchObject({
      message: expect.stringContaining('not idle'),
    });
  });

  it('stops at the moment a promise settles', async () => {
    const clock = new VirtualClock();
    clock.timer(50, () => undefined);
    const value = await clock.settle(new Promise((resolve) => clock.timer(20, () => resolve('done'))));
    expect([value, clock.now()]).toEqual(['done', 20]);
    expect(await rejection(clock.settle(Promise.reject(new Error('no'))))).toMatchObject({ message: 'no' });
    const never = new Promise(() => undefined);
    expect(await rejection(clock.settle(never, 10))).toMatchObject({
      message: expect.stringContaining('10 ms'),
    });
    expect(await rejection(clock.settle(never))).toMatchObject({
      message: expect.stringContaining('nothing is left to happen'),
    });
  });

  it('passes on what an event throws and can go on after it', async () => {
    const clock = new VirtualClock();
    clock.timer(1, () => {
      throw new Error('broken');
    });
    let fired = false;
    clock.timer(2, () => {
      fired = true;
    });
    expect(await rejection(clock.advance(5))).toMatchObject({ message: 'broken' });
    expect(clock.now()).toBe(1);
    await clock.advance(4);
    expect(fired).toBe(true);
  });

  it('refuses to be advanced from within itself', () => {
    const clock = new VirtualClock();
    let message = '';
    clock.timer(1, () => {
      try {
        clock.advanceNow(1);
      } catch (error) {
        message = String(error);
      }
    });
    clock.advanceNow(1);
    expect(message).toContain('already');
    expect(() => clock.timer(Number.NaN, () => undefined)).toThrow(RangeError);
  });

  it('lets go of events that were cancelled, wherever they stand in the queue', () => {
    const queue = new EventQueue();
    const events = Array.from({ length: 100 }, (_, order) => ({
      dueAtMs: 100 - order,
      order,
      run: () => undefined,
      kind: 'timer' as const,
      cancelled: false,
    }));
    for (const event of events) queue.push(event);
    for (const event of events) event.cancelled = event.order % 10 !== 0;
    queue.sweep();
    expect(queue.size).toBe(10);
    expect(queue.pop()?.order).toBe(90);
  });

  it('agrees with sorting, whatever is set and cancelled', () => {
    const timer = fc.record({ delay: fc.integer({ min: 0, max: 20 }), cancel: fc.boolean() });
    fc.assert(
      fc.property(fc.array(timer, { maxLength: 60 }), fc.integer({ min: 0, max: 25 }), (timers, until) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const handles = timers.map(({ delay }, i) => clock.timer(delay, () => fired.push(i)));
        timers.forEach(({ cancel }, i) => {
          if (cancel) handles[i]?.cancel();
        });
        clock.advanceNow(until);
        const expected = timers
          .map(({ delay, cancel }, i) => ({ delay, cancel, i }))
          .filter(({ delay, cancel }) => !cancel && delay <= until)
          .sort((a, b) => a.delay - b.delay || a.i - b.i)
          .map(({ i }) => i);
        expect(fired).toEqual(expected);
      }),
    );
  });
});
