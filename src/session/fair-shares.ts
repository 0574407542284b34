/**
 * Places that several kinds share. Each kind has some to itself; what is beyond them is for whoever comes first. So no kind,
 * however busy, can take the last place of another.
 */
export class FairShares {
  readonly total: number;
  /** Places that each kind has to itself. */
  readonly own: number;
  readonly #taken = new Map<string, number>();
  #sum = 0;

  /** @throws RangeError where the kinds' own places are more than there are */
  constructor(kinds: Iterable<string>, total: number, own: number) {
    for (const kind of kinds) this.#taken.set(kind, 0);
    if (this.#taken.size * own > total) throw new RangeError(`${total} places for ${this.#taken.size} kinds`);
    this.total = total;
    this.own = own;
  }

  /** All places that are taken. */
  get sum(): number {
    return this.#sum;
  }

  hasRoom(kind: string): boolean {
    let kept = 0;
    for (const [other, taken] of this.#taken) if (other !== kind) kept += Math.max(0, this.own - taken);
    return this.#sum + kept < this.total;
  }

  take(kind: string): void {
    this.#taken.set(kind, (this.#taken.get(kind) ?? 0) + 1);
    this.#sum++;
  }

  release(kind: string): void {
    this.#taken.set(kind, (this.#taken.get(kind) ?? 0) - 1);
    this.#sum--;
  }
}
