import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listOf } from '../support/sim/cli.js';
import { ACTS, planOf } from '../support/sim/plan.js';
import { shrink } from '../support/sim/shrink.js';
import { type SimulationOptions, type SimulationResult, simulate } from '../support/sim/simulation.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/sim.mjs', import.meta.url));

/** What `npm run sim -- …` says, in a process of its own. */
function simInProcess(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

describe('whole daemons under one virtual clock', () => {
  test.each([1, 2, 3, 4, 5])(
    'seed %i: what must hold, holds',
    async (seed) => {
      const result = await simulate({ seed, nodes: 8, minutes: 2 });
      expect(result.failures).toEqual([]);
      expect(result.activations).toBeGreaterThan(10);
      expect(result.journals).toBeGreaterThan(5);
      expect(result.height).toBeGreaterThan(24);
    },
    60_000,
  );

  test('the same seed gives the same trace, in this process and in others; another seed another', async () => {
    const options = { seed: 7, nodes: 8, minutes: 1 };
    const lines: string[] = [];
    const first = await simulate({ ...options, watch: (line) => lines.push(line) });
    expect(first.lines).toBe(lines.length);
    const again: string[] = [];
    const second = await simulate({ ...options, watch: (line) => again.push(line) });
    expect(again).toEqual(lines); // where it differs says more than two hashes
    expect(second).toEqual(first);
    expect((await simulate({ ...options, seed: 8 })).hash).not.toBe(first.hash);
    const elsewhere = simInProcess('--seed', '7', '--minutes', '1', '--json');
    expect(elsewhere).toMatchObject({ code: 0 });
    expect(JSON.parse(elsewhere.said)).toEqual(first);
  }, 60_000);

  test('an hour passes, too: nothing in a plan depends on its length but how much there is', () => {
    const plan = planOf({ seed: 1, nodes: 8, minutes: 60 });
    expect(plan.byzantine).toBe(2);
    expect(plan.honest).toHaveLength(6);
    const acts = new Set(plan.faults.flatMap((fault) => (fault.kind === 'act' ? [fault.act] : [])));
    expect([...acts].sort()).toEqual([...ACTS].sort());
    const kinds = new Set(plan.faults.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      'act ask crash cut dial disk-full freeze leave pause reorganise reset restart slow'.split(' '),
    );
  });
});

test('no plan asks the impossible: every node shares versions of eth with others on a way to the source', () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const { honest } = planOf({ seed, nodes: 3, minutes: 1 });
    const speak = (i: number, j: number): boolean => {
      const [ours, theirs] = [honest[i]?.ethVersions, honest[j]?.ethVersions];
      return ours === undefined || theirs === undefined || ours.some((version) => theirs.includes(version));
    };
    const reached = [0];
    for (const at of reached) {
      for (const [i, { peers }] of honest.entries()) {
        const knows = peers.includes(at) || honest[at]?.peers.includes(i);
        if (knows && speak(i, at) && !reached.includes(i)) reached.push(i);
      }
    }
    expect(reached, `seed ${seed}`).toHaveLength(honest.length);
  }
});

describe('a simulation that fails', () => {
  const failing = (seed: string, failures: readonly string[]): SimulationResult => ({
    ...{
      seed,
      hash: '',
      lines: 0,
      sessions: 0,
      activations: 0,
      journals: 0,
      height: 0,
      virtualMs: 0,
      failures,
    },
  });

  test('is led back to the faults that it needs', async () => {
    const run = async ({ only, seed }: SimulationOptions): Promise<SimulationResult> =>
      failing(String(seed), only?.has(3) && only.has(17) ? ['it broke'] : []);
    const options = { seed: 1, nodes: 8, minutes: 2 };
    const { only, result } = await shrink(failing('1', ['it broke']), options, run);
    expect(only).toEqual([3, 17]);
    expect(result.failures).toEqual(['it broke']);
  });

  test('names faults so that they can be typed', () => {
    expect(listOf([])).toBe('none');
    expect(listOf([1, 2, 3, 7, 9, 10])).toBe('1-3,7,9-10');
  });
});

describe('npm run sim', () => {
  test('runs several seeds in several processes, and only the faults that are asked for', () => {
    const { code, said } = simInProcess('--seeds', '2', '--jobs', '2', '--minutes', '0.2', '--only', 'none');
    expect(said).toMatch(/seed 1: [0-9a-f]{32} {2}/);
    expect(said).toMatch(/seed 2: [0-9a-f]{32} {2}/);
    expect(said).toMatch(/^2 seeds, .* 0 failed$/m);
    expect(code).toBe(0);
  }, 60_000);

  test('refuses what it does not understand, and says what it would', () => {
    for (const wrong of [['--seeds', '0'], ['--minutes', 'x'], ['--nodes', '1'], ['--only', 'a'], ['--what']])
      expect(simInProcess(...wrong)).toMatchObject({
        code: 2,
        said: expect.stringContaining('npm run sim -- [options]'),
      });
    expect(simInProcess('--seed', 'x', '--seeds', '2').code).toBe(2);
    expect(simInProcess('--help')).toMatchObject({ code: 0, said: expect.stringContaining('--seed S') });
  }, 60_000);
});
