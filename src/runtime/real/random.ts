import { randomFillSync } from 'node:crypto';
import type { Random } from '../random.js';

/** The operating system's generator. */
export const realRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  unit: () => Math.random(),
};
