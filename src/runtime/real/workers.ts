import { Worker } from 'node:worker_threads';
import { RuntimeError } from '../errors.js';
import type { Workers, WorkerTask, WorkerThread } from '../workers.js';
import { messageOf } from './system-word.js';

/** What the thread is sent. */
export interface WorkerJob {
  readonly id: number;
  readonly job: unknown;
}

/** What it says of it. */
export type WorkerAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly fault: string };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: RuntimeError) => void;
}

class RealThread implements WorkerThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #end: RuntimeError | undefined;

  constructor(task: WorkerTask) {
    this.#worker = new Worker(new URL('./worker-entry.js', import.meta.url), {
      workerData: task.url.href,
      env: {},
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', (answer: WorkerAnswer) => this.#answered(answer));
    this.#worker.on('messageerror', (error) => this.#ended('its answer cannot be read', error));
    this.#worker.on('error', (error) => this.#ended(messageOf(error), error));
    this.#worker.on('exit', (code) => this.#ended(`it exited with ${code}`));
  }

  perform(job: unknown): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      const message: WorkerJob = { id, job };
      this.#worker.postMessage(message); // throws for what cannot be cloned, and rejects by that
      this.#waiting.set(id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#ended('it was closed');
    await this.#worker.terminate();
  }

  #answered(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('fault' in answer) waiting?.reject(workerFault(answer.fault));
    else waiting?.resolve(answer.result);
  }

  #ended(says: string, cause?: unknown): void {
    this.#end ??= workerFault(says, cause);
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}

function workerFault(says: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_WORKER', `worker: ${says}`, { cause });
}

/** Threads of `node:worker_threads`. */
export const realWorkers: Workers = { start: (task) => new RealThread(task) };
