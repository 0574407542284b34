import type { NewPooledTransactionHashes } from '../eth/index.js';
import type { PackedMessage, RlpxConnection, SharedCapability } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';
import { mergeWaiting } from './announcements.js';
import { BoundedBuffer } from './buffer.js';
import { FairLane } from './fair-lane.js';
import type { Gauge } from './handle.js';
import { Lane, type LaneBounds, type Outbound } from './lane.js';

const MiB = 1024 * 1024;

/** What takes messages: a connection. `false` means: taken, but wait before more. */
export type MessageSink = Pick<RlpxConnection, 'send' | 'sendPacked'>;

/** MAX_QUEUED_OUTGOING_RESPONSES of reth is 4, too; the bytes are ours: four answers of 2 MiB. */
export const RESPONSE_LANE: LaneBounds = { maxItems: 4, maxBytes: 8 * MiB };
/** What an answer that is being worked on is expected to take (geth: softResponseLimit). */
export const RESERVED_ANSWER_BYTES: number = 2 * MiB;
export const REQUEST_LANE: LaneBounds = { maxItems: 256, maxBytes: 1 * MiB };
/** A BlockRangeUpdate has less than 64 bytes. */
export const RANGE_LANE: LaneBounds = { maxItems: 1, maxBytes: 1_024 };
/** geth and reth: 4,096 announced hashes or transactions per peer. */
export const BROADCAST_LANE: LaneBounds = { maxItems: 4_096, maxBytes: 4 * MiB };
/** Each protocol beside eth, and all of them together. */
export const SATELLITE_LANE: LaneBounds = { maxItems: 256, maxBytes: 1 * MiB };
export const SATELLITE_LANES: LaneBounds = { maxItems: 1_024, maxBytes: 4 * MiB };
/** Where answers and requests leave without end, protocols beside eth have one byte for so many of theirs. */
const ETH_BYTES_PER_SATELLITE_BYTE = 8;

export interface OutgoingOptions {
  /** Encodes announcements that leave together; without it each leaves as it came. */
  readonly encode?: (announcement: NewPooledTransactionHashes) => Uint8Array;
  /** A broadcast made way for younger ones. */
  readonly dropped?: (message: Outbound) => void;
  /** A protocol beside eth, which was told that its lane is full, finds it empty. */
  readonly room?: (capability: SharedCapability) => void;
}

/** sent: the connection has it. queued: it waits until the peer reads. */
export type SendOutcome = 'sent' | 'queued';

/**
 * What waits to be sent to one peer: answers first, then our requests, the latest range, and then protocols beside eth and
 * broadcasts in turn. Of what leaves, a ninth is the protocols' even so: nobody starves. Nothing waits as long as the peer reads; once the connection says to wait, the lanes fill, each up to
 * its bound. Control messages are the connection's own and pass all of this.
 */
export class Outgoing {
  readonly #connection: MessageSink;
  readonly #eth: SharedCapability | undefined;
  readonly #clock: Clock;
  readonly #options: OutgoingOptions;
  readonly #responses = new Lane(RESPONSE_LANE);
  /** By message id: many questions of one kind do not stand before the first of another. */
  readonly #requests = new FairLane(({ id }) => id, REQUEST_LANE);
  readonly #satellites = new FairLane(({ capability }) => capability.offset, SATELLITE_LANES, SATELLITE_LANE);
  readonly #broadcasts = new Lane(BROADCAST_LANE);
  /** The latest value only. */
  readonly #range = new BoundedBuffer<Outbound>({
    direction: 'out',
    mode: 'latest',
    policy: 'error', // which one value in place of another never comes to
    bounds: RANGE_LANE,
    bytesOf: ({ bytes }) => bytes,
  });
  /** Whose turn it is between protocols beside eth and broadcasts. */
  #satelliteNext = true;
  /** What protocols beside eth may say before answers and requests, in bytes: earned by what of those passes them. */
  #satelliteCredit = 0;
  /** Protocols that were told that there is no room. */
  readonly #wanting = new Set<SharedCapability>();
  #blocked = false;
  #dropped = 0;
  #requestRoom: (() => void) | undefined;

  /** @param eth undefined where the session does without: then nothing of it is sent */
  constructor(
    connection: MessageSink,
    eth: SharedCapability | undefined,
    clock: Clock,
    options: OutgoingOptions = {},
  ) {
    this.#connection = connection;
    this.#eth = eth;
    this.#clock = clock;
    this.#options = options;
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

  /** How many requests of one kind wait. @param id of their message */
  requestsOf(id: number): number {
    return this.#requests.gaugeOf(id).items;
  }

  get satellites(): Gauge {
    return this.#satellites.gauge;
  }

  /** 0 or 1 block ranges. */
  get range(): Gauge {
    return { items: this.#range.items, bytes: this.#range.bytes };
  }

  get broadcasts(): Gauge {
    return this.#broadcasts.gauge;
  }

  /** Messages of the broadcast lane that made way for younger ones. */
  get broadcastsDropped(): number {
    return this.#dropped;
  }

  /** Called when requests have left their lane: there is room for more. */
  onRequestRoom(call: () => void): void {
    this.#requestRoom = call;
  }

  /**
   * Whether one more answer may be worked on, `running` of them being worked on already. Each of those has its bytes
   * reserved, so that four that are ready at once do not come to more than the lane may hold.
   */
  hasRoomForResponse(running: number): boolean {
    const { items, bytes, bounds, isEmpty } = this.#responses;
    if (running === 0 && isEmpty) return true;
    return (
      running + items < bounds.maxItems && bytes + (running + 1) * RESERVED_ANSWER_BYTES <= bounds.maxBytes
    );
  }

  /**
   * Whether an answer that is ready fits beside those that wait and those that are still worked on. One alone always does.
   * @param others being worked on besides
   */
  fitsResponse(bytes: number, others: number): boolean {
    if (!this.#blocked || this.#responses.isEmpty) return true;
    const reserved = others * RESERVED_ANSWER_BYTES;
    return this.#responses.bytes + bytes + reserved <= this.#responses.bounds.maxBytes;
  }

  /**
   * The caller has asked `hasRoomForResponse`, or has seen that nothing is blocked.
   * @param lent the memory of the payload is the caller's again afterwards: copied where it has to wait
   */
  respond(id: number, payload: Uint8Array, lent = false): void {
    const message = this.#ofEth(id, payload);
    this.#responses.push(message);
    this.#flush();
    // it was the last one, and still is
    if (lent && this.#responses.remove(message)) this.#responses.push(this.#ofEth(id, payload.slice()));
  }

  /** @returns undefined where the lane is full; what is returned can be withdrawn until it is sent. */
  request(id: number, payload: Uint8Array): Outbound | undefined {
    const message = this.#ofEth(id, payload);
    if (!this.#requests.fits(message)) return undefined;
    this.#requests.push(message);
    this.#flush();
    return message;
  }

  withdraw(request: Outbound): void {
    if (this.#requests.remove(request)) this.#requestRoom?.();
  }

  /** Takes the place of a range that still waits. */
  announceRange(id: number, payload: Uint8Array): void {
    this.#range.push(this.#ofEth(id, payload));
    this.#flush();
  }

  /**
   * The oldest broadcasts make way where there is no room. @param items transactions or hashes in it
   * @returns how many made way
   */
  broadcast(
    packed: PackedMessage,
    items: number,
    contents: Pick<Outbound, 'hashes' | 'announcement'> = {},
  ): { readonly outcome: SendOutcome; readonly dropped: number } {
    const { id, plainBytes: bytes } = packed;
    const fresh: Outbound = {
      ...this.#ofEth(id, packed.plain),
      ...{ payload: undefined, packed, bytes, items },
      ...contents,
    };
    let dropped = 0;
    while (!this.#broadcasts.fits(fresh)) {
      const oldest = this.#broadcasts.shift();
      if (oldest === undefined) break;
      dropped++;
      this.#options.dropped?.(oldest);
    }
    this.#dropped += dropped;
    this.#broadcasts.push(fresh);
    this.#flush();
    return { outcome: fresh.sentAtMs === undefined ? 'queued' : 'sent', dropped };
  }

  /** A message of a protocol beside eth. @returns undefined where its lane is full: then `room` is called once it is empty */
  satellite(
    capability: SharedCapability,
    id: number,
    message: Uint8Array | PackedMessage,
    bounds: LaneBounds = SATELLITE_LANE,
  ): SendOutcome | undefined {
    const fresh =
      message instanceof Uint8Array
        ? outbound(capability, id, message)
        : { ...outbound(capability, id, message.plain), payload: undefined, packed: message };
    if (!this.#satellites.fits(fresh) || !fitsWithin(bounds, this.satelliteGauge(capability), fresh)) {
      this.#wanting.add(capability);
      return undefined;
    }
    this.#satellites.push(fresh);
    this.#flush();
    return fresh.sentAtMs === undefined ? 'queued' : 'sent';
  }

  /** What waits of one protocol beside eth. */
  satelliteGauge(capability: SharedCapability): Gauge {
    return this.#satellites.gaugeOf(capability.offset);
  }

  /** The peer takes bytes again. */
  drained(): void {
    this.#blocked = false;
    this.#flush();
    for (const capability of [...this.#wanting]) {
      if (this.satelliteGauge(capability).items > 0) continue;
      this.#wanting.delete(capability);
      this.#options.room?.(capability);
    }
    this.#requestRoom?.();
  }

  clear(): void {
    this.#blocked = true;
    this.#range.clear();
    this.#requestRoom = undefined;
    this.#wanting.clear();
    this.#responses.clear();
    this.#requests.clear();
    this.#satellites.clear();
    this.#broadcasts.clear();
  }

  #flush(): void {
    while (!this.#blocked) {
      const message =
        this.#takeEarned() ??
        this.#passing(this.#responses.shift() ?? this.#requests.shift()) ??
        this.#range.shift() ??
        this.#takeLast();
      if (message === undefined) return;
      message.sentAtMs = this.#clock.now();
      this.#blocked = !this.#hand(message);
    }
  }

  #hand(message: Outbound): boolean {
    const { capability, id, payload, packed } = message;
    const together = this.#mergedWith(message);
    if (together !== undefined) return this.#connection.send(capability, id, together);
    if (packed !== undefined) return this.#connection.sendPacked(capability, packed);
    return payload === undefined || this.#connection.send(capability, id, payload);
  }

  /** @returns the encoding of all announcements that leave together */
  #mergedWith(message: Outbound): Uint8Array | undefined {
    const { encode } = this.#options;
    if (encode === undefined || this.#broadcasts.isEmpty) return undefined;
    const merged = mergeWaiting(message, this.#broadcasts);
    return merged === undefined ? undefined : encode(merged);
  }

  #ofEth(id: number, payload: Uint8Array): Outbound {
    if (this.#eth === undefined) throw new TypeError('eth is not spoken here');
    return outbound(this.#eth, id, payload);
  }

  /** A message of a protocol beside eth whose turn has come although more of eth waits. */
  #takeEarned(): Outbound | undefined {
    if (this.#satelliteCredit === 0) return undefined;
    const { first } = this.#satellites;
    if (first === undefined) this.#satelliteCredit = 0; // nothing is saved up
    if (first === undefined || first.bytes > this.#satelliteCredit) return undefined;
    this.#satelliteCredit -= first.bytes;
    return this.#satellites.shift();
  }

  #passing(message: Outbound | undefined): Outbound | undefined {
    if (message !== undefined && !this.#satellites.isEmpty)
      this.#satelliteCredit += message.bytes / ETH_BYTES_PER_SATELLITE_BYTE;
    return message;
  }

  #takeLast(): Outbound | undefined {
    this.#satelliteNext = !this.#satelliteNext;
    return this.#satelliteNext
      ? (this.#broadcasts.shift() ?? this.#satellites.shift())
      : (this.#satellites.shift() ?? this.#broadcasts.shift());
  }
}

/** One message alone always fits. */
function fitsWithin({ maxItems, maxBytes }: LaneBounds, { items, bytes }: Gauge, fresh: Outbound): boolean {
  return items === 0 || (items + fresh.items <= maxItems && bytes + fresh.bytes <= maxBytes);
}

function outbound(capability: SharedCapability, id: number, payload: Uint8Array): Outbound {
  return { capability, id, payload, packed: undefined, bytes: payload.length, items: 1, sentAtMs: undefined };
}
