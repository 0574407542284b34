import { expect, test } from 'vitest';
import { encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import type { EthError } from '../../src/eth/index.js';
import { ethSession } from '../../src/session/eth-session.js';
import { hash, statusOf } from '../support/session-values.js';

const known = { size: 0, add: () => true, has: () => false };
const bloom = encodeBytes(new Uint8Array(256));
const log = encodeList([encodeBytes(new Uint8Array(20)), encodeList([]), encodeBytes(new Uint8Array(0))]);

/** The receipts of a block of one transaction, in the form of eth/68. */
const receipts = (logs: number, entry = log): Uint8Array =>
  encodeList([
    encodeList([Uint8Array.of(1), encodeUint(21_000), bloom, encodeList(new Array(logs).fill(entry))]),
  ]);

/** eth/68 with a peer that answers with these blocks; counts the turns that others were given. */
function answering(blocks: readonly Uint8Array[]) {
  const seen = { turns: 0, blamed: [] as EthError[] };
  const eth = ethSession({
    ...{ version: 68, remoteStatus: statusOf(68), known },
    range: () => undefined,
    send: () => undefined,
    ask: async () => ({ name: 'Receipts', requestId: 1n, blocks }),
    turn: async () => {
      seen.turns++;
    },
    blame: (error) => seen.blamed.push(error),
  });
  return { seen, ask: () => eth.getReceipts(blocks.map((_, i) => hash(i))) };
}

test('S5: receipts of eth/68 give others their turn, within a large block and between many', async () => {
  const small = answering([receipts(3)]);
  expect(await small.ask()).toHaveLength(1);
  expect(small.seen.turns).toBe(0);

  const large = answering([receipts(200_000)]);
  expect((await large.ask())[0]?.length).toBeLessThan(receipts(200_000).length);
  expect(large.seen.turns).toBeGreaterThanOrEqual(3);

  const many = answering(new Array<Uint8Array>(300).fill(receipts(1_000)));
  expect(await many.ask()).toHaveLength(300);
  expect(many.seen.turns).toBeGreaterThanOrEqual(6);
});

test('a log that is none, far behind in a large block, is blamed on the peer', async () => {
  const { seen, ask } = answering([receipts(100_000), receipts(1, encodeList([]))]);
  await expect(ask()).rejects.toMatchObject({ code: 'ERR_ETH_DECODE' });
  expect(seen.blamed).toMatchObject([{ code: 'ERR_ETH_DECODE' }]);
});
