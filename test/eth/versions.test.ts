import { describe, expect, it } from 'vitest';
import { ETH_VERSIONS, ethProtocol, isEthVersion } from '../../src/eth/index.js';

const MIB = 1024 * 1024;

/** Ids and names as devp2p's caps/eth.md lists them. */
const names: Readonly<Record<number, string>> = {
  0: 'Status',
  1: 'NewBlockHashes',
  2: 'Transactions',
  3: 'GetBlockHeaders',
  4: 'BlockHeaders',
  5: 'GetBlockBodies',
  6: 'BlockBodies',
  7: 'NewBlock',
  8: 'NewPooledTransactionHashes',
  9: 'GetPooledTransactions',
  10: 'PooledTransactions',
  15: 'GetReceipts',
  16: 'Receipts',
  17: 'BlockRangeUpdate',
  18: 'GetBlockAccessLists',
  19: 'BlockAccessLists',
  20: 'GetCells',
  21: 'Cells',
};
const notIn: Readonly<Record<number, readonly number[]>> = {
  68: [11, 12, 13, 14],
  69: [1, 7, 11, 12, 13, 14],
  70: [1, 7, 11, 12, 13, 14],
  71: [1, 7, 11, 12, 13, 14],
  72: [1, 7, 11, 12, 13, 14],
};

describe('tables', () => {
  it.each([
    [68, 17],
    [69, 18],
    [70, 18],
    [71, 20],
    [72, 22],
  ] as const)('eth/%d reserves %d ids and fills them as specified', (version, length) => {
    const { byId, byName, ...protocol } = ethProtocol(version);
    expect(protocol).toEqual({ name: 'eth', version, length });
    expect(byId).toHaveLength(length);
    byId.forEach((spec, id) => {
      if (notIn[version]?.includes(id)) {
        expect(spec).toBeUndefined();
      } else {
        expect(spec).toMatchObject({ id, name: names[id] });
        expect(byName.get(spec?.name ?? 'Status')).toBe(spec);
      }
    });
    expect(byName.size).toBe(byId.filter((spec) => spec !== undefined).length);
  });

  it.each(ETH_VERSIONS)(
    'eth/%d answers every request by a response that stands right after it',
    (version) => {
      const { byId, byName } = ethProtocol(version);
      for (const spec of byId) {
        if (spec?.kind !== 'request') {
          expect(spec?.answer).toBeUndefined();
          continue;
        }
        expect(spec.answer).toBe(
          spec.name.replace('GetB', 'B').replace('GetP', 'P').replace('GetR', 'R').replace('GetC', 'C'),
        );
        expect(byName.get(spec.answer ?? 'Status')).toMatchObject({ id: spec.id + 1, kind: 'response' });
      }
    },
  );

  it.each(ETH_VERSIONS)(
    'eth/%d caps messages at 10 MiB, receipts that cannot be split at a frame',
    (version) => {
      for (const spec of ethProtocol(version).byName.values()) {
        if (spec.name === 'Receipts') {
          expect(spec.maxBytes).toBe(version < 70 ? 2 ** 24 - 1 : 10 * MIB);
        } else if (spec.kind === 'response') {
          expect(spec.maxBytes).toBe(10 * MIB);
        } else {
          expect(spec.maxBytes).toBeLessThanOrEqual(spec.kind === 'status' ? 2_048 : 10 * MIB);
        }
      }
    },
  );

  it('knows what it speaks', () => {
    expect(ETH_VERSIONS).toEqual([68, 69, 70, 71, 72]);
    expect([67, 68, 72, 73, 68.5, Number.NaN].filter(isEthVersion)).toEqual([68, 72]);
  });
});
