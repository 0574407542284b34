import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clampedCount,
  MAX_THROTTLINGS,
  QuotaMeter,
  type QuotaVerdict,
  type SessionQuotas,
  THROTTLING_PARDONED_MS,
} from '../../src/session/quota.js';

const quotas: SessionQuotas = {
  bytesPerSecond: 1_000,
  requestsPerSecond: 10,
  burstMs: 2_000,
  inflightRequests: 4,
  queuedBytes: 100,
  maxAgeMs: 60_000,
};
const T0 = 5_000;
const meter = (changes: Partial<SessionQuotas> = {}): QuotaMeter =>
  new QuotaMeter({ ...quotas, ...changes }, T0);

describe('quotas', () => {
  test('001.5: a burst goes, what is beyond it is answered less and less, then reading stops', () => {
    const used = meter();
    expect(used.charge(T0, { requests: 20 })).toEqual({ step: 'go' });
    expect(used.charge(T0, { requests: 5 })).toEqual({
      step: 'less',
      quota: 'requestsPerSecond',
      share: 0.75,
    });
    expect(used.charge(T0, { requests: 10 })).toMatchObject({ step: 'less', share: 0.25 });
    expect(used.charge(T0, { requests: 5 })).toEqual({
      step: 'throttle',
      quota: 'requestsPerSecond',
      forMs: 2_000,
    });
    expect(used.charge(T0 + 2_000, {})).toEqual({ step: 'go' });
  });

  test('001.5: bytes are a quota of their own, and the worse of two verdicts counts', () => {
    const used = meter();
    expect(used.charge(T0, { bytes: 2_500 })).toMatchObject({ quota: 'bytesPerSecond', share: 0.75 });
    expect(used.charge(T0, { requests: 30 })).toMatchObject({ quota: 'requestsPerSecond', share: 0.5 });
    expect(used.charge(T0, { bytes: 1_500 })).toMatchObject({ step: 'throttle', quota: 'bytesPerSecond' });
  });

  test('001.5: a session that is throttled again and again is closed', () => {
    const used = meter();
    let nowMs = T0;
    const steps: string[] = [];
    for (let i = 0; i <= MAX_THROTTLINGS; i++) {
      const verdict = used.charge(nowMs, { requests: 1_000 });
      steps.push(verdict.step);
      if (verdict.step === 'throttle') nowMs += verdict.forMs;
    }
    expect(steps).toEqual([...new Array<string>(MAX_THROTTLINGS).fill('throttle'), 'close']);
    expect(used.charge(nowMs, {})).toMatchObject({
      step: 'close',
      says: expect.stringContaining('requestsPerSecond'),
    });
  });

  test('what was on its way when reading stopped counts as the same throttling; one is pardoned per minute', () => {
    const used = meter();
    for (let i = 0; i < 100; i++) expect(used.charge(T0 + i, { requests: 40 }).step).not.toBe('close');
    expect(used.throttlings(T0 + 100)).toBe(1);
    expect(used.throttlings(T0 + THROTTLING_PARDONED_MS)).toBe(0);
  });

  test('a peer that uses exactly what it may is never told anything', () => {
    const used = meter();
    for (let ms = 0; ms < 600_000; ms += 100) {
      expect(used.charge(T0 + ms, { requests: 1, bytes: 100 })).toEqual({ step: 'go' });
    }
  });

  test('001.5: requests in hand and answers that wait are bounded, age runs out', () => {
    const used = meter();
    expect(used.level(4, 100)).toEqual({ step: 'go' });
    expect(used.level(5, 0)).toEqual({ step: 'less', quota: 'inflightRequests', share: 0 });
    expect(used.level(0, 101)).toEqual({ step: 'less', quota: 'queuedBytes', share: 0 });
    expect(used.ageLeftMs(T0 + 59_999)).toBe(1);
    expect(used.ageLeftMs(T0 + 60_001)).toBe(0);
    expect(meter({ maxAgeMs: Number.POSITIVE_INFINITY }).ageLeftMs(T0)).toBe(Number.POSITIVE_INFINITY);
  });

  test('without limits nothing is ever said', () => {
    const none = Number.POSITIVE_INFINITY;
    const used = meter({
      bytesPerSecond: none,
      requestsPerSecond: none,
      inflightRequests: none,
      queuedBytes: none,
    });
    for (let i = 0; i < 100; i++) expect(used.charge(T0, { requests: 1e9, bytes: 1e15 }).step).toBe('go');
    expect(used.level(1e9, 1e15).step).toBe('go');
  });

  test('a clock that steps back gives nothing', () => {
    const used = meter();
    used.charge(T0 + 1_000, { requests: 30 });
    const owed = used.charge(T0 + 1_000, {});
    expect(used.charge(T0, {})).toEqual(owed);
    expect(used.charge(T0 + 1_000, {})).toEqual(owed);
  });

  test('over any time, what is let go in full is at most the burst and the average', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(500), requests: fc.nat(30), bytes: fc.nat(3_000) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (calls) => {
        const used = meter();
        let nowMs = T0;
        let requests = 0;
        let bytes = 0;
        for (const call of calls) {
          nowMs += call.waitMs;
          const verdict: QuotaVerdict = used.charge(nowMs, call);
          if (verdict.step === 'go') {
            requests += call.requests;
            bytes += call.bytes;
          }
          if (verdict.step === 'less') expect(verdict.share).toBeGreaterThanOrEqual(0);
          if (verdict.step === 'less') expect(verdict.share).toBeLessThan(1);
          const seconds = (nowMs - T0) / 1_000;
          expect(requests).toBeLessThanOrEqual(10 * (seconds + 2) + 1e-6);
          expect(bytes).toBeLessThanOrEqual(1_000 * (seconds + 2) + 1e-6);
        }
      }),
    );
  });
});

describe('P6: a count that a peer names', () => {
  test('P6: is clamped before it costs anything, whatever its size', () => {
    for (const count of [2 ** 53, 2 ** 64, Number.POSITIVE_INFINITY, Number.NaN, 2n ** 53n, 2n ** 64n - 1n]) {
      expect(clampedCount(count, 1_024)).toBe(1_024);
    }
    for (const count of [0, -1, Number.NEGATIVE_INFINITY, 0n, -(2n ** 64n)]) {
      expect(clampedCount(count, 1_024)).toBe(1);
    }
    expect(clampedCount(7.9, 1_024)).toBe(7);
    expect(clampedCount(1_023n, 1_024)).toBe(1_023);
  });

  test('P6: a larger count never costs less', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 2n ** 70n }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(clampedCount(high, 1_024)).toBeGreaterThanOrEqual(clampedCount(low, 1_024));
        expect(clampedCount(Number(high), 1_024)).toBe(clampedCount(high, 1_024));
      }),
    );
  });

  test('P6: no cost, however large or strange, can fill a bucket', () => {
    const used = meter();
    used.charge(T0, { requests: 25 });
    expect(used.charge(T0, { requests: -1e9, bytes: -1e9 })).toMatchObject({ share: 0.75 });
    expect(used.charge(T0, { requests: Number.MAX_VALUE })).toMatchObject({ step: 'throttle' });
    expect(used.charge(T0, { requests: 1 })).toMatchObject({ step: 'throttle', forMs: 4_000 });
  });
});
