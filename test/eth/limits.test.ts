import { AsyncLocalStorage } from 'node:async_hooks';
import { getHeapStatistics } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  decodeBody,
  decodeHeader,
  decodeReceipts,
  ETH_VERSIONS,
  EthError,
  type EthMessage,
  type EthMessageName,
  type EthVersion,
  ethProtocol,
  type MessageSpec,
  peekRequestId,
  receiptsSummarySteps,
  type Steps,
  transactionsRootSteps,
} from '../../src/eth/index.js';
import { hash, hex } from '../support/eth-vectors.js';

const MIB = 1024 * 1024;
const decodeFault = expect.objectContaining({ code: 'ERR_ETH_DECODE', reason: 2 });

function spec(version: EthVersion, name: EthMessageName): MessageSpec {
  const found = ethProtocol(version).byName.get(name);
  if (found === undefined) throw new Error(`eth/${version} has no ${name}`);
  return found;
}

/** Rows that several versions share count once. */
const specs = [...new Set(ETH_VERSIONS.flatMap((version) => [...ethProtocol(version).byName.values()]))];

function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Of this process: what others do with the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Milliseconds, and bytes of heap and of buffers that were taken, at the best of five. */
function cost(work: () => unknown): { ms: number; bytes: number } {
  let ms = Number.POSITIVE_INFINITY;
  let bytes = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const before = memory();
    const start = cpuMs();
    const kept = work();
    ms = Math.min(ms, cpuMs() - start);
    bytes = Math.min(bytes, memory() - before);
    expect(kept).not.toBe(cost); // so that what was made is alive until it is measured
  }
  return { ms, bytes };
}

/** What it costs to end in the one error of this room. */
function refused(work: () => unknown): { ms: number; bytes: number } {
  return cost(() => {
    const result = outcome(work);
    expect(result).toBeInstanceOf(EthError);
    return result;
  });
}

/** What comes out, the one error of this room included; any other error is thrown. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof EthError) return error;
    throw error;
  }
}

/** [request id, [one-byte items…]], as large as a message may be, and the same items where an element is expected. */
const millions = new Uint8Array(10 * MIB - 32).fill(1);
const emptyLists = new Uint8Array(10 * MIB - 32).fill(0xc0);
const id = encodeUint(1111);

describe('S4: a made-up answer costs no more than its first bytes', () => {
  const payload = encodeList([id, encodeList([millions])]);

  it('its request id is read alone', () => {
    const { ms, bytes } = cost(() => peekRequestId(payload));
    expect(peekRequestId(payload)).toBe(1111n);
    expect(ms).toBeLessThan(5);
    expect(bytes).toBeLessThan(MIB);
  });

  it('its request id is read alone even where all that follows is malformed', () => {
    expect(peekRequestId(concatBytes([hex('f90100820457'), new Uint8Array(253).fill(0xff)]))).toBe(1111n);
    for (const wrong of ['', 'c0', '820457', 'c1c0', 'c20001', 'ca89010000000000000000', 'f90100820457']) {
      expect(() => peekRequestId(hex(wrong))).toThrow(decodeFault);
    }
  });

  const answers = [
    'BlockHeaders',
    'BlockBodies',
    'Receipts',
    'PooledTransactions',
    'BlockAccessLists',
  ] as const;

  it.each(answers)('%s with more items than were asked for builds none', (name) => {
    const flagged =
      name === 'Receipts'
        ? encodeList([id, hex('01'), encodeList([emptyLists])])
        : encodeList([id, encodeList([emptyLists])]);
    const { ms, bytes } = refused(() => spec(72, name).decode(flagged, { maxItems: 128 }));
    expect(ms).toBeLessThan(10);
    expect(bytes).toBeLessThan(MIB);
  });

  it.each(answers)('%s holds what was asked for, and not one more', (name) => {
    const { decode } = spec(72, name);
    const answer = (items: number): Uint8Array => {
      const list = encodeList(new Array<Uint8Array>(items).fill(hex('c0')));
      return name === 'Receipts' ? encodeList([id, hex('80'), list]) : encodeList([id, list]);
    };
    expect(decode(answer(3), { maxItems: 3 }).name).toBe(name);
    expect(() => decode(answer(4), { maxItems: 3 })).toThrow(decodeFault);
  });
});

describe('S5: millions of tiny items end in one error, at once, without memory', () => {
  const messages: readonly [string, Uint8Array][] = [
    ['one-byte items', encodeList([millions])],
    ['one-byte items behind an id', encodeList([id, encodeList([millions])])],
    ['one-byte items behind an id and a flag', encodeList([id, hex('01'), encodeList([millions])])],
    ['empty lists', encodeList([emptyLists])],
    ['empty lists behind an id', encodeList([id, encodeList([emptyLists])])],
    ['empty lists behind an id and a flag', encodeList([id, hex('01'), encodeList([emptyLists])])],
    [
      'a type, a size and a hash for each',
      encodeList([
        encodeBytes(millions.subarray(0, 4 * MIB)),
        encodeList([millions.subarray(0, 4 * MIB)]),
        encodeList([]),
      ]),
    ],
    [
      'lists of cells',
      encodeList([
        id,
        encodeList([
          encodeList([encodeBytes(hash('01'))]),
          encodeList([encodeList([millions])]),
          encodeBytes(new Uint8Array(16)),
        ]),
      ]),
    ],
  ];

  it.each(messages)('%s, for every message of every version', (_title, payload) => {
    for (const { name, decode } of specs) {
      // Some of it is what some message keeps raw: two items, one of them large.
      const { ms, bytes } = cost(() => outcome(() => decode(payload)));
      expect(ms, name).toBeLessThan(50);
      expect(bytes, name).toBeLessThan(2 * payload.length);
    }
  });

  const body = (transactions: Uint8Array): Uint8Array =>
    encodeList([encodeList([transactions]), encodeList([])]);
  const contents: readonly [string, (raw: Uint8Array) => unknown, Uint8Array][] = [
    ['a header', decodeHeader, encodeList([millions])],
    ['a body of one-byte transactions', decodeBody, body(millions)],
    ['a body of empty transactions', decodeBody, body(emptyLists)],
    ['a body of one transaction', decodeBody, body(encodeList([millions]))],
    [
      'a body of withdrawals',
      decodeBody,
      encodeList([encodeList([]), encodeList([]), encodeList([emptyLists])]),
    ],
    ['receipts of one byte', decodeReceipts, encodeList([millions])],
    ['empty receipts', decodeReceipts, encodeList([emptyLists])],
    [
      'a receipt of empty logs',
      decodeReceipts,
      encodeList([encodeList([hex('80'), hex('01'), hex('80'), encodeList([emptyLists])])]),
    ],
  ];

  it.each(contents)('%s', (_title, decode, raw) => {
    const { ms, bytes } = refused(() => decode(raw));
    expect(ms).toBeLessThan(50);
    expect(bytes).toBeLessThan(2 * raw.length);
  });

  it('the largest honest answers need less than twice their size', () => {
    const hashes = new Array<Uint8Array>(256).fill(hash('01'));
    const kib = encodeList([encodeBytes(new Uint8Array(1_021))]);
    const honest: readonly EthMessage[] = [
      { name: 'BlockHeaders', requestId: 1n, headers: new Array<Uint8Array>(1_024).fill(kib) },
      { name: 'BlockBodies', requestId: 1n, bodies: new Array<Uint8Array>(1_024).fill(kib) },
      { name: 'GetBlockBodies', requestId: 1n, hashes },
    ];
    for (const message of honest) {
      const payload = spec(69, message.name).encode(message);
      const { bytes } = cost(() => spec(69, message.name).decode(payload));
      expect(bytes, message.name).toBeLessThan(2 * payload.length + 64 * 1024);
    }
  });

  it('hashes are bounded where nobody bounds them', () => {
    const list = (count: number): Uint8Array =>
      encodeList(new Array<Uint8Array>(count).fill(encodeBytes(hash('01'))));
    const { decode, maxBytes } = spec(69, 'GetPooledTransactions');
    const most = encodeList([id, list(16_384)]);
    expect(decode(most)).toHaveProperty('hashes.length', 16_384);
    expect(most.length).toBeLessThan(maxBytes);
    expect(() => decode(encodeList([id, list(16_385)]))).toThrow(decodeFault);
  });
});

describe('S5: what must be hashed is hashed in slices', () => {
  const word = (i: number): Uint8Array =>
    encodeBytes(Uint8Array.of(...hash('').subarray(3), i >> 16, (i >> 8) & 0xff, i & 0xff));
  const log = (i: number): Uint8Array =>
    encodeList([
      encodeBytes(hash('').subarray(12)),
      encodeList([0, 1, 2, 3].map((n) => word(4 * i + n))),
      hex('80'),
    ]);
  const receipt = (logs: readonly Uint8Array[]): Uint8Array =>
    encodeList([hex('80'), hex('01'), hex('80'), encodeList(logs)]);
  const work: readonly [string, () => Steps<unknown>][] = [
    [
      'a receipt of 10,000 logs that have nothing in common',
      () => receiptsSummarySteps(manyLogs, nobleCrypto),
    ],
    ['20,000 receipts without logs', () => receiptsSummarySteps(manyReceipts, nobleCrypto)],
    ['40,000 transactions', () => transactionsRootSteps(manyTransactions, nobleCrypto)],
  ];
  const manyLogs = encodeList([receipt(Array.from({ length: 10_000 }, (_, i) => log(i)))]);
  const manyReceipts = encodeList(new Array<Uint8Array>(20_000).fill(receipt([])));
  const manyTransactions = new Array<Uint8Array>(40_000).fill(encodeBytes(new Uint8Array(100).fill(2)));

  it.each(work)('%s', (_title, steps) => {
    const slices: number[] = [];
    const running = steps();
    for (let done = false; !done; ) {
      const start = cpuMs();
      done = running.next().done === true;
      slices.push(cpuMs() - start);
    }
    expect(slices.length).toBeGreaterThan(5);
    // The median: memory may be tidied up during one of them.
    expect(slices.sort((a, b) => a - b)[slices.length >> 1]).toBeLessThan(50);
  });
});

describe('S6: prefixes that lie', () => {
  it('every first byte with every length of length ends in a message or in the one error', () => {
    for (let prefix = 0x7f; prefix < 256; prefix++) {
      for (let lengthBytes = 0; lengthBytes <= 9; lengthBytes++) {
        for (const fill of [0x00, 0x01, 0xff]) {
          const inner = Uint8Array.of(prefix, ...new Array<number>(lengthBytes).fill(fill));
          for (const payload of [inner, encodeList([id, inner])]) {
            for (const { decode } of specs) outcome(() => decode(payload)); // throws on any other error
          }
        }
      }
    }
  });
});

describe('S8: an item cut short within a list', () => {
  it.each(['a0', 'b8', 'f8', 'c1', 'b90100', 'ff'])('%s ends in an error, not in a loop', (cut) => {
    for (const { name, decode } of specs) {
      expect(() => decode(encodeList([hex(cut)]))).toThrow(decodeFault);
      if (name === 'Status') continue; // says eth/1111, which is as far as it is read
      if (name === 'Transactions') continue; // there the list is one transaction, and kept raw
      expect(() => decode(encodeList([id, encodeList([hex(cut)])]))).toThrow(decodeFault);
    }
  });

  it.each(['c1a0', 'c2c1a0'])('%s ends in an error once what was kept raw is read', (cut) => {
    for (const decode of [decodeHeader, decodeBody, decodeReceipts]) {
      expect(() => decode(encodeList([hex(cut)]))).toThrow(decodeFault);
      expect(() => decode(encodeList([encodeList([hex(cut)]), hex('c0')]))).toThrow(decodeFault);
    }
  });
});

describe('S9: nesting costs no stack', () => {
  /** Lists within lists. */
  function nested(depth: number): Uint8Array {
    const prefixes: number[] = []; // from the innermost out, each from its end
    for (let i = 0; i < depth; i++) {
      const length = prefixes.length;
      if (length < 56) prefixes.push(0xc0 + length);
      else if (length < 2 ** 8) prefixes.push(length, 0xf8);
      else if (length < 2 ** 16) prefixes.push(length & 0xff, length >> 8, 0xf9);
      else prefixes.push(length & 0xff, (length >> 8) & 0xff, length >> 16, 0xfa);
    }
    return Uint8Array.from(prefixes.reverse());
  }

  it('8,000 and 100,000 lists deep, with async context active', () => {
    new AsyncLocalStorage<number>().run(1, () => {
      for (const depth of [8_000, 100_000]) {
        const deep = nested(depth);
        const answer = spec(69, 'BlockBodies').decode(encodeList([id, encodeList([deep])]));
        expect(answer.name === 'BlockBodies' && answer.bodies[0]).toEqual(deep);
        for (const decode of [decodeHeader, decodeBody, decodeReceipts]) {
          expect(() => decode(deep)).toThrow(decodeFault);
          expect(() => decode(encodeList([encodeList([deep]), encodeList([])]))).toThrow(decodeFault);
        }
      }
    });
  });
});
