import { describe, expect, test } from 'vitest';
import {
  type Intake,
  type IntakeOptions,
  type Offer,
  PoolError,
  TransactionIntake,
} from '../../src/pool/index.js';
import { VirtualClock } from '../../src/runtime/index.js';
import { madeTransaction } from '../support/pool-transactions.js';

function offer(n: number, from: string | undefined = 'a', more: Partial<Offer> = {}): Offer {
  return {
    hash: new Uint8Array(32).fill(n),
    item: new Uint8Array(100).fill(n, 0, 1),
    from,
    asked: true,
    elided: false,
    ...more,
  };
}

class Bench {
  readonly clock = new VirtualClock();
  readonly done: [number, string][] = [];
  readonly says: string[] = [];
  readonly intake: TransactionIntake;

  constructor(options: Partial<IntakeOptions> = {}) {
    this.intake = new TransactionIntake({
      clock: this.clock,
      read: ({ item }) => madeTransaction({ nonce: item[0] ?? 0, type: item[1] === 3 ? 3 : 2 }),
      check: () => undefined,
      complete: async (transaction) => [transaction],
      prove: async () => true,
      add: () => undefined,
      done: ({ item }, intake: Intake) => {
        this.done.push([item[0] ?? 0, intake.outcome]);
        if (intake.outcome !== 'accepted') this.says.push(intake.says);
      },
      ...options,
    });
  }
}

describe('the intake', () => {
  test('reads, checks and adds in turns of the loop, the sessions one after the other', async () => {
    const { intake, done, clock } = new Bench();
    for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9]) intake.offer(offer(n, 'a'));
    intake.offer(offer(20, 'b'));
    intake.offer(offer(21, 'b'));
    expect(done).toEqual([]);
    await clock.advance(0);
    await clock.advance(1);
    expect(done.map(([n]) => n)).toEqual([1, 20, 2, 21, 3, 4, 5, 6, 7, 8, 9]);
    expect(intake.bytes).toBe(0);
  });

  test('lets go of what it has no room for: of one session, and of all', async () => {
    const { intake, clock } = new Bench({ maxBytes: 1_000, maxPeerBytes: 300 });
    expect([1, 2, 3, 4].map((n) => intake.offer(offer(n, 'a')))).toEqual([true, true, true, false]);
    expect([1, 2, 3, 4].map((n) => intake.offer(offer(n, 'b')))).toEqual([true, true, true, false]);
    expect([1, 2, 3].map((n) => intake.offer(offer(n, 'c')))).toEqual([true, true, true]);
    expect([1, 2].map((n) => intake.offer(offer(n, 'd', { from: undefined })))).toEqual([true, false]);
    expect([intake.bytes, intake.dropped]).toEqual([1_000, 3]);
    await clock.advance(1);
    expect(intake.bytes).toBe(0);
    expect(intake.offer(offer(1, 'a'))).toBe(true);
  });

  test('tells breach, refusal and what could not be looked at apart', async () => {
    const errors: Record<number, unknown> = {
      1: new PoolError('ERR_POOL_TX_DECODE', 'bad'),
      2: new PoolError('ERR_POOL_TX_FEE', 'cheap'),
      3: new PoolError('ERR_POOL_VERIFIER', 'busy'),
      4: new Error('gone'),
    };
    const { intake, done, says, clock } = new Bench({
      check: ({ nonce }) => {
        const error = errors[Number(nonce)];
        if (error !== undefined) throw error;
      },
      add: ({ nonce }) => (nonce === 5n ? 'underpriced' : undefined),
    });
    for (const n of [1, 2, 3, 4, 5, 6]) intake.offer(offer(n));
    await clock.advance(1);
    expect(done).toEqual([
      [1, 'breach'],
      [2, 'refused'],
      [3, 'dropped'],
      [4, 'dropped'],
      [5, 'refused'],
      [6, 'accepted'],
    ]);
    expect(says).toEqual(['bad', 'cheap', 'busy', 'gone', 'underpriced']);
  });

  test('what takes long holds up nobody, and 16 of it at most are under way', async () => {
    const open: ((fits: boolean) => void)[] = [];
    const { intake, done, clock } = new Bench({
      prove: () => new Promise((resolve) => void open.push(resolve)),
    });
    const blob = (n: number) => offer(n, 'a', { item: Uint8Array.of(n, 3) });
    for (let n = 1; n <= 20; n++) intake.offer(blob(n));
    intake.offer(offer(99, 'a'));
    await clock.advance(1);
    expect(done).toEqual([[99, 'accepted']]);
    expect(open).toHaveLength(16);
    open[0]?.(true);
    await clock.advance(1);
    open[1]?.(false);
    await clock.advance(1);
    expect(done.slice(1)).toEqual([
      [1, 'accepted'],
      [2, 'breach'],
    ]);
    expect(open).toHaveLength(18);
  });

  test('tries each way in which blobs can be put in', async () => {
    const tried: bigint[] = [];
    const { intake, done, clock } = new Bench({
      complete: async () => [
        madeTransaction({ nonce: 50, type: 3 }),
        madeTransaction({ nonce: 51, type: 3 }),
      ],
      prove: async ({ nonce }) => {
        tried.push(nonce);
        return nonce === 51n;
      },
    });
    intake.offer(offer(1, 'a', { item: Uint8Array.of(1, 3), elided: true }));
    await clock.advance(1);
    expect(tried).toEqual([50n, 51n]);
    expect(done).toEqual([[1, 'accepted']]);
  });

  test('adds what a judge accepts, and nothing else', async () => {
    const { intake, done, clock } = new Bench({
      judge: async ({ nonce }) =>
        nonce === 1n ? { accepted: true } : { accepted: false, why: 'no', judged: nonce === 2n },
    });
    for (const n of [1, 2, 3]) intake.offer(offer(n));
    await clock.advance(1);
    expect(done).toEqual([
      [1, 'accepted'],
      [2, 'refused'],
      [3, 'dropped'],
    ]);
  });

  test('says nothing more once it is closed', async () => {
    const { intake, done, clock } = new Bench();
    intake.offer(offer(1));
    intake.close();
    expect(intake.offer(offer(2))).toBe(false);
    await clock.advance(10);
    expect(done).toEqual([]);
    expect(intake.bytes).toBe(0);
  });
});
