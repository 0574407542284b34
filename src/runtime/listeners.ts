/** Those who want to hear of something. One that throws hurts neither the others nor whoever tells. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #failed: (error: unknown) => void;

  /** @param failed hears what a listener threw */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** @returns a function that takes the listener away again */
  add(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** In the order in which they came; those who come or go meanwhile change nothing. */
  tell(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
