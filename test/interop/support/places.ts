import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { concatBytes, RlpReader } from '../../../src/codec/index.js';
import { encodeBlock, splitBlock } from '../../../src/eth/index.js';

const here = dirname(fileURLToPath(import.meta.url));

/** The root of the checkout. */
export const root: string = dirname(dirname(dirname(here)));

const gethModule = join(root, 'test', 'interop', 'geth');

/** Path of a program that `npm run test:interop` built. */
export function built(
  name: 'geth' | 'devp2p' | 'demochain' | 'gethpeer' | 'scriptpeer' | 'chatpeer',
): string {
  const path = join(gethModule, 'bin', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: start the suite with \`npm run test:interop\``);
  return path;
}

/** A chain as files: `genesis.json` and concatenated RLP blocks. */
export interface ChainFiles {
  readonly genesis: string;
  readonly chain: string;
  /** One list of receipts for each block, where the repository has them. */
  readonly receipts?: string;
  readonly networkId: number;
  /** Number of the last block. */
  readonly head: number;
  readonly headHash: string;
  readonly genesisHash: string;
  /** Fork id at the head: the CRC, 8 hex digits. */
  readonly forkHash: string;
}

let moduleFolder: string | undefined;

/** The 600 blocks of geth's conformance suites, read from the folder of its module. */
export function conformanceChain(): ChainFiles {
  moduleFolder ??= execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', 'github.com/ethereum/go-ethereum'], {
    cwd: gethModule,
    encoding: 'utf8',
  }).trim();
  const folder = join(moduleFolder, 'cmd', 'devp2p', 'internal', 'ethtest', 'testdata');
  return {
    genesis: join(folder, 'genesis.json'),
    chain: join(folder, 'chain.rlp'),
    networkId: 3503995874084926,
    head: 600,
    headHash: '44e3809c9a3cda717f00aea3a9da336d149612c8d5657fbc0028176ef8d94d2a',
    genesisHash: 'bd6a252af394d80904c5993b859574bd4669642cea00a116970ec7887db67533',
    forkHash: '377aaa78',
  };
}

/** The demonstration chain of the repository, whose last 40 blocks have access lists. */
export const demoChain: ChainFiles = {
  genesis: join(root, 'demo', 'genesis.json'),
  chain: join(root, 'demo', 'chain.rlp'),
  receipts: join(root, 'demo', 'receipts.rlp'),
  networkId: 9303030,
  head: 560,
  headHash: 'cd13ae8967c40fad1ca01dc85011598f0b3c2a7bf429e15108a0dfaa81a32bec',
  genesisHash: 'b86c0863d1dc29416808c06468a109f688470bfa5ace7cef8c58493cd68ecca5',
  forkHash: '432cae5c',
};

/** The demonstration chain as who has no access lists writes it. */
export function demoWithoutAccessLists(): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const reader = new RlpReader(readFileSync(demoChain.chain)); !reader.done; ) {
    const { header, body } = splitBlock(reader.raw());
    blocks.push(encodeBlock(header, body));
  }
  return concatBytes(blocks);
}

/** The blocks after `fork` of a chain that is the demonstration chain up to there: geth does not import what it has. */
export function demoBranch(fork: number, blocks: number): Pick<ChainFiles, 'chain' | 'head' | 'headHash'> {
  const folder = temporaryFolder();
  const args = ['-out', folder, '-fork', String(fork), '-blocks', String(blocks)];
  const says = execFileSync(built('demochain'), args, { encoding: 'utf8' });
  const headHash = /head 0x([0-9a-f]{64})/.exec(says)?.[1];
  if (headHash === undefined) throw new Error(`demochain says no head: ${says}`);
  const tail: Uint8Array[] = [];
  const reader = new RlpReader(readFileSync(join(folder, 'chain.rlp')));
  for (let number = 1; !reader.done; number++) {
    const block = reader.raw();
    if (number > fork) tail.push(block);
  }
  const chain = join(folder, 'branch.rlp');
  writeFileSync(chain, concatBytes(tail));
  return { chain, head: blocks, headHash };
}

/** First block of the demonstration chain under Amsterdam rules. */
export const demoAmsterdam = 521;

const folders: string[] = [];

/** A new folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rlpxd-interop-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
