import { beforeEach, describe, expect, test } from 'vitest';
import { type ChainStore, checkChain, openChainStore } from '../../src/chain/index.js';
import {
  accessListKey,
  bodyKey,
  canonicalKey,
  headerKey,
  numberKey,
  numberValue,
  receiptsKey,
} from '../../src/chain/keys.js';
import { encodeList, encodeUint } from '../../src/codec/index.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { type BuiltChain, branch, buildChain, extend, hasher } from '../support/chain-builder.js';

const accessList = encodeList([encodeUint(7)]);
const chain: BuiltChain = buildChain(30, (n) =>
  n < 25 ? { transactions: n % 4 } : { transactions: 1, accessList },
);
let stores: SimulatedStores;

beforeEach(async () => {
  stores = new SimulatedStores();
  const store = await openChainStore({ stores, path: '/c', hasher, chain: chain.spec });
  await store.append(chain.blocks);
  await store.close();
});

/** Changes the store behind its back, and checks it. */
async function checkAfter(...changes: { key: Uint8Array; value?: Uint8Array }[]): Promise<unknown> {
  const level = await stores.open('/c');
  await level.batch(changes, { sync: true });
  await level.close();
  let store: ChainStore | undefined;
  try {
    store = await openChainStore({ stores, path: '/c', hasher });
    return await checkChain(store);
  } catch (error) {
    return error;
  } finally {
    await store?.close();
  }
}

const at = (number: number) => {
  const block = chain.blocks[number - 1];
  if (block === undefined) throw new Error(`no block ${number}`);
  return { ...block, number: BigInt(number), hash: block.header.hash };
};

test('a store as it should be is found so, with its figures', async () => {
  expect(await checkAfter()).toMatchObject({ head: 30n, blocks: 31, accessLists: 6, accessListsMissing: 0 });
});

describe('finds, and names the block of,', () => {
  const five = at(5);
  const six = at(6);
  const flipped = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  test.each([
    ['a header that is missing', { key: headerKey(5n, five.hash) }],
    ['a header with one bit changed', { key: headerKey(5n, five.hash), value: flipped(five.header.raw) }],
    ['a header of another block', { key: headerKey(5n, five.hash), value: six.header.raw }],
    ['a body that is missing', { key: bodyKey(5n, five.hash) }],
    ['a body with one bit changed', { key: bodyKey(5n, five.hash), value: flipped(five.body) }],
    ['a body of another block', { key: bodyKey(5n, five.hash), value: six.body }],
    ['receipts that are missing', { key: receiptsKey(5n, five.hash) }],
    ['receipts with one bit changed', { key: receiptsKey(5n, five.hash), value: flipped(five.receipts) }],
    ['receipts of another block', { key: receiptsKey(5n, five.hash), value: six.receipts }],
    ['a number that leads nowhere', { key: canonicalKey(5n) }],
    ['a number that leads to another block', { key: canonicalKey(5n), value: six.hash }],
    ['a hash that leads nowhere', { key: numberKey(five.hash) }],
    ['a hash that leads to another number', { key: numberKey(five.hash), value: numberValue(6n) }],
  ])('%s', async (_what, change) => {
    const error = await checkAfter(change);
    expect(error).toMatchObject({ code: 'ERR_CHAIN_DAMAGED' });
    expect(error).toHaveProperty('message', expect.stringContaining('block 5'));
  });

  test('a false access list', async () => {
    const { hash } = at(27);
    const error = await checkAfter({ key: accessListKey(27n, hash), value: encodeList([]) });
    expect(error).toHaveProperty('message', expect.stringContaining('block 27'));
    expect(await checkAfter({ key: accessListKey(27n, hash) })).toMatchObject({
      accessLists: 5,
      accessListsMissing: 1,
    });
  });

  test('a head that is not whole', async () => {
    const { hash } = at(30);
    expect(await checkAfter({ key: bodyKey(30n, hash) })).toMatchObject({ code: 'ERR_CHAIN_DAMAGED' });
  });

  test('a head that is not on its chain', async () => {
    expect(await checkAfter({ key: canonicalKey(30n), value: at(29).hash })).toMatchObject({
      code: 'ERR_CHAIN_DAMAGED',
    });
  });

  test('what was left of another branch', async () => {
    const left = branch(chain, 20, 22).blocks[20];
    if (left === undefined) throw new Error('no branch');
    const error = await checkAfter({ key: numberKey(left.header.hash), value: numberValue(21n) });
    expect(error).toHaveProperty('message', expect.stringContaining('block 21'));
  });

  test('an entry above the head', async () => {
    const [next] = extend(at(30).header, 1);
    if (next === undefined) throw new Error('no block');
    const error = await checkAfter({ key: canonicalKey(31n), value: next.header.hash });
    expect(error).toHaveProperty('message', expect.stringContaining('block 31'));
  });
});
