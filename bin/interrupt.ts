import { say } from './terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** 128 + 2, as shells count it: someone pressed Ctrl-C again and does not want to wait. */
const IMPATIENT_EXIT_CODE = 130;

/** Set by a parent that holds an IPC channel with us and does not want to be outlived. */
export const END_WITH_PARENT = 'RLPXD_END_WITH_PARENT';

const commands = new Set<AbortController>();

/** Ends the command in good order, as a signal would. @returns false where it has not begun anything that needs that */
export function interrupt(): boolean {
  for (const controller of commands) controller.abort();
  return commands.size > 0;
}

/** A signal that aborts on the first SIGINT, SIGTERM or SIGHUP; the second one ends the process at once. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  commands.add(controller);
  const stop = (): void => {
    if (controller.signal.aborted) {
      say('rlpxd: stopped at once');
      process.exit(IMPATIENT_EXIT_CODE);
    }
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, stop);
  if (process.env[END_WITH_PARENT] === '1') process.once('disconnect', () => controller.abort());
  return controller.signal;
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
