import { describe, expect, test } from 'vitest';
import type { UpstreamBackend } from '../../src/chain/index.js';
import { buildChain, hasher } from '../support/chain-builder.js';
import { type LinkName, SimulatedUpstream } from '../support/upstream-worlds.js';

const chain = buildChain(5, () => ({}));
const transaction = (n: number): Uint8Array => Uint8Array.of(2, 0xc2, n >> 8, n & 255);

async function stand(link: LinkName): Promise<{ upstream: SimulatedUpstream; backend: UpstreamBackend }> {
  const upstream = new SimulatedUpstream(chain, link);
  upstream.memory.append(chain.blocks);
  await upstream.start();
  return { upstream, backend: await upstream.open() };
}

describe('what is handed over', () => {
  test('is accepted, known, or refused with the reason', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    const submit = (raw: Uint8Array) => clock.settle(backend.transactions.submit(raw));
    expect(await submit(transaction(1))).toEqual({ accepted: true });
    expect(await submit(transaction(1))).toEqual({ accepted: true });
    upstream.server.refuse = () => 'nonce too low:\nnext 7';
    expect(await submit(transaction(2))).toEqual({
      accepted: false,
      judged: true,
      why: 'nonce too low: next 7',
    });
    expect([...upstream.server.pool.values()]).toEqual([transaction(1)]);
    upstream.server.faults = { lacks: ['eth_sendRawTransaction'] };
    expect(await submit(transaction(3))).toMatchObject({ accepted: false, judged: false });
    await upstream.stop();
    expect(await submit(transaction(3))).toMatchObject({ accepted: false, judged: false });
    await clock.advance(10_000);
    expect(await submit(transaction(3))).toEqual({
      ...{ accepted: false, judged: false, why: 'the upstream is not reachable' },
    });
    await expect(
      backend.transactions.submit(transaction(3), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      code: 'ERR_CHAIN_ABORTED',
    });
    await clock.settle(backend.close());
  });

  test('can be read back while it is in the pool there', async () => {
    const { upstream, backend } = await stand('http');
    const { clock } = upstream.world;
    upstream.server.addTransaction(transaction(1));
    const hash = hasher.keccak256(transaction(1));
    expect(await clock.settle(backend.transactions.pooled(hash))).toEqual(transaction(1));
    expect(await clock.settle(backend.transactions.pooled(new Uint8Array(32)))).toBeUndefined();
    upstream.server.faults = { bend: () => '0xzz' };
    expect(await clock.settle(backend.transactions.pooled(hash))).toBeUndefined();
    await clock.settle(backend.close());
  });
});

test('a server that takes no subscriptions is asked what is new, and again after it has forgotten that', async () => {
  const upstream = new SimulatedUpstream(chain, 'ws');
  const { clock } = upstream.world;
  upstream.memory.append(chain.blocks);
  upstream.server.faults = { lacks: ['eth_subscribe'] };
  await upstream.start();
  const backend = await upstream.open();
  const heard: Uint8Array[] = [];
  backend.transactions.subscribePending((raw) => heard.push(raw));
  await clock.advance(3_000);
  upstream.server.addTransaction(transaction(1));
  await clock.advance(3_000);
  upstream.server.forget();
  await clock.advance(3_000);
  upstream.server.addTransaction(transaction(2));
  await clock.advance(3_000);
  expect(heard).toEqual([transaction(1), transaction(2)]);
  await clock.settle(backend.close());
});

describe.each<LinkName>(['http', 'ws', 'ipc'])('over %s', (link) => {
  test('what comes into the pool is told of once, across restarts, until nobody listens', async () => {
    const { upstream, backend } = await stand(link);
    const { clock } = upstream.world;
    const heard: Uint8Array[] = [];
    backend.transactions.subscribePending(() => {
      throw new Error('a listener');
    });
    const leave = backend.transactions.subscribePending((raw) => heard.push(raw));
    await clock.advance(3_000);
    upstream.server.addTransaction(transaction(1));
    upstream.server.addTransaction(transaction(2));
    upstream.server.addTransaction(transaction(1));
    await clock.advance(3_000);
    expect(heard).toEqual([transaction(1), transaction(2)]);

    await upstream.stop();
    await clock.advance(1_000);
    await upstream.start();
    await clock.advance(5_000);
    upstream.server.addTransaction(transaction(3));
    await clock.advance(3_000);
    expect(heard.at(-1)).toEqual(transaction(3));

    // what we handed over ourselves is no news
    await clock.settle(backend.transactions.submit(transaction(4)));
    await clock.advance(3_000);
    expect(heard).toHaveLength(3);
    leave();
    upstream.server.addTransaction(transaction(5));
    await clock.advance(3_000);
    expect(heard).toHaveLength(3);
    await clock.settle(backend.close());
    await upstream.stop();
    await clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('hashes that are none, and transactions that are gone, are passed over', async () => {
    const { upstream, backend } = await stand(link);
    const { clock } = upstream.world;
    const heard: Uint8Array[] = [];
    backend.transactions.subscribePending((raw) => heard.push(raw));
    await clock.advance(3_000);
    upstream.server.addTransaction(transaction(1));
    upstream.server.pool.clear();
    upstream.server.faults = {
      bend: (method, _params, result) =>
        method === 'eth_getFilterChanges' ? [7, null, '0x12', ...(result as [])] : result,
    };
    await clock.advance(3_000);
    expect(heard).toEqual([]);
    upstream.server.addTransaction(transaction(2));
    await clock.advance(3_000);
    expect(heard).toEqual([transaction(2)]);
    await clock.settle(backend.close());
  });

  test('a flood of hashes is followed as far as it can be', async () => {
    const { upstream, backend } = await stand(link);
    const { clock } = upstream.world;
    let heard = 0;
    backend.transactions.subscribePending(() => heard++);
    await clock.advance(3_000);
    for (let n = 0; n < 3_000; n++) upstream.server.addTransaction(transaction(n));
    await clock.advance(5_000);
    expect(heard).toBeGreaterThanOrEqual(1_024);
    expect(heard).toBeLessThan(3_000);
    await clock.settle(backend.close());
  });
});
