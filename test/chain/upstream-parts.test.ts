import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteLru } from '../../src/chain/upstream/byte-lru.js';
import { CanonicalIndex, MAX_INDEXED } from '../../src/chain/upstream/canonical.js';
import { findEarliest } from '../../src/chain/upstream/earliest.js';
import { receiptsFromJson } from '../../src/chain/upstream/json-blocks.js';
import { UpstreamFault } from '../../src/chain/upstream/json-fields.js';
import { linkKind, upstreamName } from '../../src/chain/upstream/link.js';
import { HeaderWindow, WINDOW_BLOCKS } from '../../src/chain/upstream/window.js';
import type { HashedHeader } from '../../src/chain/verify.js';
import { bytesToHex } from '../../src/codec/index.js';
import { decodeReceipts } from '../../src/eth/index.js';
import { branch, buildChain } from '../support/chain-builder.js';

const chain = buildChain(300, () => ({}));
const other = branch(chain, 290, 300, () => ({ extra: 'other' }));
const headers: readonly HashedHeader[] = [chain.genesis, ...chain.blocks.map(({ header }) => header)];
const others: readonly HashedHeader[] = [chain.genesis, ...other.blocks.map(({ header }) => header)];
const at = (number: number, of = headers): HashedHeader => of[number] as HashedHeader;

describe('where the contents of blocks begin', () => {
  test('is found from whatever was true before, in few questions', async () => {
    const cases = fc.record({
      head: fc.nat({ max: 5_000 }),
      first: fc.nat({ max: 5_001 }),
      before: fc.nat({ max: 6_000 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ head, first, before }) => {
        let asked = 0;
        const probe = async (number: bigint): Promise<boolean> => {
          asked++;
          return number >= BigInt(first);
        };
        const found = await findEarliest(probe, BigInt(head), BigInt(before));
        const wanted = first <= 1 || head === 0 ? 0 : Math.min(first, head);
        expect(found).toBe(BigInt(wanted));
        expect(asked).toBeLessThanOrEqual(4 + Math.ceil(Math.log2(head + 2)));
      }),
      { numRuns: 500 },
    );
  });

  test('costs three questions where nothing has changed', async () => {
    let asked = 0;
    const probe = async (number: bigint): Promise<boolean> => ++asked > 0 && number >= 1_000_000n;
    expect(await findEarliest(probe, 20_000_000n, 1_000_000n)).toBe(1_000_000n);
    expect(asked).toBe(3);
  });

  test('is not guessed where a question goes unanswered', async () => {
    for (let silentAt = 1; silentAt <= 6; silentAt++) {
      let asked = 0;
      const probe = async (number: bigint): Promise<boolean | undefined> =>
        ++asked === silentAt ? undefined : number >= 77n;
      expect(await findEarliest(probe, 100n, 50n), `question ${silentAt}`).toBeUndefined();
    }
  });
});

describe('the window of latest headers', () => {
  const filled = (upTo: number): HeaderWindow => {
    const window = new HeaderWindow(chain.genesis);
    window.advance(headers.slice(1, upTo + 1), BigInt(upTo));
    return window;
  };

  test('keeps the latest and knows them by number and hash', () => {
    const window = filled(300);
    expect(window.head).toBe(at(300));
    expect(window.oldest).toBe(at(301 - WINDOW_BLOCKS));
    expect(window.at(299n)).toBe(at(299));
    expect(window.at(301n)).toBeUndefined();
    expect(window.at(300n - BigInt(WINDOW_BLOCKS))).toBeUndefined();
    expect(window.numberOf(at(250).hash)).toBe(250n);
    expect(window.numberOf(at(1).hash)).toBeUndefined();
  });

  test('says how far up it is what it was', () => {
    const window = filled(295);
    expect(window.advance([at(296), at(297)], 297n)).toBe(295n);
    expect(window.advance(others.slice(291, 301), 300n)).toBe(290n);
    expect(window.numberOf(at(295).hash)).toBeUndefined();
    expect(window.head).toBe(at(300, others));
    expect(window.advance([], 280n)).toBe(280n);
    expect(window.head).toBe(at(280));
    expect(window.advance(headers.slice(10, 20), 19n)).toBeUndefined();
    expect(window.oldest).toBe(at(10));
  });

  test('takes nothing that does not hang together, and is then as before', () => {
    const window = filled(280);
    const wrong: (readonly HashedHeader[])[] = [
      [at(281), at(283)],
      [at(281), at(281)],
      [at(291), at(292, others)],
    ];
    for (const fresh of wrong) {
      expect(() => window.advance(fresh, 300n)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_LINK' }));
      expect(window.head).toBe(at(280));
      expect(window.numberOf(at(281).hash)).toBeUndefined();
    }
    expect(() => window.advance([], 290n)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_LINK' }));
  });
});

describe('the index below the window', () => {
  test('takes what fits its neighbours, and forgets both sides of a contradiction', () => {
    const index = new CanonicalIndex();
    expect(index.add(at(295))).toBe(true);
    expect(index.add(at(296))).toBe(true);
    expect(index.add(at(297, others))).toBe(false);
    expect(index.hashOf(295n)).toEqual(at(295).hash);
    expect(index.hashOf(296n)).toBeUndefined();
    expect(index.hashOf(297n)).toBeUndefined();
    expect(index.add(at(294), at(295, others))).toBe(false);
    expect(index.size).toBe(0);
    expect(index.add(at(294), at(295))).toBe(true);
    expect(index.numberOf(at(294).hash)).toBe(294n);
    index.clear();
    expect(index.numberOf(at(294).hash)).toBeUndefined();
  });

  test('is bounded', () => {
    const index = new CanonicalIndex();
    for (let number = 0; number < MAX_INDEXED + 10; number++) {
      // every second number: nobody is anybody's neighbour
      const header = { ...at(1).header, number: BigInt(2 * number) };
      const hash = new Uint8Array(32);
      new DataView(hash.buffer).setUint32(0, number);
      index.add({ raw: at(1).raw, hash, header });
    }
    expect(index.size).toBe(MAX_INDEXED);
    expect(index.hashOf(0n)).toBeUndefined();
    expect(index.hashOf(BigInt(2 * (MAX_INDEXED + 9)))).toBeDefined();
  });
});

test('the cache counts its bytes, and the least recently used goes first', () => {
  const sizes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat({ max: 900 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, (puts) => {
      const lru = new ByteLru(2_000);
      for (const [key, size] of puts) {
        lru.get('a');
        lru.set(key, new Uint8Array(size));
        expect(lru.bytes).toBeLessThanOrEqual(2_000);
        expect(lru.get(key)?.length).toBe(size);
      }
      for (const key of ['a', 'b', 'c', 'd', 'e']) lru.delete(key);
      expect(lru.bytes).toBe(0);
      expect(lru.size).toBe(0);
    }),
  );
  const lru = new ByteLru(1_000);
  for (const key of ['a', 'b', 'c']) lru.set(key, new Uint8Array(50));
  lru.get('a');
  lru.set('d', new Uint8Array(50));
  expect(['a', 'b', 'c', 'd'].filter((key) => lru.get(key) !== undefined)).toEqual(['a', 'c', 'd']);
  lru.set('huge', new Uint8Array(5_000));
  expect(lru.size).toBe(0);
});

test('receipts from before Byzantium have a state root in the place of the status', () => {
  const root = `0x${'ab'.repeat(32)}`;
  const receipt = { cumulativeGasUsed: '0x5208', logs: [] };
  const shown = receiptsFromJson([
    { ...receipt, root },
    { ...receipt, status: '0x0', type: '0x2', root: '0x' },
    { ...receipt, status: '0x1', type: '0x2' },
  ]);
  const told = decodeReceipts(shown).map(({ type, status }) => [type, bytesToHex(status)]);
  expect(told).toEqual([
    [0, root.slice(2)],
    [2, ''],
    [2, '01'],
  ]);
  for (const wrong of [
    {},
    null,
    [7],
    [{}],
    [{ ...receipt, status: '1' }],
    [{ ...receipt, status: '0x1', logs: {} }],
  ])
    expect(() => receiptsFromJson(wrong)).toThrow(UpstreamFault);
});

test('an upstream is named without what is secret in its URL', () => {
  const named: readonly (readonly [string, string | undefined, string])[] = [
    ['http://127.0.0.1:8545', 'http', 'http://127.0.0.1:8545'],
    ['https://name:word@node.example/v3/key?x=1', 'http', 'https://node.example'],
    ['ws://[::1]:8546/', 'ws', 'ws://[::1]:8546'],
    ['wss://node.example', 'ws', 'wss://node.example'],
    ['/data/geth.ipc', 'ipc', '/data/geth.ipc'],
    ['geth.ipc', undefined, 'an unreadable URL'],
    ['ftp://node.example', undefined, 'ftp://node.example'],
  ];
  for (const [url, kind, name] of named)
    expect([url, linkKind(url), upstreamName(url)]).toEqual([url, kind, name]);
});
