import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkChain, openChainStore } from '../../src/chain/index.js';
import { realStores, seededRandom } from '../../src/runtime/index.js';
import { ensureBuilt } from '../support/build.js';
import { buildChain, chainFiles, hasher } from '../support/chain-builder.js';

const BLOCKS = 600;
const KILLS = 24;
const child = join(import.meta.dirname, '..', 'support', 'chain-import-child.mjs');
let folder: string;

beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'rlpxd-kill-import-'));
  const chain = buildChain(BLOCKS, (n) => ({ transactions: n % 2 }), 'killed');
  const made = chainFiles(chain.blocks);
  await writeFile(join(folder, 'genesis'), chain.genesis.raw);
  await writeFile(join(folder, 'chain.rlp'), made.chain);
  await writeFile(join(folder, 'chain.rlp.gz'), gzipSync(made.chain));
  await writeFile(join(folder, 'receipts.rlp'), made.receipts);
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  readonly lines: readonly string[];
  readonly killed: boolean;
  readonly errors: string;
}

/** Starts a child and kills it so long after it has verified its store; undefined: lets it end. */
function run(store: string, filler: string, killAfterMs: number | undefined): Promise<Run> {
  return new Promise((resolve) => {
    const started = spawn(process.execPath, [child, store, folder, filler], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    started.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    createInterface(started.stdout).on('line', (line) => {
      lines.push(line);
      if (killAfterMs !== undefined && line.startsWith('checked'))
        timer = setTimeout(() => started.kill('SIGKILL'), killAfterMs);
    });
    started.on('close', (_code, signal) => {
      clearTimeout(timer);
      resolve({ lines, killed: signal === 'SIGKILL', errors });
    });
  });
}

const numbersIn = (line: string | undefined): number[] => (line ?? '').split(' ').slice(1).map(Number);

async function killOften(filler: string, kills: number, seed: number): Promise<{ readonly partly: number }> {
  const random = seededRandom(seed);
  let partly = 0;
  let store = join(folder, `store-${filler}-0`);
  let before = [0, 0, 0];
  let left = kills;
  for (let runs = 1; left > 0; runs++) {
    expect(runs).toBeLessThan(4 * kills);
    const { lines, killed, errors } = await run(store, filler, random.unit() * 220);
    expect(errors).toBe('');
    expect(lines[0]).toMatch(/^checked /); // the whole store is as it should be
    const [head = 0, missing = 0, pruned = 0] = numbersIn(lines[0]);
    const [headBefore = 0, missingBefore = 0, prunedBefore = 0] = before;
    expect(head).toBeGreaterThanOrEqual(headBefore);
    expect(pruned).toBeGreaterThanOrEqual(prunedBefore);
    if (head === headBefore) expect(missing).toBeLessThanOrEqual(missingBefore);
    if (missing > 0 && missing < BLOCKS / 2) partly++;
    before = [head, missing, pruned];
    if (killed) left--;
    else {
      expect(lines.at(-1)).toBe('done');
      store = join(folder, `store-${filler}-${runs}`); // from the beginning
      before = [0, 0, 0];
    }
  }
  const { lines, errors } = await run(store, filler, undefined);
  expect({ errors, lines: lines.slice(1) }).toEqual({ errors: '', lines: ['filled 0', 'done'] });
  const whole = await openChainStore({ stores: realStores, path: store, hasher });
  expect(await checkChain(whole)).toMatchObject({ head: BigInt(BLOCKS), receiptsMissing: 0, pruned: 500 });
  await whole.close();
  return { partly };
}

test(`an import without receipts, their filling in, and pruning are killed ${KILLS} times at random, and what is left is whole and goes on`, async () => {
  const [fromPeer, fromFile] = await Promise.all([
    killOften('peer', KILLS / 2, 3),
    killOften('file', KILLS / 2, 4),
  ]);
  expect(fromPeer.partly + fromFile.partly).toBeGreaterThan(0); // killed in the middle of filling, not only around it
}, 180_000);
