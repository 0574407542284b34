import type { VirtualClock } from './clock.js';
import type { SeededRandom } from './random.js';

export interface LinkOptions {
  /** One way. */
  readonly latencyMs?: number;
  /** Up to this much is added to the latency of each packet, by the seed. What one connection sends stays in order. */
  readonly jitterMs?: number;
  /** Shared by all connections of the link, each way on its own. Default: no limit. */
  readonly bytesPerSecond?: number;
}

/** One direction of one connection: what is sent on it arrives in order. */
export class Channel {
  readonly from: string;
  readonly to: string;
  /** Where the last packet is due. */
  lastArrivalMs = 0;
  /** What has not been handed over, in the order in which it was sent; the socket's window bounds it. */
  readonly underWay: UnderWay[] = [];

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }
}

interface Packet {
  readonly channel: Channel;
  readonly what: string;
  readonly bytes: number;
  readonly arrive: () => void;
}

interface UnderWay extends Packet {
  /** It came, and may wait for one before it that is sent again. */
  isHere: boolean;
}

/** What lies between two hosts. */
export class Link {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #observe: ((line: string) => void) | undefined;
  readonly #busyUntilMs = new Map<string, number>();
  #options: LinkOptions;
  #held: UnderWay[] = [];
  #cut = false;

  constructor(
    clock: VirtualClock,
    random: SeededRandom,
    options: LinkOptions,
    observe: ((line: string) => void) | undefined,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#observe = observe;
  }

  set(options: LinkOptions): void {
    this.#options = { ...this.#options, ...options };
  }

  /** Nothing arrives any more, and nobody is told. What was under way is sent again once the link is mended, as TCP would. */
  cut(): void {
    this.#cut = true;
  }

  mend(): void {
    if (!this.#cut) return;
    this.#cut = false;
    const held = this.#held;
    this.#held = [];
    for (const packet of held) this.#send(packet);
  }

  carry(packet: Packet): void {
    const sent = { ...packet, isHere: false };
    packet.channel.underWay.push(sent);
    this.#send(sent);
  }

  #send(packet: UnderWay): void {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond } = this.#options;
    const now = this.#clock.now();
    let leavesAtMs = now;
    if (bytesPerSecond !== undefined) {
      const { from } = packet.channel;
      leavesAtMs = Math.max(now, this.#busyUntilMs.get(from) ?? 0) + (packet.bytes * 1000) / bytesPerSecond;
      this.#busyUntilMs.set(from, leavesAtMs);
    }
    const jitter = jitterMs > 0 ? this.#random.unit() * jitterMs : 0;
    const arrivesAtMs = Math.max(packet.channel.lastArrivalMs, leavesAtMs + latencyMs + jitter);
    packet.channel.lastArrivalMs = arrivesAtMs;
    this.#clock.happening(arrivesAtMs - now, () => {
      if (this.#cut) {
        this.#held.push(packet);
        return;
      }
      packet.isHere = true;
      this.#handOver(packet.channel);
    });
  }

  /** Nothing overtakes what a cut has held up and what is on its way again. */
  #handOver({ from, to, underWay }: Channel): void {
    for (let next = underWay[0]; next?.isHere; next = underWay[0]) {
      underWay.shift();
      this.#observe?.(`${this.#clock.now()} ${from}>${to} ${next.what}`);
      next.arrive();
    }
  }
}
