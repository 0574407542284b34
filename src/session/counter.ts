export type Direction = 'inbound' | 'outbound';

/** The four limits; a session that exceeds one of them is refused, trusted peers excepted. */
export interface SessionLimits {
  /** Sockets that were accepted and are not active yet. Holds for everyone: before ECIES nobody is known to be trusted. */
  readonly maxPendingInbound: number;
  readonly maxPendingOutbound: number;
  readonly maxActiveInbound: number;
  readonly maxActiveOutbound: number;
}

export interface SessionCounts {
  readonly pendingInbound: number;
  readonly pendingOutbound: number;
  readonly activeInbound: number;
  readonly activeOutbound: number;
}

export type SlotKind = keyof SessionCounts;

interface Counted {
  readonly direction: Direction;
}

/**
 * Knows where each live session stands and answers how many there are by looking, never by remembering: a figure that is
 * the size of a set cannot drift from the set.
 */
export class SessionCounter<T extends Counted> {
  readonly limits: SessionLimits;
  readonly #slots: Readonly<Record<SlotKind, Set<T>>> = {
    pendingInbound: new Set(),
    pendingOutbound: new Set(),
    activeInbound: new Set(),
    activeOutbound: new Set(),
  };

  constructor(limits: SessionLimits) {
    this.limits = limits;
  }

  /** Gives the session its place among the pending ones; the caller has asked `hasRoom`. */
  reserve(session: T): void {
    this.release(session);
    this.#slots[pendingSlot(session.direction)].add(session);
  }

  /** Moves the session to the active ones. */
  activate(session: T): void {
    this.release(session);
    this.#slots[activeSlot(session.direction)].add(session);
  }

  /** Gives the place back. @returns false where there was none. */
  release(session: T): boolean {
    const pending = this.#slots[pendingSlot(session.direction)].delete(session);
    return this.#slots[activeSlot(session.direction)].delete(session) || pending;
  }

  hasRoom(slot: SlotKind): boolean {
    return this.#slots[slot].size < this.#limitOf(slot);
  }

  pending(): Iterable<T> {
    return both(this.#slots.pendingInbound, this.#slots.pendingOutbound);
  }

  active(): Iterable<T> {
    return both(this.#slots.activeInbound, this.#slots.activeOutbound);
  }

  get hasActive(): boolean {
    return this.#slots.activeInbound.size + this.#slots.activeOutbound.size > 0;
  }

  counts(): SessionCounts {
    return {
      pendingInbound: this.#slots.pendingInbound.size,
      pendingOutbound: this.#slots.pendingOutbound.size,
      activeInbound: this.#slots.activeInbound.size,
      activeOutbound: this.#slots.activeOutbound.size,
    };
  }

  #limitOf(slot: SlotKind): number {
    const { maxPendingInbound, maxPendingOutbound, maxActiveInbound, maxActiveOutbound } = this.limits;
    if (slot === 'pendingInbound') return maxPendingInbound;
    if (slot === 'pendingOutbound') return maxPendingOutbound;
    return slot === 'activeInbound' ? maxActiveInbound : maxActiveOutbound;
  }
}

export function pendingSlot(direction: Direction): SlotKind {
  return direction === 'inbound' ? 'pendingInbound' : 'pendingOutbound';
}

export function activeSlot(direction: Direction): SlotKind {
  return direction === 'inbound' ? 'activeInbound' : 'activeOutbound';
}

function* both<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}
