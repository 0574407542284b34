import { describe, expect, test } from 'vitest';
import type { ChainRange, CompleteBlock, UpstreamBackend } from '../../src/chain/index.js';
import { encodeBytes, encodeList, prefixedHex } from '../../src/codec/index.js';
import { encodeBlock } from '../../src/eth/index.js';
import { branch, buildChain } from '../support/chain-builder.js';
import { everything, type LinkName, SimulatedUpstream } from '../support/upstream-worlds.js';

const chain = buildChain(400, (n) => ({ transactions: n % 3 }));
const other = branch(chain, 380, 410, (n) => ({ transactions: n % 2, extra: 'other' }));
const deep = branch(chain, 50, 405, (n) => ({ transactions: n % 2, extra: 'deep' }));
const links: readonly LinkName[] = ['http', 'ws', 'ipc'];

const blockOf = (number: number, of = chain): CompleteBlock => of.blocks[number - 1] as CompleteBlock;
const hashOf = (number: number, of = chain): Uint8Array => blockOf(number, of).header.hash;

/** RLP of an access list that is none, for all that the hash of it tells. */
const listOf = (n: number): Uint8Array => encodeList([encodeBytes(Uint8Array.of(n))]);

/** An upstream with so many blocks, and the backend before it. */
async function stand(
  link: LinkName,
  blocks = 400,
  options: Parameters<SimulatedUpstream['open']>[0] = {},
): Promise<{ upstream: SimulatedUpstream; backend: UpstreamBackend }> {
  const upstream = new SimulatedUpstream(chain, link);
  upstream.memory.append(chain.blocks.slice(0, blocks));
  await upstream.start();
  return { upstream, backend: await upstream.open(options) };
}

async function end(upstream: SimulatedUpstream, backend: UpstreamBackend): Promise<void> {
  const { clock } = upstream.world;
  await clock.settle(backend.close());
  await upstream.stop();
  await clock.advance(1_000);
  expect(clock.pendingTimers).toBe(0);
}

describe.each(links)('over %s', (link) => {
  test('the head is known before the node says its first Status', async () => {
    const { upstream, backend } = await stand(link);
    expect(backend.range()).toEqual(upstream.memory.range());
    expect(backend.status()).toMatchObject({ state: 'up', client: 'Fake/v1.0' });
    await end(upstream, backend);
  });

  test('the head is followed: blocks, ways back, and other branches, however deep', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    const { memory, server } = upstream;
    const heard: ChainRange[] = [];
    backend.subscribe((range) => heard.push(range));
    const moves: (() => void)[] = [
      () => memory.append([blockOf(301)]),
      () => memory.append(chain.blocks.slice(301)),
      () => memory.rollback(390n), // no subscription tells of it: debug_setHead
      () => memory.append(other.blocks.slice(380), { rollbackTo: 380n }),
      () => memory.append(deep.blocks.slice(50), { rollbackTo: 50n }),
      () => memory.rollback(3n),
      () => memory.append(chain.blocks.slice(3), { rollbackTo: 3n }),
    ];
    for (const move of moves) {
      await clock.settle(backend.hashOf(100n)); // of the branch that is about to go
      move();
      server.tellHead();
      await clock.advance(3_500);
      expect(backend.range()).toEqual(memory.range());
      expect(heard.at(-1)).toEqual(memory.range());
      expect(await clock.settle(backend.hashOf(100n))).toEqual(await memory.hashOf(100n));
    }
    for (const number of [1, 50, 60, 144, 145, 399, 400]) {
      expect(await clock.settle(backend.hashOf(BigInt(number)))).toEqual(hashOf(number));
      expect(await clock.settle(backend.numberOf(hashOf(number)))).toBe(BigInt(number));
      if (number > 50) expect(await clock.settle(backend.numberOf(hashOf(number, deep)))).toBeUndefined();
    }
    await end(upstream, backend);
  });

  test('a new head is heard of at once where it can be subscribed to', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    await clock.advance(100);
    upstream.memory.append([blockOf(301)]);
    upstream.server.tellHead();
    await clock.advance(link === 'http' ? 1_100 : 50);
    expect(backend.range().latest).toBe(301n);
    await end(upstream, backend);
  });

  test('a restart costs time and nothing else: the range stays, and reads go on', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    const told: ChainRange[] = [];
    backend.subscribe((range) => told.push(range));
    await upstream.stop();
    await clock.advance(100);
    const waiting = backend.body(hashOf(299)); // asked while nobody is there
    upstream.memory.append(chain.blocks.slice(300, 310));
    await upstream.start();
    expect(await clock.settle(waiting)).toEqual(blockOf(299).body);
    await clock.advance(5_000);
    expect(told.map(({ latest }) => latest)).toEqual([310n]);
    expect(await clock.settle(everything(backend, hashOf(310)))).toEqual(
      await everything(upstream.memory, hashOf(310)),
    );
    await end(upstream, backend);
  });

  test('a long outage is answered with nothing at once, and ends without a restart of ours', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    await upstream.stop();
    await clock.advance(120_000);
    expect(backend.status().state).toBe('down');
    const before = clock.now();
    expect(await clock.settle(backend.body(hashOf(7)))).toBeUndefined();
    expect(await clock.settle(backend.headerByHash(hashOf(7, other)))).toBeUndefined();
    expect(clock.now() - before).toBeLessThan(10);
    expect(backend.range().latest).toBe(300n);
    await upstream.start();
    await clock.advance(15_000);
    expect(backend.status().state).toBe('up');
    expect(await clock.settle(backend.body(hashOf(7)))).toEqual(blockOf(7).body);
    await end(upstream, backend);
  });

  test('one that is not there at the start is found later', async () => {
    const upstream = new SimulatedUpstream(chain, link);
    const { clock } = upstream.world;
    const backend = await upstream.open();
    expect(backend.range()).toMatchObject({ earliest: 0n, latest: 0n });
    upstream.memory.append(chain.blocks);
    await upstream.start();
    await clock.advance(15_000);
    expect(backend.range()).toEqual(upstream.memory.range());
    await end(upstream, backend);
  });

  test('a block that is newer than the head that we know is found at once', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    await clock.advance(100);
    upstream.memory.append(chain.blocks.slice(300, 303));
    expect(await clock.settle(backend.body(hashOf(302)))).toEqual(blockOf(302).body);
    expect(backend.range().latest).toBe(303n);
    await end(upstream, backend);
  });

  test('a slow one does not hold up a start for long', async () => {
    const upstream = new SimulatedUpstream(chain, link);
    const { clock } = upstream.world;
    upstream.memory.append(chain.blocks);
    upstream.server.faults = { delayMs: 2_000 };
    await upstream.start();
    const backend = await upstream.open();
    expect(clock.now()).toBeLessThan(11_000);
    await clock.advance(60_000);
    expect(backend.range()).toEqual(upstream.memory.range());
    await end(upstream, backend);
  });

  test('one that falls silent is answered for within its time, and heard again later', async () => {
    const { upstream, backend } = await stand(link, 300, { timeoutMs: 2_000 });
    const { clock } = upstream.world;
    upstream.server.faults = { silent: true };
    const before = clock.now();
    expect(await clock.settle(backend.body(hashOf(8)))).toBeUndefined();
    expect(clock.now() - before).toBeLessThan(5_000);
    await clock.advance(10_000);
    expect(backend.status().state).toBe('down'); // reads are not kept waiting for one that says nothing
    await clock.advance(50_000);
    expect(backend.range().latest).toBe(300n);
    upstream.server.faults = {};
    await clock.advance(20_000);
    expect(await clock.settle(backend.body(hashOf(8)))).toEqual(blockOf(8).body);
    await end(upstream, backend);
  });

  test('a slow one is waited for; who has gone is not', async () => {
    const { upstream, backend } = await stand(link, 300);
    const { clock } = upstream.world;
    upstream.server.faults = { delayMs: 4_000 };
    const gone = new AbortController();
    const abandoned = backend.body(hashOf(8), { signal: gone.signal });
    const kept = backend.body(hashOf(8));
    await clock.advance(10);
    gone.abort();
    await expect(abandoned).rejects.toMatchObject({ code: 'ERR_CHAIN_ABORTED' });
    expect(await clock.settle(kept)).toEqual(blockOf(8).body);
    await end(upstream, backend);
  });

  test('garbage is no answer, and what comes after it is', async () => {
    const { upstream, backend } = await stand(link, 300, { timeoutMs: 2_000 });
    const { clock } = upstream.world;
    for (const garbage of ['[1, null, "x"]', '{}', '[]', '{"id":1}', '[{"id":2,"error":7}]', '{"x":']) {
      upstream.server.faults = { garbage };
      expect(await clock.settle(backend.body(hashOf(11)))).toBeUndefined();
      await clock.advance(30_000);
      expect(backend.range().latest).toBe(300n);
    }
    upstream.server.faults = {};
    await clock.advance(20_000);
    expect(await clock.settle(backend.body(hashOf(11)))).toEqual(blockOf(11).body);
    await end(upstream, backend);
  });

  test('batches that are refused, whole or in part, are asked for one by one', async () => {
    for (const faults of [{ noBatches: true }, { maxBatchBytes: 2_000 }]) {
      const upstream = new SimulatedUpstream(chain, link);
      upstream.memory.append(chain.blocks.slice(0, 300));
      upstream.server.faults = faults;
      await upstream.start();
      const backend = await upstream.open();
      expect(backend.range()).toEqual(upstream.memory.range());
      const { clock } = upstream.world;
      const bodies = await clock.settle(
        Promise.all(chain.blocks.slice(0, 40).map(({ header }) => backend.body(header.hash))),
      );
      expect(bodies).toEqual(chain.blocks.slice(0, 40).map(({ body }) => body));
      await end(upstream, backend);
    }
  });
});

describe('what is false is not handed on', () => {
  /** Another block's part in the place of the right one. */
  const swaps: readonly (readonly [string, string, string])[] = [
    ['a header by hash', 'debug_getRawHeader', prefixedHex(blockOf(2).header.raw)],
    ['a header of nonsense', 'debug_getRawHeader', '0xc0'],
    ['a header that is no text', 'debug_getRawHeader', '7'],
    ['a block', 'debug_getRawBlock', '0x'],
    ['receipts', 'debug_getRawReceipts', '0x01'],
  ];
  test.each(swaps)('%s', async (_what, lied, instead) => {
    const { upstream, backend } = await stand('http', 390);
    const { clock } = upstream.world;
    upstream.server.faults = {
      bend: (method, params, result) =>
        method === lied && String(params[0]).length === 66
          ? lied.endsWith('s')
            ? [instead]
            : instead
          : result,
    };
    const hash = hashOf(5);
    const [header, body, receipts] = await clock.settle(
      Promise.all([backend.headerByHash(hash), backend.body(hash), backend.receipts(hash)]),
    );
    for (const [got, right] of [
      [header, blockOf(5).header.raw],
      [body, blockOf(5).body],
      [receipts, blockOf(5).receipts],
    ])
      expect([undefined, right]).toContainEqual(got);
    expect([header, body, receipts]).toContain(undefined);
    expect(backend.range().latest).toBe(390n);
    upstream.server.faults = {};
    expect(await clock.settle(everything(backend, hash))).toEqual(await everything(upstream.memory, hash));
    await end(upstream, backend);
  });

  test('bodies, receipts and access lists of other blocks', async () => {
    const listed = buildChain(30, (n) => ({ transactions: 2, accessList: listOf(n) }));
    const upstream = new SimulatedUpstream(listed, 'http');
    upstream.memory.append(listed.blocks);
    await upstream.start();
    const backend = await upstream.open();
    const { clock } = upstream.world;
    const { memory, server } = upstream;
    const [five, eight] = [hashOf(5, listed), hashOf(8, listed)];
    server.faults = {
      misread: (method, params) =>
        params[0] === prefixedHex(five) && method !== 'debug_getRawHeader' ? [prefixedHex(eight)] : params,
    };
    expect(await clock.settle(everything(backend, five))).toEqual({
      ...(await everything(memory, five)),
      ...{ body: undefined, receipts: undefined, accessList: undefined },
    });
    // the rest of the block is right, its access list is another
    const { header, body } = blockOf(5, listed);
    server.faults = {
      bend: (method, params, result) =>
        method === 'debug_getRawBlock' && params[0] === prefixedHex(five)
          ? prefixedHex(encodeBlock(header.raw, body, listOf(8)))
          : result,
    };
    expect(await clock.settle(everything(backend, five))).toEqual({
      ...(await everything(memory, five)),
      accessList: undefined,
    });
    server.faults = {};
    expect(await clock.settle(everything(backend, five))).toEqual(await everything(memory, five));
    await end(upstream, backend);
  });

  test('blocks beside the chain, which servers show by hash, are not of it', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    const beside = [hashOf(100, deep), hashOf(390, other), hashOf(405, deep)];
    upstream.server.faults = {
      bend: (method, params, result) => {
        const at = beside.findIndex((hash) => prefixedHex(hash) === params[0]);
        const block = [blockOf(100, deep), blockOf(390, other), blockOf(405, deep)][at];
        return method === 'debug_getRawHeader' && block !== undefined
          ? prefixedHex(block.header.raw)
          : result;
      },
    };
    for (const hash of beside) {
      expect(await clock.settle(backend.numberOf(hash))).toBeUndefined();
      expect(await clock.settle(backend.headerByHash(hash))).toBeUndefined();
      expect(await clock.settle(backend.body(hash))).toBeUndefined();
    }
    await end(upstream, backend);
  });

  test('a head that leads to another genesis than the one that is shown', async () => {
    const upstream = new SimulatedUpstream(chain, 'http');
    const { clock } = upstream.world;
    const stranger = buildChain(40, () => ({}), 'another');
    const strange = new SimulatedUpstream(stranger, 'http');
    strange.memory.append(stranger.blocks);
    upstream.server.chain = strange.memory;
    upstream.server.faults = {
      bend: (method, params, result) =>
        method === 'debug_getRawHeader' && params[0] === '0x0' ? prefixedHex(chain.genesis.raw) : result,
    };
    await upstream.start();
    const backend = await upstream.open();
    await clock.advance(10_000);
    expect(backend.status().state).toBe('up');
    expect(backend.range()).toMatchObject({ latest: 0n, latestHash: chain.genesis.hash });
    await end(upstream, backend);
  });

  test('a number of another branch, where a neighbour tells', async () => {
    const { upstream, backend } = await stand('http', 400);
    const { clock } = upstream.world;
    upstream.server.faults = {
      bend: (method, params, result) =>
        method === 'debug_getRawHeader' && params[0] === '0x64'
          ? prefixedHex(blockOf(100, deep).header.raw)
          : result,
    };
    expect(await clock.settle(backend.hashOf(99n))).toEqual(hashOf(99));
    expect(await clock.settle(backend.hashOf(100n))).toBeUndefined();
    // the last one below those that are known to hang together
    expect(await clock.settle(backend.hashOf(144n))).toEqual(hashOf(144));
    upstream.server.faults = {
      bend: (method, params, result) =>
        method === 'debug_getRawHeader' && params[0] === '0x8f'
          ? prefixedHex(blockOf(143, deep).header.raw)
          : result,
    };
    expect(await clock.settle(backend.hashOf(143n))).toBeUndefined();
    upstream.server.faults = {};
    for (const number of [99, 100, 143, 144])
      expect(await clock.settle(backend.hashOf(BigInt(number)))).toEqual(hashOf(number));
    await end(upstream, backend);
  });

  test('a head that it does not show, or that leads nowhere, is not announced', async () => {
    const { upstream, backend } = await stand('http', 300);
    const { clock } = upstream.world;
    const told: ChainRange[] = [];
    backend.subscribe((range) => told.push(range));
    const heads: readonly unknown[] = [
      { number: '0x1000', hash: `0x${'ab'.repeat(32)}` },
      { number: '0x12d', hash: prefixedHex(hashOf(302)) },
      { number: '300', hash: 7 },
      { number: '0x12d' },
      null,
      'latest',
      // a block that follows none of ours
      { number: '0x181', hash: prefixedHex(hashOf(385, other)) },
    ];
    for (const head of heads) {
      upstream.server.faults = {
        bend: (method, params, result) => {
          if (method === 'eth_getBlockByNumber' && params[0] === 'latest') return head;
          if (method === 'debug_getRawHeader' && params[0] === prefixedHex(hashOf(385, other)))
            return prefixedHex(blockOf(385, other).header.raw);
          return result;
        },
      };
      await clock.advance(3_000);
    }
    expect(told).toEqual([]);
    expect(backend.range().latest).toBe(300n);
    await end(upstream, backend);
  });

  test('another chain: refused at the start with one line that says so', async () => {
    const stranger = new SimulatedUpstream(
      buildChain(3, () => ({}), 'another'),
      'http',
    );
    const upstream = new SimulatedUpstream(chain, 'http');
    await upstream.start();
    upstream.server.chain = stranger.memory;
    await expect(upstream.open()).rejects.toMatchObject({
      code: 'ERR_CHAIN_GENESIS',
      message: expect.stringMatching(
        /^the chain of http:\/\/127\.0\.0\.1:8545 begins with 0x[0-9a-f]{64}, and test with 0x/,
      ),
    });
    await upstream.world.clock.advance(1_000);
    expect(upstream.world.clock.pendingTimers).toBe(0);
  });

  test('another chain after a restart: nothing is read from it, and the right one is taken up again', async () => {
    const { upstream, backend } = await stand('ws', 300);
    const { clock } = upstream.world;
    const stranger = new SimulatedUpstream(
      buildChain(500, () => ({}), 'another'),
      'http',
    );
    await upstream.stop();
    upstream.server.chain = stranger.memory;
    await upstream.start();
    await clock.advance(60_000);
    expect(backend.status()).toMatchObject({
      state: 'other-chain',
      says: expect.stringContaining('begins with'),
    });
    expect(backend.range().latest).toBe(300n);
    expect(await clock.settle(backend.body(hashOf(8)))).toBeUndefined();
    await upstream.stop();
    upstream.server.chain = upstream.memory;
    await upstream.start();
    await clock.advance(20_000);
    expect(backend.status().state).toBe('up');
    expect(await clock.settle(backend.body(hashOf(8)))).toEqual(blockOf(8).body);
    await end(upstream, backend);
  });

  test('a URL that is none', async () => {
    const upstream = new SimulatedUpstream(chain, 'http');
    for (const url of ['', 'geth.ipc', 'ftp://127.0.0.1/', 'localhost:8545'])
      await expect(upstream.open({ url })).rejects.toMatchObject({ code: 'ERR_CHAIN_UPSTREAM' });
  });
});

test('a server that refuses the raw methods in words of its own is asked by others', async () => {
  const upstream = new SimulatedUpstream(chain, 'http');
  upstream.memory.append(chain.blocks);
  const lacks = ['debug_getRawHeader', 'debug_getRawBlock', 'debug_getRawReceipts'];
  upstream.server.faults = { lacks, lacksCode: -32_000 };
  await upstream.start();
  const backend = await upstream.open();
  expect(backend.range().latest).toBe(400n);
  expect(await upstream.world.clock.settle(backend.headerByNumber(7n))).toEqual(blockOf(7).header.raw);
  await end(upstream, backend);
});

test('over http, calls that an answer leaves out are not waited for', async () => {
  const { upstream, backend } = await stand('http', 300, { timeoutMs: 60_000 });
  const { clock } = upstream.world;
  await clock.advance(100);
  upstream.server.faults = { garbage: '[{"jsonrpc":"2.0","id":-1,"result":"0x"}]' };
  const body = backend.body(hashOf(11));
  await clock.advance(10_000);
  expect(await Promise.race([body, 'still waiting'])).toBeUndefined();
  upstream.server.faults = {};
  await clock.advance(10_000);
  await end(upstream, backend);
});

describe('what was pruned', () => {
  test('is not announced, however much it is, and its headers are still served', async () => {
    for (const keep of [1n, 2n, 100n, 398n, 399n]) {
      const upstream = new SimulatedUpstream(chain, 'http');
      upstream.memory.append(chain.blocks);
      upstream.memory.prune(keep);
      await upstream.start();
      const backend = await upstream.open();
      expect(backend.range().earliest, `${keep} kept`).toBe(upstream.memory.range().earliest);
      const { clock } = upstream.world;
      expect(await clock.settle(backend.headerByNumber(1n))).toEqual(blockOf(1).header.raw);
      await end(upstream, backend);
    }
  });

  test('is at no moment announced, however slow the upstream is to say what it has', async () => {
    const upstream = new SimulatedUpstream(chain, 'http');
    const { clock } = upstream.world;
    upstream.memory.append(chain.blocks);
    upstream.memory.prune(100n);
    upstream.server.faults = { delayMs: 700 };
    await upstream.start();
    const backend = await upstream.open();
    for (let turn = 0; turn < 300; turn++) {
      const { earliest, latest } = backend.range();
      expect([0n, 301n, 400n], `after ${clock.now()} ms`).toContain(earliest);
      expect(earliest === 0n).toBe(latest === 0n);
      await clock.advance(100);
    }
    expect(backend.range()).toMatchObject({ earliest: 301n, latest: 400n });
    await end(upstream, backend);
  });

  test('while we run: the first miss, or half a minute, moves the announced range', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    upstream.memory.prune(150n);
    expect(await clock.settle(backend.body(hashOf(5)))).toBeUndefined();
    await clock.advance(1_500);
    expect(backend.range().earliest).toBe(251n);
    upstream.memory.prune(50n);
    await clock.advance(32_000);
    expect(backend.range().earliest).toBe(351n);
    await end(upstream, backend);
  });
});

describe('how much is asked', () => {
  test('the same at the same time is asked once, and then not again', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    await clock.settle(backend.headerByNumber(7n));
    const before = upstream.server.calls.get('debug_getRawBlock') ?? 0;
    const reads = Array.from({ length: 20 }, () => backend.body(hashOf(7)));
    for (const body of await clock.settle(Promise.all(reads))) expect(body).toEqual(blockOf(7).body);
    await clock.settle(backend.body(hashOf(7)));
    expect(upstream.server.calls.get('debug_getRawBlock')).toBe(before + 1);
    await end(upstream, backend);
  });

  test('many headers go in few batches', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    const before = upstream.server.messages;
    const reads = Array.from({ length: 128 }, (_, at) => backend.headerByNumber(BigInt(at + 1)));
    await clock.settle(Promise.all(reads));
    expect(upstream.server.messages - before).toBeLessThanOrEqual(4);
    await end(upstream, backend);
  });

  test('a thousand reads beyond what may wait are answered with nothing instead of being kept', async () => {
    const { upstream, backend } = await stand('http', 400, { timeoutMs: 2_000 });
    const { clock } = upstream.world;
    upstream.server.faults = { silent: true };
    const unknown = (at: number): Uint8Array => {
      const hash = new Uint8Array(32).fill(0xee);
      new DataView(hash.buffer).setUint32(0, at);
      return hash;
    };
    const reads = Array.from({ length: 6_000 }, (_, at) => backend.numberOf(unknown(at)));
    const before = clock.now();
    expect(await clock.settle(reads.at(-1) as Promise<unknown>)).toBeUndefined();
    expect(clock.now() - before).toBeLessThan(100);
    expect(new Set(await clock.settle(Promise.all(reads)))).toEqual(new Set([undefined]));
    await end(upstream, backend);
  });

  test('the cache stays within its bytes', async () => {
    const { upstream, backend } = await stand('http', 400, { cacheBytes: 20_000 });
    const { clock } = upstream.world;
    for (const { header } of chain.blocks.slice(0, 120)) {
      await clock.settle(everything(backend, header.hash));
      expect(backend.status().cacheBytes).toBeLessThanOrEqual(20_000);
    }
    expect(backend.status().cacheBytes).toBeGreaterThan(15_000);
    await end(upstream, backend);
  });
});
