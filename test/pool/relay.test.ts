import { describe, expect, test } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { ethProtocol } from '../../src/eth/index.js';
import {
  announcementPacks,
  BLOB_TYPE,
  planRelay,
  RelayChoice,
  transactionPacks,
} from '../../src/pool/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { madeTransaction } from '../support/pool-transactions.js';

const choice = (seed: number) => new RelayChoice(seededRandom(seed), nobleCrypto);

function peers(count: number, of: RelayChoice, known: readonly Uint8Array[] = []) {
  return Array.from({ length: count }, (_, i) => ({
    peer: i,
    word: of.peerWord(new Uint8Array(32).fill(i)),
    knows: (hash: Uint8Array) => known.includes(hash),
  }));
}

describe('the relay', () => {
  test.each([
    [1, 1],
    [2, 2],
    [4, 2],
    [5, 3],
    [50, 8],
  ])('of %d peers %d get a transaction whole, the others its hash', (count, direct) => {
    const own = choice(1);
    const parts = planRelay([madeTransaction({})], peers(count, own), own);
    expect(parts).toHaveLength(count);
    expect(parts.filter(({ whole }) => whole.length === 1)).toHaveLength(direct);
    expect(parts.filter(({ announced }) => announced.length === 1)).toHaveLength(count - direct);
  });

  test('all transactions of one sender take the same way; another secret chooses another one', () => {
    const way = (own: RelayChoice, sender: number, nonce: number) =>
      planRelay([madeTransaction({ sender, nonce })], peers(50, own), own)
        .filter(({ whole }) => whole.length > 0)
        .map(({ peer }) => peer);
    const own = choice(1);
    expect(way(own, 1, 0)).toEqual(way(own, 1, 1));
    expect(way(own, 1, 0)).not.toEqual(way(own, 2, 0));
    expect(way(own, 1, 0)).not.toEqual(way(choice(2), 1, 0));
  });

  test('over many senders every peer has its share', () => {
    const own = choice(3);
    const all = Array.from({ length: 2_000 }, (_, sender) => madeTransaction({ sender }));
    const shares = planRelay(all, peers(25, own), own).map(({ whole }) => whole.length);
    for (const share of shares) {
      expect(share).toBeGreaterThan(300); // 400 on the average, with a deviation of 18
      expect(share).toBeLessThan(500);
    }
  });

  test('nobody gets what it knows; blob transactions and large ones are announced only', () => {
    const own = choice(1);
    const [known, blob, large] = [
      madeTransaction({ nonce: 1 }),
      madeTransaction({ nonce: 2, type: BLOB_TYPE }),
      madeTransaction({ nonce: 3, bytes: 4_097 }),
    ];
    const parts = planRelay([known, blob, large], peers(2, own, [known.hash]), own);
    for (const { whole, announced } of parts) {
      expect(whole).toEqual([]);
      expect(announced).toEqual([blob, large]);
    }
    expect(planRelay([known], peers(3, own, [known.hash]), own)).toEqual([]);
    expect(planRelay([known], [], own)).toEqual([]);
  });

  test('messages of transactions are filled to 100 KiB', () => {
    const all = Array.from({ length: 100 }, (_, nonce) => madeTransaction({ nonce, bytes: 4_000 }));
    const packs = transactionPacks(all);
    expect(packs.map(({ transactions }) => transactions.length)).toEqual([25, 25, 25, 25]);
    expect(transactionPacks([])).toEqual([]);
  });

  test('announcements have at most 4,096 hashes, and from eth/72 on blob transactions in some of their own', () => {
    const all = Array.from({ length: 5_000 }, (_, nonce) =>
      madeTransaction({ nonce, type: nonce % 1_000 === 0 ? BLOB_TYPE : 2 }),
    );
    expect(announcementPacks(all, 71).map(({ hashes }) => hashes.length)).toEqual([4_096, 904]);
    const packs = announcementPacks(all, 72);
    expect(packs.map(({ hashes, mask }) => [hashes.length, mask?.length])).toEqual([
      [4_096, undefined],
      [899, undefined],
      [5, 16],
    ]);
    const spec = ethProtocol(71).byName.get('NewPooledTransactionHashes');
    for (const pack of announcementPacks(all, 71)) expect(() => spec?.encode(pack)).not.toThrow();
  });
});
