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
  try {
    say({ id, result: perform(job) }); // throws where the result cannot be cloned, too
  } catch (error) {
    say({ id, fault: messageOf(error) });
  }
});

function say(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}
