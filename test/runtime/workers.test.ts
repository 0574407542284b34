import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  SimulatedWorkers,
  VirtualClock,
  type Workers,
  type WorkerTask,
  type WorkerThread,
} from '../../src/runtime/index.js';
import { builtMain, ensureBuilt } from '../support/build.js';

/** The real twin as it is built: threads run JavaScript. */
const builtWorkers = new URL('../src/runtime/real/workers.js', pathToFileURL(builtMain)).href;
const echo = new URL('../support/runtime-echo.mjs', import.meta.url);
const task: WorkerTask = { url: echo, load: () => import(echo.href) };
const missing: WorkerTask = {
  url: pathToFileURL(join(import.meta.dirname, 'nobody.mjs')),
  load: () => Promise.reject(new Error('no such module')),
};

async function realOnes(): Promise<Workers> {
  const { realWorkers } = (await import(builtWorkers)) as { readonly realWorkers: Workers };
  return realWorkers;
}

const fault = { code: 'ERR_RUNTIME_WORKER' };

const twins: readonly {
  readonly name: string;
  open(): Promise<{ workers: Workers; settle<T>(promise: Promise<T>): Promise<T> }>;
}[] = [
  {
    name: 'real',
    async open() {
      return { workers: await realOnes(), settle: (promise) => promise };
    },
  },
  {
    name: 'simulated',
    async open() {
      const clock = new VirtualClock();
      return { workers: new SimulatedWorkers(clock), settle: (promise) => clock.settle(promise) };
    },
  },
];

beforeAll(ensureBuilt, 120_000);

describe.each(twins)('$name threads', ({ name, open }) => {
  const threads: WorkerThread[] = [];
  afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.close())));
  const started = async (what: WorkerTask = task) => {
    const { workers, settle } = await open();
    const thread = workers.start(what);
    threads.push(thread);
    return { thread, settle, perform: <T>(job: unknown) => settle(thread.perform(job) as Promise<T>) };
  };

  test('do one job after the other, on a copy of what they are given', async () => {
    const { thread, perform, settle } = await started();
    const bytes = Uint8Array.of(1, 2, 3);
    expect(await perform({ do: 'echo', bytes })).toEqual({ bytes, isMainThread: name === 'simulated' });
    expect(await perform({ do: 'change', bytes })).toEqual(new Uint8Array(3));
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
    const many = [1, 2, 3].map((value) => thread.perform({ do: 'echo', bytes: value }));
    expect(await settle(Promise.all(many))).toMatchObject([{ bytes: 1 }, { bytes: 2 }, { bytes: 3 }]);
  });

  test('tell what went wrong with a job, and go on', async () => {
    const { perform } = await started();
    await expect(perform({ do: 'throw' })).rejects.toMatchObject({ ...fault, message: 'worker: as asked' });
    expect(await perform({ do: 'echo', bytes: 1 })).toMatchObject({ bytes: 1 });
  });

  test('that cannot be started tell it with their first job', async () => {
    const { perform } = await started(missing);
    await expect(perform({ do: 'echo' })).rejects.toMatchObject(fault);
  });

  test('that are closed do nothing more, and what was under way rejects', async () => {
    const { thread, perform } = await started();
    const under = perform({ do: name === 'real' ? 'sleep' : 'echo' }).catch((error: unknown) => error);
    await thread.close();
    expect(await under).toMatchObject(fault);
    await expect(thread.perform({ do: 'echo' })).rejects.toMatchObject(fault);
    await thread.close();
  });
});

test('a real thread that exits takes what is under way with it', async () => {
  const workers = await realOnes();
  const thread = workers.start(task);
  const both = [thread.perform({ do: 'exit' }), thread.perform({ do: 'echo', bytes: 1 })];
  for (const settled of await Promise.allSettled(both)) expect(settled).toMatchObject({ reason: fault });
  await expect(thread.perform({ do: 'echo' })).rejects.toMatchObject(fault);
  await thread.close();
});

test('a real thread whose answer cannot be cloned, or whose job cannot, says so', async () => {
  const workers = await realOnes();
  const thread = workers.start(task);
  await expect(thread.perform({ do: 'a function' })).rejects.toMatchObject(fault);
  expect(await thread.perform({ do: 'echo', bytes: 1 })).toMatchObject({ bytes: 1 });
  await expect(thread.perform(() => 1)).rejects.toThrow(/could not be cloned/);
  await thread.close();
});
