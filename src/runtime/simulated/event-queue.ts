/** Something that happens at a time. Of two that are due together, the one made first happens first. */
export interface SimulatedEvent {
  readonly dueAtMs: number;
  readonly order: number;
  readonly run: () => void;
  /** What kind of wait it is; only `timer`s count as leaks. */
  readonly kind: 'timer' | 'soon' | 'world';
  cancelled: boolean;
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.dueAtMs === b.dueAtMs ? a.order < b.order : a.dueAtMs < b.dueAtMs;
}

/** A binary heap of events, soonest first. */
export class EventQueue {
  readonly #heap: SimulatedEvent[] = [];

  push(event: SimulatedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  /** @returns the soonest event that was not cancelled; those that were are let go. */
  peek(): SimulatedEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || !first.cancelled) return first;
      this.#removeFirst();
    }
  }

  pop(): SimulatedEvent | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  /** Lets go of cancelled events wherever they are: a timer that is set and cancelled for ever must not pile up. */
  sweep(): void {
    const living = this.#heap.filter((event) => !event.cancelled);
    this.#heap.length = 0;
    for (const event of living) this.push(event);
  }

  get size(): number {
    return this.#heap.length;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      const right = heap[childAt + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right;
        childAt++;
      }
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}
