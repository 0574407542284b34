import { Listeners, type Logger } from '../runtime/index.js';

/** Tells listeners what happens, in the order in which they came. One that throws is logged and hurts nobody else. */
export class Emitter<Events extends object> {
  readonly #logger: Logger;
  readonly #listeners: { [Name in keyof Events]?: Listeners<Events[Name]> } = {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    return this.#of(name).add((event) => listener(event)); // the same function twice is two listeners
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    this.#of(name).tell(event);
  }

  #of<Name extends keyof Events>(name: Name): Listeners<Events[Name]> {
    this.#listeners[name] ??= new Listeners((error) =>
      this.#logger.error({ event: 'listener', name, cause: error }, 'a listener failed'),
    );
    return this.#listeners[name];
  }
}
