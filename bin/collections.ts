import { setFlagsFromString } from 'node:v8';

/** In percent of what lives: 300 is the most that V8 takes by itself, where memory is asked for at a high rate. */
const GROWTH_PERCENT = 300;

/**
 * Lets the heap grow to four times of what lives before V8 collects all of it. By itself it takes little more than what lives
 * where little is asked for, and then counts bytes outside of the heap, too: of a heap of 15 MiB each message of 8 MiB and
 * more began a collection of all, 10 to 20 ms of the loop in pieces of up to 9. For a daemon, once; short commands end before.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
