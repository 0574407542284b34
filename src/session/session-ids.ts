import type { Logger } from '../runtime/logger.js';

/** Names sessions: by the caller's generator where there is one, else `s1`, `s2`… */
export class SessionIds {
  readonly #newId: (() => string) | undefined;
  readonly #logger: Logger;
  #last = 0;

  constructor(newId: (() => string) | undefined, logger: Logger) {
    this.#newId = newId;
    this.#logger = logger;
  }

  /** @param isTaken whether a session is there under this id @returns one under which there is none */
  next(isTaken: (id: string) => boolean): string {
    const given = this.#given(isTaken);
    if (given !== undefined) return given;
    let id: string;
    do id = `s${++this.#last}`;
    while (isTaken(id));
    return id;
  }

  /** A generator that fails, or repeats itself, must not keep anybody from having a session. */
  #given(isTaken: (id: string) => boolean): string | undefined {
    if (this.#newId === undefined) return undefined;
    let says = 'newId failed';
    try {
      const id = this.#newId();
      if (typeof id === 'string' && id !== '' && !isTaken(id)) return id;
      says = `newId gave ${JSON.stringify(id)}, which cannot be used`;
    } catch (error) {
      says = `newId failed: ${String(error)}`;
    }
    this.#logger.error({ event: 'session.id' }, says);
    return undefined;
  }
}
