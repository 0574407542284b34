import type { Logger } from '../runtime/index.js';

/** Tells listeners what happens, in the order in which they came. One that throws is logged and hurts nobody else. */
export class Emitter<Events extends object> {
  readonly #logger: Logger;
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const own = (event: Events[Name]): void => listener(event); // the same function twice is two listeners
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        this.#logger.error({ event: 'listener', name, cause: error }, 'a listener failed');
      }
    }
  }
}
