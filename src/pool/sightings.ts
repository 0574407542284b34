import type { Clock, Timer } from '../runtime/index.js';

/** What was seen of late is remembered, so that it is told once: of transactions some four minutes of a large network. */
export const MAX_SIGHTINGS = 8_192;
/** So long after the first one a sighting is told, with all who have said the same by then. */
export const GATHER_SIGHTINGS_MS = 1_000;
/** Peers that are counted for one sighting. */
const MAX_COUNTED_PEERS = 128;

/** What the network says of one thing. */
export interface Sighting<Fact> {
  readonly fact: Fact;
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number;
  /** How many peers said so. */
  readonly peers: number;
}

interface Seen<Fact> {
  readonly fact: Fact;
  readonly firstSeenMs: number;
  readonly tellAtMs: number;
  readonly peers: Set<string>;
}

export interface SightingsOptions<Fact> {
  readonly clock: Clock;
  readonly tell: (sighting: Sighting<Fact>) => void;
  readonly maxItems?: number;
}

/** Counts by how many peers the same thing was said within a second, and tells it once. The oldest are forgotten first. */
export class Sightings<Fact> {
  readonly #options: SightingsOptions<Fact>;
  readonly #seen = new Map<string, Seen<Fact>>();
  /** Not told yet, the oldest first. */
  readonly #waiting = new Set<Seen<Fact>>();
  #timer: Timer | undefined;
  #total = 0;

  constructor(options: SightingsOptions<Fact>) {
    this.#options = options;
  }

  /** How many different things have been seen since the beginning. */
  get total(): number {
    return this.#total;
  }

  /** A peer says so. @param key of the thing @param fact asked for where it is new */
  see(key: string, peer: string, fact: () => Fact): void {
    const known = this.#seen.get(key);
    if (known !== undefined) {
      if (known.peers.size < MAX_COUNTED_PEERS && this.#waiting.has(known)) known.peers.add(peer);
      return;
    }
    const { clock, maxItems = MAX_SIGHTINGS } = this.#options;
    const seen: Seen<Fact> = {
      fact: fact(),
      firstSeenMs: clock.wallMs(),
      tellAtMs: clock.now() + GATHER_SIGHTINGS_MS,
      peers: new Set([peer]),
    };
    this.#total++;
    this.#seen.set(key, seen);
    this.#waiting.add(seen);
    if (this.#seen.size > maxItems) this.#forgetOldest();
    this.#watch();
  }

  close(): void {
    this.#timer?.cancel();
    this.#seen.clear();
    this.#waiting.clear();
  }

  #forgetOldest(): void {
    const [oldest] = this.#seen;
    if (oldest === undefined) return;
    const [key, seen] = oldest;
    this.#seen.delete(key);
    if (this.#waiting.delete(seen)) this.#tell(seen);
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.timer(Math.max(0, first.tellAtMs - clock.now()), () => {
      this.#timer = undefined;
      const nowMs = clock.now();
      for (const seen of this.#waiting) {
        if (seen.tellAtMs > nowMs) break;
        this.#waiting.delete(seen);
        this.#tell(seen);
      }
      this.#watch();
    });
  }

  #tell({ fact, firstSeenMs, peers }: Seen<Fact>): void {
    const told = { fact, firstSeenMs, peers: peers.size };
    peers.clear(); // nobody is counted any more
    this.#options.tell(told);
  }
}
