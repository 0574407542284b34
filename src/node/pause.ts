import type { Clock } from '../runtime/index.js';

/** Resolves after so long, or at once when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.timer(ms, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
