// The build that is measured, for each process of the bench.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @param room a folder of `src`, or `index` */
export function library(room) {
  const path = room === 'index' ? 'index.js' : join(room, 'index.js');
  return import(pathToFileURL(join(process.env.RLPXD_LIBRARY, 'src', path)).href);
}
