import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesToHex, concatBytes, sameBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  ALL_CELLS_MASK,
  BLOB_BYTES,
  BlobCells,
  type BlobSidecar,
  BlobVerifier,
  kzgTask,
  type PooledTransaction,
  readTransaction,
} from '../../src/pool/index.js';
import { SimulatedWorkers, VirtualClock, type Workers, type WorkerTask } from '../../src/runtime/index.js';
import { transactionVector, vectorItem, wholeItem } from '../support/pool-vectors.js';

const clock = new VirtualClock();
const workers = new SimulatedWorkers(clock);
const verifier = new BlobVerifier({ workers });
beforeAll(() => workers.preload(kzgTask));
afterAll(() => verifier.close());

function blobTransaction(name: string): PooledTransaction {
  return readTransaction(wholeItem(transactionVector(name)), { crypto: nobleCrypto });
}

function sidecarOf(transaction: PooledTransaction): BlobSidecar {
  if (transaction.sidecar === undefined) throw new Error('no sidecar');
  return transaction.sidecar;
}

describe('proofs made by geth', () => {
  test('of version 1 hold for their blobs, one by one', async () => {
    const sidecar = sidecarOf(blobTransaction('type 3 with two blobs'));
    await expect(clock.settle(verifier.verify(sidecar))).resolves.toBe(true);
  });

  test('of version 0 hold for their blobs', async () => {
    await expect(
      clock.settle(verifier.verify(sidecarOf(blobTransaction('type 3 with a sidecar of version 0')))),
    ).resolves.toBe(true);
  });

  test('P15: do not hold once a bit of a blob, a commitment or any proof is another', async () => {
    const one = sidecarOf(blobTransaction('type 3 with a sidecar of version 1'));
    const flipped = (bytes: Uint8Array | undefined, at: number) =>
      (bytes ?? new Uint8Array(0)).with(at, (bytes?.[at] ?? 0) ^ 1);
    const other = sidecarOf(blobTransaction('type 3 with two blobs'));
    const old = sidecarOf(blobTransaction('type 3 with a sidecar of version 0'));
    const wrong: Record<string, BlobSidecar> = {
      'another blob': { ...one, blobs: other.blobs.slice(0, 1) },
      'a blob of which a bit is flipped': { ...one, blobs: [flipped(one.blobs[0], 131_071)] },
      'a blob with an element outside the field': { ...one, blobs: [new Uint8Array(BLOB_BYTES).fill(0xff)] },
      'another commitment': { ...one, commitments: other.commitments.slice(0, 1) },
      'a commitment that is no point': { ...one, commitments: [flipped(one.commitments[0], 0)] },
      'the last proof wrong': { ...one, proofs: one.proofs.with(127, one.proofs[126] as Uint8Array) },
      'a proof that is no point': { ...one, proofs: one.proofs.with(5, new Uint8Array(48)) },
      'proofs of version 0 in another order': { ...old, proofs: old.proofs.toReversed() },
      'a blob of version 0 of which a bit is flipped': {
        ...old,
        blobs: [old.blobs[0] as Uint8Array, flipped(old.blobs[1], 40)],
      },
    };
    for (const [name, sidecar] of Object.entries(wrong))
      await expect(clock.settle(verifier.verify(sidecar)), name).resolves.toBe(false);
  });
});

describe('cells', () => {
  const transaction = blobTransaction('type 3 with two blobs');
  const vector = transactionVector('type 3 with two blobs');
  const bit = (...indices: readonly number[]) => {
    const mask = new Uint8Array(16);
    for (const i of indices) mask[i >> 3] = (mask[i >> 3] ?? 0) | (1 << (i & 7));
    return mask;
  };

  test('are those that geth computes, blob by blob', async () => {
    const cells = new BlobCells({ extend: (blob, options) => verifier.extend(blob, options) });
    const all = (await clock.settle(cells.of(transaction, ALL_CELLS_MASK))) ?? [];
    expect(all).toHaveLength(256);
    const hashes = [all.slice(0, 128), all.slice(128)].map((own) => nobleCrypto.keccak256(concatBytes(own)));
    expect(hashes.map(bytesToHex)).toEqual(vector.blobs?.cells);
    const few = (await clock.settle(cells.of(transaction, bit(0, 63, 64, 127)))) ?? [];
    const wanted = [0, 63, 64, 127].flatMap((i) => [i, i + 128]).sort((a, b) => a - b);
    expect(few.map(bytesToHex)).toEqual(wanted.map((i) => bytesToHex(all[i] as Uint8Array)));
  });

  test('of the first half are the blob itself: nothing is computed for them', async () => {
    let asked = 0;
    const extend = async () => {
      asked++;
      return new Uint8Array(2 * BLOB_BYTES);
    };
    const cells = new BlobCells({ extend });
    const half = (await cells.of(transaction, new Uint8Array(16).fill(0xff, 0, 8))) ?? [];
    expect(asked).toBe(0);
    expect(sameBytes(concatBytes(half.slice(0, 64)), sidecarOf(transaction).blobs[0] as Uint8Array)).toBe(
      true,
    );
    await cells.of(transaction, bit(64));
    await cells.of(transaction, bit(65));
    expect(asked, 'once for each blob').toBe(2);
  });

  test('of transactions without blobs at hand there are none', async () => {
    const cells = new BlobCells({ extend: () => Promise.reject(new Error('not asked')) });
    const plain = readTransaction(vectorItem(transactionVector('type 2')), { crypto: nobleCrypto });
    const elided = readTransaction(vectorItem(vector), { crypto: nobleCrypto, elided: true });
    await expect(cells.of(plain, bit(0))).resolves.toBeUndefined();
    await expect(cells.of(elided, bit(0))).resolves.toBeUndefined();
  });

  test('that were computed are kept within their bound', async () => {
    const asked: string[] = [];
    const extend = async (blob: Uint8Array) => {
      asked.push(bytesToHex(blob.subarray(0, 3)));
      return new Uint8Array(2 * BLOB_BYTES);
    };
    const cells = new BlobCells({ extend, maxKeptBytes: BLOB_BYTES });
    const single = blobTransaction('type 3 with a sidecar of version 1');
    await cells.of(single, bit(64));
    await cells.of(single, bit(64));
    expect(asked).toHaveLength(1);
    await cells.of(transaction, bit(64));
    await cells.of(single, bit(64));
    expect(asked).toHaveLength(4);
  });

  test('are asked for anew where computing them failed, and waiting for them can be called off', async () => {
    let fail = true;
    const extend = () =>
      fail ? Promise.reject(new Error('the thread broke')) : Promise.resolve(new Uint8Array(2 * BLOB_BYTES));
    const cells = new BlobCells({ extend });
    await expect(cells.of(transaction, bit(64))).rejects.toThrow('the thread broke');
    fail = false;
    await expect(cells.of(transaction, bit(64))).resolves.toHaveLength(2);
    const never = new BlobCells({ extend: () => new Promise(() => {}) });
    const calling = new AbortController();
    const waiting = never.of(transaction, bit(64), { signal: calling.signal });
    calling.abort(new Error('the session ended'));
    await expect(waiting).rejects.toThrow('the session ended');
    await expect(never.of(transaction, bit(64), { signal: calling.signal })).rejects.toThrow(
      'the session ended',
    );
  });
});

describe('the thread', () => {
  const sidecar: BlobSidecar = {
    version: 1,
    blobs: [new Uint8Array(BLOB_BYTES)],
    commitments: [new Uint8Array(48)],
    proofs: [],
  };

  /** Threads whose jobs a test answers by hand. */
  class HandWorkers implements Workers {
    started = 0;
    closed = 0;
    readonly jobs: {
      readonly resolve: (result: unknown) => void;
      readonly reject: (error: Error) => void;
    }[] = [];

    start(_: WorkerTask) {
      this.started++;
      return {
        perform: () => new Promise<unknown>((resolve, reject) => this.jobs.push({ resolve, reject })),
        close: async () => {
          this.closed++;
        },
      };
    }
  }

  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test('is started when it is first needed, and has one job at a time', async () => {
    const hand = new HandWorkers();
    const lazy = new BlobVerifier({ workers: hand });
    expect(hand.started).toBe(0);
    const both = [lazy.verify(sidecar), lazy.verify(sidecar)];
    await turn();
    expect([hand.started, hand.jobs.length]).toEqual([1, 1]);
    hand.jobs[0]?.resolve(true);
    await turn();
    expect([hand.started, hand.jobs.length]).toEqual([1, 2]);
    hand.jobs[1]?.resolve(false);
    await expect(Promise.all(both)).resolves.toEqual([true, false]);
    expect(lazy.waitingBytes).toBe(0);
  });

  test('P15: has a bounded number of bytes waiting; what is beyond is refused at once', async () => {
    const hand = new HandWorkers();
    const small = new BlobVerifier({ workers: hand, maxWaitingBytes: 2 * BLOB_BYTES });
    const taken = [small.verify(sidecar), small.verify(sidecar)];
    await expect(small.verify(sidecar)).rejects.toMatchObject({ code: 'ERR_POOL_VERIFIER' });
    expect(small.waitingBytes).toBe(2 * BLOB_BYTES);
    hand.jobs[0]?.resolve(true);
    await taken[0];
    taken.push(small.verify(sidecar));
    await turn();
    hand.jobs[1]?.resolve(true);
    await turn();
    hand.jobs[2]?.resolve(true);
    await expect(Promise.all(taken)).resolves.toEqual([true, true, true]);
  });

  test('that breaks takes its job with it, and the next job gets a new one', async () => {
    const hand = new HandWorkers();
    const broken = new BlobVerifier({ workers: hand });
    const lost = broken.verify(sidecar);
    const next = broken.verify(sidecar);
    await turn();
    hand.jobs[0]?.reject(new Error('out of memory'));
    await expect(lost).rejects.toMatchObject({ code: 'ERR_POOL_VERIFIER' });
    await turn();
    expect([hand.started, hand.closed]).toEqual([2, 1]);
    hand.jobs[1]?.resolve(true);
    await expect(next).resolves.toBe(true);
  });

  test('never gets a job that was called off while it waited', async () => {
    const hand = new HandWorkers();
    const calling = new AbortController();
    const called = new BlobVerifier({ workers: hand });
    const { signal } = calling;
    const under = called.verify(sidecar, { signal });
    const waiting = called.verify(sidecar, { signal });
    await turn();
    calling.abort(new Error('the session ended'));
    await expect(under).rejects.toThrow('the session ended');
    await expect(waiting).rejects.toThrow('the session ended');
    await expect(called.verify(sidecar, { signal })).rejects.toThrow('the session ended');
    expect(called.waitingBytes, 'what is under way counts until it is done').toBe(BLOB_BYTES);
    hand.jobs[0]?.resolve(true);
    await turn();
    expect([called.waitingBytes, hand.jobs.length]).toEqual([0, 1]);
  });

  test('leaves nothing behind at a signal that outlives its jobs', async () => {
    const hand = new HandWorkers();
    const { signal } = new AbortController();
    const many = new BlobVerifier({ workers: hand });
    const jobs = [many.verify(sidecar, { signal }), many.verify(sidecar, { signal })];
    expect(getEventListeners(signal, 'abort')).toHaveLength(2);
    await turn();
    hand.jobs[0]?.resolve(true);
    await turn();
    hand.jobs[1]?.reject(new Error('out of memory'));
    await Promise.allSettled(jobs);
    const cells = new BlobCells({ extend: async () => new Uint8Array(2 * BLOB_BYTES) });
    await cells.of(blobTransaction('type 3 with a sidecar of version 1'), ALL_CELLS_MASK, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('ends with the verifier, and with it all that waits', async () => {
    const hand = new HandWorkers();
    const closing = new BlobVerifier({ workers: hand });
    const both = [closing.verify(sidecar), closing.verify(sidecar)].map((job) =>
      job.catch((error: unknown) => error),
    );
    await turn();
    await closing.close();
    hand.jobs[0]?.reject(new Error('it was closed'));
    for (const error of await Promise.all(both)) expect(error).toMatchObject({ code: 'ERR_POOL_VERIFIER' });
    await expect(closing.verify(sidecar)).rejects.toMatchObject({ code: 'ERR_POOL_VERIFIER' });
    await closing.close();
    expect([hand.started, closing.waitingBytes]).toEqual([1, 0]);
  });

  test('is not asked about a sidecar whose blobs were left out', async () => {
    const elided = new BlobVerifier({ workers: new HandWorkers() });
    await expect(elided.verify({ ...sidecar, blobs: [] })).rejects.toMatchObject({
      code: 'ERR_POOL_ARGUMENT',
    });
  });
});
