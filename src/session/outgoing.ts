import type { PackedMessage, RlpxConnection, SharedCapability } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';
import type { Gauge } from './handle.js';
import { Lane, type LaneBounds, type Outbound } from './lane.js';

const MiB = 1024 * 1024;

/** What takes messages: a connection. `false` means: taken, but wait before more. */
export type MessageSink = Pick<RlpxConnection, 'send' | 'sendPacked'>;

/** MAX_QUEUED_OUTGOING_RESPONSES of reth is 4, too; the bytes are ours: four answers of 2 MiB. */
export const RESPONSE_LANE: LaneBounds = { maxItems: 4, maxBytes: 8 * MiB };
export const REQUEST_LANE: LaneBounds = { maxItems: 256, maxBytes: 1 * MiB };
/** geth and reth: 4,096 announced hashes or transactions per peer. */
export const BROADCAST_LANE: LaneBounds = { maxItems: 4_096, maxBytes: 4 * MiB };

/**
 * What waits to be sent to one peer: answers first, then our requests, the latest range, and broadcasts. Nothing waits as
 * long as the peer reads; once the connection says to wait, the lanes fill, each up to its bound. Control messages are the
 * connection's own and pass all of this.
 */
export class Outgoing {
  readonly #connection: MessageSink;
  readonly #eth: SharedCapability;
  readonly #clock: Clock;
  readonly #responses = new Lane(RESPONSE_LANE);
  readonly #requests = new Lane(REQUEST_LANE);
  readonly #broadcasts = new Lane(BROADCAST_LANE);
  /** The latest value only. */
  #range: Outbound | undefined;
  #blocked = false;
  #dropped = 0;

  constructor(connection: MessageSink, eth: SharedCapability, clock: Clock) {
    this.#connection = connection;
    this.#eth = eth;
    this.#clock = clock;
  }

  /** Whether the peer does not take what we send at the moment. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get responses(): Gauge {
    return this.#responses.gauge;
  }

  get requests(): Gauge {
    return this.#requests.gauge;
  }

  get broadcasts(): Gauge {
    return this.#broadcasts.gauge;
  }

  /** Messages of the broadcast lane that made way for younger ones. */
  get broadcastsDropped(): number {
    return this.#dropped;
  }

  /** Whether one more answer may be worked on, `running` of them being worked on already. */
  hasRoomForResponse(running: number): boolean {
    const { maxItems, maxBytes } = this.#responses.bounds;
    return running + this.#responses.items < maxItems && this.#responses.bytes < maxBytes;
  }

  /** The caller has asked `hasRoomForResponse`, or has seen that nothing is blocked. */
  respond(id: number, payload: Uint8Array): void {
    this.#responses.push(outbound(id, payload));
    this.#flush();
  }

  /** @returns undefined where the lane is full; what is returned can be withdrawn until it is sent. */
  request(id: number, payload: Uint8Array): Outbound | undefined {
    const message = outbound(id, payload);
    if (!this.#requests.fits(message)) return undefined;
    this.#requests.push(message);
    this.#flush();
    return message;
  }

  withdraw(request: Outbound): void {
    this.#requests.remove(request);
  }

  /** Takes the place of a range that still waits. */
  announceRange(id: number, payload: Uint8Array): void {
    this.#range = outbound(id, payload);
    this.#flush();
  }

  /** The oldest broadcasts make way where there is no room. @param items transactions or hashes in it */
  broadcast(message: PackedMessage, items: number): void {
    const fresh: Outbound = {
      id: message.id,
      payload: undefined,
      packed: message,
      bytes: message.plainBytes,
      items,
      sentAtMs: undefined,
    };
    while (!this.#broadcasts.fits(fresh)) {
      this.#broadcasts.shift();
      this.#dropped++;
    }
    this.#broadcasts.push(fresh);
    this.#flush();
  }

  /** The peer takes bytes again. */
  drained(): void {
    this.#blocked = false;
    this.#flush();
  }

  clear(): void {
    this.#blocked = true;
    this.#range = undefined;
    this.#responses.clear();
    this.#requests.clear();
    this.#broadcasts.clear();
  }

  #flush(): void {
    while (!this.#blocked) {
      const message =
        this.#responses.shift() ?? this.#requests.shift() ?? this.#takeRange() ?? this.#broadcasts.shift();
      if (message === undefined) return;
      message.sentAtMs = this.#clock.now();
      this.#blocked = !this.#hand(message);
    }
  }

  #hand({ id, payload, packed }: Outbound): boolean {
    if (packed !== undefined) return this.#connection.sendPacked(this.#eth, packed);
    return payload === undefined || this.#connection.send(this.#eth, id, payload);
  }

  #takeRange(): Outbound | undefined {
    const range = this.#range;
    this.#range = undefined;
    return range;
  }
}

function outbound(id: number, payload: Uint8Array): Outbound {
  return { id, payload, packed: undefined, bytes: payload.length, items: 1, sentAtMs: undefined };
}
