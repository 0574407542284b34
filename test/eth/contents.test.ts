import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, concatBytes, encodeBytes, encodeList, readList } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  type BlockHeader,
  checkAccessList,
  countReceipts,
  decodeBody,
  decodeHeader,
  decodeReceipts,
  EthError,
  encodeBlock,
  encodeHeader,
  encodeReceipts,
  ethProtocol,
  headerHash,
  joinReceipts,
  logsBloom,
  receipts68To69,
  receipts69To68,
  receiptsRoot,
  receiptsSummary,
  sliceReceipts,
  splitBlock,
  transactionEnvelope,
  transactionHash,
  transactionsRoot,
  transactionType,
  unclesHash,
  withdrawalsRoot,
} from '../../src/eth/index.js';
import { rawTransaction, receipt, uint64 } from '../support/eth-arbitraries.js';
import { contentVectors, eth66Vectors, hash, hex } from '../support/eth-vectors.js';

const decodeFault = expect.objectContaining({ code: 'ERR_ETH_DECODE', reason: 2 });

describe.each(contentVectors().blocks.map((block, i) => [i, block] as const))(
  'block %i made by go-ethereum',
  (_i, vector) => {
    const raw = hex(vector.rlp);
    const { header: rawHeader, body: rawBody } = splitBlock(raw);
    const header = decodeHeader(rawHeader);
    const body = decodeBody(rawBody);

    it('is split and put together again', () => expect(encodeBlock(rawHeader, rawBody)).toEqual(raw));

    it('has its hash', () => expect(bytesToHex(headerHash(rawHeader, nobleCrypto))).toBe(vector.hash));

    it('has a header that is written as it was read', () => expect(encodeHeader(header)).toEqual(rawHeader));

    it('has a body with the roots of its header', () => {
      expect(transactionsRoot(body.transactions, nobleCrypto)).toEqual(header.transactionsRoot);
      expect(unclesHash(body.uncles, nobleCrypto)).toEqual(header.unclesHash);
      expect(body.withdrawals && withdrawalsRoot(body.withdrawals, nobleCrypto)).toEqual(
        header.withdrawalsRoot,
      );
    });

    it('has receipts with root, bloom, count and gas of its header, though eth/69 leaves the blooms out', () => {
      const receipts = hex(vector.receipts69);
      expect(receiptsSummary(receipts, nobleCrypto)).toEqual({
        root: header.receiptsRoot,
        bloom: header.logsBloom,
        count: body.transactions.length,
        gasUsed: header.gasUsed,
      });
      expect(receiptsRoot(receipts, nobleCrypto)).toEqual(header.receiptsRoot);
      expect(logsBloom(receipts, nobleCrypto)).toEqual(header.logsBloom);
      expect(countReceipts(receipts)).toBe(body.transactions.length);
      expect(decodeReceipts(receipts).map(({ type }) => type)).toEqual(
        body.transactions.map(transactionType),
      );
      expect(encodeReceipts(decodeReceipts(receipts))).toEqual(receipts);
    });
  },
);

describe('the block of all transaction types', () => {
  const [block] = contentVectors().blocks;
  if (block === undefined) throw new Error('no vector');
  const { body } = splitBlock(hex(block.rlp));
  const { transactions, withdrawals } = decodeBody(body);

  it('has the transactions that it has', () => {
    expect(transactions.map(transactionType)).toEqual([0, 1, 2, 3, 4]);
    expect(transactions.map((raw) => bytesToHex(transactionHash(raw, nobleCrypto)))).toEqual(
      block.transactions,
    );
    expect(withdrawals && readList(withdrawals).count()).toBe(2);
  });

  it('has one transaction that failed', () => {
    const receipts = decodeReceipts(hex(block.receipts69));
    expect(receipts.map(({ status }) => bytesToHex(status))).toEqual(['01', '01', '', '01', '01']);
  });

  it('has the receipts of eth/68 with their blooms made again', () => {
    expect(bytesToHex(receipts69To68(hex(block.receipts69), nobleCrypto))).toBe(block.receipts68);
    expect(bytesToHex(receipts68To69(hex(block.receipts68 ?? '')))).toBe(block.receipts69);
  });

  it('has a blob transaction with the same hash when its sidecar comes with it', () => {
    const blob = transactions[3] as Uint8Array;
    const inner = transactionEnvelope(blob).subarray(1);
    for (const sidecar of [
      [encodeList([]), encodeList([]), encodeList([])],
      [hex('01'), encodeList([]), encodeList([]), encodeList([])],
    ]) {
      const pooled = encodeBytes(concatBytes([hex('03'), encodeList([inner, ...sidecar])]));
      expect(transactionHash(pooled, nobleCrypto)).toEqual(transactionHash(blob, nobleCrypto));
    }
  });
});

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** A header of any fork: as many of the later fields as it has. */
const anyHeader: fc.Arbitrary<BlockHeader> = fc
  .tuple(
    fc.record({
      parentHash: bytes(32),
      unclesHash: bytes(32),
      beneficiary: bytes(20),
      stateRoot: bytes(32),
      transactionsRoot: bytes(32),
      receiptsRoot: bytes(32),
      logsBloom: bytes(256),
      difficulty: fc.bigInt({ min: 0n, max: 2n ** 80n - 1n }),
      number: uint64,
      gasLimit: uint64,
      gasUsed: uint64,
      timestamp: uint64,
      extraData: fc.uint8Array({ maxLength: 100 }),
      mixHash: bytes(32),
      nonce: bytes(8),
    }),
    fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
      bytes(32),
      uint64,
      uint64,
      bytes(32),
      bytes(32),
      bytes(32),
      uint64,
    ),
    fc.constantFrom(0, 1, 2, 5, 6, 8),
  )
  .map(([header, values, forks]) => {
    const names = [
      'baseFeePerGas',
      'withdrawalsRoot',
      'blobGasUsed',
      'excessBlobGas',
      'parentBeaconBlockRoot',
      'requestsHash',
      'blockAccessListHash',
      'slotNumber',
    ];
    return { ...header, ...Object.fromEntries(names.slice(0, forks).map((name, i) => [name, values[i]])) };
  });

describe('headers', () => {
  const vector = eth66Vectors().messages.find(({ type }) => type === 'BlockHeadersPacket66');
  const message = ethProtocol(68)
    .byName.get('BlockHeaders')
    ?.decode(hex(vector?.rlp ?? ''));
  const [raw = hex('')] = message?.name === 'BlockHeaders' ? message.headers : [];
  const header = decodeHeader(raw);

  it('of EIP-2481 are read', () => {
    expect(header).toMatchObject({ difficulty: 0x8aen, number: 0xd05n, gasLimit: 0x115cn, gasUsed: 0x15b3n });
    expect(bytesToHex(headerHash(raw, nobleCrypto))).toBe(
      '8c2f2af15b7b563b6ab1e09bed0e9caade7ed730aec98b70a993597a797579a9',
    );
  });

  it('of any fork are written and read again', () => {
    fc.assert(
      fc.property(anyHeader, (any) => {
        expect(decodeHeader(encodeHeader(any))).toEqual(any);
      }),
    );
  });

  it('with an element more or less, or a byte after them, are refused', () => {
    const all = readList(encodeHeader({ ...header, ...latest }));
    const items: Uint8Array[] = [];
    while (!all.done) items.push(all.raw());
    expect(items).toHaveLength(23);
    expect(decodeHeader(encodeList(items)).slotNumber).toBe(9n);
    for (let count = 0; count < 15; count++) {
      expect(() => decodeHeader(encodeList(items.slice(0, count)))).toThrow(decodeFault);
    }
    expect(() => decodeHeader(encodeList([...items, hex('01')]))).toThrow(decodeFault);
    expect(() => decodeHeader(concatBytes([raw, hex('00')]))).toThrow(decodeFault);
  });

  const latest: Partial<BlockHeader> = {
    baseFeePerGas: 7n,
    withdrawalsRoot: hash('01'),
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: hash('02'),
    requestsHash: hash('03'),
    blockAccessListHash: hash('04'),
    slotNumber: 9n,
  };

  it.each<[string, Partial<BlockHeader>]>([
    ['difficulty of 81 bits', { difficulty: 2n ** 80n }],
    ['a number of 65 bits', { number: 2n ** 64n }],
    ['gas below 0', { gasUsed: -1n }],
    ['a base fee of 257 bits', { baseFeePerGas: 2n ** 256n }],
    ['a short hash', { parentHash: new Uint8Array(31) }],
    ['a short bloom', { logsBloom: new Uint8Array(255) }],
    ['too much extra data', { extraData: new Uint8Array(102_401) }],
    ['a field of a later fork without those before', { withdrawalsRoot: hash('01') }],
  ])('that have %s cannot be written', (_title, changes) => {
    const write = (): unknown => encodeHeader({ ...header, ...changes });
    expect(write).toThrow(expect.objectContaining({ code: 'ERR_ETH_ENCODE' }));
  });
});

describe('bodies', () => {
  it('keep what they hold as it stands', () => {
    fc.assert(
      fc.property(fc.array(rawTransaction, { maxLength: 8 }), fc.boolean(), (transactions, shanghai) => {
        const uncles = encodeList([encodeList([hex('01')])]);
        const withdrawals = shanghai ? encodeList([encodeList([hex('02')])]) : undefined;
        const raw = encodeList([encodeList(transactions), uncles, ...(withdrawals ? [withdrawals] : [])]);
        expect(decodeBody(raw)).toEqual({ transactions, uncles, withdrawals });
      }),
    );
  });

  it.each([
    ['nothing', 'c0'],
    ['one list', 'c1c0'],
    ['four lists', 'c4c0c0c0c0'],
    ['a string for transactions', 'c280c0'],
    ['a string for uncles', 'c2c080'],
    ['a string for withdrawals', 'c3c0c080'],
    ['a byte after it', 'c2c0c000'],
    ['a transaction of one byte', 'c3c101c0'],
    ['a transaction of type 0', 'c5c38200c0c0'],
    ['a transaction that is malformed inside', 'c5c3c28105c0'],
  ])('of %s are refused', (_title, raw) => {
    expect(() => decodeBody(hex(raw))).toThrow(decodeFault);
  });

  it('of more transactions than the gas can have paid for are refused', () => {
    const raw = hex('c4c2c0c0c0');
    expect(decodeBody(raw, 2).transactions).toHaveLength(2);
    expect(() => decodeBody(raw, 1)).toThrow(decodeFault);
  });

  it('that are nested deeper than 32 lists are refused, however deep', () => {
    const nested = (depth: number): Uint8Array => {
      let list = encodeList([]);
      for (let i = 1; i < depth; i++) list = encodeList([list]);
      return list;
    };
    const body = (depth: number): Uint8Array => encodeList([encodeList([nested(depth - 2)]), encodeList([])]);
    expect(decodeBody(body(32)).transactions).toHaveLength(1);
    expect(() => decodeBody(body(33))).toThrow(decodeFault);
    expect(() => decodeBody(body(8_000))).toThrow(decodeFault);
  });
});

describe('receipts', () => {
  const receipts = fc.array(receipt, { maxLength: 8 });

  it('are written and read again', () => {
    fc.assert(
      fc.property(receipts, (some) => {
        expect(decodeReceipts(encodeReceipts(some))).toEqual(some);
      }),
    );
  });

  it('survive the form of eth/68', () => {
    fc.assert(
      fc.property(receipts, (some) => {
        const raw = encodeReceipts(some);
        expect(receipts68To69(receipts69To68(raw, nobleCrypto))).toEqual(raw);
      }),
    );
  });

  it('have the bloom filter of the definition: three bits for each address and topic', () => {
    const entries = fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 32, maxLength: 32 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(entries, (some) => {
        const bits = new Set<number>();
        const logs = some.map(([close, topic]) => {
          // Some differ only where the cache of bits does not look.
          if (close) topic.fill(5, 20);
          const address = topic.subarray(0, 20);
          for (const entry of [address, topic]) {
            const view = new DataView(nobleCrypto.keccak256(entry).buffer);
            for (const pair of [0, 2, 4]) bits.add(view.getUint16(pair) & 2_047);
          }
          return encodeList([encodeBytes(address), encodeList([encodeBytes(topic)]), encodeBytes(hex(''))]);
        });
        const expected = new Uint8Array(256);
        for (const bit of bits)
          expected[255 - (bit >> 3)] = (expected[255 - (bit >> 3)] as number) | (1 << (bit & 7));
        const raw = encodeReceipts([
          { type: 0, status: hex('01'), cumulativeGasUsed: 1n, logs: encodeList(logs) },
        ]);
        expect(logsBloom(raw, nobleCrypto)).toEqual(expected);
      }),
    );
  });

  it('cut into slices are joined again, and no slice is larger than it may be', () => {
    fc.assert(
      fc.property(
        fc.array(receipt, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 60, max: 900 }),
        (some, maxBytes) => {
          const raw = encodeReceipts(some);
          const parts: Uint8Array[] = [];
          for (let first = 0; ; ) {
            const part = sliceReceipts(raw, first, maxBytes);
            if (part === undefined) {
              const next = encodeReceipts(some.slice(first, first + 1));
              expect(next.length).toBeGreaterThan(maxBytes);
              return;
            }
            expect(part.receipts.length).toBeLessThanOrEqual(maxBytes);
            parts.push(part.receipts);
            first += countReceipts(part.receipts);
            if (!part.incomplete) break;
          }
          expect(joinReceipts(parts)).toEqual(raw);
        },
      ),
    );
  });

  it('are cut where the next one would make the list too large, to the byte', () => {
    const some = [20, 21, 90, 22].map((length) =>
      encodeList([encodeBytes(new Uint8Array(length).fill(0xaa))]),
    );
    const list = (count: number): Uint8Array => encodeList(some.slice(0, count));
    for (let maxBytes = 1; maxBytes <= list(4).length + 1; maxBytes++) {
      const fitting = [4, 3, 2, 1].find((count) => list(count).length <= maxBytes);
      expect(sliceReceipts(list(4), 0, maxBytes)).toEqual(
        fitting === undefined ? undefined : { receipts: list(fitting), incomplete: fitting < 4 },
      );
    }
  });

  it('sliced beyond their end are none, and complete', () => {
    expect(sliceReceipts(hex('c0'), 0, 10)).toEqual({ receipts: hex('c0'), incomplete: false });
    expect(sliceReceipts(hex('c2c0c0'), 5, 10)).toEqual({ receipts: hex('c0'), incomplete: false });
    expect(joinReceipts([])).toEqual(hex('c0'));
  });

  const log = (changes: { address?: number; topics?: readonly number[] } = {}): Uint8Array =>
    encodeList([
      encodeBytes(new Uint8Array(changes.address ?? 20).fill(0xaa)),
      encodeList((changes.topics ?? [32]).map((length) => encodeBytes(new Uint8Array(length).fill(0xbb)))),
      encodeBytes(hex('')),
    ]);
  const list = (fields: readonly string[], logs: readonly Uint8Array[] = []): Uint8Array =>
    encodeList([encodeList([...fields.map((field) => encodeBytes(hex(field))), encodeList(logs)])]);

  it('that are right are read', () => {
    expect(
      decodeReceipts(
        list(['', '01', '5208'], [log(), log({ topics: [] }), log({ topics: [32, 32, 32, 32] })]),
      ),
    ).toHaveLength(1);
    expect(decodeReceipts(list(['7f', 'ab'.repeat(32), '']))).toHaveLength(1);
  });

  it.each<[string, Uint8Array]>([
    ['type 128', list(['80', '01', ''])],
    ['status 2', list(['', '02', ''])],
    ['status 0 as a byte', list(['', '00', ''])],
    ['a state root of 31 bytes', list(['', 'ab'.repeat(31), ''])],
    ['gas of 65 bits', list(['', '01', '010000000000000000'])],
    ['a short address', list(['', '01', ''], [log({ address: 19 })])],
    ['a short topic', list(['', '01', ''], [log({ topics: [31] })])],
    ['five topics', list(['', '01', ''], [log({ topics: [32, 32, 32, 32, 32] })])],
    [
      'a log of four elements',
      list(['', '01', ''], [encodeList([encodeBytes(new Uint8Array(20)), hex('c0'), hex('80'), hex('80')])]),
    ],
    ['an element more', list(['', '01', '', ''])],
    ['an element less', list(['', '01'])],
    ['a string for logs', encodeList([encodeList([hex('80'), hex('01'), hex('80'), hex('80')])])],
    ['a typed receipt of eth/68', encodeList([encodeBytes(hex('02c0'))])],
  ])('with %s are refused', (_title, raw) => {
    for (const read of [
      decodeReceipts,
      (of: Uint8Array) => receiptsRoot(of, nobleCrypto),
      (of: Uint8Array) => receipts69To68(of, nobleCrypto),
    ]) {
      expect(() => read(raw)).toThrow(decodeFault);
    }
  });

  it.each([
    ['type 0 in front of a list', 'c38200c0'],
    ['type 0x80', 'c48280c0'],
    ['nothing behind the type', 'c102'],
    ['an empty string', 'c180'],
    ['a receipt of eth/69', 'c6c5800180c0'],
  ])('of eth/68 with %s are refused', (_title, raw) => {
    expect(() => receipts68To69(hex(raw))).toThrow(decodeFault);
  });

  it('that cannot be are not written', () => {
    const good = { type: 2, status: hex('01'), cumulativeGasUsed: 5n, logs: hex('c0') };
    for (const wrong of [
      { type: 128 },
      { type: -1 },
      { type: 0.5 },
      { status: hex('02') },
      { status: new Uint8Array(31) },
    ]) {
      expect(() => encodeReceipts([{ ...good, ...wrong }])).toThrow(
        expect.objectContaining({ code: 'ERR_ETH_ENCODE' }),
      );
    }
  });
});

describe('transactions', () => {
  it.each(['', '80', '01', '820001', '8280c0', '82ffc0', '02', 'c1', 'c0c0', '8202'])('%j is none', (raw) => {
    for (const read of [
      transactionType,
      transactionEnvelope,
      (of: Uint8Array) => transactionHash(of, nobleCrypto),
    ]) {
      expect(() => read(hex(raw))).toThrow(EthError);
    }
  });

  it('of unknown types are kept as they are', () => {
    expect(transactionType(hex('827fff'))).toBe(0x7f);
    expect(transactionEnvelope(hex('827fff'))).toEqual(hex('7fff'));
    expect(transactionEnvelope(hex('c101'))).toEqual(hex('c101'));
  });
});

describe('access lists', () => {
  const header = (blockAccessListHash: Uint8Array): BlockHeader => ({
    ...decodeHeader(splitBlock(hex(contentVectors().blocks[0]?.rlp ?? '')).header),
    blockAccessListHash,
  });

  it('belong to the header that has their hash', () => {
    const empty = header(hex('1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347'));
    expect(checkAccessList(hex('c0'), empty, nobleCrypto)).toBe(true);
    expect(checkAccessList(hex('c1c0'), empty, nobleCrypto)).toBe(false);
    const { blockAccessListHash: _, ...older } = empty;
    expect(checkAccessList(hex('c0'), older, nobleCrypto)).toBe(false);
  });

  it('are lists', () => {
    expect(() => checkAccessList(hex('80'), header(hash('01')), nobleCrypto)).toThrow(decodeFault);
    expect(() => checkAccessList(hex('c0c0'), header(hash('01')), nobleCrypto)).toThrow(decodeFault);
  });
});

describe('blocks', () => {
  it.each(['c0', 'c1c0', 'c2c0c0', 'c6c0c0c0c0c0c0', 'c5c0c0c0c080', 'c380c0c0', 'c3c0c080', 'c3c0c0c000'])(
    '%s is none',
    (raw) => {
      expect(() => splitBlock(hex(raw))).toThrow(decodeFault);
    },
  );

  it('have an access list after the withdrawals, in files', () => {
    const [header, body, accessList] = [hex('c101'), hex('c3c0c0c0'), hex('c102')];
    const raw = encodeBlock(header, body, accessList);
    expect(raw).toEqual(hex('c7c101c0c0c0c102'));
    expect(splitBlock(raw)).toEqual({ header, body, accessList });
    expect(splitBlock(encodeBlock(header, body)).accessList).toBeUndefined();
    expect(() => encodeBlock(header, hex('c2c0c0'), accessList)).toThrow(decodeFault);
  });

  it('need a body of two or three lists', () => {
    for (const body of ['c0', 'c1c0', 'c4c0c0c0c0', 'c280c0', 'c2c0c000']) {
      expect(() => encodeBlock(hex('c0'), hex(body))).toThrow(decodeFault);
    }
  });
});
