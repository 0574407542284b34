import { beforeAll, describe, expect, test } from 'vitest';
import { type ChainBackend, MemoryChain, serveRequest } from '../../src/chain/index.js';
import { encodeList, encodeUint } from '../../src/codec/index.js';
import type { EthMessage, EthMessageOf, EthVersion } from '../../src/eth/index.js';
import { buildChain, hasher } from '../support/chain-builder.js';

const unknown = new Uint8Array(32).fill(0xee);
/** 50 receipts of 10 kB: half a megabyte for each block. */
const chain = buildChain(12, (n) => ({
  transactions: 50,
  logBytes: 10_000,
  accessList: encodeList([encodeUint(n)]),
}));
const hashOf = (n: number): Uint8Array => chain.blocks[n - 1]?.header.hash ?? unknown;
let memory: MemoryChain;

beforeAll(async () => {
  memory = new MemoryChain(chain.spec, hasher);
  await memory.append(chain.blocks);
});

/** The chain, and how many bytes of receipts were read from it. */
function measured(): { readonly backend: ChainBackend; readonly bytesRead: () => number } {
  let read = 0;
  const backend = new Proxy<ChainBackend>(memory, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== 'receipts' || typeof member !== 'function') return member;
      return async (hash: Uint8Array) => {
        const found = await target.receipts(hash);
        read += found?.length ?? 0;
        return found;
      };
    },
  });
  return { backend, bytesRead: () => read };
}

async function serve<N extends EthMessage['name']>(
  request: EthMessage,
  version: EthVersion,
  name: N,
  backend: ChainBackend = memory,
): Promise<EthMessageOf<N>> {
  const answer = await serveRequest(backend, request, version, { hasher });
  expect(answer.name).toBe(name);
  return answer as EthMessageOf<N>;
}

describe('GetReceipts', () => {
  test.each([68, 69, 70, 71, 72] as const)(
    'P4: of eth/%d costs what it reads: a thousand hashes of heavy blocks are read to 2 MiB and no further',
    async (version) => {
      const { backend, bytesRead } = measured();
      const hashes = Array.from({ length: 1_024 }, (_, i) => hashOf(1 + (i % 12)));
      const request: EthMessage = { name: 'GetReceipts', requestId: 1n, hashes, firstBlockReceiptIndex: 0n };
      const { blocks } = await serve(request, version, 'Receipts', backend);
      expect(blocks.length).toBeGreaterThan(0);
      expect(bytesRead()).toBeGreaterThan(2 * 1024 * 1024);
      expect(bytesRead()).toBeLessThan(2 * 1024 * 1024 + 600_000);
    },
  );

  test('P8: an index for a first block that is not here does not pass to the second', async () => {
    const request = (first: bigint): EthMessage => ({
      ...{ name: 'GetReceipts', requestId: 1n, firstBlockReceiptIndex: first },
      hashes: [unknown, hashOf(1)],
    });
    for (const first of [0n, 3n, 2n ** 64n - 1n])
      expect((await serve(request(first), 70, 'Receipts')).blocks).toEqual([]);
  });
});

describe('an item that is not here', () => {
  test('P8: leaves nothing behind for those after it', async () => {
    const bodies = await serve(
      { name: 'GetBlockBodies', requestId: 1n, hashes: [hashOf(1), unknown, hashOf(2)] },
      72,
      'BlockBodies',
    );
    expect(bodies.bodies).toHaveLength(1);
    const lists = await serve(
      { name: 'GetBlockAccessLists', requestId: 1n, hashes: [unknown, hashOf(2), unknown, hashOf(1)] },
      72,
      'BlockAccessLists',
    );
    const own = (n: number) => chain.blocks[n - 1]?.accessList;
    expect(lists.accessLists).toEqual([undefined, own(2), undefined, own(1)]);
  });
});
