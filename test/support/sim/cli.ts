import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { faultText, planOf } from './plan.js';
import { shrink } from './shrink.js';
import { type SimulationOptions, type SimulationResult, simulate } from './simulation.js';

const USAGE = `npm run sim -- [options]: networks of whole daemons in memory, replayed from a seed
  --seed S      the seed, or the first of several; 1
  --seeds N     how many seeds, one after the other; 1
  --nodes N     honest and byzantine nodes together; 8, of which a quarter is byzantine
  --minutes M   virtual minutes with faults; 10
  --hours H     the same in hours
  --only LIST   the numbers of the faults that happen: 3,7-9 (or none); all
  --jobs N      processes; one per core
  --trace       print everything that happens (one seed)
  --plan        print the faults and run nothing
  --no-shrink   leave a failing list of faults as it is
  --json        one line of JSON per seed
`;

interface Choices extends Omit<SimulationOptions, 'watch'> {
  readonly seeds: number;
  readonly jobs: number;
  readonly trace: boolean;
  readonly plan: boolean;
  readonly shrinks: boolean;
  readonly json: boolean;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** @returns the exit code: 0 where all held, 1 where something broke, 2 for options that are none */
export async function main(args: readonly string[]): Promise<number> {
  let choices: Choices;
  try {
    const read = readChoices(args);
    if (read === undefined) {
      process.stdout.write(USAGE);
      return 0;
    }
    choices = read;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (choices.plan) {
    for (const fault of planOf(choices).faults) say(faultText(fault));
    return 0;
  }
  const started = performance.now();
  const results = await runAll(choices);
  const failed = results.filter(({ failures }) => failures.length > 0);
  if (!choices.json) tellSum(results, failed.length, performance.now() - started);
  for (const result of failed.slice(0, 1)) await tellFailure(result, choices);
  return failed.length === 0 ? 0 : 1;
}

function readChoices(args: readonly string[]): Choices | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      nodes: { type: 'string', default: '8' },
      minutes: { type: 'string' },
      hours: { type: 'string' },
      only: { type: 'string' },
      jobs: { type: 'string' },
      trace: { type: 'boolean', default: false },
      plan: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { minutes, hours, seed } = values;
  const time = hours === undefined ? amount('minutes', minutes ?? '10') : amount('hours', hours) * 60;
  const seeds = whole('seeds', values.seeds, 1);
  if (seeds > 1 && !/^\d+$/.test(seed)) throw new Error('--seeds counts on from a --seed that is a number');
  return {
    ...{ seed, seeds, minutes: time, trace: values.trace, plan: values.plan, json: values.json },
    nodes: whole('nodes', values.nodes, 2),
    jobs: Math.min(seeds, whole('jobs', values.jobs ?? String(availableParallelism()), 1)),
    shrinks: !values['no-shrink'],
    only: values.only === undefined ? undefined : numbersOf(values.only),
  };
}

function amount(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && text.trim() !== '') return value;
  throw new Error(`--${name} ${text}: a number above 0 is wanted`);
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: a whole number of at least ${least} is wanted`);
}

function numbersOf(list: string): ReadonlySet<number> {
  const numbers = new Set<number>();
  if (list === 'none') return numbers;
  for (const part of list.split(',')) {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (from === undefined) throw new Error(`--only ${list}: numbers and ranges are wanted, as 3,7-9`);
    for (let number = Number(from); number <= Number(to ?? from); number++) numbers.add(number);
  }
  return numbers;
}

/** @returns `3,7-9` for 3, 7, 8, 9 */
export function listOf(numbers: readonly number[]): string {
  if (numbers.length === 0) return 'none';
  const parts: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    let end = at;
    while (numbers[end + 1] === (numbers[end] ?? 0) + 1) end++;
    parts.push(end === at ? `${numbers[at]}` : `${numbers[at]}-${numbers[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}

function seedsOf({ seed, seeds }: Choices): string[] {
  return seeds === 1 ? [String(seed)] : Array.from({ length: seeds }, (_, i) => String(Number(seed) + i));
}

async function runAll(choices: Choices): Promise<readonly SimulationResult[]> {
  const results: SimulationResult[] = [];
  const done = (result: SimulationResult): void => {
    results.push(result);
    tell(result, choices);
  };
  if (choices.jobs > 1) await runInProcesses(choices, done);
  else {
    const watch = choices.trace ? { watch: say } : {};
    for (const seed of seedsOf(choices)) done(await guarded({ ...choices, ...watch, seed }));
  }
  return results;
}

/** A promise that nobody caught is a failure of the seed that it came up in. */
async function guarded(options: SimulationOptions): Promise<SimulationResult> {
  const uncaught: string[] = [];
  const note = (error: unknown): void => {
    uncaught.push(
      `nobody caught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  };
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  try {
    const result = await simulate(options);
    return { ...result, failures: [...result.failures, ...uncaught] };
  } catch (error) {
    note(error);
    const nothing = { hash: '', lines: 0, sessions: 0, activations: 0, journals: 0, height: 0, virtualMs: 0 };
    return { seed: String(options.seed), ...nothing, failures: uncaught };
  } finally {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  }
}

/** Each process asks for the next seed when it has done one. */
async function runInProcesses(choices: Choices, done: (result: SimulationResult) => void): Promise<void> {
  const script = process.argv[1];
  if (script === undefined) throw new Error('which script is this?');
  const waiting = seedsOf(choices);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child: ChildProcess = fork(script, ['--worker']);
      let busyWith: string | undefined;
      const next = (): void => {
        busyWith = waiting.shift();
        if (busyWith === undefined) child.disconnect();
        else child.send({ ...choices, seed: busyWith, only: choices.only && [...choices.only] });
      };
      child.on('message', (result) => {
        done(result as SimulationResult); // it is our own script that speaks
        next();
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        if (busyWith === undefined) resolve();
        else reject(new Error(`seed ${busyWith}: its process ended with ${code}`));
      });
      next();
    });
  await Promise.all(Array.from({ length: choices.jobs }, work));
}

/** The other side of `runInProcesses`. */
export function serveAsWorker(): void {
  process.on('message', (asked: Omit<SimulationOptions, 'only'> & { readonly only?: readonly number[] }) => {
    const only = asked.only === undefined ? undefined : new Set(asked.only);
    void guarded({ ...asked, only }).then((result) => process.send?.(result));
  });
}

function tell(result: SimulationResult, { json, trace }: Choices): void {
  if (json) {
    say(JSON.stringify(result));
    return;
  }
  const { seed, hash, sessions, activations, height, virtualMs, lines, failures } = result;
  const minutes = (virtualMs / 60_000).toFixed(1);
  const facts = `${sessions} sessions (${activations} active), block ${height}, ${minutes} min, ${lines} events`;
  if (trace || failures.length === 0) say(`seed ${seed}: ${hash}  ${facts}`);
  for (const failure of failures) say(`seed ${seed}: FAILED ${failure}`);
}

function tellSum(results: readonly SimulationResult[], failed: number, ms: number): void {
  if (results.length === 1) return;
  const sum = (of: (result: SimulationResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const facts = `${sum(({ sessions }) => sessions)} sessions, ${sum(({ lines }) => lines)} events`;
  say(`${results.length} seeds, ${facts}, ${(ms / 1_000).toFixed(1)} s, ${failed} failed`);
}

async function tellFailure(result: SimulationResult, choices: Choices): Promise<void> {
  const { minutes, nodes, shrinks } = choices;
  const replay = (only: readonly number[] | undefined): string =>
    `npm run sim -- --seed ${result.seed} --nodes ${nodes} --minutes ${minutes}${only === undefined ? '' : ` --only ${listOf(only)}`}`;
  const given = choices.only === undefined ? undefined : [...choices.only].sort((a, b) => a - b);
  process.stderr.write(`\nreplay it with: ${replay(given)}\n`);
  if (!shrinks) return;
  const options = { seed: result.seed, nodes, minutes, only: choices.only };
  const found = await shrink(result, options, guarded, (says) => process.stderr.write(`  ${says}\n`));
  process.stderr.write(`it needs no more than: ${replay(found.only)}\n`);
  for (const fault of planOf(options).faults)
    if (found.only.includes(fault.number)) process.stderr.write(`  ${faultText(fault)}\n`);
  for (const failure of found.result.failures) process.stderr.write(`  then ${failure}\n`);
}
