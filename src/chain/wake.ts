/** Lets one loop sleep until something has happened. What happens while it is awake is remembered: it is not missed. */
export class Wake {
  #happened = false;
  #resolve: (() => void) | undefined;

  /** Something happened. */
  notify(): void {
    this.#happened = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }

  /** Resolves once something has happened since the last time this resolved. */
  async wait(): Promise<void> {
    if (!this.#happened) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#happened = false;
  }
}
