import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AppendOptions,
  type ChainBackend,
  type ChainRange,
  checkChain,
  exportChain,
  MemoryChain,
  openChainStore,
  openUpstream,
  type StorableBlock,
  serveRequest,
} from '../../src/chain/index.js';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import { realWorld, SimulatedFiles, SimulatedStores } from '../../src/runtime/index.js';
import { branch, buildChain, chainFiles, hasher } from '../support/chain-builder.js';
import { httpUpstream, UpstreamServer } from '../support/upstream-server.js';

/** A backend, and what changes its chain. */
interface Filled {
  readonly backend: ChainBackend;
  append(blocks: readonly StorableBlock[], options?: AppendOptions): Promise<void>;
  prune(keep: bigint): Promise<void>;
  /** Whatever can be verified of it in its own way. */
  verify(): Promise<unknown>;
  close(): Promise<void>;
}

const accessList = encodeList([encodeBytes(Uint8Array.of(1, 2, 3))]);
const chain = buildChain(40, (n) => ({ transactions: n % 4, ...(n < 30 ? {} : { accessList }) }));
const other = branch(chain, 20, 50, (n) => ({ transactions: n % 3, extra: 'other' }));
const hashOf = (number: number, of = chain): Uint8Array =>
  of.blocks[number - 1]?.header.hash ?? of.genesis.hash;
const blockOf = (number: number, of = chain): StorableBlock => {
  const block = of.blocks[number - 1];
  if (block === undefined) throw new Error(`no block ${number}`);
  return block;
};
const unknown = new Uint8Array(32).fill(0xee);

const kinds: readonly (readonly [string, () => Promise<Filled>])[] = [
  [
    'ChainStore',
    async () => {
      const store = await openChainStore({
        ...{ stores: new SimulatedStores(), path: '/chain', hasher },
        chain: chain.spec,
      });
      return {
        backend: store,
        append: (blocks, options) => store.append(blocks, options),
        prune: (keep) => store.prune(keep),
        verify: () => checkChain(store),
        close: () => store.close(),
      };
    },
  ],
  [
    'MemoryChain',
    async () => {
      const memory = new MemoryChain(chain.spec, hasher);
      return {
        backend: memory,
        append: async (blocks, options) => memory.append(blocks, options),
        prune: async (keep) => memory.prune(keep),
        verify: async () => {},
        close: async () => {},
      };
    },
  ],
  [
    'UpstreamBackend',
    async () => {
      // an execution client that stands on a chain in memory; what it has is looked at when it has changed
      const memory = new MemoryChain(chain.spec, hasher);
      const server = new UpstreamServer(memory, (ms, run) => setTimeout(run, ms));
      const { url, close } = await httpUpstream(server);
      const upstream = await openUpstream({
        ...{ url, chain: chain.spec, hasher, world: realWorld(), pollMs: 60_000 },
      });
      return {
        backend: upstream,
        append: async (blocks, options) => {
          memory.append(blocks, options);
          await upstream.refresh();
        },
        prune: async (keep) => {
          memory.prune(keep);
          await upstream.refresh();
        },
        verify: async () => {},
        close: async () => {
          await upstream.close();
          await close();
        },
      };
    },
  ],
];

describe.each(kinds)('%s as a chain backend', (_name, make) => {
  let filled: Filled;
  let backend: ChainBackend;

  beforeEach(async () => {
    filled = await make();
    backend = filled.backend;
  });

  afterEach(async () => {
    await filled.close();
  });

  test('begins with the genesis, whole', async () => {
    expect(backend.chain.genesisHash).toEqual(chain.genesis.hash);
    expect(backend.range()).toEqual({
      earliest: 0n,
      latest: 0n,
      latestHash: chain.genesis.hash,
      latestTime: chain.genesis.header.timestamp,
    });
    expect(await backend.headerByNumber(0n)).toEqual(chain.genesis.raw);
    expect(await backend.body(chain.genesis.hash)).toEqual(encodeList([encodeList([]), encodeList([])]));
    expect(await backend.receipts(chain.genesis.hash)).toEqual(encodeList([]));
  });

  test('gives every part of every block, by number and by hash, byte for byte', async () => {
    await filled.append(chain.blocks.slice(0, 7));
    await filled.append(chain.blocks.slice(7));
    expect(backend.range()).toMatchObject({ earliest: 0n, latest: 40n, latestHash: hashOf(40) });
    for (const { header, body, receipts, accessList: list } of chain.blocks) {
      const { number } = header.header;
      expect(await backend.hashOf(number)).toEqual(header.hash);
      expect(await backend.numberOf(header.hash)).toBe(number);
      expect(await backend.headerByNumber(number)).toEqual(header.raw);
      expect(await backend.headerByHash(header.hash)).toEqual(header.raw);
      expect(await backend.body(header.hash)).toEqual(body);
      expect(await backend.receipts(header.hash)).toEqual(receipts);
      expect(await backend.accessList(header.hash)).toEqual(list);
    }
    await filled.verify();
  });

  test('gives many at once as it gives one after the other, where it can', async () => {
    await filled.append(chain.blocks);
    const hashes = [hashOf(7), unknown, hashOf(40), hashOf(7), hashOf(0), new Uint8Array(33), hashOf(31)];
    const one = {
      header: (hash: Uint8Array) => backend.headerByHash(hash),
      body: (hash: Uint8Array) => backend.body(hash),
      receipts: (hash: Uint8Array) => backend.receipts(hash),
      accessList: (hash: Uint8Array) => backend.accessList(hash),
    };
    for (const part of ['header', 'body', 'receipts', 'accessList'] as const) {
      const singly = await Promise.all(hashes.map(one[part]));
      expect((await backend.many?.(part, hashes)) ?? singly).toEqual(singly);
    }
    for (const [from, count, reverse, numbers] of [
      [38n, 5, false, [38, 39, 40]],
      [2n, 5, true, [2, 1, 0]],
      [5n, 3, false, [5, 6, 7]],
      [41n, 2, false, []],
      [-1n, 2, true, []],
      [3n, 0, false, []],
    ] as const) {
      const row = numbers.map((number) => hashOf(number));
      const found = (await backend.inRow?.(from, count, reverse))?.map(({ hash }) => hash);
      expect(found ?? row).toEqual(row);
    }
  });

  test('says of what is not here that it is not, whatever was asked for', async () => {
    await filled.append(chain.blocks);
    for (const number of [41n, -1n, 2n ** 53n + 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 70n]) {
      expect(await backend.hashOf(number)).toBeUndefined();
      expect(await backend.headerByNumber(number)).toBeUndefined();
    }
    for (const hash of [
      unknown,
      new Uint8Array(0),
      new Uint8Array(31),
      new Uint8Array(33),
      hashOf(50, other),
    ]) {
      expect(await backend.numberOf(hash)).toBeUndefined();
      expect(await backend.headerByHash(hash)).toBeUndefined();
      expect(await backend.body(hash)).toBeUndefined();
      expect(await backend.receipts(hash)).toBeUndefined();
      expect(await backend.accessList(hash)).toBeUndefined();
    }
    expect(await backend.accessList(hashOf(3))).toBeUndefined();
  });

  test('does not read for who has gone', async () => {
    const gone = { signal: AbortSignal.abort() };
    const reads = [
      () => backend.headerByNumber(0n, gone),
      () => backend.headerByHash(chain.genesis.hash, gone),
      () => backend.numberOf(chain.genesis.hash, gone),
      () => backend.hashOf(0n, gone),
      () => backend.body(chain.genesis.hash, gone),
      () => backend.receipts(chain.genesis.hash, gone),
      () => backend.accessList(chain.genesis.hash, gone),
    ];
    for (const read of reads) await expect(read()).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
  });

  test('takes no blocks that do not follow, and then none of them', async () => {
    await filled.append(chain.blocks.slice(0, 10));
    const attempt = async (blocks: readonly StorableBlock[]) => filled.append(blocks);
    for (const blocks of [[blockOf(12)], [blockOf(10)], [blockOf(11), blockOf(13)], [blockOf(25, other)]])
      await expect(attempt(blocks)).rejects.toMatchObject({ code: 'ERR_CHAIN_LINK' });
    expect(backend.range()).toMatchObject({ latest: 10n, latestHash: hashOf(10) });
    expect(await backend.numberOf(hashOf(11))).toBeUndefined();
  });

  test('replaces a branch by another, and knows nothing of the old one then', async () => {
    await filled.append(chain.blocks);
    await filled.append(other.blocks.slice(20), { rollbackTo: 20n });
    expect(backend.range()).toMatchObject({ latest: 50n, latestHash: hashOf(50, other) });
    for (let number = 21; number <= 40; number++) {
      expect(await backend.numberOf(hashOf(number))).toBeUndefined();
      expect(await backend.body(hashOf(number))).toBeUndefined();
      expect(await backend.hashOf(BigInt(number))).toEqual(hashOf(number, other));
    }
    expect(await backend.numberOf(hashOf(20))).toBe(20n);
    await filled.append([], { rollbackTo: 5n });
    expect(backend.range()).toMatchObject({ latest: 5n, latestHash: hashOf(5) });
    expect(await backend.hashOf(6n)).toBeUndefined();
    for (const rollbackTo of [6n, -1n])
      await expect((async () => filled.append([], { rollbackTo }))()).rejects.toMatchObject({
        code: 'ERR_CHAIN_RANGE',
      });
    await filled.verify();
  });

  test('tells whoever listens of every change, until they leave; who throws hurts nobody', async () => {
    const heard: ChainRange[] = [];
    backend.subscribe(() => {
      throw new Error('a listener');
    });
    const leave = backend.subscribe((range) => heard.push(range));
    await filled.append(chain.blocks.slice(0, 10));
    await filled.append([]);
    await filled.append(chain.blocks.slice(5, 8), { rollbackTo: 5n });
    await filled.prune(3n);
    await filled.prune(3n);
    leave();
    await filled.append([blockOf(9)]);
    expect(heard.map(({ earliest, latest }) => [earliest, latest])).toEqual([
      [0n, 10n],
      [0n, 8n],
      [6n, 8n],
    ]);
    expect(heard.at(-1)?.latestHash).toEqual(hashOf(8));
  });

  test('announces only blocks whose receipts are here, the head aside', async () => {
    const bare = (number: number): StorableBlock => ({ ...blockOf(number), receipts: undefined });
    await filled.append([...chain.blocks.slice(0, 6), bare(7)]);
    expect(backend.range()).toMatchObject({ earliest: 7n, latest: 7n });
    expect(await backend.receipts(hashOf(7))).toBeUndefined();
    expect(await backend.body(hashOf(7))).toEqual(blockOf(7).body);
    await filled.append(chain.blocks.slice(7, 12));
    expect(backend.range()).toMatchObject({ earliest: 8n, latest: 12n });
    await filled.append([blockOf(7)], { rollbackTo: 6n });
    expect(backend.range()).toMatchObject({ earliest: 0n, latest: 7n });
    await filled.append([blockOf(8), bare(9), blockOf(10)]);
    await filled.append([], { rollbackTo: 9n });
    expect(backend.range()).toMatchObject({ earliest: 9n, latest: 9n });
    await filled.verify();
  });

  test('pruned, has the contents of the latest blocks, all headers, and the genesis', async () => {
    await filled.append(chain.blocks);
    await filled.prune(100n);
    expect(backend.range()).toMatchObject({ earliest: 0n, latest: 40n });
    await filled.prune(10n);
    expect(backend.range()).toMatchObject({ earliest: 31n, latest: 40n });
    for (const { header, body, receipts, accessList: list } of chain.blocks) {
      const { number } = header.header;
      const kept = number >= 31n;
      expect(await backend.headerByNumber(number)).toEqual(header.raw);
      expect(await backend.body(header.hash)).toEqual(kept ? body : undefined);
      expect(await backend.receipts(header.hash)).toEqual(kept ? receipts : undefined);
      expect(await backend.accessList(header.hash)).toEqual(kept ? list : undefined);
    }
    expect(await backend.body(chain.genesis.hash)).toBeDefined();
    for (const keep of [0n, -1n])
      await expect((async () => filled.prune(keep))()).rejects.toMatchObject({ code: 'ERR_CHAIN_RANGE' });
    await filled.prune(1n);
    expect(backend.range()).toMatchObject({ earliest: 40n, latest: 40n });
    await filled.verify();
  });

  test('pruned, is reorganised below its earliest block where new blocks come in its place', async () => {
    await filled.append(chain.blocks);
    await filled.prune(5n);
    await expect((async () => filled.append([], { rollbackTo: 30n }))()).rejects.toMatchObject({
      code: 'ERR_CHAIN_RANGE',
    });
    expect(backend.range()).toMatchObject({ earliest: 36n, latest: 40n });
    await filled.append(other.blocks.slice(20), { rollbackTo: 20n });
    expect(backend.range()).toMatchObject({ earliest: 21n, latest: 50n });
    await filled.append([], { rollbackTo: 0n });
    expect(backend.range()).toMatchObject({ earliest: 0n, latest: 0n });
    await filled.verify();
  });

  test('is served and exported', async () => {
    await filled.append(chain.blocks);
    const query = { origin: hashOf(10), amount: 5, skip: 1n, reverse: false };
    const answer = await serveRequest(backend, { name: 'GetBlockHeaders', requestId: 1n, query }, 69, {
      hasher,
    });
    expect(answer).toMatchObject({
      headers: [10, 12, 14, 16, 18].map((number) => blockOf(number).header.raw),
    });
    const files = new SimulatedFiles();
    await exportChain(backend, files, '/out.rlp', { to: 29n });
    expect(await files.read('/out.rlp')).toEqual(chainFiles(chain.blocks.slice(0, 29)).chain);
    await filled.prune(15n);
    await expect(exportChain(backend, files, '/out.rlp')).rejects.toMatchObject({ code: 'ERR_CHAIN_RANGE' });
    expect(await files.read('/out.rlp')).toEqual(chainFiles(chain.blocks.slice(0, 29)).chain);
  });
});
