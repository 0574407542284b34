import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MemoryChain, openUpstream } from '../../src/chain/index.js';
import { chainFromGenesis } from '../../src/eth/index.js';
import { realWorld } from '../../src/runtime/index.js';
import { hasher } from '../support/chain-builder.js';
import { demo, demoBlocks } from '../support/node-worlds.js';
import {
  httpUpstream,
  ipcUpstream,
  type RealUpstream,
  UpstreamServer,
  webSocketUpstream,
} from '../support/upstream-server.js';
import { everything } from '../support/upstream-worlds.js';

const spec = chainFromGenesis(demo.genesis(), hasher);
const later = (ms: number, run: () => void): void => void setTimeout(run, ms);
const memory = new MemoryChain(spec, hasher);
const folder = mkdtempSync(join(tmpdir(), 'rlpxd-upstream-'));

// every type of transaction, receipts, withdrawals and, in its last blocks, access lists
memory.append(demoBlocks());

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const raw: readonly string[] = [];
const shown = ['debug_getRawHeader', 'debug_getRawBlock', 'debug_getRawReceipts'];
/** Name, methods that are missing, and of how many blocks one is compared: whole chains once each way. */
const links: readonly (readonly [
  string,
  readonly string[],
  number,
  (server: UpstreamServer) => Promise<RealUpstream>,
])[] = [
  ['http, raw', raw, 1, (server) => httpUpstream(server)],
  ['http, shown by eth_ methods', shown, 1, (server) => httpUpstream(server)],
  ['a WebSocket, raw', raw, 16, (server) => webSocketUpstream(server)],
  [
    'a socket file, shown by eth_ methods',
    shown,
    16,
    (server) => ipcUpstream(server, join(folder, 'geth.ipc')),
  ],
];

describe.each(links)('over %s', (_name, lacks, step, serve) => {
  test('the demonstration chain, byte for byte', async () => {
    const server = new UpstreamServer(memory, later);
    server.faults = { lacks };
    const upstream = await serve(server);
    const backend = await openUpstream({ url: upstream.url, chain: spec, hasher, world: realWorld() });
    try {
      expect(backend.range()).toEqual(memory.range());
      const numbers = Array.from({ length: Number(memory.range().latest) + 1 }, (_, at) => BigInt(at));
      const hashes = await Promise.all(numbers.map((number) => backend.hashOf(number)));
      const compared = [...hashes.entries()].filter(([at]) => at % step === 0 || at > 550);
      const read = await Promise.all(compared.map(([, hash]) => everything(backend, hash as Uint8Array)));
      for (const [i, [at, hash]] of compared.entries()) {
        expect(hash).toEqual(await memory.hashOf(BigInt(at)));
        // the eth_ methods do not show access lists
        const but = lacks.length === 0 || at === 0 ? {} : { accessList: undefined };
        const wanted = await everything(memory, hash as Uint8Array);
        expect(read[i], `block ${at}`).toEqual({ ...wanted, ...but });
      }
    } finally {
      await backend.close();
      await upstream.close();
    }
  });
});

test('a server that restarts is found again over real sockets, and one that cuts answers off hurts nobody', async () => {
  const server = new UpstreamServer(memory, later);
  const first = await httpUpstream(server);
  const port = Number(new URL(first.url).port);
  const backend = await openUpstream({ url: first.url, chain: spec, hasher, world: realWorld(), pollMs: 50 });
  const hash = (await memory.hashOf(9n)) as Uint8Array;
  await backend.headerByHash(hash);
  server.faults = { delayMs: 50 };
  const cut = backend.body(hash);
  setTimeout(() => void first.close(), 20);
  let again: RealUpstream | undefined;
  setTimeout(() => {
    server.faults = {};
    void httpUpstream(server, port).then((one) => {
      again = one;
    });
  }, 100);
  expect(await cut).toEqual(await memory.body(hash));
  expect(await backend.receipts(hash)).toEqual(await memory.receipts(hash));
  await backend.close();
  await again?.close();
});
