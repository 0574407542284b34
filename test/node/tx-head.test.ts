import { expect, test } from 'vitest';
import { MemoryChain } from '../../src/chain/index.js';
import { bytesToHex } from '../../src/codec/index.js';
import { decodeBody, transactionHash } from '../../src/eth/index.js';
import { HeadWatch } from '../../src/node/tx-rules.js';
import { silentLogger, VirtualClock } from '../../src/runtime/index.js';
import { branch, buildChain, hasher } from '../support/chain-builder.js';

const built = buildChain(30, () => ({ transactions: 2 }));

/** A chain in memory up to `length`, its head watched, and what the watch says. */
function watched(length: number, wantsIncluded = true) {
  const chain = new MemoryChain(built.spec, hasher);
  chain.append(built.blocks.slice(0, length));
  const said: string[] = [];
  const watch = new HeadWatch({
    backend: chain,
    clock: new VirtualClock(),
    hasher,
    logger: silentLogger,
    included: (hashes) => said.push(...hashes.map((hash) => bytesToHex(hash))),
    reorganised: () => said.push('reorganised'),
    baseFee: () => undefined,
    wantsIncluded: () => wantsIncluded,
  });
  return { chain, watch, said };
}

function hashesOf(blocks: readonly { readonly body: Uint8Array }[]): string[] {
  const raws = blocks.flatMap(({ body }) => decodeBody(body).transactions);
  return raws.map((raw) => bytesToHex(transactionHash(raw, hasher)));
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what new blocks include is told, each block once', async () => {
  const { chain, watch, said } = watched(3);
  await turn();
  expect(said.splice(0), 'the head that was found').toEqual(hashesOf(built.blocks.slice(2, 3)));
  chain.append(built.blocks.slice(3, 5));
  watch.moved(chain.range());
  await turn();
  expect(said.splice(0)).toEqual(hashesOf(built.blocks.slice(3, 5)));
  chain.append(built.blocks.slice(5));
  watch.moved(chain.range());
  await turn();
  expect(said, 'of many at once only the last is looked into').toEqual(hashesOf(built.blocks.slice(29)));
  await watch.close();
});

test('a reorganisation is told, and what the new branch includes', async () => {
  const { chain, watch, said } = watched(5);
  await turn();
  said.splice(0);
  const other = branch(built, 4, 7, () => ({ transactions: 1, extra: 'other' }));
  chain.append(other.blocks.slice(4), { rollbackTo: 4n });
  watch.moved(chain.range());
  await turn();
  expect(said.splice(0)).toEqual(['reorganised', ...hashesOf(other.blocks)]);
  chain.append([], { rollbackTo: 6n });
  watch.moved(chain.range());
  await turn();
  expect(said[0], 'a head that was taken back').toBe('reorganised');
  await watch.close();
});

test('where nobody wants to know what blocks include, no block is looked into', async () => {
  const { chain, watch, said } = watched(3, false);
  chain.append(built.blocks.slice(3, 5));
  watch.moved(chain.range());
  await turn();
  expect(said).toEqual([]);
  await watch.close();
});
