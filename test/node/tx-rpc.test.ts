import { describe, expect, test } from 'vitest';
import { prefixedHex } from '../../src/codec/index.js';
import type { Json } from '../../src/node/index.js';
import { sendTransactions, watchNetwork } from '../../src/node/index.js';
import { nodeMethods } from '../../src/node/rpc/index.js';
import { announcing, signed, TransactionTown } from '../support/node-transactions.js';

async function call(town: TransactionTown, method: string, ...params: Json[]): Promise<Json> {
  const found = nodeMethods(town.node).get(method);
  if (found === undefined) throw new Error(`no method ${method}`);
  return found(params);
}

function asked(town: TransactionTown, method: string, ...params: Json[]): Promise<Json> {
  return town.clock.settle(call(town, method, ...params));
}

describe('rlpxd_watch', () => {
  test('begins with a place, gives what comes from there on, and where to go on', async () => {
    const town = await TransactionTown.open();
    const peer = await town.peer();
    expect(await asked(town, 'rlpxd_watch', { what: 'transactions' })).toEqual({
      items: [],
      next: 0,
      lost: 0,
    });
    const all = [signed({ key: 1 }), signed({ key: 2 })];
    peer.send(announcing(all));
    const first = (await asked(town, 'rlpxd_watch', { what: 'transactions', from: 0 })) as {
      readonly items: readonly Json[];
    };
    await town.clock.advance(2_000);
    expect(first.items.length).toBeGreaterThan(0);
    expect(await asked(town, 'rlpxd_watch', { what: 'transactions', from: 0 })).toEqual({
      items: all.map(({ hash, type, bytes }) => ({
        ...{ hash: prefixedHex(hash), type, bytes, peers: 1 },
        firstSeenMs: expect.any(Number),
      })),
      next: 2,
      lost: 0,
    });
  });

  test('answers after ten seconds where nothing comes, and at once when the node closes', async () => {
    const town = await TransactionTown.open();
    const began = town.clock.now();
    await asked(town, 'rlpxd_watch', { what: 'blocks', from: 0 });
    expect(town.clock.now() - began).toBe(10_000);
    const waiting = call(town, 'rlpxd_watch', { what: 'blocks', from: 0 });
    await town.clock.advance(1);
    await town.clock.settle(town.node.close());
    expect(await waiting).toEqual({ items: [], next: 0, lost: 0 });
    expect(town.clock.pendingTimers).toBe(0);
  });

  test('tells a reader that was too slow how much it has lost', async () => {
    const town = await TransactionTown.open();
    for (let n = 0; n < 5_000; n++)
      town.node.feeds.blocks.push({
        fact: { number: BigInt(n), hash: new Uint8Array(32) },
        firstSeenMs: n,
        peers: 1,
      });
    const part = (await asked(town, 'rlpxd_watch', { what: 'blocks', from: 0 })) as {
      readonly items: readonly { readonly number: number }[];
      readonly next: number;
      readonly lost: number;
    };
    expect([part.lost, part.items.length, part.items[0]?.number, part.next]).toEqual([904, 512, 904, 1_416]);
  });

  test.each([
    [[]],
    [['transactions']],
    [[{}]],
    [[{ what: 'peers' }]],
    [[{ what: 'blocks', from: -1 }]],
    [[{ what: 'blocks', from: 1.5 }]],
    [[{ what: 'blocks', more: 1 }]],
    [[{ what: 'blocks' }, 1]],
  ] as Json[][][])('refuses %j', async (params) => {
    const town = await TransactionTown.open();
    await expect(asked(town, 'rlpxd_watch', ...(params as Json[]))).rejects.toMatchObject({ code: -32602 });
  });
});

describe('rlpxd_send and rlpxd_sent', () => {
  test('give the hash, and the report of each peer', async () => {
    const town = await TransactionTown.open({ transactions: 'observe' });
    await town.peers(2);
    const own = signed();
    const hash = prefixedHex(own.hash);
    expect(await asked(town, 'rlpxd_send', prefixedHex(own.network))).toEqual({ hash });
    await town.clock.advance(100);
    const { peers } = (await asked(town, 'rlpxd_sent', hash)) as { readonly peers: readonly Json[] };
    expect(peers).toHaveLength(2);
  });

  test('say what is wrong', async () => {
    const town = await TransactionTown.open();
    const wrong = prefixedHex(signed({ chainId: 9n }).network);
    await expect(asked(town, 'rlpxd_send', wrong)).rejects.toMatchObject({ code: -32000 });
    await expect(asked(town, 'rlpxd_send', 'zz')).rejects.toMatchObject({ code: -32602 });
    await expect(asked(town, 'rlpxd_send')).rejects.toMatchObject({ code: -32602 });
    await expect(asked(town, 'rlpxd_sent', `0x${'00'.repeat(32)}`)).rejects.toMatchObject({ code: -32000 });
  });
});

describe('the tools of the command line', () => {
  test('send through the socket of a datadir, and watch through it until they are called off', async () => {
    const internet = await TransactionTown.open({ datadir: '/node', transactions: 'observe' });
    const { world } = internet.node;
    const local = { datadir: '/node', world };
    await internet.peer();
    const stop = new AbortController();
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const { items } of watchNetwork('transactions', { ...local, signal: stop.signal }))
        seen.push(...items);
    })();
    await internet.clock.advance(100);
    const reports = sendTransactions([signed().network, Uint8Array.of(2)], { ...local, waitMs: 1_000 });
    expect(await internet.clock.settle(reports)).toEqual([
      { hash: prefixedHex(signed().hash), peers: [expect.objectContaining({ sent: true })] },
      { error: expect.stringMatching(/^not a transaction: /) },
    ]);
    const peer = await internet.peer();
    peer.send(announcing([signed({ key: 5 })]));
    await internet.clock.advance(3_000);
    expect(seen).toHaveLength(1);
    stop.abort();
    await internet.clock.settle(watching);
    const nowhere = sendTransactions([signed().network], { datadir: '/nowhere', world, waitMs: 0 });
    await expect(internet.clock.settle(nowhere)).rejects.toMatchObject({
      code: 'ERR_NODE_TRANSACTION',
      message: 'no node runs in /nowhere',
    });
  });
});
