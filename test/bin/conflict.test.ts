import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { concatBytes, prefixedHex, RlpReader } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { decodeHeader, encodeBlock, encodeHeader, splitBlock } from '../../src/eth/index.js';
import { Cli, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { ensureBuilt } from '../support/build.js';
import { demo } from '../support/node-worlds.js';

beforeAll(ensureBuilt, 120_000);

const FORK = 100;
const genesis = ['--genesis', demo.path('genesis.json')];
const loopback = ['--addr', '127.0.0.1', '--port', '0', '--log', 'json'];

/** The demonstration chain up to block 100, whose last block says something else: consistent in itself, and invented. */
function fakeChain(): { readonly file: Uint8Array; readonly hash: string } {
  const reader = new RlpReader(readFileSync(demo.path('chain.rlp')));
  const blocks = Array.from({ length: FORK }, () => reader.raw());
  const { header, body } = splitBlock(blocks.pop() ?? new Uint8Array());
  const other = encodeHeader({ ...decodeHeader(header), extraData: Uint8Array.of(1, 2, 3) });
  const file = concatBytes([...blocks, encodeBlock(other, body)]);
  return { file, hash: prefixedHex(nobleCrypto.keccak256(other)) };
}

async function source(chain: string): Promise<Cli> {
  const datadir = temporaryFolder();
  const files = [chain, '--receipts', demo.path('receipts.rlp')];
  expect((await rlpxd(['import', ...files, ...genesis, '--datadir', datadir])).code).toBe(0);
  return new Cli(['run', '--datadir', datadir, ...loopback]);
}

async function head(datadir: string): Promise<{ head: number; hash: string }> {
  return JSON.parse((await rlpxd(['store', 'check', '--datadir', datadir, '--json'])).stdout);
}

test('two peers on two chains: the conflict is reported, a hash pins either, and the other is rolled back', async () => {
  const { file, hash } = fakeChain();
  const path = join(temporaryFolder(), 'fake.rlp');
  writeFileSync(path, file);
  const [real, fake] = await Promise.all([source(demo.path('chain.rlp')), source(path)]);
  const [realEnode, fakeEnode] = await Promise.all([real.enode(), fake.enode()]);
  await fake.event('listening');
  const datadir = temporaryFolder();

  // without consensus nothing is wrong with it: whoever knows only this peer takes its chain
  expect((await rlpxd(['pull', fakeEnode, ...genesis, '--datadir', datadir])).code).toBe(0);
  expect(await head(datadir)).toMatchObject({ head: FORK, hash });

  // the longer chain replaces it, and who contradicts it is named
  const both = await rlpxd(['pull', fakeEnode, realEnode, '--datadir', datadir, '--json']);
  expect(both.code).toBe(0);
  const done = JSON.parse(both.stdout.trim().split('\n').at(-1) ?? '');
  expect(done).toMatchObject({ event: 'pull.done', head: 560, reorganisations: 1 });
  const { id } = (await fake.event('listening')) as { id: string };
  expect(done.conflicts).toEqual([{ peer: id, number: FORK }]);
  const again = await rlpxd(['pull', fakeEnode, realEnode, '--datadir', datadir]);
  expect(again.stderr).toBe(
    `rlpxd: peer ${id} is on another chain from block ${FORK} on; pin the chain with --to HASH\n`,
  );

  // a hash decides, also against the longer chain
  const pinned = await rlpxd(['pull', fakeEnode, realEnode, '--datadir', datadir, '--to', hash]);
  expect(pinned.code).toBe(0);
  expect(await head(datadir)).toMatchObject({ head: FORK, hash });
}, 60_000);
