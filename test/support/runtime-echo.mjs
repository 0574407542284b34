// A module for threads: says what it is told, in one of several ways.
import { isMainThread } from 'node:worker_threads';

export function perform(job) {
  switch (job.do) {
    case 'echo':
      return { bytes: job.bytes, isMainThread };
    case 'change':
      job.bytes.fill(0);
      return job.bytes;
    case 'throw':
      throw new Error('as asked');
    case 'sleep':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
      return undefined;
    case 'exit':
      process.exit(7);
      return undefined;
    default:
      return () => undefined; // cannot be cloned
  }
}
