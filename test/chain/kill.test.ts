import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkChain, openChainStore } from '../../src/chain/index.js';
import { bytesToHex } from '../../src/codec/index.js';
import { realStores, seededRandom } from '../../src/runtime/index.js';
import { ensureBuilt } from '../support/build.js';
import { type BuiltChain, branch, buildChain, chainFiles, hasher } from '../support/chain-builder.js';

const FORK = 60;
const KILLS = 50;
const child = join(import.meta.dirname, '..', 'support', 'chain-kill-child.mjs');

const main = buildChain(200, (n) => ({ transactions: n % 3 }), 'killed');
const chains: Record<string, BuiltChain> = {
  main,
  other: branch(main, FORK, 210, (n) => ({ transactions: n % 2, extra: 'other' })),
};
let folder: string;

beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'rlpxd-kill-'));
  await writeFile(join(folder, 'genesis'), main.genesis.raw);
  for (const [name, { blocks }] of Object.entries(chains)) {
    const made = chainFiles(blocks);
    await writeFile(join(folder, `${name}.rlp`), made.chain);
    await writeFile(join(folder, `${name}-receipts.rlp`), made.receipts);
  }
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  /** What it said, in order. */
  readonly lines: readonly string[];
  readonly killed: boolean;
  readonly errors: string;
}

/** Starts a puller and kills it so long after it has verified its store; undefined: lets it end. */
function run(store: string, name: string, rollbackTo: string, killAfterMs: number | undefined): Promise<Run> {
  return new Promise((resolve) => {
    const files = ['genesis', `${name}.rlp`, `${name}-receipts.rlp`].map((file) => join(folder, file));
    const process_: ChildProcess = spawn(process.execPath, [child, store, ...files, rollbackTo], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    process_.stderr?.on('data', (chunk) => {
      errors += String(chunk);
    });
    if (process_.stdout !== null) {
      createInterface(process_.stdout).on('line', (line) => {
        lines.push(line);
        if (killAfterMs !== undefined && line.startsWith('checked')) {
          timer = setTimeout(() => process_.kill('SIGKILL'), killAfterMs);
        }
      });
    }
    process_.on('close', (_code, signal) => {
      clearTimeout(timer);
      resolve({ lines, killed: signal === 'SIGKILL', errors });
    });
  });
}

/** What a line says about the head of the store. */
function headIn(line: string | undefined): { number: number; hash: string } {
  const [, number, hash] = line?.split(' ') ?? [];
  return { number: Number(number), hash: hash ?? '' };
}

function isOn(chain: BuiltChain | undefined, { number, hash }: { number: number; hash: string }): boolean {
  const header = number === 0 ? chain?.genesis : chain?.blocks[number - 1]?.header;
  return header !== undefined && bytesToHex(header.hash) === hash;
}

/** Kills pullers on one store until it has happened so often, each start verifying what the one before has left. */
async function killOften(store: string, kills: number, seed: number): Promise<number> {
  const random = seededRandom(seed);
  let left = kills;
  let longestMs = 120;
  let before: { name: string; rollbackTo: string; last: string | undefined } | undefined;
  for (let runs = 0; left > 0; runs++) {
    expect(runs).toBeLessThan(4 * kills); // most must be killed, not end
    const name = random.unit() < 0.6 ? 'main' : 'other';
    const rollbackTo =
      before !== undefined && headIn(before.last).number > FORK && random.unit() < 0.5 ? '20' : '';
    const { lines, killed, errors } = await run(store, name, rollbackTo, random.unit() * longestMs);
    expect(errors).toBe('');
    expect(lines[0]).toMatch(/^checked /); // the whole store is as it should be
    const found = headIn(lines[0]);
    if (before !== undefined) {
      // Nothing that it said was stored is lost; and more may have been stored than it came to say.
      const said = headIn(before.last);
      const same = found.hash === said.hash;
      const further = isOn(chains[before.name], found) && found.number > said.number;
      const reorganised = isOn(chains[before.name], found) && !isOn(chains[before.name], said);
      const rolledBack = before.rollbackTo !== '' && found.number === Number(before.rollbackTo);
      expect({ found, before, held: same || further || reorganised || rolledBack }).toMatchObject({
        held: true,
      });
    }
    if (killed) left--;
    else longestMs = Math.max(10, longestMs * 0.9); // it had ended by then: sooner next time
    before = { name, rollbackTo, last: lines.at(-1) };
  }
  const { lines } = await run(store, 'main', '20', undefined);
  expect(lines.at(-1)).toBe(`done 200 ${bytesToHex(main.blocks[199]?.header.hash ?? new Uint8Array())}`);
  return kills;
}

test(`a puller that is killed ${KILLS} times at random leaves a whole, verified store each time, and goes on from it`, async () => {
  const stores = [1, 2].map((n) => join(folder, `store-${n}`));
  const killed = await Promise.all(stores.map((store, n) => killOften(store, KILLS / 2, 7 + n)));
  expect(killed).toEqual([KILLS / 2, KILLS / 2]);
  for (const path of stores) {
    const store = await openChainStore({ stores: realStores, path, hasher });
    expect((await checkChain(store)).head).toBe(200n);
    await store.close();
  }
}, 180_000);
