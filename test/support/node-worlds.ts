import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type CompleteBlock, readHeader } from '../../src/chain/index.js';
import { RlpReader } from '../../src/codec/index.js';
import { chooseCrypto } from '../../src/crypto/index.js';
import { splitBlock } from '../../src/eth/index.js';
import { createNode, type NodeOptions, type RlpxdNode } from '../../src/node/index.js';
import {
  SimulatedNetwork,
  type SimulatedWorld,
  simulatedWorld,
  VirtualClock,
} from '../../src/runtime/index.js';

export const demo = {
  path: (name: string): string => fileURLToPath(new URL(`../../demo/${name}`, import.meta.url)),
  genesis: (): string => readFileSync(new URL('../../demo/genesis.json', import.meta.url), 'utf8'),
};

/** Several hosts on one simulated network, under one virtual clock. */
export class Internet {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimulatedNetwork;
  #hosts = 0;

  constructor(seed = 1) {
    this.network = new SimulatedNetwork({ clock: this.clock, seed });
  }

  world(): SimulatedWorld & { readonly host: string } {
    const host = `10.0.0.${++this.#hosts}`;
    const world = simulatedWorld({ seed: this.#hosts, clock: this.clock, network: this.network, host });
    return { ...world, host };
  }

  /** A node on a host of its own, listening on port 30303; gone after the test. */
  async node(
    options: NodeOptions & { readonly world?: SimulatedWorld & { readonly host: string } } = {},
  ): Promise<RlpxdNode> {
    const world = options.world ?? this.world();
    const listen = { host: world.host, port: 30303 };
    const node = await createNode({ chain: demo.genesis(), listen, ...options, world });
    onTestFinished(() => {
      void node.close();
    });
    return node;
  }
}

/** The blocks of the demonstration chain, ready for a store. */
export function demoBlocks(upTo = 560): CompleteBlock[] {
  const hasher = chooseCrypto();
  const items = (name: string): RlpReader => new RlpReader(new Uint8Array(readFileSync(demo.path(name))));
  const blocks: CompleteBlock[] = [];
  const receipts = items('receipts.rlp');
  for (const reader = items('chain.rlp'); !reader.done && blocks.length < upTo; ) {
    const { header: raw, body, accessList } = splitBlock(reader.raw());
    const header = readHeader(raw, hasher);
    blocks.push({ header, body, receipts: receipts.raw(), accessList });
  }
  return blocks;
}

/** Advances the clock until `work` has settled. */
export async function settled<T>(clock: VirtualClock, work: Promise<T>, withinMs = 60_000): Promise<T> {
  let done = false;
  const end = (): void => {
    done = true;
  };
  work.then(end, end);
  for (let ms = 0; !done && ms < withinMs; ms += 10) await clock.advance(10);
  if (!done) throw new Error(`not settled within ${withinMs} ms`);
  return work;
}
