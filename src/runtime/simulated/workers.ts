import { RuntimeError } from '../errors.js';
import { messageOf } from '../real/system-word.js';
import type { WorkerModule, Workers, WorkerTask, WorkerThread } from '../workers.js';
import type { VirtualClock } from './clock.js';

/** How often a job looks whether its module has been imported, which takes real time. */
const LOOK_MS = 1;

/**
 * Threads that are none: a job is done in a turn of its own, in no time. Only a module's first import takes some
 * milliseconds of virtual time, nobody knows how many; after `preload` not even that.
 */
export class SimulatedWorkers implements Workers {
  readonly #clock: VirtualClock;
  readonly #modules = new Map<string, WorkerModule | { readonly fault: string }>();
  readonly #loading = new Map<string, Promise<void>>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  preload(task: WorkerTask): Promise<void> {
    const name = task.url.href;
    const loading =
      this.#loading.get(name) ??
      task.load().then(
        (module) => void this.#modules.set(name, module),
        (error: unknown) => void this.#modules.set(name, { fault: messageOf(error) }),
      );
    this.#loading.set(name, loading);
    return loading;
  }

  start(task: WorkerTask): WorkerThread {
    void this.preload(task);
    const closing = new Set<(error: RuntimeError) => void>();
    let closed = false;
    return {
      perform: (job) =>
        new Promise((resolve, reject) => {
          if (closed) return reject(workerFault('it was closed'));
          closing.add(reject);
          this.#whenLoaded(task, (module) => {
            if (closed) return;
            closing.delete(reject);
            try {
              if ('fault' in module) throw new Error(module.fault);
              resolve(module.perform(structuredClone(job)));
            } catch (error) {
              reject(workerFault(messageOf(error)));
            }
          });
        }),
      close: async () => {
        closed = true;
        for (const reject of closing) reject(workerFault('it was closed'));
        closing.clear();
      },
    };
  }

  #whenLoaded(task: WorkerTask, work: (module: WorkerModule | { readonly fault: string }) => void): void {
    const look = (): void => {
      const module = this.#modules.get(task.url.href);
      if (module === undefined) this.#clock.happening(LOOK_MS, look);
      else work(module);
    };
    this.#clock.happening(0, look);
  }
}

function workerFault(says: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_WORKER', `worker: ${says}`);
}
