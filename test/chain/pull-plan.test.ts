import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartKind } from '../../src/chain/pull-peers.js';
import { PART_KINDS, type PlannedBlock, SegmentPlan } from '../../src/chain/pull-plan.js';
import { type CompleteBlock, emptyRoots } from '../../src/chain/verify.js';
import { encodeList, encodeUint } from '../../src/codec/index.js';
import { buildChain, hasher } from '../support/chain-builder.js';

const empty = emptyRoots(hasher);
const accessList = encodeList([encodeUint(1)]);
// Blocks 1, 4, 7… are empty; from block 20 on there are access lists.
const { blocks } = buildChain(30, (n) => ({ transactions: (n - 1) % 3, ...(n < 20 ? {} : { accessList }) }));
const headers = blocks.map(({ header }) => header);
const wide = { windowBlocks: 1_000, bufferedBytes: 1_000_000 };
const anyone = (): boolean => true;
const part = (block: CompleteBlock | undefined, kind: PartKind): Uint8Array | undefined =>
  kind === 'body' ? block?.body : kind === 'receipts' ? block?.receipts : block?.accessList;

describe('a plan', () => {
  test('asks only for what is not empty, in order, and each once', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    expect(plan.assign('body', 5, anyone)).toEqual([1, 2, 4, 5, 7]);
    expect(plan.assign('body', 3, anyone)).toEqual([8, 10, 11]);
    expect(plan.assign('receipts', 3, anyone)).toEqual([1, 2, 4]);
    expect(plan.assign('accessList', 100, anyone)).toEqual([19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(plan.assign('accessList', 100, anyone)).toEqual([]);
  });

  test('hands out the empty blocks at its beginning at once', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    expect(plan.gap).toBe(1);
    expect(plan.ready(100, 1e9)).toEqual([blocks[0]]);
  });

  test('asks again for what was given back, first of all', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    plan.assign('body', 5, anyone);
    plan.giveBack('body', 2);
    plan.giveBack('body', 5);
    expect(plan.assign('body', 3, anyone)).toEqual([2, 5, 8]);
  });

  test('keeps what has come when the same is given back', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    plan.assign('body', 1, anyone);
    plan.put('body', 1, blocks[1]?.body);
    plan.giveBack('body', 1);
    expect(plan.isMissing('body', 1)).toBe(false);
  });

  test('asks nobody for what he has not got', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    expect(plan.assign('body', 3, (at) => at >= 10)).toEqual([10, 11, 13]);
    expect(plan.assign('body', 2, anyone)).toEqual([1, 2]);
  });

  test('asks for nothing beyond its window', () => {
    const plan = new SegmentPlan(headers, empty, { ...wide, windowBlocks: 6 });
    expect(plan.assign('body', 100, anyone)).toEqual([1, 2, 4, 5]);
    plan.taken(1);
    expect(plan.assign('body', 100, anyone)).toEqual([]);
    for (const at of [1, 2]) for (const kind of PART_KINDS) plan.put(kind, at, part(blocks[at], kind));
    plan.taken(3);
    expect(plan.assign('body', 100, anyone)).toEqual([7, 8]);
  });

  test('when it holds too much asks only for the block that everything waits for', () => {
    const plan = new SegmentPlan(headers, empty, { ...wide, bufferedBytes: 200 });
    plan.put('body', 5, new Uint8Array(500));
    expect(plan.assign('body', 100, anyone)).toEqual([1]);
    expect(plan.assign('receipts', 100, anyone)).toEqual([1]);
    expect(plan.assign('body', 100, anyone)).toEqual([]);
  });

  test('hands out no more than was asked for', () => {
    const plan = new SegmentPlan(headers, empty, wide);
    for (const at of headers.keys())
      for (const kind of PART_KINDS) plan.put(kind, at, part(blocks[at], kind));
    expect(plan.ready(7, 1e9)).toHaveLength(7);
    expect(plan.ready(100, 1)).toHaveLength(1);
    expect(plan.ready(100, 1e9)).toEqual(blocks);
  });
});

test('whatever comes in whatever order, all blocks leave whole and in order, and the bytes held go back to none', () => {
  const step = fc.record({
    kind: fc.constantFrom(...PART_KINDS),
    max: fc.integer({ min: 1, max: 9 }),
    fails: fc.integer({ min: 0, max: 3 }),
    takes: fc.integer({ min: 0, max: 5 }),
    from: fc.integer({ min: 0, max: 29 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const plan = new SegmentPlan(headers, empty, { windowBlocks: 12, bufferedBytes: 2_000 });
      const out: PlannedBlock[] = [];
      const take = (most: number): void => {
        const ready = plan.ready(most, 1e9);
        out.push(...ready);
        plan.taken(ready.length);
      };
      const run = ({ kind, max, fails, takes, from }: (typeof steps)[number]): void => {
        const assigned = plan.assign(kind, max, (at) => at >= from);
        for (const [i, at] of assigned.entries()) {
          expect(plan.isMissing(kind, at)).toBe(false);
          expect(at).toBeLessThan(plan.stored + 12);
          if (i % 4 === fails) plan.giveBack(kind, at);
          else plan.put(kind, at, part(blocks[at], kind));
        }
        take(takes);
      };
      steps.forEach(run);
      for (let rounds = 0; !plan.done; rounds++) {
        expect(rounds).toBeLessThan(200);
        for (const kind of PART_KINDS) run({ kind, max: 9, fails: 9, takes: 9, from: 0 });
      }
      expect(out).toEqual(blocks);
      expect(plan.bufferedBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});
