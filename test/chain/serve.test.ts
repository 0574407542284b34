import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ChainBackend,
  ChainError,
  type ChainStore,
  MemoryChain,
  openChainStore,
  serveRequest,
} from '../../src/chain/index.js';
import { concatBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import {
  countReceipts,
  type EthMessage,
  type EthVersion,
  ethProtocol,
  type HeadersQuery,
  receipts69To68,
  sliceReceipts,
} from '../../src/eth/index.js';
import { SimulatedStores } from '../../src/runtime/index.js';
import { type BuiltChain, buildChain, hasher, mixture } from '../support/chain-builder.js';

const HEAD = 1_100;
const MAX = 2n ** 64n - 1n;
const accessList = (n: number): Uint8Array => encodeList([encodeUint(n)]);
const chain: BuiltChain = buildChain(HEAD, (n) =>
  n < 1_000 ? mixture(n) : { transactions: 2, accessList: accessList(n) },
);
let store: ChainStore;

beforeAll(async () => {
  store = await openChainStore({ stores: new SimulatedStores(), path: '/c', hasher, chain: chain.spec });
  await store.append(
    chain.blocks.map((block, i) => (i === 1_049 ? { ...block, accessList: undefined } : block)),
  );
});

const block = (n: number) => {
  const found = chain.blocks[n - 1];
  if (found === undefined) throw new Error(`no block ${n}`);
  return found;
};
const hashOf = (n: number): Uint8Array => (n === 0 ? chain.genesis.hash : block(n).header.hash);
const unknown = new Uint8Array(32).fill(0xee);

/** Counts what a backend is asked for. */
function counted(backend: ChainBackend): { backend: ChainBackend; calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name !== 'range') calls++;
        for (const arg of args) {
          if (typeof arg === 'bigint' && (arg < 0n || arg > MAX)) throw new Error(`asked for block ${arg}`);
        }
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { backend: proxy, calls: () => calls };
}

async function serve(
  request: EthMessage,
  version: EthVersion = 69,
  backend: ChainBackend = store,
): Promise<EthMessage> {
  const answer = await serveRequest(backend, request, version, { hasher });
  const spec = ethProtocol(version).byName.get(answer.name);
  expect(spec?.encode(answer).length).toBeLessThanOrEqual(10 * 1024 * 1024);
  return answer;
}

const textOf = (raw: Uint8Array): string => Buffer.from(raw).toString('latin1');
const numberOfRaw = new Map(
  [chain.genesis, ...chain.blocks.map(({ header }) => header)].map(({ raw }, number) => [
    textOf(raw),
    number,
  ]),
);

/** The numbers of the headers that are answered. */
async function headers(
  query: Partial<HeadersQuery> & Pick<HeadersQuery, 'origin'>,
  backend?: ChainBackend,
): Promise<number[]> {
  const whole = { amount: 1n, skip: 0n, reverse: false, ...query };
  const answer = await serve({ name: 'GetBlockHeaders', requestId: 7n, query: whole }, 69, backend);
  if (answer.name !== 'BlockHeaders') throw new Error(answer.name);
  expect(answer.requestId).toBe(7n);
  return answer.headers.map((raw) => numberOfRaw.get(textOf(raw)) ?? Number.NaN);
}

const up = (from: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);
const down = (from: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => from - i * step);

describe('GetBlockHeaders answers', () => {
  const cases: [
    what: string,
    query: Partial<HeadersQuery> & Pick<HeadersQuery, 'origin'>,
    expected: number[],
  ][] = [
    ['one by number', { origin: 550n }, [550]],
    ['one by hash', { origin: hashOf(550) }, [550]],
    ['the genesis by number', { origin: 0n }, [0]],
    ['the genesis by hash', { origin: hashOf(0) }, [0]],
    ['the head by number', { origin: 1_100n }, [1_100]],
    ['the head by hash', { origin: hashOf(1_100) }, [1_100]],
    ['several upwards', { origin: 550n, amount: 3n }, [550, 551, 552]],
    ['several downwards', { origin: 550n, amount: 3n, reverse: true }, [550, 549, 548]],
    ['several upwards by hash', { origin: hashOf(550), amount: 3n }, [550, 551, 552]],
    ['several downwards by hash', { origin: hashOf(550), amount: 3n, reverse: true }, [550, 549, 548]],
    ['every fourth upwards', { origin: 550n, skip: 3n, amount: 3n }, [550, 554, 558]],
    ['every fourth downwards', { origin: 550n, skip: 3n, amount: 3n, reverse: true }, [550, 546, 542]],
    ['every fourth upwards by hash', { origin: hashOf(550), skip: 3n, amount: 3n }, [550, 554, 558]],
    [
      'every fourth downwards by hash',
      { origin: hashOf(550), skip: 3n, amount: 3n, reverse: true },
      [550, 546, 542],
    ],
    ['what there is up to the head', { origin: 1_099n, amount: 10n }, [1_099, 1_100]],
    ['what there is up to the head, by hash', { origin: hashOf(1_099), amount: 10n }, [1_099, 1_100]],
    ['what there is down to the genesis', { origin: 1n, amount: 10n, reverse: true }, [1, 0]],
    ['what there is down to the genesis, by hash', { origin: hashOf(1), amount: 10n, reverse: true }, [1, 0]],
    ['what there is up to the head, with gaps', { origin: 1_096n, skip: 3n, amount: 3n }, [1_096, 1_100]],
    [
      'what there is up to the head, with gaps, by hash',
      { origin: hashOf(1_096), skip: 3n, amount: 3n },
      [1_096, 1_100],
    ],
    [
      'what there is down to the genesis, with gaps',
      { origin: 4n, skip: 3n, amount: 3n, reverse: true },
      [4, 0],
    ],
    [
      'what there is down to the genesis, with gaps, by hash',
      { origin: hashOf(4), skip: 3n, amount: 3n, reverse: true },
      [4, 0],
    ],
    ['gaps that leave the chain after one', { origin: 1_098n, skip: 3n, amount: 3n }, [1_098]],
    [
      'gaps that would go below the genesis after one',
      { origin: 3n, skip: 3n, amount: 3n, reverse: true },
      [3],
    ],
    ['nothing for a number beyond the head', { origin: 1_101n, amount: 5n }, []],
    [
      'nothing for a number beyond the head, with gaps',
      { origin: 1_101n, amount: 5n, skip: 1n, reverse: true },
      [],
    ],
    ['nothing for an unknown hash', { origin: unknown, amount: 5n }, []],
    ['nothing for an unknown hash, downwards', { origin: unknown, amount: 5n, reverse: true }, []],
    ['nothing for an unknown hash, with gaps', { origin: unknown, amount: 5n, skip: 2n }, []],
    ['nothing for a hash of zeros', { origin: new Uint8Array(32), amount: 5n }, []],
    [
      'downwards from beyond the head what lies below it',
      { origin: 1_103n, amount: 5n, reverse: true },
      [1_100, 1_099],
    ],
    ['nothing downwards from far beyond the head', { origin: 1_105n, amount: 5n, reverse: true }, []],
    ['at most 1,024', { origin: 0n, amount: MAX }, up(0, 1_024)],
    ['at most 1,024, downwards', { origin: 1_100n, amount: MAX, reverse: true }, down(1_100, 1_024)],
    ['at most 1,024 by hash', { origin: hashOf(10), amount: MAX }, up(10, 1_024)],
    [
      'at most 1,024 by hash, downwards',
      { origin: hashOf(1_090), amount: MAX, reverse: true },
      down(1_090, 1_024),
    ],
    ['amounts given as plain numbers', { origin: 5n, amount: 2 }, [5, 6]],
  ];
  test.each(cases)('%s', async (_what, query, expected) => {
    expect(await headers(query)).toEqual(expected);
  });

  const zero: [string, Partial<HeadersQuery> & Pick<HeadersQuery, 'origin'>][] = [
    ['by number', { origin: 5n }],
    ['by hash', { origin: hashOf(5) }],
    ['downwards', { origin: hashOf(5), reverse: true }],
    ['with gaps', { origin: 5n, skip: 1n }],
  ];
  test.each(zero)('P1: an amount of 0 %s empty, without looking for anything', async (_what, query) => {
    const { backend, calls } = counted(store);
    expect(await headers({ ...query, amount: 0n }, backend)).toEqual([]);
    expect(calls()).toBe(0);
  });

  const wraps: [string, Partial<HeadersQuery> & Pick<HeadersQuery, 'origin'>, number[]][] = [
    ['skip 2^64 - 1', { origin: 550n, skip: MAX, amount: 5n }, [550]],
    ['skip 2^64 - 2', { origin: 550n, skip: MAX - 1n, amount: 5n }, [550]],
    ['skip 2^64 - 1 downwards', { origin: 550n, skip: MAX, amount: 5n, reverse: true }, [550]],
    ['skip 2^64 - 2 downwards', { origin: 550n, skip: MAX - 1n, amount: 5n, reverse: true }, [550]],
    ['skip 2^64 - 1 by hash', { origin: hashOf(550), skip: MAX, amount: 5n }, [550]],
    ['skip 2^64 - 2 by hash', { origin: hashOf(550), skip: MAX - 1n, amount: 5n }, [550]],
    ['skip 2^64 - 1 by hash downwards', { origin: hashOf(550), skip: MAX, amount: 5n, reverse: true }, [550]],
    [
      'skip 2^64 - 2 by hash downwards',
      { origin: hashOf(550), skip: MAX - 1n, amount: 5n, reverse: true },
      [550],
    ],
    ['a step that wraps round to the origin', { origin: 1n, skip: MAX, amount: 5n }, [1]],
    ['a step that wraps round to the genesis', { origin: 1n, skip: MAX - 1n, amount: 5n }, [1]],
    ['an origin of 2^64 - 1', { origin: MAX, amount: 5n }, []],
    ['an origin of 2^64 - 1 downwards', { origin: MAX, amount: 5n, reverse: true }, []],
    ['an origin of 2^64 - 3 with five blocks', { origin: MAX - 2n, amount: 5n }, []],
    ['an origin of 2^64 - 1 with gaps', { origin: MAX, skip: MAX, amount: MAX }, []],
    ['everything at its most', { origin: MAX, skip: MAX, amount: MAX, reverse: true }, []],
  ];
  test.each(wraps)('P2: %s with the valid prefix', async (_what, query, expected) => {
    expect(await headers(query, counted(store).backend)).toEqual(expected);
  });

  test('P5: any query within a budget of steps', async () => {
    for (const origin of [0n, 1_100n, hashOf(0), hashOf(1_100), unknown]) {
      for (const reverse of [false, true]) {
        for (const skip of [0n, 1n, 2n, 1_000n, MAX]) {
          const { backend, calls } = counted(store);
          await headers({ origin, reverse, skip, amount: MAX }, backend);
          expect(calls()).toBeLessThanOrEqual(4 * 1_024 + 100);
        }
      }
    }
  });
});

describe('a chain with side branches', () => {
  // What a backend other than the store may have: blocks that are known by hash, and not on the chain that counts.
  const side = buildChain(300, () => ({ extra: 'side' }));
  const byHash = new Map(side.blocks.map(({ header }) => [Buffer.from(header.hash).toString('hex'), header]));
  const known = (hash: Uint8Array) => byHash.get(Buffer.from(hash).toString('hex'));
  const mixed: ChainBackend = {
    chain: chain.spec,
    range: () => store.range(),
    hashOf: (number) => store.hashOf(number),
    headerByNumber: (number) => store.headerByNumber(number),
    headerByHash: async (hash) => known(hash)?.raw ?? store.headerByHash(hash),
    numberOf: async (hash) => known(hash)?.header.number ?? store.numberOf(hash),
    body: (hash) => store.body(hash),
    receipts: (hash) => store.receipts(hash),
    accessList: (hash) => store.accessList(hash),
    subscribe: (listener) => store.subscribe(listener),
  };
  const sideHash = (n: number): Uint8Array => side.blocks[n - 1]?.header.hash ?? unknown;
  const count = async (query: Partial<HeadersQuery> & Pick<HeadersQuery, 'origin'>): Promise<number> => {
    const whole = { amount: 500n, skip: 0n, reverse: false, ...query };
    const answer = await serveRequest(mixed, { name: 'GetBlockHeaders', requestId: 1n, query: whole }, 69, {
      hasher,
    });
    return answer.name === 'BlockHeaders' ? answer.headers.length : -1;
  };

  test('is served downwards from a side block, through its ancestors', async () => {
    expect(await count({ origin: sideHash(250), reverse: true })).toBe(251); // the last is the genesis, which both share
  });

  test('has no descendants of a side block', async () => {
    expect(await count({ origin: sideHash(250) })).toBe(1);
    expect(await count({ origin: sideHash(250), skip: 1n })).toBe(1);
  });

  test('is left after 100 hops where there are gaps', async () => {
    expect(await count({ origin: sideHash(250), skip: 1n, reverse: true })).toBe(51);
  });
});

describe('a reorganisation during an answer', () => {
  test('ends it: two branches are never mixed', async () => {
    const other = buildChain(HEAD, () => ({ extra: 'other' }));
    let reads = 0;
    const switching: ChainBackend = new Proxy<ChainBackend>(store, {
      get(target, name) {
        if (name !== 'hashOf') {
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? member.bind(target) : member;
        }
        return async (number: bigint) =>
          reads++ < 40 ? store.hashOf(number) : other.blocks[Number(number) - 1]?.header.hash;
      },
    });
    const mixed: ChainBackend = Object.create(switching, {
      inRow: { value: undefined },
      headerByHash: {
        value: async (hash: Uint8Array) =>
          (await store.headerByHash(hash)) ??
          other.blocks.find(({ header }) => Buffer.from(header.hash).equals(hash))?.header.raw,
      },
    });
    for (const reverse of [false, true]) {
      reads = 0;
      const query = { origin: 500n, amount: 200n, skip: 0n, reverse };
      const answer = await serveRequest(mixed, { name: 'GetBlockHeaders', requestId: 1n, query }, 69, {
        hasher,
      });
      if (answer.name !== 'BlockHeaders') throw new Error(answer.name);
      expect(answer.headers).toHaveLength(40);
    }
  });

  test('ends it also where many are read at once', async () => {
    const other = buildChain(HEAD, () => ({ extra: 'other' }));
    let reads = 0;
    const inRow: ChainStore['inRow'] = async (from, count, reverse) => {
      const row = await store.inRow(from, count, reverse);
      if (reads++ === 0) return row;
      return row.flatMap((_, i) => {
        const header = other.blocks[Number(reverse ? from - BigInt(i) : from + BigInt(i)) - 1]?.header;
        return header === undefined ? [] : [{ hash: header.hash, header: header.raw }];
      });
    };
    const switching: ChainBackend = Object.create(store, {
      inRow: { value: inRow },
      range: { value: () => store.range() },
    });
    for (const reverse of [false, true]) {
      reads = 0;
      const query = { origin: 500n, amount: 200n, skip: 0n, reverse };
      const answer = await serveRequest(switching, { name: 'GetBlockHeaders', requestId: 1n, query }, 69, {
        hasher,
      });
      if (answer.name !== 'BlockHeaders') throw new Error(answer.name);
      expect(reads).toBe(2);
      expect(answer.headers).toHaveLength(128);
    }
  });
});

describe('GetBlockBodies answers', () => {
  const bodies = async (hashes: readonly Uint8Array[]): Promise<readonly Uint8Array[]> => {
    const answer = await serve({ name: 'GetBlockBodies', requestId: 9n, hashes });
    return answer.name === 'BlockBodies' ? answer.bodies : [];
  };

  test('the stored bytes, in the order asked', async () => {
    expect(await bodies([hashOf(7), hashOf(3), hashOf(7)])).toEqual([
      block(7).body,
      block(3).body,
      block(7).body,
    ]);
    expect(await bodies([])).toEqual([]);
  });

  test('up to the first block that is not here', async () => {
    expect(await bodies([hashOf(1), hashOf(2), unknown, hashOf(3)])).toEqual([block(1).body, block(2).body]);
    expect(await bodies([unknown, hashOf(3)])).toEqual([]);
  });

  test('at most 1,024', async () => {
    expect(await bodies(up(1, 1_100).map(hashOf))).toHaveLength(1_024);
  });
});

describe('GetReceipts answers', () => {
  const ask = async (version: EthVersion, hashes: readonly Uint8Array[], first?: bigint) => {
    const request: EthMessage = {
      name: 'GetReceipts',
      requestId: 9n,
      hashes,
      ...(first === undefined ? {} : { firstBlockReceiptIndex: first }),
    };
    const answer = await serve(request, version);
    if (answer.name !== 'Receipts') throw new Error(answer.name);
    return answer;
  };

  test('eth/69: the stored bytes, up to the first block that is not here', async () => {
    const { blocks, lastBlockIncomplete } = await ask(69, [hashOf(5), hashOf(4), unknown, hashOf(3)]);
    expect(blocks).toEqual([block(5).receipts, block(4).receipts]);
    expect(lastBlockIncomplete).toBeUndefined();
  });

  test('eth/68: with blooms', async () => {
    const { blocks } = await ask(68, [hashOf(5), hashOf(3)]);
    expect(blocks).toEqual([receipts69To68(block(5).receipts, hasher), encodeList([])]);
  });

  test.each([70, 71, 72] as const)(
    'eth/%d: with the flag, and the first block from an index on',
    async (version) => {
      expect(await ask(version, [hashOf(5), hashOf(4)], 0n)).toMatchObject({
        lastBlockIncomplete: false,
        blocks: [block(5).receipts, block(4).receipts],
      });
      const { blocks } = await ask(version, [hashOf(5), hashOf(4)], 2n);
      expect(blocks).toEqual([sliceReceipts(block(5).receipts, 2, 1e9)?.receipts, block(4).receipts]);
      expect(blocks.map(countReceipts)).toEqual([3, 4]);
    },
  );

  test.each([5n, 6n, 2n ** 53n, MAX])(
    'P16: an index of %d, past the end, with an empty list, not with the block before',
    async (first) => {
      expect(await ask(70, [hashOf(5), hashOf(4)], first)).toMatchObject({
        lastBlockIncomplete: false,
        blocks: [encodeList([]), block(4).receipts],
      });
    },
  );

  test('eth/68: a block with many receipts is answered in slices, and a caller that left is not worked for', async () => {
    const big = buildChain(1, () => ({ transactions: 3_000, logBytes: 200 }), 'big');
    const memory = new MemoryChain(big.spec, hasher);
    memory.append(big.blocks);
    const [only] = big.blocks;
    if (only === undefined) throw new Error('no block');
    const request: EthMessage = { name: 'GetReceipts', requestId: 1n, hashes: [only.header.hash] };
    let turns = 0;
    const soon = (run: () => void): void => {
      turns++;
      queueMicrotask(run);
    };
    const answer = await serveRequest(memory, request, 68, { hasher, clock: { soon } });
    expect(answer).toMatchObject({ blocks: [receipts69To68(only.receipts, hasher)] });
    expect(turns).toBeGreaterThan(5); // some 8 ms of hashing between two of them
    const gone = new AbortController();
    turns = 0;
    const leave = (run: () => void): void => {
      if (++turns === 2) gone.abort();
      queueMicrotask(run);
    };
    const serving = serveRequest(memory, request, 68, {
      hasher,
      clock: { soon: leave },
      signal: gone.signal,
    });
    await expect(serving).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    expect(turns).toBe(2);
  });

  test('eth/68: many blocks with some receipts each give turns too', async () => {
    const many = buildChain(40, () => ({ transactions: 100, logBytes: 300 }), 'many');
    const memory = new MemoryChain(many.spec, hasher);
    memory.append(many.blocks);
    const hashes = many.blocks.map(({ header }) => header.hash);
    let turns = 0;
    const soon = (run: () => void): void => {
      turns++;
      queueMicrotask(run);
    };
    await serveRequest(memory, { name: 'GetReceipts', requestId: 1n, hashes }, 68, {
      hasher,
      clock: { soon },
    });
    expect(turns).toBeGreaterThan(3); // fewer than 256 blocks, and 1.4 MB of receipts
  });

  test('at most 1,024 blocks', async () => {
    for (const version of [68, 69, 70] as const)
      expect((await ask(version, up(1, 1_100).map(hashOf))).blocks).toHaveLength(1_024);
  });
});

describe('answers in bytes', () => {
  const SOFT = 2 * 1024 * 1024;
  const HARD = 10 * 1024 * 1024;
  // 100 receipts of 10 kB: 1 MB each; block 4 has 1,500 of them: 15 MB.
  const plan = (n: number) => ({ transactions: n === 4 ? 1_500 : 100, logBytes: 10_000 });
  const big = buildChain(5, plan, 'big');
  let bigStore: ChainStore;
  const hash = (n: number): Uint8Array => big.blocks[n - 1]?.header.hash ?? unknown;
  const receipts = async (version: EthVersion, numbers: readonly number[], first = 0n) => {
    const request: EthMessage = {
      name: 'GetReceipts',
      requestId: MAX,
      hashes: numbers.map(hash),
      firstBlockReceiptIndex: first,
    };
    const answer = await serve(request, version, bigStore);
    if (answer.name !== 'Receipts') throw new Error(answer.name);
    return answer;
  };

  beforeAll(async () => {
    bigStore = await openChainStore({ stores: new SimulatedStores(), path: '/b', hasher, chain: big.spec });
    await bigStore.append(big.blocks);
  });

  test('P3: end once they have reached 2 MiB', async () => {
    for (const version of [68, 69, 70] as const) {
      const { blocks } = await receipts(version, [1, 2, 3, 5]);
      expect(blocks).toHaveLength(3);
      const bytes = blocks.map((raw) => raw.length);
      expect(bytes.slice(0, 2).reduce((a, b) => a + b)).toBeLessThan(SOFT);
      expect(bytes.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(SOFT);
    }
  });

  test('never have more than 10 MiB: before eth/70 a block that does not fit is left out', async () => {
    for (const version of [68, 69] as const) {
      expect((await receipts(version, [1, 4])).blocks).toHaveLength(1);
      expect((await receipts(version, [4])).blocks).toHaveLength(0);
    }
  });

  test('from eth/70 on a block is cut at 10 MiB, and can be read to its end', async () => {
    const pages: number[] = [];
    let first = 0n;
    for (;;) {
      const { blocks, lastBlockIncomplete } = await receipts(70, [4], first);
      const [page] = blocks;
      if (page === undefined) throw new Error('no page');
      pages.push(countReceipts(page));
      first += BigInt(countReceipts(page));
      if (lastBlockIncomplete !== true) break;
      expect(page.length).toBeGreaterThan(HARD - 11_000);
    }
    expect(pages.reduce((a, b) => a + b)).toBe(1_500);
    expect(pages).toHaveLength(2);
    const after = await receipts(70, [1, 4]);
    expect(after).toMatchObject({ lastBlockIncomplete: true });
    expect(after.blocks).toHaveLength(2);
  });

  test('a block whose first receipt does not fit any more is left out, and nothing is called incomplete', async () => {
    const nearly: ChainBackend = Object.create(bigStore, {
      many: { value: undefined },
      receipts: {
        value: async (of: Uint8Array) =>
          of === small ? encodeList([encodeList([new Uint8Array(SOFT - 100)])]) : huge,
      },
    });
    const small = hash(1);
    const huge = encodeList([
      encodeList([concatBytes([Uint8Array.of(0xba, 0x85, 0xff, 0xf0), new Uint8Array(0x85fff0)])]),
    ]);
    const request: EthMessage = { name: 'GetReceipts', requestId: 1n, hashes: [small, hash(2)] };
    const answer = await serveRequest(nearly, request, 70, { hasher });
    expect(answer).toMatchObject({ lastBlockIncomplete: false });
    expect(answer.name === 'Receipts' && answer.blocks.length).toBe(1);
  });
});

describe('GetBlockAccessLists answers', () => {
  const ask = async (hashes: readonly Uint8Array[]) => {
    const answer = await serve({ name: 'GetBlockAccessLists', requestId: 9n, hashes }, 71);
    return answer.name === 'BlockAccessLists' ? answer.accessLists : [];
  };

  test('one entry for each hash, with gaps', async () => {
    expect(await ask([hashOf(1_000), unknown, hashOf(5), hashOf(1_050), hashOf(1_051)])).toEqual([
      accessList(1_000),
      undefined,
      undefined,
      undefined,
      accessList(1_051),
    ]);
  });

  test('at most 1,024', async () => {
    expect(await ask(new Array(2_000).fill(unknown))).toHaveLength(1_024);
  });
});

describe('other messages', () => {
  test('what is asked of a pool is answered empty', async () => {
    const hashes = [unknown];
    expect(await serve({ name: 'GetPooledTransactions', requestId: 3n, hashes }, 69)).toEqual({
      name: 'PooledTransactions',
      requestId: 3n,
      transactions: [],
    });
    const mask = new Uint8Array(16).fill(255);
    expect(await serve({ name: 'GetCells', requestId: 4n, hashes, mask }, 72)).toEqual({
      name: 'Cells',
      requestId: 4n,
      hashes: [],
      cells: [],
      mask,
    });
  });

  test('what is no request is refused', async () => {
    const wrong: EthMessage = { name: 'BlockHeaders', requestId: 1n, headers: [] };
    await expect(serveRequest(store, wrong, 69, { hasher })).rejects.toBeInstanceOf(ChainError);
  });

  test('an answer whose peer has left is not made', async () => {
    const request: EthMessage = { name: 'GetBlockBodies', requestId: 1n, hashes: up(1, 500).map(hashOf) };
    const gone = new AbortController();
    const { backend, calls } = counted(store);
    const answering = serveRequest(backend, request, 69, { hasher, signal: gone.signal });
    gone.abort();
    await expect(answering).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    expect(calls()).toBeLessThan(5);
  });

  test('a long answer gives the loop its turns', async () => {
    let turns = 0;
    const clock = {
      soon: (run: () => void) => {
        turns++;
        setImmediate(run);
      },
    };
    const request: EthMessage = { name: 'GetBlockBodies', requestId: 1n, hashes: up(1, 1_024).map(hashOf) };
    await serveRequest(store, request, 69, { hasher, clock });
    expect(turns).toBe(4);
  });
});
