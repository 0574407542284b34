import { ChainError } from '../errors.js';

/** What a signal has instead of a listener for each of the many reads that it can call off: one promise that only rejects. */
const abortions = new WeakMap<AbortSignal, Promise<never>>();

function abortion(signal: AbortSignal): Promise<never> {
  let aborted = abortions.get(signal);
  if (aborted === undefined) {
    aborted = new Promise<never>((_, reject) => {
      const onAbort = (): void =>
        reject(
          new ChainError('ERR_CHAIN_ABORTED', 'reading the chain: called off', { cause: signal.reason }),
        );
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    aborted.catch(() => undefined); // who waits is told by the race; nobody has to wait
    abortions.set(signal, aborted);
  }
  return aborted;
}

/** @throws ChainError ERR_CHAIN_ABORTED as soon as the signal aborts; what is under way goes on for others */
export function raced<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : Promise.race([work, abortion(signal)]);
}
