import { describe, expect, it, vi } from 'vitest';
import { realClock } from '../../src/runtime/index.js';

const LONGEST_SYSTEM_TIMER_MS = 2 ** 31 - 1;

describe('the real clock', () => {
  it('never fires before its time', async () => {
    for (let delayMs = 0; delayMs < 12; delayMs += 0.7) {
      const before = realClock.now();
      await new Promise<void>((resolve) => realClock.timer(delayMs, resolve));
      expect(realClock.now() - before).toBeGreaterThanOrEqual(delayMs);
    }
  });

  it('waits on where the system fires early by its own clock', async () => {
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const now = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      let fired = 0;
      realClock.timer(2, () => fired++);
      await sleep(15);
      expect(fired).toBe(0);
      now.mockReturnValue(1_002);
      await sleep(15);
      expect(fired).toBe(1);
    } finally {
      now.mockRestore();
    }
  });

  it('does not fire once cancelled, however often', async () => {
    let fired = 0;
    for (const delayMs of [0, -1, 1, 5]) {
      const timer = realClock.timer(delayMs, () => fired++);
      timer.cancel();
      timer.cancel();
    }
    await new Promise<void>((resolve) => realClock.timer(15, resolve));
    expect(fired).toBe(0);
  });

  it('takes delays beyond what the system takes, without firing at once', async () => {
    let fired = 0;
    const timers = [LONGEST_SYSTEM_TIMER_MS + 10, Number.MAX_SAFE_INTEGER, Infinity].map((delayMs) =>
      realClock.timer(delayMs, () => fired++),
    );
    await new Promise<void>((resolve) => realClock.timer(20, resolve));
    expect(fired).toBe(0);
    for (const timer of timers) timer.cancel();
    expect(() => realClock.timer(Number.NaN, () => undefined)).toThrow(RangeError);
  });

  it('runs what is asked soon in the order asked, after this turn', async () => {
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      realClock.soon(() => order.push(1));
      realClock.soon(() => order.push(2));
      realClock.soon(resolve);
      queueMicrotask(() => order.push(0));
    });
    expect(order).toEqual([0, 1, 2]);
  });

  it('tells the time of day', () => {
    expect(Math.abs(realClock.wallMs() - Date.now())).toBeLessThan(1_000);
  });

  it('keeps no process alive with a timer', () => {
    const keepers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length;
    const before = keepers();
    const timers = [0, 1, 60_000].map((delayMs) => realClock.timer(delayMs, () => undefined));
    const during = keepers();
    const counted = setTimeout(() => undefined, 60_000);
    const withOrdinary = keepers();
    clearTimeout(counted);
    for (const timer of timers) timer.cancel();
    expect(during).toBe(before);
    expect(withOrdinary).toBe(before + 1);
  });

  it('calls once for what can be done ahead, when the loop has been waiting', async () => {
    let calls = 0;
    await new Promise<void>((resolve) => {
      realClock.whenIdle?.(() => {
        calls++;
        resolve();
      });
      // a real loop that waits is all that it takes; the watch itself does not keep the process alive
      setTimeout(() => undefined, 2_000).unref();
    });
    expect(calls).toBe(1);
  });
});
