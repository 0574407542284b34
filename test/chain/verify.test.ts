import { describe, expect, test } from 'vitest';
import { Breather } from '../../src/chain/breathe.js';
import { matchAccessLists, matchBodies, matchReceipts } from '../../src/chain/pull-answers.js';
import {
  checkAccessList,
  checkBody,
  checkLink,
  checkReceipts,
  emptyBody,
  emptyRoots,
  type HashedHeader,
  hasBody,
  hasReceipts,
  readHeader,
} from '../../src/chain/verify.js';
import { encodeList, encodeUint } from '../../src/codec/index.js';
import {
  type BlockHeader,
  decodeBody,
  decodeReceipts,
  encodeHeader,
  encodeReceipts,
} from '../../src/eth/index.js';
import { buildBlock, buildChain, hasher, rehash } from '../support/chain-builder.js';

const { genesis } = buildChain(0);
const old = buildBlock(genesis, { transactions: 3 });
const withdrawn = buildBlock(genesis, { transactions: 3, withdrawals: 2 });
const amsterdam = buildBlock(genesis, { transactions: 3, accessList: encodeList([encodeUint(5)]) });
const empty = emptyRoots(hasher);
const EMPTY = encodeList([]);

/** RLP of the lists of a body. */
function lists(raw: Uint8Array): {
  transactions: Uint8Array;
  uncles: Uint8Array;
  withdrawals: Uint8Array | undefined;
} {
  const { transactions, uncles, withdrawals } = decodeBody(raw);
  return { transactions: encodeList([...transactions]), uncles, withdrawals };
}

const changed = (block: { header: HashedHeader }, change: Partial<BlockHeader>): BlockHeader => ({
  ...block.header.header,
  ...change,
});

describe('a header', () => {
  test('is read with its hash', () => {
    expect(readHeader(old.header.raw, hasher)).toEqual(old.header);
  });

  test.each<[string, Partial<BlockHeader>, RegExp]>([
    ['gas beyond its limit', { gasUsed: 60_000_001n }, /60000001 gas of 60000000/],
    ['a gas limit beyond 63 bits', { gasLimit: 2n ** 63n }, /beyond 63 bits/],
  ])('with %s is refused', (_what, change, says) => {
    expect(() => rehash(changed(old, change))).toThrow(says);
    expect(() => rehash(changed(old, change))).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_HEADER' }));
  });

  test('at the limits is taken', () => {
    expect(() => rehash(changed(old, { gasUsed: 60_000_000n }))).not.toThrow();
    expect(() => rehash(changed(old, { gasLimit: 2n ** 63n - 1n }))).not.toThrow();
    expect(() =>
      rehash(changed(old, { difficulty: 2n ** 80n - 1n, extraData: new Uint8Array(100 * 1024) })),
    ).not.toThrow();
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['an empty list', EMPTY],
    ['a string', Uint8Array.of(0x83, 1, 2, 3)],
    ['a header and a byte more', Uint8Array.of(...old.header.raw, 0)],
  ])('that is %s is refused', (_what, raw) => {
    expect(() => readHeader(raw, hasher)).toThrow(expect.objectContaining({ code: 'ERR_CHAIN_HEADER' }));
  });

  test.each<[string, Partial<BlockHeader>, RegExp]>([
    ['another number', { number: 2n }, /block 2: it follows block 0/],
    ["its parent's number", { number: 0n }, /it follows block 0/],
    ['another parent', { parentHash: new Uint8Array(32).fill(1) }, /its parent is 0x01010101/],
    ["its parent's time", { timestamp: genesis.header.timestamp }, /is not after its parent/],
  ])('with %s does not follow', (_what, change, says) => {
    expect(() => checkLink(genesis, rehash(changed(old, change)))).toThrow(says);
  });

  test('a second after its parent follows', () => {
    expect(() =>
      checkLink(genesis, rehash(changed(old, { timestamp: genesis.header.timestamp + 1n }))),
    ).not.toThrow();
  });
});

describe('a body', () => {
  test('of a block is taken, of every age', () => {
    for (const { header, body } of [old, withdrawn, amsterdam]) {
      expect(() => checkBody(header.header, body, hasher)).not.toThrow();
      expect(hasBody(header.header, empty)).toBe(true);
    }
  });

  const { transactions, uncles } = lists(old.body);
  const { withdrawals } = lists(withdrawn.body);
  test.each([
    ['other transactions', old, encodeList([EMPTY, uncles]), /transactions are others/],
    [
      'uncles that its header does not name',
      old,
      encodeList([transactions, encodeList([EMPTY])]),
      /uncles are others/,
    ],
    [
      'withdrawals that its header does not know',
      old,
      encodeList([transactions, uncles, EMPTY]),
      /which its header does not know/,
    ],
    [
      'no withdrawals where its header has some',
      withdrawn,
      encodeList([transactions, uncles]),
      /withdrawals are missing/,
    ],
    ['other withdrawals', withdrawn, encodeList([transactions, uncles, EMPTY]), /withdrawals are others/],
    [
      "another block's withdrawals",
      amsterdam,
      encodeList([transactions, uncles, withdrawals ?? EMPTY]),
      /withdrawals are others/,
    ],
    ['a list more', withdrawn, encodeList([transactions, uncles, EMPTY, EMPTY]), /cannot be read/],
  ])('with %s is refused', (_what, block, body, says) => {
    expect(() => checkBody(block.header.header, body, hasher)).toThrow(says);
    expect(() => checkBody(block.header.header, body, hasher)).toThrow(
      expect.objectContaining({ code: 'ERR_CHAIN_BODY' }),
    );
  });

  test('of an empty block is made from its header', () => {
    for (const plan of [{}, { withdrawals: 0 }]) {
      const block = buildBlock(genesis, plan);
      expect(hasBody(block.header.header, empty)).toBe(false);
      expect(hasReceipts(block.header.header, empty)).toBe(false);
      expect(emptyBody(block.header.header)).toEqual(block.body);
    }
    expect(hasBody(buildBlock(genesis, { withdrawals: 1 }).header.header, empty)).toBe(true);
  });
});

describe('receipts', () => {
  const all = decodeReceipts(old.receipts);

  test('of a block are taken', () => {
    for (const { header, receipts } of [old, withdrawn, amsterdam]) {
      expect(() => checkReceipts(header.header, receipts, hasher)).not.toThrow();
    }
  });

  test.each([
    ['one left out', encodeReceipts(all.slice(1))],
    ['another order', encodeReceipts([...all].reverse())],
    ['another type', encodeReceipts(all.map((r) => ({ ...r, type: 3 })))],
    ['another status', encodeReceipts(all.map((r) => ({ ...r, status: new Uint8Array(0) })))],
    ['another gas', encodeReceipts(all.map((r) => ({ ...r, cumulativeGasUsed: r.cumulativeGasUsed + 1n })))],
    ['other logs', encodeReceipts(all.map((r) => ({ ...r, logs: EMPTY })))],
  ])('with %s are refused', (_what, receipts) => {
    expect(() => checkReceipts(old.header.header, receipts, hasher)).toThrow(/block 1: they are others/);
  });

  test('of a header with a false bloom or gas are refused, before Amsterdam', () => {
    const bloom = changed(old, { logsBloom: new Uint8Array(256) });
    expect(() => checkReceipts(bloom, old.receipts, hasher)).toThrow(/bloom filter/);
    expect(() => checkReceipts(changed(old, { gasUsed: 1n }), old.receipts, hasher)).toThrow(
      /63000 gas, the block used 1/,
    );
    expect(() =>
      checkReceipts(changed(amsterdam, { gasUsed: 1n }), amsterdam.receipts, hasher),
    ).not.toThrow();
  });
});

test('an access list is taken where the header names it, and nowhere else', () => {
  const accessList = amsterdam.accessList ?? EMPTY;
  expect(() => checkAccessList(amsterdam.header.header, accessList, hasher)).not.toThrow();
  expect(() => checkAccessList(amsterdam.header.header, EMPTY, hasher)).toThrow(
    /access list of block 1 is another/,
  );
  expect(() => checkAccessList(old.header.header, accessList, hasher)).toThrow(/is another/);
  expect(() => checkAccessList(amsterdam.header.header, Uint8Array.of(0x80), hasher)).toThrow(
    /cannot be read/,
  );
});

describe('what an answer holds', () => {
  const chain = buildChain(6, (n) => ({ transactions: n }));
  const asked = chain.blocks.map(({ header }) => header);
  const bodies = chain.blocks.map(({ body }) => body);
  const receipts = chain.blocks.map((block) => block.receipts);
  const breather = new Breather(undefined, undefined, 1);
  const positions = (found: readonly (readonly [number, unknown])[]): number[] =>
    found.map(([position]) => position);

  test('is matched with what was asked for, though some is left out', async () => {
    const pick = [0, 2, 5];
    const somebodies = await matchBodies(
      asked,
      pick.map((i) => bodies[i] as Uint8Array),
      hasher,
      breather,
    );
    expect(positions(somebodies.found)).toEqual(pick);
    const some = await matchReceipts(
      asked,
      pick.map((i) => receipts[i] as Uint8Array),
      hasher,
      breather,
    );
    expect(positions(some.found)).toEqual(pick);
  });

  test('is in memory of its own', async () => {
    const message = new Uint8Array(bodies[0] as Uint8Array);
    const { found } = await matchBodies(asked, [message], hasher, breather);
    message.fill(0);
    expect(found[0]?.[1]).toEqual(bodies[0]);
  });

  test('P16: more than the gas of a block pays for is refused before anything is hashed', async () => {
    let hashed = 0;
    const counting = {
      keccak256: (...parts: readonly Uint8Array[]): Uint8Array => {
        hashed++;
        return hasher.keccak256(...parts);
      },
    };
    const [one] = decodeReceipts(receipts[5] as Uint8Array);
    if (one === undefined) throw new Error('no receipt');
    const many = await matchReceipts(asked, [encodeReceipts(new Array(29).fill(one))], counting, breather);
    expect(many.fault).toMatch(/29 where the gas is enough for 28/);
    const body = encodeList([encodeList(new Array(29).fill(EMPTY)), EMPTY]);
    expect((await matchBodies(asked, [body], counting, breather)).fault).toMatch(
      /29 transactions where the gas is enough for 28/,
    );
    expect(hashed).toBe(0);
  });

  test('that is more than was asked for is refused as a whole', async () => {
    for (const matched of [
      await matchBodies(asked.slice(0, 2), bodies, hasher, breather),
      await matchReceipts(asked.slice(0, 2), receipts, hasher, breather),
      await matchAccessLists(asked.slice(0, 2), [undefined, undefined, undefined], hasher, breather),
    ]) {
      expect(matched.found).toEqual([]);
      expect(matched.fault).toMatch(/where 2 .*were asked for/);
    }
  });

  test('a header that contradicts its own receipts is blamed on the chain, not on who sent them', async () => {
    const bad = chain.blocks.map(({ header }) =>
      rehash({ ...header.header, logsBloom: new Uint8Array(256).fill(1) }),
    );
    expect(encodeHeader(bad[0]?.header as BlockHeader)).not.toEqual(asked[0]?.raw);
    const matched = await matchReceipts(bad, receipts, hasher, breather);
    expect(matched.fault).toBeUndefined();
    expect(matched.falseChain).toMatch(/block 1 has a false bloom/);
  });
});
