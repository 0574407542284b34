import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { type PoolChange, type PooledTransaction, TransactionPool } from '../../src/pool/index.js';
import { ENTRY_BYTES, type PoolOptions } from '../../src/pool/pool.js';
import { VirtualClock } from '../../src/runtime/index.js';
import { madeTransaction } from '../support/pool-transactions.js';

/** What a made transaction of 100 bytes takes. */
const ONE = ENTRY_BYTES + 100;
const BLOB = 3;

function pool(options: Partial<PoolOptions> = {}) {
  const clock = new VirtualClock();
  const own = new TransactionPool({ clock, ...options });
  const changes: PoolChange[] = [];
  own.subscribe((change) => changes.push(change));
  return { clock, pool: own, changes };
}

function hashesOf(transactions: Iterable<PooledTransaction>): string[] {
  return [...transactions].map(({ hash }) => bytesToHex(hash));
}

describe('a transaction', () => {
  test('is there once it was added, and gone once it was removed', () => {
    const { pool: own, changes } = pool();
    const transaction = madeTransaction({});
    expect(own.add(transaction)).toBe('added');
    expect(own.add(transaction)).toBe('known');
    expect([own.has(transaction.hash), own.knows(transaction.hash), own.size, own.bytes]).toEqual([
      true,
      true,
      1,
      ONE,
    ]);
    expect(own.get(transaction.hash)).toBe(transaction);
    expect(hashesOf(own.transactions())).toEqual([...own.hashes()].map(bytesToHex));
    expect(own.remove(transaction.hash)).toBe(true);
    expect(own.remove(transaction.hash)).toBe(false);
    expect([own.has(transaction.hash), own.knows(transaction.hash), own.size, own.bytes]).toEqual([
      false,
      false,
      0,
      0,
    ]);
    expect(changes).toEqual([
      { added: [transaction], dropped: [] },
      { added: [], dropped: [{ transaction, why: 'removed' }] },
    ]);
  });

  test('takes the place of one with the same sender and nonce for 10 % more of both fees, to the wei', () => {
    const { pool: own, changes } = pool();
    const first = madeTransaction({ tip: 1_000n, fee: 2_005n });
    own.add(first);
    for (const [tip, fee] of [
      [1_099n, 2_206n],
      [1_100n, 2_205n],
      [5_000n, 2_005n],
      [1_000n, 9_000n],
    ] as const)
      expect(own.add(madeTransaction({ tip, fee })), `${tip}, ${fee}`).toBe('underpriced');
    expect(changes).toHaveLength(1);
    const second = madeTransaction({ tip: 1_100n, fee: 2_206n });
    expect(own.add(second)).toBe('replaced');
    expect(changes.at(-1)).toEqual({ added: [second], dropped: [{ transaction: first, why: 'replaced' }] });
    expect(hashesOf(own.transactions())).toEqual(hashesOf([second]));
    expect(own.bytes).toBe(ONE);
    expect(own.add(madeTransaction({ nonce: 1, tip: 1n }))).toBe('added');
    expect(own.add(madeTransaction({ sender: 2, tip: 1n }))).toBe('added');
  });

  test('for nothing is not replaced for nothing', () => {
    const { pool: own } = pool();
    own.add(madeTransaction({ tip: 0n }));
    expect(own.add(madeTransaction({ tip: 0n, salt: 1 }))).toBe('underpriced');
    expect(own.add(madeTransaction({ tip: 1n }))).toBe('replaced');
  });

  test('takes the place of one with blobs, or with blobs of one without, for twice all fees', () => {
    const { pool: own } = pool();
    own.add(madeTransaction({ tip: 10n, type: BLOB, blobFee: 7n }));
    expect(own.add(madeTransaction({ tip: 20n, type: BLOB, blobFee: 13n }))).toBe('underpriced');
    expect(own.add(madeTransaction({ tip: 19n, type: BLOB, blobFee: 14n }))).toBe('underpriced');
    expect(own.add(madeTransaction({ tip: 20n, type: BLOB, blobFee: 14n }))).toBe('replaced');
    expect(own.add(madeTransaction({ tip: 39n }))).toBe('underpriced');
    expect(own.add(madeTransaction({ tip: 40n }))).toBe('replaced');
    expect(own.add(madeTransaction({ tip: 79n, type: BLOB }))).toBe('underpriced');
    expect(own.add(madeTransaction({ tip: 80n, type: BLOB }))).toBe('replaced');
    expect(own.size).toBe(1);
  });

  test('that a block includes goes, with all of its sender that came before it, and is not taken again', () => {
    const { pool: own, changes } = pool();
    const [zero, one, two, three] = [0, 1, 2, 3].map((nonce) => madeTransaction({ nonce }));
    const other = madeTransaction({ sender: 2 });
    const foreign = madeTransaction({ sender: 3 });
    for (const transaction of [zero, one, two, three, other]) own.add(transaction as PooledTransaction);
    own.forget([two?.hash, zero?.hash, foreign.hash].map((hash) => hash ?? new Uint8Array(32)));
    expect(hashesOf(own.transactions())).toEqual(hashesOf([three, other] as PooledTransaction[]));
    expect(new Map(changes.at(-1)?.dropped.map(({ transaction, why }) => [transaction, why]))).toEqual(
      new Map([
        [zero, 'included'],
        [one, 'stale'],
        [two, 'included'],
      ]),
    );
    expect([own.has(foreign.hash), own.knows(foreign.hash)]).toEqual([false, true]);
    expect([own.add(foreign), own.add(two as PooledTransaction)]).toEqual(['included', 'included']);
    expect(own.add(one as PooledTransaction), 'only stale: it may be wanted after a reorganisation').toBe(
      'added',
    );
    own.reorganised();
    expect(own.knows(foreign.hash), 'its block has left the chain').toBe(false);
    expect(own.add(foreign)).toBe('added');
    const before = changes.length;
    own.forget([new Uint8Array(32)]);
    expect(changes).toHaveLength(before);
  });

  test('that nobody includes is let go after three hours, the others stay for theirs', async () => {
    const { pool: own, clock, changes } = pool();
    const [first, second] = [madeTransaction({}), madeTransaction({ sender: 2 })];
    own.add(first);
    await clock.advance(3_600_000);
    own.add(second);
    await clock.advance(2 * 3_600_000 - 1);
    expect(own.size).toBe(2);
    await clock.advance(1);
    expect(hashesOf(own.transactions())).toEqual(hashesOf([second]));
    expect(changes.at(-1)?.dropped).toEqual([{ transaction: first, why: 'expired' }]);
    await clock.advance(3_600_000);
    expect([own.size, own.bytes, clock.pendingTimers]).toEqual([0, 0, 0]);
    own.add(first);
    expect(clock.pendingTimers).toBe(1);
    own.close();
    expect([own.size, own.bytes, clock.pendingTimers]).toEqual([0, 0, 0]);
  });
});

describe('a full pool', () => {
  test('lets the cheapest make room, and takes nothing that is worth as little', () => {
    const { pool: own, changes } = pool({ maxBytes: 3 * ONE });
    const [five, three, seven] = [5n, 3n, 7n].map((tip, sender) => madeTransaction({ sender, tip }));
    for (const transaction of [five, three, seven]) own.add(transaction as PooledTransaction);
    expect(own.add(madeTransaction({ sender: 9, tip: 3n }))).toBe('full');
    const four = madeTransaction({ sender: 9, tip: 4n });
    expect(own.add(four)).toBe('added');
    expect(changes.at(-1)).toEqual({ added: [four], dropped: [{ transaction: three, why: 'evicted' }] });
    expect(own.bytes).toBe(3 * ONE);
  });

  test('counts what is paid beyond the base fee', () => {
    const { pool: own } = pool({ maxBytes: 2 * ONE });
    const generous = madeTransaction({ sender: 1, tip: 100n, fee: 1_000n });
    const capped = madeTransaction({ sender: 2, tip: 200n, fee: 1_000n });
    own.add(generous);
    own.add(capped);
    own.setBaseFee(950n); // both give 50 now; the younger one makes room
    expect(own.add(madeTransaction({ sender: 3, tip: 50n, fee: 1_000n }))).toBe('full');
    expect(own.add(madeTransaction({ sender: 3, tip: 51n, fee: 2_000n }))).toBe('added');
    expect(hashesOf(own.transactions())).toContain(hashesOf([generous])[0]);
    own.setBaseFee(0n);
    expect(own.add(madeTransaction({ sender: 4, tip: 60n }))).toBe('added');
    expect(hashesOf(own.transactions())).toContain(hashesOf([generous])[0]);
  });

  test('never lets a lower nonce go before a higher one, however dear that is', () => {
    const { pool: own, changes } = pool({ maxBytes: 4 * ONE });
    const chain = [1n, 50n, 1_000n].map((tip, nonce) => madeTransaction({ nonce, tip }));
    for (const transaction of [...chain, madeTransaction({ sender: 2, tip: 2n })]) own.add(transaction);
    for (const sender of [3, 4, 5]) expect(own.add(madeTransaction({ sender, tip: 30n }))).toBe('added');
    const evicted = changes.flatMap(({ dropped }) => dropped.map(({ transaction }) => transaction.gasTipCap));
    expect(evicted).toEqual([1_000n, 50n, 1n]); // worth 1 all three: the last cannot be had without the first
  });

  test('takes a transaction before others of its sender for one behind it', () => {
    const { pool: own } = pool({ maxBytes: 2 * ONE });
    const [late, dear] = [madeTransaction({ nonce: 5, tip: 10n }), madeTransaction({ sender: 2, tip: 90n })];
    own.add(late);
    own.add(dear);
    const early = madeTransaction({ nonce: 4, tip: 10n });
    expect(own.add(early)).toBe('added');
    expect(hashesOf(own.transactions())).toEqual(hashesOf([dear, early]));
    expect(own.add(madeTransaction({ nonce: 6, tip: 80n }))).toBe('full');
  });

  test('stays as it is where a large transaction would need more room than its worth gives', () => {
    const { pool: own, changes } = pool({ maxBytes: 4 * ONE });
    const kept = [1n, 2n, 30n, 40n].map((tip, sender) => madeTransaction({ sender, tip }));
    for (const transaction of kept) own.add(transaction);
    const large = madeTransaction({ sender: 9, tip: 20n, bytes: 2 * ONE + 100 });
    expect(own.add(large)).toBe('full');
    expect(changes).toHaveLength(4);
    expect(hashesOf(own.transactions())).toEqual(hashesOf(kept));
    // and all of them still make room in their order
    const next = [25n, 26n, 35n].map((tip, sender) => own.add(madeTransaction({ sender: 20 + sender, tip })));
    expect(next).toEqual(['added', 'added', 'added']);
    const evicted = changes.flatMap(({ dropped }) => dropped.map(({ transaction }) => transaction.gasTipCap));
    expect(evicted).toEqual([1n, 2n, 25n]);
    expect(own.add(madeTransaction({ sender: 50, tip: 10n ** 30n, bytes: 4 * ONE }))).toBe('full');
    expect(own.size).toBe(4);
  });

  test('puts a replaced transaction back where its successor has no room', () => {
    const { pool: own } = pool({ maxBytes: 2 * ONE });
    const [first, dear] = [madeTransaction({ tip: 10n }), madeTransaction({ sender: 2, tip: 500n })];
    own.add(first);
    own.add(dear);
    expect(own.add(madeTransaction({ tip: 20n, bytes: ONE }))).toBe('full');
    expect(hashesOf(own.transactions())).toEqual(hashesOf([first, dear]));
    expect(own.add(madeTransaction({ tip: 20n }))).toBe('replaced');
  });

  test('keeps half of its room from blob transactions', () => {
    const { pool: own, changes } = pool({ maxBytes: 4 * ONE });
    const blobs = [5n, 6n].map((tip, sender) => madeTransaction({ sender, tip, type: BLOB }));
    for (const transaction of [...blobs, madeTransaction({ sender: 7, tip: 1n })]) own.add(transaction);
    expect(own.blobBytes).toBe(2 * ONE);
    expect(own.add(madeTransaction({ sender: 8, tip: 5n, type: BLOB }))).toBe('full');
    expect(own.add(madeTransaction({ sender: 8, tip: 9n, type: BLOB }))).toBe('added');
    expect(changes.at(-1)?.dropped).toEqual([{ transaction: blobs[0], why: 'evicted' }]);
    expect([own.size, own.blobBytes]).toEqual([3, 2 * ONE]);
  });

  test('has a bounded number of transactions of one sender, those with the lowest nonces', () => {
    const { pool: own, changes } = pool({ maxPerSender: 3 });
    const many = [10, 11, 12].map((nonce) => madeTransaction({ nonce }));
    for (const transaction of many) own.add(transaction);
    expect(own.add(madeTransaction({ nonce: 13, tip: 99n }))).toBe('sender-full');
    expect(own.add(madeTransaction({ nonce: 9 }))).toBe('added');
    expect(changes.at(-1)?.dropped).toEqual([{ transaction: many[2], why: 'evicted' }]);
    expect(own.add(madeTransaction({ nonce: 10, tip: 99n }))).toBe('replaced');
    expect(own.size).toBe(3);
    expect(own.add(madeTransaction({ sender: 2 }))).toBe('added');
  });
});

describe('those who listen', () => {
  test('cannot break the pool, nor keep the others from hearing', () => {
    const said: object[] = [];
    const clock = new VirtualClock();
    const nothing = () => undefined;
    const logger = {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (fields: object) => said.push(fields),
    };
    const own = new TransactionPool({ clock, logger });
    const heard: PoolChange[] = [];
    own.subscribe(() => {
      throw new Error('not today');
    });
    const leave = own.subscribe((change) => heard.push(change));
    expect(own.add(madeTransaction({}))).toBe('added');
    leave();
    leave();
    expect(own.add(madeTransaction({ nonce: 1 }))).toBe('added');
    expect([heard.length, said.length, own.size]).toEqual([1, 2, 2]);
  });

  test('may change the pool from inside', () => {
    const { pool: own } = pool();
    const [first, second] = [madeTransaction({}), madeTransaction({ nonce: 1 })];
    own.subscribe(({ added }) => {
      if (added[0] === first) own.add(second);
      if (added[0] === second) own.remove(first.hash);
    });
    expect(own.add(first)).toBe('added');
    expect(hashesOf(own.transactions())).toEqual(hashesOf([second]));
  });
});

test('limits that are no numbers above 0 are refused', () => {
  const clock = new VirtualClock();
  for (const name of ['maxBytes', 'maxBlobBytes', 'maxPerSender', 'maxAgeMs'])
    for (const value of [0, -1, Number.NaN])
      expect(() => new TransactionPool({ clock, [name]: value })).toThrow(
        expect.objectContaining({ code: 'ERR_POOL_ARGUMENT' }),
      );
});
