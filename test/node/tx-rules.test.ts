import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/crypto/index.js';
import { decodeBody, transactionEnvelope } from '../../src/eth/index.js';
import { chooseChain } from '../../src/node/index.js';
import { HeadWatch, type HeadWatchOptions } from '../../src/node/tx-rules.js';
import { demo, demoBlocks, Internet } from '../support/node-worlds.js';

const crypto = nodeCrypto();

describe('the head of the chain', () => {
  test('takes transactions out of the pool that a block includes, also where several blocks come at once', async () => {
    const internet = new Internet();
    const blocks = demoBlocks(60);
    const node = await internet.clock.settle(internet.node({ transactions: 'relay' }));
    const withOne = blocks.filter(({ body }) => {
      const [first] = decodeBody(body).transactions;
      return first !== undefined && transactionEnvelope(first)[0] !== 3;
    });
    const chosen = withOne.filter(({ header }) => header.header.number > 40n).slice(0, 3);
    expect(chosen).toHaveLength(3);
    await internet.clock.settle(node.store.append(blocks.slice(0, 40)));
    await internet.clock.advance(100);
    for (const { body } of chosen) {
      const [raw] = decodeBody(body).transactions;
      await internet.clock.settle(node.broadcast(transactionEnvelope(raw as Uint8Array)));
    }
    expect(node.status().transactions).toMatchObject({ pooled: 3 });
    const until = Number(chosen[1]?.header.header.number);
    await internet.clock.settle(node.store.append(blocks.slice(40, until)));
    await internet.clock.advance(100);
    expect(node.status().transactions?.pooled).toBeLessThanOrEqual(1);
    await internet.clock.settle(node.store.append(blocks.slice(until)));
    await internet.clock.advance(100);
    expect(node.status().transactions).toMatchObject({ pooled: 0 });
  });

  const watch = (wallMs: number, name: 'mainnet' | 'demo', more: Partial<HeadWatchOptions> = {}) => {
    const chain = chooseChain(name === 'demo' ? demo.genesis() : name, crypto);
    const range = {
      ...{ earliest: 0n, latest: 0n, latestHash: chain.genesisHash, latestTime: chain.genesisTime },
    };
    return new HeadWatch({
      backend: {
        chain,
        range: () => range,
        headerByHash: async () => chain.genesisHeader,
        hashOf: async () => undefined,
        body: async () => undefined,
      },
      clock: { wallMs: () => wallMs },
      hasher: crypto,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      included: () => undefined,
      reorganised: () => undefined,
      wantsIncluded: () => false,
      baseFee: () => undefined,
      ...more,
    });
  };

  test('gives the rules; a node with nothing but an old genesis goes by the forks that have passed since', async () => {
    const old = watch(Date.UTC(2026, 0, 1), 'mainnet').rules;
    expect(old).toMatchObject({ london: true, cancun: true, prague: true, osaka: true });
    expect(old.head.gasLimit).toBe(1_000_000_000n);
    const young = watch(Number(chooseChain(demo.genesis(), crypto).genesisTime) * 1_000, 'demo').rules;
    expect(young).toMatchObject({ prague: false, osaka: false });
    expect(young.head.gasLimit).toBe(60_000_000n);
  });

  test('that cannot be read is said, and the rules stay', async () => {
    const said: unknown[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (line: object) => void said.push(line),
      error: () => {},
    };
    const chain = chooseChain(demo.genesis(), crypto);
    const broken = watch(0, 'demo', {
      logger,
      backend: {
        chain,
        range: () => ({
          earliest: 0n,
          latest: 0n,
          latestHash: chain.genesisHash,
          latestTime: chain.genesisTime,
        }),
        headerByHash: () => Promise.reject(new Error('gone')),
        hashOf: async () => undefined,
        body: async () => undefined,
      },
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toMatchObject([{ event: 'transactions.head' }]);
    expect(broken.rules.chainId).toBe(9_303_030n);
    await broken.close();
  });
});
