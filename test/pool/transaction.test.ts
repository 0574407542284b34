import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesToHex,
  concatBytes,
  encodeBytes,
  encodeList,
  encodeUint,
  hexToBytes,
  type RlpReader,
  readList,
} from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  announcementPacks,
  BLOB_BYTES,
  fitsVersion,
  PoolError,
  type PooledTransaction,
  readTransaction,
  servePooledTransactions,
  type TransactionTools,
  transactionItem,
  wireItem,
  withBlobs,
} from '../../src/pool/index.js';
import {
  blobOf,
  type TransactionVector,
  transactionVector,
  transactionVectors,
  vectorItem,
  wholeItem,
} from '../support/pool-vectors.js';

const crypto = nobleCrypto;

function readVector(vector: TransactionVector): PooledTransaction {
  const item = vectorItem(vector);
  if (vector.blobs === undefined) return readTransaction(item, { crypto });
  if (vector.blobs.version === 0) return readTransaction(wholeItem(vector), { crypto });
  return withBlobs(readTransaction(item, { crypto, elided: true }), vector.blobs.seeds.map(blobOf));
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes).indexOf(part);
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof PoolError) return error.code;
    throw error;
  }
  return 'none';
}

describe.each(transactionVectors.map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
  const transaction = readVector(vector);

  test('has the sender, the hash and the sizes that geth finds', () => {
    expect({
      type: transaction.type,
      hash: bytesToHex(transaction.hash),
      sender: bytesToHex(transaction.sender),
      raw: bytesToHex(transaction.raw),
      bytes: transaction.bytes,
      bytesWithoutBlobs: transaction.bytesWithoutBlobs,
    }).toEqual({
      type: vector.type,
      hash: vector.hash,
      sender: vector.sender,
      raw: vector.raw,
      bytes: vector.bytes,
      bytesWithoutBlobs: vector.blobs?.bytesWithoutBlobs ?? vector.bytes,
    });
  });

  test('says what geth reads in it', () => {
    expect(transaction).toMatchObject({
      nonce: BigInt(vector.nonce),
      gas: BigInt(vector.gas),
      gasFeeCap: BigInt(vector.gasFeeCap),
      gasTipCap: BigInt(vector.gasTipCap),
      value: BigInt(vector.value),
      accessList: { addresses: vector.accessAddresses, storageKeys: vector.accessKeys },
      authorizations: vector.authorizations ?? 0,
    });
    expect(transaction.chainId?.toString() ?? '').toBe(vector.chainId);
    expect(transaction.blobFeeCap?.toString()).toBe(vector.blobFeeCap);
    expect(bytesToHex(transaction.to ?? new Uint8Array(0))).toBe(vector.to);
    expect(transaction.data).toHaveLength(vector.dataBytes);
    expect(transaction.blobHashes.map(bytesToHex)).toEqual(vector.blobHashes ?? []);
  });

  test('goes on as it came', () => {
    if (vector.blobs === undefined) {
      expect(bytesToHex(wireItem(transaction))).toBe(vector.item);
    } else {
      expect(bytesToHex(crypto.keccak256(wireItem(transaction)))).toBe(vector.blobs.itemHash);
      expect(bytesToHex(wireItem(transaction, true))).toBe(bytesToHex(vectorItem(vector)));
    }
  });

  test('shares no memory with the message that it came in', () => {
    const item = wholeItem(vector);
    const read = readTransaction(item, { crypto });
    item.fill(0);
    expect(bytesToHex(read.raw)).toBe(vector.raw);
    expect(bytesToHex(crypto.keccak256(read.raw))).toBe(vector.hash);
    const views = [read.raw, read.network, read.data, read.to ?? read.hash, ...(read.sidecar?.blobs ?? [])];
    for (const view of views) expect(view.buffer).not.toBe(item.buffer);
  });
});

test('the whole item of a blob transaction is read with its blobs, and not where they must have been left out', () => {
  const vector = transactionVector('type 3 with two blobs');
  const read = readTransaction(wholeItem(vector), { crypto });
  expect(read.sidecar?.blobs.map((blob) => blob.length)).toEqual([BLOB_BYTES, BLOB_BYTES]);
  expect(bytesToHex(crypto.keccak256(read.network))).toBe(
    bytesToHex(crypto.keccak256(readVector(vector).network)),
  );
  expect(codeOf(() => readTransaction(wholeItem(vector), { crypto, elided: true }))).toBe(
    'ERR_POOL_TX_SIDECAR',
  );
  expect(codeOf(() => readTransaction(vectorItem(vector), { crypto }))).toBe('ERR_POOL_TX_SIDECAR');
});

test('blobs of another number or size do not complete a transaction', () => {
  const vector = transactionVector('type 3 with two blobs');
  const elided = readTransaction(vectorItem(vector), { crypto, elided: true });
  expect(elided.sidecar?.blobs).toEqual([]);
  expect(codeOf(() => withBlobs(elided, [blobOf(1)]))).toBe('ERR_POOL_ARGUMENT');
  expect(codeOf(() => withBlobs(elided, [blobOf(1), blobOf(2).subarray(1)]))).toBe('ERR_POOL_ARGUMENT');
  expect(codeOf(() => withBlobs(readVector(transactionVector('type 2')), []))).toBe('ERR_POOL_ARGUMENT');
});

describe('what is refused, by its first fault', () => {
  const read = (item: Uint8Array, tools: Partial<TransactionTools> = {}) =>
    codeOf(() => readTransaction(item, { crypto, ...tools }));
  const legacy = (fields: readonly Uint8Array[]) => encodeList(fields);
  const uints = (...values: readonly bigint[]) => values.map((value) => encodeUint(value));
  const to = encodeBytes(new Uint8Array(20).fill(1));
  // of the generator: there is a point with this x
  const r = 0x79be667e_f9dcbbac_55a06295_ce870b07_029bfcdb_2dce28d9_59f2815b_16f81798n;
  const valid = [...uints(1n, 2n, 21_000n), to, ...uints(0n), encodeUint(0), ...uints(27n, r, 5n)];

  test('a shape that no transaction has', () => {
    expect(read(new Uint8Array(0))).toBe('ERR_POOL_TX_DECODE');
    expect(read(encodeList([]))).toBe('ERR_POOL_TX_DECODE');
    expect(read(encodeBytes(Uint8Array.of(2)))).toBe('ERR_POOL_TX_DECODE');
    expect(read(encodeBytes(Uint8Array.of(0, 0xc0)))).toBe('ERR_POOL_TX_DECODE');
    expect(read(legacy(valid.slice(1)))).toBe('ERR_POOL_TX_DECODE');
    expect(read(legacy([...valid, encodeUint(0)]))).toBe('ERR_POOL_TX_DECODE');
    expect(read(Uint8Array.of(...legacy(valid), 0))).toBe('ERR_POOL_TX_DECODE');
    expect(read(transactionItem(Uint8Array.of(2, ...encodeList(valid), 1)))).toBe('ERR_POOL_TX_DECODE');
  });

  test('fields that are too wide, or not in their smallest form', () => {
    const changed = (at: number, item: Uint8Array) => read(legacy(valid.with(at, item)));
    expect(read(legacy(valid))).toBe('none');
    expect(changed(0, encodeUint(2n ** 64n))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(1, encodeUint(2n ** 256n))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(2, encodeUint(2n ** 64n))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(3, encodeBytes(new Uint8Array(19)))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(3, encodeBytes(new Uint8Array(21)))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(4, encodeUint(2n ** 256n))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(5, encodeList([]))).toBe('ERR_POOL_TX_DECODE');
    expect(changed(7, encodeBytes(Uint8Array.of(0, 1)))).toBe('ERR_POOL_TX_DECODE');
  });

  test('a type that is not known', () => {
    expect(read(encodeBytes(Uint8Array.of(5, 0xc0)))).toBe('ERR_POOL_TX_TYPE');
    expect(read(encodeBytes(Uint8Array.of(0x7f, 0xc0)))).toBe('ERR_POOL_TX_TYPE');
  });

  test('a signature of nobody', () => {
    const changed = (at: number, value: bigint) => read(legacy(valid.with(at, encodeUint(value))));
    const order = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;
    for (const v of [0n, 1n, 26n, 29n, 34n]) expect(changed(6, v), `v ${v}`).toBe('ERR_POOL_TX_SIGNATURE');
    expect(changed(7, 0n)).toBe('ERR_POOL_TX_SIGNATURE');
    expect(changed(7, order)).toBe('ERR_POOL_TX_SIGNATURE');
    expect(changed(8, 0n)).toBe('ERR_POOL_TX_SIGNATURE');
    expect(changed(8, order / 2n)).toBe('none');
    expect(changed(8, order / 2n + 1n)).toBe('ERR_POOL_TX_SIGNATURE'); // EIP-2
    // recovery ids 2 and 3 lead to keys where r is tiny, and are of RLPx, not of transactions
    const tiny = Array.from({ length: 40 }, (_, i) => BigInt(i + 1));
    const leading = tiny.filter((small) => {
      const signature = new Uint8Array(65);
      signature.set([Number(small)], 31);
      signature.set([5, 2], 63);
      return crypto.recover(new Uint8Array(32).fill(1), signature) !== undefined;
    });
    expect(leading.length).toBeGreaterThan(5);
    for (const small of leading)
      expect(read(legacy(valid.with(6, encodeUint(29)).with(7, encodeUint(small))))).toBe(
        'ERR_POOL_TX_SIGNATURE',
      );
    const typed = hexToBytes(transactionVector('type 2').raw);
    const parityAt = typed.length - 67;
    expect(read(transactionItem(typed.with(parityAt, 2)))).toBe('ERR_POOL_TX_SIGNATURE');
  });

  test('a chain id of 0 is one like others', () => {
    const chainIdOf = (v: bigint) =>
      readTransaction(legacy(valid.with(6, encodeUint(v))), { crypto }).chainId;
    expect([27n, 28n, 35n, 36n, 37n, 38n, 39n].map(chainIdOf)).toEqual([
      undefined,
      undefined,
      0n,
      0n,
      1n,
      1n,
      2n,
    ]);
  });

  test('more bytes than are allowed, before anything is copied', () => {
    const item = vectorItem(transactionVector('type 2'));
    const size = transactionVector('type 2').bytes;
    expect(read(item, { limits: { maxBytes: size } })).toBe('none');
    expect(read(item, { limits: { maxBytes: size - 1 } })).toBe('ERR_POOL_TX_SIZE');
    const large = legacy(valid.with(5, encodeBytes(new Uint8Array(131_072))));
    expect(read(large)).toBe('ERR_POOL_TX_SIZE');
    expect(read(encodeBytes(new Uint8Array(2_500_000).fill(3)))).toBe('ERR_POOL_TX_SIZE');
  });

  test('more blobs than are allowed', () => {
    const item = wholeItem(transactionVector('type 3 with two blobs'));
    expect(read(item, { limits: { maxBlobs: 2 } })).toBe('none');
    expect(read(item, { limits: { maxBlobs: 1 } })).toBe('ERR_POOL_TX_BLOBS');
  });

  test('P14: a blob transaction without its sidecar, or with one that is not its own, is blamed on who sent it', () => {
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const bare = transactionItem(hexToBytes(vector.raw));
    expect(() => readTransaction(bare, { crypto })).toThrow(
      expect.objectContaining({ code: 'ERR_POOL_TX_SIDECAR', reason: 2 }),
    );
    // the first commitment, then the version, each changed
    const whole = wholeItem(vector);
    const elided = vectorItem(vector);
    const raw = hexToBytes(vector.raw);
    const versionAt = indexOf(elided, raw.subarray(1)) + raw.length - 1;
    expect(elided.subarray(versionAt, versionAt + 2)).toEqual(Uint8Array.of(1, 0xc0));
    const commitmentAt = whole.length - (elided.length - versionAt) + 5;
    for (const at of [commitmentAt, commitmentAt + 20])
      expect(read(whole.with(at, (whole[at] as number) ^ 1))).toBe('ERR_POOL_TX_SIDECAR');
    expect(read(elided.with(versionAt, 2), { elided: true })).toBe('ERR_POOL_TX_SIDECAR');
    expect(read(elided.with(versionAt, 0x80), { elided: true })).toBe('ERR_POOL_TX_SIDECAR');
  });

  test('a sidecar with another number of blobs, proofs or commitments', () => {
    const fields = readList(hexToBytes(transactionVector('type 3 with two blobs').elided ?? '').subarray(1));
    const [raw, version] = [fields.raw(), fields.raw()];
    fields.skip();
    const itemsOf = (list: RlpReader): Uint8Array[] => (list.done ? [] : [list.raw(), ...itemsOf(list)]);
    const [commitments, proofs] = [itemsOf(fields.list()), itemsOf(fields.list())];
    const blobs = [1, 2].map((seed) => encodeBytes(blobOf(seed)));
    const sidecar = (...lists: readonly (readonly Uint8Array[])[]) =>
      transactionItem(concatBytes([Uint8Array.of(3), encodeList([raw, version, ...lists.map(encodeList)])]));
    expect(read(sidecar(blobs, commitments, proofs))).toBe('none');
    const wrong = [
      [blobs.slice(1), commitments, proofs],
      [[], commitments, proofs],
      [blobs, commitments.slice(1), proofs.slice(128)],
      [blobs, commitments, proofs.slice(1)],
      [blobs, commitments, proofs.slice(0, 2)],
      [blobs, commitments, [...proofs, ...proofs.slice(0, 128)]],
      [[], [], []],
    ];
    for (const lists of wrong)
      expect(read(sidecar(...lists)), lists.map((list) => list.length).join()).toBe('ERR_POOL_TX_SIDECAR');
    expect(read(sidecar(blobs, commitments, proofs, []))).toBe('ERR_POOL_TX_DECODE');
    expect(read(sidecar(blobs, commitments))).toBe('ERR_POOL_TX_DECODE');
  });

  test('a sidecar of version 0 has no form without blobs: peers from eth/72 on cannot have it', () => {
    const [old, now] = ['version 0', 'version 1'].map((version) =>
      readTransaction(wholeItem(transactionVector(`type 3 with a sidecar of ${version}`)), { crypto }),
    ) as [PooledTransaction, PooledTransaction];
    expect([fitsVersion(old, 71), fitsVersion(old, 72)]).toEqual([true, false]);
    expect([fitsVersion(now, 71), fitsVersion(now, 72)]).toEqual([true, true]);
    expect(
      [71, 72].map((version) => announcementPacks([old, now], version).flatMap(({ hashes }) => hashes)),
    ).toEqual([[old.hash, now.hash], [now.hash]]);
    const request = { name: 'GetPooledTransactions', requestId: 1n, hashes: [old.hash] } as const;
    expect(
      [71, 72].map((version) => servePooledTransactions(request, version, () => old).transactions.length),
    ).toEqual([1, 0]);
  });
});

test('any bytes are read or refused by a typed error', () => {
  const items = transactionVectors.map(vectorItem);
  const mutated = fc
    .tuple(fc.constantFrom(...items), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([item, changes, cut]) => {
      const copy = item.slice();
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return cut % 3 === 0 ? copy.subarray(0, cut % copy.length) : copy;
    });
  const tools = { crypto, limits: { maxBlobs: 2 } };
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), fc.boolean(), (item, elided) => {
      const code = codeOf(() => {
        const read = readTransaction(item, { ...tools, elided });
        // what is read says the same again
        expect(bytesToHex(wireItem(read))).toBe(bytesToHex(item));
      });
      expect(code === 'none' || code.startsWith('ERR_POOL_TX_')).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
