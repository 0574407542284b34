// How long threads that could run have waited for a processor (Linux): what other work on a machine costs, and nobody's fault here.
import { openSync, readSync } from 'node:fs';

/** @param pids of processes, whose main threads count @returns milliseconds so far, all together; undefined where it is not told */
export function processorWait(pids) {
  const buffer = Buffer.alloc(96);
  let files;
  try {
    files = pids.map((pid) => openSync(`/proc/${pid}/task/${pid}/schedstat`, 'r'));
  } catch {
    return undefined;
  }
  return () => {
    let ns = 0;
    for (const file of files) {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      ns += Number(buffer.latin1Slice(0, length).split(' ')[1]); // time on a processor, time waiting for one, turns
    }
    return ns / 1e6;
  };
}
