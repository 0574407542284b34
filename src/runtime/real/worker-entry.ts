/*
 * What a thread begins with: it imports the module that it was started for and answers one message after the other. Nobody
 * imports this file.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerModule } from '../workers.js';
import { messageOf } from './system-word.js';
import type { WorkerAnswer, WorkerJob } from './workers.js';

const { perform }: WorkerModule = await import(workerData as string);

parentPort?.on('message', ({ id, job }: WorkerJob) => {
  parentPort?.postMessage(answerTo(id, job));
});

function answerTo(id: number, job: unknown): WorkerAnswer {
  try {
    return { id, result: perform(job) };
  } catch (error) {
    return { id, fault: messageOf(error) };
  }
}
