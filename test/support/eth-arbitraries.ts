import fc, { type Arbitrary } from 'fast-check';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import type { EthMessage, EthMessageName, EthVersion, ForkId, Receipt, Status } from '../../src/eth/index.js';

const bytes = (length: number): Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytes(32);
const hashes = fc.array(hash, { maxLength: 8 });
/** With many small ones and all lengths. */
export const uint64: Arbitrary<bigint> = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 64 }))
  .map(([value, shift]) => value >> BigInt(shift));
const uint256 = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.integer({ min: 0, max: 256 }))
  .map(([value, shift]) => value >> BigInt(shift));
const forkId: Arbitrary<ForkId> = fc.record({ hash: bytes(4), next: uint64 });

/** A list of strings and lists, as headers, bodies and receipts are for a message that keeps them raw. */
const rawList: Arbitrary<Uint8Array> = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 80 }).map(encodeBytes), fc.constant(encodeList([]))), {
    maxLength: 6,
  })
  .map(encodeList);
const rawLists = fc.array(rawList, { maxLength: 6 });

export const rawTransaction: Arbitrary<Uint8Array> = fc.oneof(
  rawList,
  fc
    .tuple(fc.integer({ min: 1, max: 0x7f }), fc.uint8Array({ minLength: 1, maxLength: 120 }))
    .map(([type, rest]) => encodeBytes(Uint8Array.of(type, ...rest))),
);

const logs: Arbitrary<Uint8Array> = fc
  .array(
    fc
      .tuple(bytes(20), fc.array(hash, { maxLength: 4 }), fc.uint8Array({ maxLength: 70 }))
      .map(([address, topics, data]) =>
        encodeList([encodeBytes(address), encodeList(topics.map(encodeBytes)), encodeBytes(data)]),
      ),
    { maxLength: 4 },
  )
  .map(encodeList);

export const receipt: Arbitrary<Receipt> = fc.record({
  type: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 0x7f })),
  status: fc.oneof(fc.constant(new Uint8Array(0)), fc.constant(Uint8Array.of(1)), hash),
  cumulativeGasUsed: uint64,
  logs,
});

function status(version: EthVersion): Arbitrary<Status> {
  const common = { networkId: uint64, genesisHash: hash, forkId };
  if (version === 68) {
    return fc.record({ version: fc.constant(version), totalDifficulty: uint256, bestHash: hash, ...common });
  }
  return fc.record({
    version: fc.constant(version),
    earliest: uint64,
    latest: uint64,
    latestHash: hash,
    ...common,
  });
}

function announcement(version: EthVersion): Arbitrary<EthMessage> {
  return fc
    .tuple(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 2 ** 32 - 1 }), hash), {
        maxLength: 8,
      }),
      bytes(16),
    )
    .map(([items, mask]) => ({
      name: 'NewPooledTransactionHashes',
      types: Uint8Array.from(items, ([type]) => type),
      sizes: items.map(([, size]) => size),
      hashes: items.map(([, , of]) => of),
      ...(version >= 72 ? { mask } : {}),
    }));
}

/** Any message of a name, as a version says it. */
export function messageArbitrary(name: EthMessageName, version: EthVersion): Arbitrary<EthMessage> {
  const named = <N extends EthMessageName>(of: N): { name: Arbitrary<N> } => ({ name: fc.constant(of) });
  const id = { requestId: uint64 };
  switch (name) {
    case 'Status':
      return fc.record({ ...named(name), status: status(version) });
    case 'NewBlockHashes':
      return fc.record({
        ...named(name),
        blocks: fc.array(fc.record({ hash, number: uint64 }), { maxLength: 5 }),
      });
    case 'NewBlock':
      return fc.record({ ...named(name), block: rawList, totalDifficulty: uint256 });
    case 'Transactions':
      return fc.record({ ...named(name), transactions: fc.array(rawTransaction, { maxLength: 6 }) });
    case 'PooledTransactions':
      return fc.record({ ...named(name), ...id, transactions: fc.array(rawTransaction, { maxLength: 6 }) });
    case 'GetBlockHeaders':
      return fc.record({
        ...named(name),
        ...id,
        query: fc.record({
          origin: fc.oneof(hash, uint64),
          amount: uint64,
          skip: uint64,
          reverse: fc.boolean(),
        }),
      });
    case 'BlockHeaders':
      return fc.record({ ...named(name), ...id, headers: rawLists });
    case 'BlockBodies':
      return fc.record({ ...named(name), ...id, bodies: rawLists });
    case 'GetBlockBodies':
      return fc.record({ ...named(name), ...id, hashes });
    case 'GetPooledTransactions':
      return fc.record({ ...named(name), ...id, hashes });
    case 'GetBlockAccessLists':
      return fc.record({ ...named(name), ...id, hashes });
    case 'GetReceipts':
      return version < 70
        ? fc.record({ ...named(name), ...id, hashes })
        : fc.record({ ...named(name), ...id, hashes, firstBlockReceiptIndex: uint64 });
    case 'Receipts':
      return version < 70
        ? fc.record({ ...named(name), ...id, blocks: rawLists })
        : fc.record({ ...named(name), ...id, blocks: rawLists, lastBlockIncomplete: fc.boolean() });
    case 'BlockRangeUpdate':
      return fc.record({ ...named(name), earliest: uint64, latest: uint64, latestHash: hash });
    case 'NewPooledTransactionHashes':
      return announcement(version);
    case 'BlockAccessLists':
      return fc.record({
        ...named(name),
        ...id,
        accessLists: fc.array(fc.option(rawList, { nil: undefined }), { maxLength: 6 }),
      });
    case 'GetCells':
      return fc.record({ ...named(name), ...id, hashes, mask: bytes(16) });
    case 'Cells': {
      const cell = fc.integer({ min: 0, max: 255 }).map((fill) => new Uint8Array(2_048).fill(fill));
      return fc
        .tuple(
          uint64,
          fc.array(fc.tuple(hash, fc.array(cell, { maxLength: 3 })), { maxLength: 3 }),
          bytes(16),
        )
        .map(([requestId, items, mask]) => ({
          name,
          requestId,
          hashes: items.map(([of]) => of),
          cells: items.map(([, cells]) => cells),
          mask,
        }));
    }
  }
}
