import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { SessionNotActive } from '../../src/session/errors.js';
import { KeepAlive } from '../../src/session/keep-alive.js';

function keepAlive(yields = false, deadlines = { pingAfterMs: 15_000, idleMs: 30_000 }) {
  const clock = new VirtualClock();
  const pings: number[] = [];
  const idles: number[] = [];
  let answered = true;
  const one = new KeepAlive({
    clock,
    deadlines,
    yields,
    ping: () => {
      if (!answered) return false;
      answered = false;
      pings.push(clock.now());
      return true;
    },
    idle: () => idles.push(clock.now()),
  });
  const pong = (): void => {
    answered = true;
    one.heard();
    one.pong();
  };
  return { clock, pings, idles, one, pong };
}

describe('keeping a session alive', () => {
  test('pings after 15 s of silence and gives up after 30', () => {
    const { clock, pings, idles } = keepAlive();
    clock.advanceNow(60_000);
    expect(pings).toEqual([15_000]);
    expect(idles).toEqual([30_000]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the end that was dialed leaves the ping to the other, if that one pings', () => {
    const { clock, pings, one } = keepAlive(true);
    for (let i = 0; i < 10; i++) {
      clock.advanceNow(15_000);
      one.heard(); // the other's ping
    }
    expect(pings).toEqual([]);
    clock.advanceNow(20_000);
    expect(pings).toEqual([165_750]);
    one.end(new SessionNotActive('s1', undefined));
  });

  test('it pings before it gives up, however close the two are', () => {
    const { clock, pings, idles } = keepAlive(true, { pingAfterMs: 100, idleMs: 102 });
    clock.advanceNow(1_000);
    expect(pings).toEqual([101]);
    expect(idles).toEqual([102]);
  });

  test('a pong that answers nothing measures nothing', () => {
    const { clock, one, pong } = keepAlive();
    clock.advanceNow(5_000);
    pong();
    expect(one.rttMs).toBeUndefined();
    one.end(new SessionNotActive('s1', undefined));
  });

  test('does not spin where the clock has fractions', () => {
    const { clock, pings, one } = keepAlive();
    clock.advanceNow(0.1 + 0.2);
    one.heard();
    for (let i = 0; i < 100; i++) {
      clock.advanceNow(1_000.1);
      if (i % 3 === 0) one.heard();
    }
    clock.advanceNow(14_999.999_999_999);
    clock.advanceNow(1);
    expect(pings.length).toBeGreaterThan(0);
  });

  test('is content with any frame', () => {
    const { clock, pings, idles, one } = keepAlive();
    for (let i = 0; i < 20; i++) {
      clock.advanceNow(10_000);
      one.heard();
    }
    expect(pings).toEqual([]);
    expect(idles).toEqual([]);
  });

  test('pings every 15 s where only pongs come, for half an hour', () => {
    const { clock, pings, idles, pong } = keepAlive();
    for (let ms = 0; ms < 30 * 60_000; ms += 100) {
      const before = pings.length;
      clock.advanceNow(100);
      if (pings.length > before) pong();
    }
    expect(pings.length).toBeGreaterThanOrEqual(118);
    expect(pings.length).toBeLessThanOrEqual(120);
    expect(idles).toEqual([]);
  });

  test('measures the round trip, and one pong serves all who wait for one', async () => {
    const { clock, pings, one, pong } = keepAlive();
    const first = one.measure();
    clock.advanceNow(40);
    const second = one.measure();
    clock.advanceNow(60);
    pong();
    expect(await first).toBe(100);
    expect(await second).toBe(100);
    expect(pings).toHaveLength(1);
    expect(one.rttMs).toBe(100);
  });

  test('a measurement ends by its signal, by the idle limit, and with the session', async () => {
    const { clock, one } = keepAlive();
    const aborts = new AbortController();
    const aborted = one.measure(aborts.signal);
    aborts.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_SESSION_ABORTED' });
    await expect(one.measure(aborts.signal)).rejects.toMatchObject({ code: 'ERR_SESSION_ABORTED' });
    const slow = one.measure();
    clock.advanceNow(29_999);
    const late = one.measure();
    clock.advanceNow(1);
    await expect(slow).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });
    one.end(new SessionNotActive('s1'));
    await expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('does not blame the peer for silence while we do not read, and pings on', () => {
    const { clock, pings, idles, one } = keepAlive();
    one.suspend();
    clock.advanceNow(120_000);
    expect(idles).toEqual([]);
    expect(pings.length).toBeGreaterThanOrEqual(1);
    one.resume();
    clock.advanceNow(29_999);
    expect(idles).toEqual([]);
    clock.advanceNow(15_001);
    expect(idles).toHaveLength(1);
  });
});
