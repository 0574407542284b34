import { describe, expect, test } from 'vitest';
import { concatBytes, encodeBytes, encodeList, encodeUint, sameBytes } from '../../src/codec/index.js';
import { decodeReceipts, receipts68To69, receipts68To69Steps } from '../../src/eth/index.js';

const bloom = encodeBytes(new Uint8Array(256));
const log = encodeList([encodeBytes(new Uint8Array(20)), encodeList([]), encodeBytes(new Uint8Array(0))]);

const receipt = (logs: Uint8Array): Uint8Array =>
  encodeList([Uint8Array.of(1), encodeUint(21_000), bloom, encodeList([logs])]);

/** As much as one answer of eth/68 can hold, less what stands around it. */
const MOST_BYTES = 2 ** 24 - 1_024;
const times = (item: Uint8Array, count: number): Uint8Array => {
  const all = new Uint8Array(item.length * count);
  for (let at = 0; at < all.length; at += item.length) all.set(item, at);
  return all;
};

describe('S5: receipts of eth/68 are read in slices', () => {
  const logs = Math.floor(MOST_BYTES / log.length);
  const receipts = Math.floor(MOST_BYTES / receipt(new Uint8Array(0)).length);
  const hostile: readonly [string, () => Uint8Array, number][] = [
    ['one receipt of 698,000 logs', () => encodeList([receipt(times(log, logs))]), 10],
    ['62,000 receipts without logs', () => encodeList([times(receipt(new Uint8Array(0)), receipts)]), 0],
    ['60 receipts of 11,000 logs', () => encodeList([times(receipt(times(log, 11_000)), 60)]), 9],
  ];
  test.each(hostile)('%s', (_title, make, least) => {
    const raw = make();
    const whole = receipts68To69(raw); // also once, so that the code is compiled
    const steps = receipts68To69Steps(raw);
    const slicesMs: number[] = [];
    for (let step = steps.next(), began = 0; ; ) {
      if (step.done === true) {
        expect(sameBytes(step.value, whole)).toBe(true);
        break;
      }
      began = performance.now();
      step = steps.next();
      slicesMs.push(performance.now() - began);
    }
    expect(slicesMs.length).toBeGreaterThanOrEqual(least);
    // the middle one: single ones may have met the garbage collector, or another process
    expect(slicesMs.sort((a, b) => a - b)[slicesMs.length >> 1] ?? 0).toBeLessThan(50);
  });

  test('a log that is none is found in whichever slice it stands', () => {
    const bad = encodeList([encodeBytes(new Uint8Array(19)), encodeList([]), encodeBytes(new Uint8Array(0))]);
    for (const before of [0, 65_535, 70_000, 140_000]) {
      const raw = encodeList([receipt(concatBytes([times(log, before), bad]))]);
      expect(() => receipts68To69(raw)).toThrow(
        expect.objectContaining({ code: 'ERR_ETH_DECODE', reason: 2 }),
      );
    }
    expect(decodeReceipts(receipts68To69(encodeList([receipt(times(log, 70_000))])))).toHaveLength(1);
  });
});
