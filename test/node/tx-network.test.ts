import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { transactionEnvelope } from '../../src/eth/index.js';
import type { RlpxdNode } from '../../src/node/index.js';
import { wireItem } from '../../src/pool/index.js';
import type { ScriptedSession } from '../../src/testing/index.js';
import { announcing, signed, TransactionTown } from '../support/node-transactions.js';
import { Internet } from '../support/node-worlds.js';
import { transactionVector, wholeItem } from '../support/pool-vectors.js';

/** Nodes that know each other as the pairs say, all relaying. */
async function network(count: number, pairs: readonly (readonly [number, number])[], versions: number[]) {
  const internet = new Internet(7);
  const genesis = TransactionTown.genesis();
  const nodes: RlpxdNode[] = [];
  for (let i = 0; i < count; i++) {
    const version = versions[i % versions.length] as number;
    nodes.push(
      await internet.clock.settle(
        internet.node({ chain: genesis, transactions: 'relay', ethVersions: [68, version] }),
      ),
    );
  }
  for (const [from, to] of pairs) {
    const enode = nodes[to]?.enode ?? '';
    await internet.clock.settle((nodes[from] as RlpxdNode).dial(enode).active);
  }
  return { internet, nodes };
}

describe('a network of nodes that relay', () => {
  test('brings transactions from one end of a line to the other, whatever versions are spoken between', async () => {
    const line = Array.from({ length: 5 }, (_, i) => [i, i + 1] as const);
    const { internet, nodes } = await network(6, line, [69, 70, 71, 72]);
    const seen = nodes.map(() => new Set<string>());
    for (const [i, node] of nodes.entries())
      node.on('transaction', ({ transaction }) => void seen[i]?.add(bytesToHex(transaction.hash)));
    const all = Array.from({ length: 30 }, (_, nonce) => signed({ nonce, dataBytes: nonce * 200 }));
    for (const [i, transaction] of all.entries())
      await internet.clock.settle((nodes[i % 2 === 0 ? 0 : 5] as RlpxdNode).broadcast(transaction.network));
    await internet.clock.advance(10_000);
    for (const hashes of seen) expect(hashes.size).toBe(30);
    for (const node of nodes) {
      const { pooled, refused, dropped, fetching } = node.status().transactions ?? {};
      expect({ pooled, refused, dropped }).toEqual({ pooled: 30, refused: 0, dropped: 0 });
      expect(fetching).toMatchObject({ wanted: 0, bytes: 0, asking: 0, failed: 0 });
    }
  });

  test('a blob transaction crosses it, cell by cell where eth/72 is spoken', async () => {
    const { internet, nodes } = await network(
      4,
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
      [72, 72, 71, 72],
    );
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const arrived = Promise.all(
      nodes.map((node) => new Promise((resolve) => node.on('transaction', resolve))),
    );
    const first = (nodes[0] as RlpxdNode).broadcast(transactionEnvelope(wholeItem(vector)));
    await internet.clock.settle(first);
    await internet.clock.settle(arrived);
    expect(nodes.map((node) => node.status().transactions?.pooled)).toEqual([1, 1, 1, 1]);
  });

  test('leaves nothing behind when it closes in the midst of it', async () => {
    const { internet, nodes } = await network(
      3,
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
      [72],
    );
    for (let nonce = 0; nonce < 20; nonce++)
      void (nodes[0] as RlpxdNode)
        .broadcast(signed({ nonce, dataBytes: 5_000 }).network)
        .catch(() => undefined);
    await internet.clock.advance(600);
    await internet.clock.settle(Promise.all(nodes.map((node) => node.close())));
    expect(internet.clock.pendingTimers).toBe(0);
    expect(internet.network.describeOpenSockets()).toEqual([]);
  });
});

describe('a peer that says too much', () => {
  test('has 4,096 transactions read at once and 512 a second, whatever they are', async () => {
    const town = await TransactionTown.open();
    const loud = await town.peer();
    const [one] = [wireItem(signed({ chainId: 5n }))];
    const message = (i: number) => ({
      name: 'Transactions' as const,
      transactions: Array.from({ length: 512 }, (_, n) => {
        const bytes = one.slice();
        bytes[40] = i; // in the address: another sender each, and no signature of anybody
        bytes[41] = n & 0xff;
        bytes[42] = n >> 8;
        return bytes;
      }),
    });
    for (let i = 0; i < 16; i++) loud.send(message(i));
    await town.clock.advance(900);
    const { seen = 0, unheard } = town.node.status().transactions ?? {};
    expect(seen).toBeGreaterThanOrEqual(4_096);
    expect(seen).toBeLessThanOrEqual(4_096 + 1_024);
    expect(unheard).toBeGreaterThanOrEqual(6);
  });

  test('is not read for a while; what others say is', async () => {
    const town = await TransactionTown.open();
    const [loud, quiet] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    const known = signed();
    quiet.send({ name: 'Transactions', transactions: [wireItem(known)] });
    await town.clock.advance(500);
    const again = announcing(new Array(4_096).fill(known));
    for (let i = 0; i < 20; i++) loud.send(again);
    await town.clock.advance(100);
    const { unheard = 0 } = town.node.status().transactions ?? {};
    expect(unheard).toBeGreaterThan(8);
    expect(unheard).toBeLessThan(13); // eight messages are a burst
    quiet.send({ name: 'Transactions', transactions: [wireItem(signed({ nonce: 1 }))] });
    await town.clock.advance(500);
    expect(town.node.status().transactions).toMatchObject({ pooled: 2 });
    expect(loud.end).toBe(undefined);
    await town.clock.advance(10_000);
    loud.send({ name: 'Transactions', transactions: [wireItem(signed({ nonce: 2 }))] });
    await town.clock.advance(500);
    expect(town.node.status().transactions).toMatchObject({ pooled: 3 });
  });
});
