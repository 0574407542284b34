/** The keys that were added last, as many as there is room for. */
export class RecentKeys {
  readonly #max: number;
  /** In the order in which they were added. */
  readonly #keys = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    if (this.#keys.size >= this.#max) this.#keys.delete(this.#keys.values().next().value as string);
    this.#keys.add(key);
  }

  clear(): void {
    this.#keys.clear();
  }
}
