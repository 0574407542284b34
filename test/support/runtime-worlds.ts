import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realWorld, simulatedWorld, type World } from '../../src/runtime/index.js';

/** One twin under test: the same suite runs over each. */
export interface Twin {
  readonly world: World;
  /** An address of the world itself that others can reach. */
  readonly host: string;
  /** A folder of the test's own. */
  readonly folder: string;
  /** Waits for what needs time to pass. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Lets everything happen that is under way. */
  pass(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface TwinKind {
  readonly name: string;
  readonly simulated: boolean;
  open(): Promise<Twin>;
}

export const TWINS: readonly TwinKind[] = [
  {
    name: 'real',
    simulated: false,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'rlpxd-runtime-'));
      return {
        world: realWorld(),
        host: '127.0.0.1',
        folder,
        settle: (promise) => promise,
        pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        dispose: () => rm(folder, { recursive: true, force: true }),
      };
    },
  },
  {
    name: 'simulated',
    simulated: true,
    async open() {
      const world = simulatedWorld({ seed: 'twin' });
      await world.files.makeDirectory('/tmp/test');
      return {
        world,
        host: '10.0.0.1',
        folder: '/tmp/test',
        settle: (promise) => world.clock.settle(promise),
        pass: (ms) => world.clock.advance(ms),
        dispose: async () => undefined,
      };
    },
  },
];

/** @returns what a promise rejected with; fails where it did not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
