import type { Logger } from '../runtime/logger.js';

/*
 * What a user of the library hands in (policies, handlers, listeners, loggers) is called from the middle of a session's
 * work. Whatever it throws, then or later, must not reach that work, another session, or the process.
 */

/** Calls it, and takes what it throws, or rejects with where it is asynchronous. */
export function callForeign(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const outcome = call();
    if (outcome instanceof Promise) outcome.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** What was thrown, in words; total: not everything that can be thrown can be made a string of. */
export function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'something without words';
  }
}

/** A logger that fails loses its line and nothing else. */
export function carefulLogger(logger: Logger): Logger {
  const lost = (): void => undefined;
  return {
    debug: (fields, message) => callForeign(() => logger.debug(fields, message), lost),
    info: (fields, message) => callForeign(() => logger.info(fields, message), lost),
    warn: (fields, message) => callForeign(() => logger.warn(fields, message), lost),
    error: (fields, message) => callForeign(() => logger.error(fields, message), lost),
  };
}
