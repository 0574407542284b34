import { describe, expect, test } from 'vitest';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import type { GetReceipts, Receipts } from '../../src/eth/index.js';
import { MAX_RECEIPT_PAGES, wholeReceipts } from '../../src/session/partial-receipts.js';
import { hash } from '../support/session-values.js';

const receipt = (n: number, bytes = 4): Uint8Array =>
  encodeList([encodeBytes(new Uint8Array(bytes).fill(n))]);
const block = (...numbers: number[]): Uint8Array => encodeList(numbers.map((n) => receipt(n)));

/** Answers one page after the other, and remembers what was asked. */
function pages(...answers: { blocks: Uint8Array[]; incomplete?: boolean }[]) {
  const asked: { first: bigint | undefined; hashes: number }[] = [];
  const ask = async (request: GetReceipts): Promise<Receipts> => {
    const answer = answers[asked.length];
    asked.push({ first: request.firstBlockReceiptIndex, hashes: request.hashes.length });
    if (answer === undefined) throw new Error('asked too often');
    return {
      name: 'Receipts',
      requestId: 1n,
      lastBlockIncomplete: answer.incomplete ?? false,
      blocks: answer.blocks,
    };
  };
  return { asked, ask };
}

describe('receipts in parts', () => {
  test('are asked for until each begun block is whole', async () => {
    const { asked, ask } = pages(
      { blocks: [block(1, 2), block(3, 4)], incomplete: true },
      { blocks: [block(5)], incomplete: true },
      { blocks: [block(6, 7), block(), block(8)], incomplete: true },
      { blocks: [block(9)] },
    );
    const whole = await wholeReceipts([1, 2, 3, 4].map(hash), ask);
    expect(whole).toEqual([block(1, 2), block(3, 4, 5, 6, 7), block(), block(8, 9)]);
    expect(asked).toEqual([
      { first: 0n, hashes: 4 },
      { first: 2n, hashes: 3 },
      { first: 3n, hashes: 3 },
      { first: 1n, hashes: 1 },
    ]);
  });

  test('a peer that stops between blocks has given what it will', async () => {
    const { asked, ask } = pages({ blocks: [block(1)] });
    expect(await wholeReceipts([1, 2].map(hash), ask)).toEqual([block(1)]);
    expect(asked).toHaveLength(1);
    expect(await wholeReceipts([hash(1)], pages({ blocks: [] }).ask)).toEqual([]);
    expect(await wholeReceipts([], pages().ask)).toEqual([]);
  });

  test('a begun block that is not carried on is left out', async () => {
    const { ask } = pages({ blocks: [block(1), block(2)], incomplete: true }, { blocks: [] });
    expect(await wholeReceipts([1, 2].map(hash), ask)).toEqual([block(1)]);
  });

  test.each([
    ['an incomplete answer without a block', [{ blocks: [], incomplete: true }]],
    [
      'a page that does not advance',
      [
        { blocks: [block(1)], incomplete: true },
        { blocks: [block()], incomplete: true },
      ],
    ],
    [
      'more than 64 pages',
      Array.from({ length: MAX_RECEIPT_PAGES + 1 }, () => ({ blocks: [block(1)], incomplete: true })),
    ],
    ['a page that is no list', [{ blocks: [Uint8Array.of(0x83, 1, 2, 3)], incomplete: true }]],
  ])('P16: %s is a breach', async (_, answers) => {
    await expect(wholeReceipts([hash(1)], pages(...answers).ask)).rejects.toMatchObject({
      code: 'ERR_ETH_DECODE',
    });
  });

  test('P16: the bounds that the header gives are kept, in receipts and in bytes', async () => {
    const bounds = [{ maxReceipts: 3, maxBytes: 1_000 }];
    const exact = pages({ blocks: [block(1, 2)], incomplete: true }, { blocks: [block(3)] });
    expect(await wholeReceipts([hash(1)], exact.ask, bounds)).toEqual([block(1, 2, 3)]);
    const many = pages({ blocks: [block(1, 2)], incomplete: true }, { blocks: [block(3, 4)] });
    await expect(wholeReceipts([hash(1)], many.ask, bounds)).rejects.toThrow(/more than 3 receipts/);
    const large = pages(
      { blocks: [encodeList([receipt(1, 600)])], incomplete: true },
      { blocks: [encodeList([receipt(2, 600)])] },
    );
    await expect(wholeReceipts([hash(1)], large.ask, bounds)).rejects.toThrow(/more than 1000 bytes/);
  });
});
