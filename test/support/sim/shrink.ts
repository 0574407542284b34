import { planOf } from './plan.js';
import type { SimulationOptions, SimulationResult } from './simulation.js';

/** How many simulations the search for the cause may cost. */
const MAX_RUNS = 200;

/**
 * Finds the faults that a failing simulation needs: leaves out half of them, a quarter, … and in the end one after the
 * other, for as long as it still fails.
 * @returns the last failing run, and the numbers of its faults
 */
export async function shrink(
  failing: SimulationResult,
  options: SimulationOptions,
  run: (options: SimulationOptions) => Promise<SimulationResult>,
  told: (says: string) => void = () => undefined,
): Promise<{ readonly result: SimulationResult; readonly only: readonly number[] }> {
  let only =
    options.only === undefined ? planOf(options).faults.map(({ number }) => number) : [...options.only];
  let result = failing;
  let runs = 0;
  for (let size = Math.ceil(only.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < only.length && runs < MAX_RUNS; ) {
      const fewer = [...only.slice(0, at), ...only.slice(at + size)];
      const tried = await run({ ...options, only: new Set(fewer) });
      runs++;
      if (tried.failures.length === 0) {
        at += size;
        continue;
      }
      only = fewer;
      result = tried;
      told(`${only.length} faults are enough`);
    }
  }
  return { result, only };
}
