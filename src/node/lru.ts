/** Values by name, the least recently used of which go; it counts who found what they looked for. */
export class Lru<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();
  hits = 0;
  misses = 0;

  /** @param most values at once */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  get(name: string): Value | undefined {
    const value = this.#values.get(name);
    if (value === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.set(name, value);
    return value;
  }

  set(name: string, value: Value): void {
    this.#values.delete(name); // a map keeps the order of insertion: the first is the one used least recently
    this.#values.set(name, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#most) return;
      this.#values.delete(oldest);
    }
  }

  delete(name: string): void {
    this.#values.delete(name);
  }
}
