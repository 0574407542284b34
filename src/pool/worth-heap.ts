import type { Entry, SenderQueue } from './sender-queue.js';

/**
 * Senders by the worth of their last transaction, the least first, of equals the youngest: whose last transaction makes room
 * when room is needed. Every operation takes a time that grows with the logarithm of the number of senders.
 */
export class WorthHeap {
  readonly #queues: SenderQueue[] = [];

  get size(): number {
    return this.#queues.length;
  }

  get first(): SenderQueue | undefined {
    return this.#queues[0];
  }

  /** Puts a queue that is not empty in its place, or in its new place. */
  settle(queue: SenderQueue): void {
    if (!this.#has(queue)) {
      queue.place = this.#queues.length;
      this.#queues.push(queue);
    }
    this.#rise(queue.place);
    this.#sink(queue.place);
  }

  /** Where it is not in the heap, nothing happens. */
  remove(queue: SenderQueue): void {
    if (!this.#has(queue)) return;
    const at = queue.place;
    const last = this.#queues.pop() as SenderQueue;
    queue.place = -1;
    if (last === queue) return;
    this.#set(at, last);
    this.settle(last);
  }

  /** Once the worth of many has changed. */
  rebuild(): void {
    for (let at = (this.size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #has(queue: SenderQueue): boolean {
    return this.#queues[queue.place] === queue;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#before(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < this.size && this.#before(left, least)) least = left;
      if (left + 1 < this.size && this.#before(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const one = this.#lastOf(a);
    const other = this.#lastOf(b);
    return one.worth !== other.worth ? one.worth < other.worth : one.order > other.order;
  }

  #lastOf(place: number): Entry {
    return (this.#queues[place] as SenderQueue).last as Entry;
  }

  #swap(a: number, b: number): void {
    const one = this.#queues[a] as SenderQueue;
    this.#set(a, this.#queues[b] as SenderQueue);
    this.#set(b, one);
  }

  #set(at: number, queue: SenderQueue): void {
    this.#queues[at] = queue;
    queue.place = at;
  }
}
