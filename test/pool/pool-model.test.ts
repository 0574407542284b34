import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { type AddOutcome, type PooledTransaction, TransactionPool } from '../../src/pool/index.js';
import { ENTRY_BYTES } from '../../src/pool/pool.js';
import { VirtualClock } from '../../src/runtime/index.js';
import { type MadeTransaction, madeTransaction } from '../support/pool-transactions.js';

/*
 * The pool beside a plain list that is searched from one end to the other: after every step both hold the same, and say the
 * same.
 */

const MAX_BYTES = 10 * ENTRY_BYTES;
const MAX_BLOB_BYTES = 3 * ENTRY_BYTES;
const MAX_PER_SENDER = 3;

class PlainPool {
  entries: PooledTransaction[] = [];
  readonly included = new Set<string>();
  baseFee = 0n;
  /** All that ever came, in their order. */
  readonly arrivals: PooledTransaction[] = [];

  add(transaction: PooledTransaction): AddOutcome {
    if (this.entries.includes(transaction)) return 'known';
    if (this.included.has(bytesToHex(transaction.hash))) return 'included';
    const own = this.ofSender(this.entries, transaction);
    const standing = own.find(({ nonce }) => nonce === transaction.nonce);
    if (standing !== undefined && !dearer(transaction, standing)) return 'underpriced';
    const overfull = standing === undefined && own.length >= MAX_PER_SENDER ? own.at(-1) : undefined;
    if (overfull !== undefined && overfull.nonce < transaction.nonce) return 'sender-full';
    this.arrivals.push(transaction);
    let after = [...this.entries.filter((entry) => entry !== standing && entry !== overfull), transaction];
    const worth = this.worth(after, transaction);
    for (;;) {
      const blobsOver = bytesOf(after.filter(({ type }) => type === 3)) > MAX_BLOB_BYTES;
      if (!blobsOver && bytesOf(after) <= MAX_BYTES) break;
      const victim = this.cheapest(after, blobsOver);
      const gives = victim !== undefined && victim !== transaction;
      const sameSender = bytesToHex(victim?.sender ?? new Uint8Array(0)) === bytesToHex(transaction.sender);
      if (!gives || !(this.worth(after, victim) < worth || sameSender)) return 'full';
      after = after.filter((entry) => entry !== victim);
    }
    this.entries = after;
    return standing === undefined ? 'added' : 'replaced';
  }

  forget(transaction: PooledTransaction): void {
    this.included.add(bytesToHex(transaction.hash));
    if (!this.entries.includes(transaction)) return;
    const stale = this.ofSender(this.entries, transaction).filter(({ nonce }) => nonce <= transaction.nonce);
    this.entries = this.entries.filter((entry) => !stale.includes(entry));
  }

  ofSender(entries: readonly PooledTransaction[], { sender }: PooledTransaction): PooledTransaction[] {
    const own = entries.filter((entry) => bytesToHex(entry.sender) === bytesToHex(sender));
    return own.sort((a, b) => (a.nonce < b.nonce ? -1 : 1));
  }

  worth(entries: readonly PooledTransaction[], transaction: PooledTransaction): bigint {
    const before = this.ofSender(entries, transaction).filter(({ nonce }) => nonce <= transaction.nonce);
    return before.map((entry) => this.tip(entry)).reduce((least, tip) => (tip < least ? tip : least));
  }

  tip({ gasFeeCap, gasTipCap }: PooledTransaction): bigint {
    const room = gasFeeCap - this.baseFee;
    return room < gasTipCap ? room : gasTipCap;
  }

  cheapest(entries: readonly PooledTransaction[], blobsOnly: boolean): PooledTransaction | undefined {
    const lasts = entries.filter((entry) => this.ofSender(entries, entry).at(-1) === entry);
    const order = (entry: PooledTransaction) => this.arrivals.lastIndexOf(entry);
    const [plain, blob] = [false, true].map((blobs) => {
      const own = lasts.filter(({ type }) => (type === 3) === blobs);
      return own.sort((a, b) => {
        const [one, other] = [this.worth(entries, a), this.worth(entries, b)];
        return one !== other ? (one < other ? -1 : 1) : order(b) - order(a);
      })[0];
    });
    if (blobsOnly || plain === undefined || blob === undefined) return blobsOnly ? blob : (blob ?? plain);
    return this.worth(entries, plain) < this.worth(entries, blob) ? plain : blob;
  }
}

function dearer(later: PooledTransaction, earlier: PooledTransaction): boolean {
  const percent = later.type === 3 || earlier.type === 3 ? 200n : 110n;
  const caps: readonly [bigint, bigint][] = [
    [later.gasFeeCap, earlier.gasFeeCap],
    [later.gasTipCap, earlier.gasTipCap],
    ...(later.blobFeeCap === undefined || earlier.blobFeeCap === undefined
      ? []
      : ([[later.blobFeeCap, earlier.blobFeeCap]] as [bigint, bigint][])),
  ];
  return caps.every(([more, less]) => more > less && more * 100n >= less * percent);
}

function bytesOf(entries: readonly PooledTransaction[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes + ENTRY_BYTES, 0);
}

const made: fc.Arbitrary<MadeTransaction> = fc.record({
  sender: fc.integer({ min: 1, max: 4 }),
  nonce: fc.integer({ min: 0, max: 4 }),
  tip: fc.constantFrom(0n, 1n, 5n, 9n, 10n, 19n, 20n, 40n),
  fee: fc.constantFrom(40n, 44n, 80n, 160n, 320n),
  blobFee: fc.constantFrom(1n, 2n, 4n),
  bytes: fc.constantFrom(1, 1, 1, 1, 1, 1, ENTRY_BYTES, 3 * ENTRY_BYTES),
  type: fc.constantFrom(2, 2, 2, 3),
});

type Step =
  | { readonly add: PooledTransaction }
  | { readonly forget: PooledTransaction }
  | { readonly remove: PooledTransaction }
  | { readonly baseFee: bigint };

const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(made, { minLength: 10, maxLength: 40, size: 'max' })
  .chain((some) => {
    const one = fc.constantFrom(...some.map((facts, salt) => madeTransaction({ ...facts, salt })));
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 12, arbitrary: one.map((add) => ({ add })) },
      { weight: 1, arbitrary: one.map((forget) => ({ forget })) },
      { weight: 1, arbitrary: one.map((remove) => ({ remove })) },
      { weight: 1, arbitrary: fc.bigInt(0n, 80n).map((baseFee) => ({ baseFee })) },
    );
    return fc.array(step, { maxLength: 120, size: 'max' });
  });

test('the pool holds and says what a plain list would, within its bounds, and tells every change', () => {
  const seen = new Map<AddOutcome, number>();
  fc.assert(
    fc.property(steps, (all) => {
      const pool = new TransactionPool({
        clock: new VirtualClock(),
        maxBytes: MAX_BYTES,
        maxBlobBytes: MAX_BLOB_BYTES,
        maxPerSender: MAX_PER_SENDER,
      });
      const plain = new PlainPool();
      const told = new Set<PooledTransaction>();
      pool.subscribe(({ added, dropped }) => {
        for (const { transaction } of dropped) expect(told.delete(transaction)).toBe(true);
        for (const transaction of added) told.add(transaction);
      });
      for (const step of all) {
        if ('add' in step) {
          const outcome = pool.add(step.add);
          expect(outcome).toBe(plain.add(step.add));
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        } else if ('forget' in step) {
          pool.forget([step.forget.hash]);
          plain.forget(step.forget);
        } else if ('remove' in step) {
          expect(pool.remove(step.remove.hash)).toBe(plain.entries.includes(step.remove));
          plain.entries = plain.entries.filter((entry) => entry !== step.remove);
        } else {
          pool.setBaseFee(step.baseFee);
          plain.baseFee = step.baseFee;
        }
        const held = [...pool.transactions()];
        expect(held).toHaveLength(plain.entries.length);
        expect(held.filter((entry) => !plain.entries.includes(entry) || !told.has(entry))).toEqual([]);
        expect(told.size).toBe(held.length);
        expect(pool.bytes).toBe(bytesOf(held));
        expect(pool.blobBytes).toBe(bytesOf(held.filter(({ type }) => type === 3)));
        expect(pool.bytes).toBeLessThanOrEqual(MAX_BYTES);
        expect(pool.blobBytes).toBeLessThanOrEqual(MAX_BLOB_BYTES);
      }
      pool.close();
    }),
    { numRuns: 100 },
  );
  // each came about often enough to mean something
  for (const outcome of [
    'added',
    'replaced',
    'known',
    'included',
    'underpriced',
    'sender-full',
    'full',
  ] as const)
    expect(seen.get(outcome) ?? 0, outcome).toBeGreaterThan(5);
});
