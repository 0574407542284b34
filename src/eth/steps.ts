import { decodeFault } from './decoding.js';

/**
 * Work in slices of some 8 ms, for what a peer can make long: whoever drives it gives the event loop a turn at each step,
 * and finds the result at the end.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** What keccak-256 takes in at once; short inputs cost as much. */
export const KECCAK_BLOCK_BYTES = 136;

/** Hashed in one slice: 2,048 blocks of 136 bytes, 3.7 µs each. */
export const SLICE_BYTES: number = 2_048 * KECCAK_BLOCK_BYTES;

/** Does all of it at once. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `decoding`, for work in slices. @throws EthError ERR_ETH_DECODE */
export function* decodingSteps<T>(what: string, steps: Steps<T>): Steps<T> {
  try {
    return yield* steps;
  } catch (error) {
    throw decodeFault(what, error);
  }
}
