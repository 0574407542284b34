import { describe, expect, it } from 'vitest';
import { bytesToHex, encodeBytes, encodeList } from '../../src/codec/index.js';
import {
  EthError,
  type EthMessage,
  type EthMessageName,
  type EthVersion,
  ethProtocol,
  type MessageSpec,
  peekRequestId,
} from '../../src/eth/index.js';
import { contentVectors, eth66Vectors, hash, hex } from '../support/eth-vectors.js';

function spec(version: EthVersion, name: EthMessageName): MessageSpec {
  const found = ethProtocol(version).byName.get(name);
  if (found === undefined) throw new Error(`eth/${version} has no ${name}`);
  return found;
}

/** Reads a vector and writes it again. */
function both(version: EthVersion, name: EthMessageName, vector: string): EthMessage {
  const { decode, encode } = spec(version, name);
  const message = decode(hex(vector));
  expect(bytesToHex(encode(message))).toBe(vector.replace(/^0x|\s/g, ''));
  return message;
}

const deadc0de = hash('deadc0de');
const feedbeef = hash('feedbeef');
const hashes = [deadc0de, feedbeef];

describe('eth/66 vectors of EIP-2481', () => {
  const vectors = eth66Vectors().messages.filter(({ type }) => !type.includes('NodeData'));
  const named = vectors.map(
    ({ type, rlp }, i) => [`${i} ${type}`, type.replace('Packet66', ''), rlp] as const,
  );

  it('are nine without the node data', () => expect(named).toHaveLength(9));

  it.each(named)('%s is read and written byte for byte on eth/68', (_title, name, rlp) => {
    const message = both(68, name as EthMessageName, rlp);
    expect(message).toHaveProperty('requestId', 1111n);
    expect(peekRequestId(hex(rlp))).toBe(1111n);
  });

  it('tell what was asked', () => {
    const asked = vectors.filter(({ type }) => type.startsWith('GetBlockHeaders'));
    expect(asked.map(({ rlp }) => spec(68, 'GetBlockHeaders').decode(hex(rlp)))).toEqual([
      {
        name: 'GetBlockHeaders',
        requestId: 1111n,
        query: { origin: deadc0de, amount: 5n, skip: 5n, reverse: false },
      },
      {
        name: 'GetBlockHeaders',
        requestId: 1111n,
        query: { origin: 9999n, amount: 5n, skip: 5n, reverse: false },
      },
    ]);
  });
});

describe('messages as go-ethereum v1.17.5 writes them', () => {
  const { messages: vectors } = contentVectors();
  const vector = (name: string): string => {
    const found = vectors[name];
    if (found === undefined) throw new Error(`no vector ${name}`);
    return found;
  };
  const forkId = { hash: hex('01020304'), next: 2n ** 64n - 1n };
  const mask = hex('01020000000000000000000000000080'); // cells 0, 9 and 127

  it.each([69, 70, 71, 72] as const)('Status of eth/%d', (version) => {
    expect(both(version, 'Status', vector(`Status${version}`))).toEqual({
      name: 'Status',
      status: {
        version,
        networkId: 7n,
        genesisHash: deadc0de,
        forkId,
        earliest: 0n,
        latest: 1000n,
        latestHash: feedbeef,
      },
    });
  });

  it('Status of eth/68, as it was before the block range', () => {
    const zeros = '0'.repeat(56);
    const difficulty = '8a0c70d815d562d3cfa955'; // mainnet's last: 58750003716598352816469
    const status = `f856 44 01 ${difficulty} a0${zeros}feedbeef a0${zeros}deadc0de c684f0afd0e380`;
    expect(both(68, 'Status', status)).toEqual({
      name: 'Status',
      status: {
        version: 68,
        networkId: 1n,
        totalDifficulty: 58_750_003_716_598_352_816_469n,
        bestHash: feedbeef,
        genesisHash: deadc0de,
        forkId: { hash: hex('f0afd0e3'), next: 0n },
      },
    });
  });

  it('GetBlockHeaders at the edges of its integers', () => {
    const largest = 2n ** 64n - 1n;
    expect(both(69, 'GetBlockHeaders', vector('GetHeadersByHash'))).toEqual({
      name: 'GetBlockHeaders',
      requestId: largest,
      query: { origin: deadc0de, amount: largest, skip: 0n, reverse: true },
    });
    expect(both(69, 'GetBlockHeaders', vector('GetHeadersZero'))).toEqual({
      name: 'GetBlockHeaders',
      requestId: 0n,
      query: { origin: 0n, amount: 0n, skip: 0n, reverse: false },
    });
  });

  it('receipts, whole on eth/69 and in part from eth/70 on', () => {
    const whole = both(69, 'Receipts', vector('Receipts69'));
    const partial = both(72, 'Receipts', vector('Receipts70'));
    expect(partial).toEqual({ ...whole, lastBlockIncomplete: true });
    expect(both(70, 'GetReceipts', vector('GetReceipts70'))).toEqual({
      name: 'GetReceipts',
      requestId: 1111n,
      firstBlockReceiptIndex: 5n,
      hashes,
    });
  });

  it('announcements, from eth/72 on with a mask', () => {
    const common = { name: 'NewPooledTransactionHashes', sizes: [100, 131_072], hashes };
    expect(both(71, 'NewPooledTransactionHashes', vector('Announce71'))).toEqual({
      ...common,
      types: hex('0003'),
    });
    expect(both(72, 'NewPooledTransactionHashes', vector('Announce72'))).toEqual({
      ...common,
      types: hex('0203'),
      mask,
    });
    expect(() => spec(71, 'NewPooledTransactionHashes').decode(hex(vector('Announce72')))).toThrow(EthError);
    expect(() => spec(72, 'NewPooledTransactionHashes').decode(hex(vector('Announce71')))).toThrow(EthError);
  });

  it('block ranges and access lists, where none is not the empty one', () => {
    expect(both(69, 'BlockRangeUpdate', vector('BlockRange'))).toEqual({
      name: 'BlockRangeUpdate',
      earliest: 1n,
      latest: 1024n,
      latestHash: feedbeef,
    });
    expect(both(71, 'GetBlockAccessLists', vector('GetAccessLists'))).toHaveProperty('hashes', hashes);
    expect(both(71, 'BlockAccessLists', vector('AccessLists'))).toEqual({
      name: 'BlockAccessLists',
      requestId: 1111n,
      accessLists: [hex('c0'), undefined, hex('c3c20102')],
    });
  });

  it('cells, in the list of their own that v1.17.5 puts them into', () => {
    const cell = Uint8Array.from({ length: 2_048 }, (_, i) => i & 0xff);
    expect(both(72, 'GetCells', vector('GetCells'))).toEqual({
      name: 'GetCells',
      requestId: 1111n,
      hashes,
      mask,
    });
    expect(both(72, 'GetCells', vector('GetCellsNone'))).toHaveProperty('hashes', []);
    expect(both(72, 'Cells', vector('Cells'))).toEqual({
      name: 'Cells',
      requestId: 1111n,
      hashes: [deadc0de],
      cells: [[cell]],
      mask,
    });
    expect(both(72, 'Cells', vector('CellsNone'))).toHaveProperty('cells', []);
  });

  it('cells without that list, as the specification and later releases write them, are read as well', () => {
    for (const name of ['GetCells', 'Cells'] as const) {
      for (const suffix of ['', 'None']) {
        const nested = hex(vector(`${name}${suffix}`));
        const { requestId, ...message } = spec(72, name).decode(nested) as EthMessage & { requestId: bigint };
        expect(requestId).toBe(1111n);
        const lists = [
          encodeList(('hashes' in message ? (message.hashes as Uint8Array[]) : []).map(encodeBytes)),
        ];
        if (message.name === 'Cells') {
          lists.push(encodeList(message.cells.map((cells) => encodeList(cells.map(encodeBytes)))));
        }
        const flat = encodeList([hex('820457'), ...lists, encodeBytes(mask)]);
        expect(flat).not.toEqual(nested);
        expect(spec(72, name).decode(flat)).toEqual(spec(72, name).decode(nested));
      }
    }
  });
});

describe('a message that this version cannot say', () => {
  const forkId = { hash: hex('01020304'), next: 0n };
  const refused: readonly [string, EthVersion, EthMessageName, EthMessage][] = [
    ['another message', 69, 'BlockHeaders', { name: 'BlockBodies', requestId: 1n, bodies: [] }],
    [
      'a short hash',
      69,
      'GetBlockBodies',
      { name: 'GetBlockBodies', requestId: 1n, hashes: [new Uint8Array(31)] },
    ],
    [
      'a request id of 65 bits',
      69,
      'GetBlockBodies',
      { name: 'GetBlockBodies', requestId: 2n ** 64n, hashes: [] },
    ],
    ['a request id below 0', 69, 'GetBlockBodies', { name: 'GetBlockBodies', requestId: -1n, hashes: [] }],
    [
      'half a header',
      69,
      'GetBlockHeaders',
      {
        name: 'GetBlockHeaders',
        requestId: 1n,
        query: { origin: 1n, amount: 0.5, skip: 0n, reverse: false },
      },
    ],
    [
      'a first index before eth/70',
      69,
      'GetReceipts',
      { name: 'GetReceipts', requestId: 1n, hashes: [], firstBlockReceiptIndex: 1n },
    ],
    [
      'an incomplete block before eth/70',
      69,
      'Receipts',
      { name: 'Receipts', requestId: 1n, blocks: [], lastBlockIncomplete: true },
    ],
    [
      'a mask before eth/72',
      71,
      'NewPooledTransactionHashes',
      { name: 'NewPooledTransactionHashes', types: hex(''), sizes: [], hashes: [], mask: new Uint8Array(16) },
    ],
    [
      'no mask on eth/72',
      72,
      'NewPooledTransactionHashes',
      { name: 'NewPooledTransactionHashes', types: hex(''), sizes: [], hashes: [] },
    ],
    [
      'sizes without hashes',
      71,
      'NewPooledTransactionHashes',
      { name: 'NewPooledTransactionHashes', types: hex('02'), sizes: [1], hashes: [] },
    ],
    [
      'a Status of another version',
      70,
      'Status',
      {
        name: 'Status',
        status: {
          version: 69,
          networkId: 1n,
          genesisHash: deadc0de,
          forkId,
          earliest: 0n,
          latest: 0n,
          latestHash: feedbeef,
        },
      },
    ],
    [
      'a mask of 15 bytes',
      72,
      'GetCells',
      { name: 'GetCells', requestId: 1n, hashes: [], mask: new Uint8Array(15) },
    ],
    [
      'cells of nothing',
      72,
      'Cells',
      { name: 'Cells', requestId: 1n, hashes: [], cells: [[]], mask: new Uint8Array(16) },
    ],
  ];

  it.each(refused)('throws at once: %s', (_title, version, name, message) => {
    expect(() => spec(version, name).encode(message)).toThrow(
      expect.objectContaining({ code: 'ERR_ETH_ENCODE', reason: undefined }),
    );
  });
});
