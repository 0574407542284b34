import { readFileSync } from 'node:fs';

/**
 * Descriptors that sockets leave alone: for the stores, the local socket, the log, name lookups (64), and for what Node itself
 * holds open (32). Without them a flood of connections would stop the disk.
 */
const RESERVED_DESCRIPTORS = 96;
/** However few there are, a node without a socket is none. */
const LEAST_SOCKETS = 16;

let most: number | undefined;

/** How many TCP sockets this process may hold at once; no bound where the system does not tell its own (all but Linux). */
export function mostSockets(): number {
  most ??= Math.max(LEAST_SOCKETS, descriptorLimit() - RESERVED_DESCRIPTORS);
  return most;
}

function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\d+) /m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft); // `unlimited` is no number
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
