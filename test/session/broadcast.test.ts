import { describe, expect, test } from 'vitest';
import { encodeBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  type EthVersion,
  ethProtocol,
  type NewPooledTransactionHashes,
  transactionHash,
} from '../../src/eth/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { Broadcast, type BroadcastMessage, hashesIn } from '../../src/session/broadcast.js';
import { KnownSet, knownKeys } from '../../src/session/known-set.js';
import { hash } from '../support/session-values.js';

const crypto = nobleCrypto;
const keys = knownKeys(seededRandom('broadcast'));
const knowing = (...hashes: Uint8Array[]): KnownSet => {
  const known = new KnownSet(keys);
  for (const one of hashes) known.add(one);
  return known;
};
const transaction = (byte: number): Uint8Array => encodeBytes(Uint8Array.of(2, 0xc1, byte));
const transactions = (...bytes: number[]): BroadcastMessage => ({
  name: 'Transactions',
  transactions: bytes.map(transaction),
});
const announcement = (types: number[], mask?: Uint8Array): NewPooledTransactionHashes => ({
  name: 'NewPooledTransactionHashes',
  types: Uint8Array.from(types),
  sizes: types.map((_, i) => 10 + i),
  hashes: types.map((_, i) => hash(i + 1)),
  ...(mask === undefined ? {} : { mask }),
});
const part = (broadcast: Broadcast, version: EthVersion, known?: KnownSet) => {
  const found = broadcast.for(ethProtocol(version), known);
  if (typeof found !== 'object') throw new Error(found);
  return found;
};

describe('002.10: a broadcast', () => {
  test('is encoded once for all versions that write it alike, however many sessions there are', () => {
    const broadcast = new Broadcast(transactions(1, 2, 3), crypto);
    const first = part(broadcast, 68);
    for (const version of [68, 69, 70, 71, 72] as const)
      for (let session = 0; session < 100; session++) expect(part(broadcast, version)).toBe(first);
    expect(broadcast.encodings).toBe(1);
    const spec = ethProtocol(70).byName.get('Transactions');
    expect(spec?.decode(first.packed.plain)).toEqual(transactions(1, 2, 3));
    expect(first.items).toBe(3);
    expect(first.hashes).toEqual([1, 2, 3].map((byte) => transactionHash(transaction(byte), crypto)));
  });

  test('is encoded once for all who know the same part of it', () => {
    const broadcast = new Broadcast(announcement(new Array(40).fill(2)), crypto);
    const first = part(broadcast, 69, knowing(hash(2), hash(40)));
    expect(part(broadcast, 70, knowing(hash(40), hash(2), hash(99)))).toBe(first);
    expect(part(broadcast, 69, knowing(hash(99)))).not.toBe(first);
    const other = part(broadcast, 69, knowing(hash(1)));
    expect(broadcast.encodings).toBe(3);
    const spec = ethProtocol(69).byName.get('NewPooledTransactionHashes');
    const read = spec?.decode(first.packed.plain) as NewPooledTransactionHashes;
    const left = Array.from({ length: 40 }, (_, i) => i + 1).filter((byte) => byte !== 2 && byte !== 40);
    expect(read.hashes).toEqual(left.map(hash));
    expect(read.sizes).toEqual(left.map((byte) => 9 + byte));
    expect(read.types).toHaveLength(38);
    expect(first.hashes).toEqual(left.map(hash));
    expect(other.items).toBe(39);
  });

  test('says nothing to who knows all of it', () => {
    const broadcast = new Broadcast(transactions(1, 2), crypto);
    const all = [1, 2].map((byte) => transactionHash(transaction(byte), crypto));
    expect(broadcast.for(ethProtocol(69), knowing(...all))).toBe('known');
    expect(broadcast.encodings).toBe(0);
    expect(part(broadcast, 69, knowing(...all.slice(1))).items).toBe(1);
  });

  test('of blobs needs to be told which cells we hold, from eth/72 on; of others it does not', () => {
    const mask = new Uint8Array(16).fill(0xff);
    const plain = new Broadcast(announcement([2, 1]), crypto);
    expect(part(plain, 72).announcement?.mask).toEqual(new Uint8Array(16));
    expect(part(plain, 71).announcement?.mask).toBeUndefined();
    const blobs = new Broadcast(announcement([2, 3]), crypto);
    expect(blobs.for(ethProtocol(72), undefined)).toBe('unsupported');
    expect(part(blobs, 71).items).toBe(2);
    const masked = new Broadcast(announcement([2, 3], mask), crypto);
    expect(part(masked, 72).announcement?.mask).toEqual(mask);
    expect(part(masked, 71).announcement?.mask).toBeUndefined();
  });

  test('that cannot be written is the caller’s mistake', () => {
    const wrong = new Broadcast({ ...announcement([2]), sizes: [] }, crypto);
    expect(() => wrong.for(ethProtocol(69), undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_ETH_ENCODE' }),
    );
    const status = { name: 'Status' } as unknown as BroadcastMessage;
    expect(() => new Broadcast(status, crypto)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
    );
    const broken = new Broadcast({ name: 'Transactions', transactions: [Uint8Array.of(0x80)] }, crypto);
    expect(() => broken.for(ethProtocol(69), undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_ETH_DECODE' }),
    );
  });

  test('P13: of what a peer sends only so many bytes are hashed', () => {
    const message = transactions(1, 2, 3, 4);
    expect(hashesIn(message, crypto, 2 * transaction(1).length)).toHaveLength(2);
    expect(hashesIn(message, crypto, 1_000)).toHaveLength(4);
    expect(hashesIn({ name: 'NewBlockHashes', blocks: [] }, crypto, 1_000)).toBeUndefined();
  });
});
