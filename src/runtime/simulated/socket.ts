import { type TcpAddress, type TcpSocket, type TcpSocketHandlers, WRITE_HIGH_WATER_BYTES } from '../tcp.js';
import type { VirtualClock } from './clock.js';
import { Channel, type Link } from './link.js';
import type { SeededRandom } from './random.js';

/** Where a socket lives, as much of it as the socket asks. */
export interface SocketHome {
  readonly frozen: boolean;
}

/** What all sockets of one network share. */
export interface SocketWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly windowBytes: number;
  readonly maxPieceBytes: number;
  readonly wholePieces: boolean;
  readonly poison: boolean;
  closed(socket: SimulatedSocket): void;
}

type Arrival = Uint8Array | 'end' | 'reset';

/** What a view shows after its time: whoever kept one reads this. */
const POISON = 0xdd;

/**
 * One end of a simulated connection. Bytes wait in the queue until the window has room (`pendingBytes`), travel in
 * seeded pieces, and give their room back when the other owner has read them: a peer that does not read is felt.
 */
export class SimulatedSocket implements TcpSocket {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
  readonly home: SocketHome;
  readonly #world: SocketWorld;
  readonly #link: Link;
  readonly #channel: Channel;
  #peer: SimulatedSocket | undefined;
  #handlers: TcpSocketHandlers | undefined;

  #queue: Uint8Array[] = [];
  #pendingBytes = 0;
  #sentBytes = 0;
  #unreadByPeerBytes = 0;
  #pumpWaits = false;
  #drainWanted = false;
  #ending = false;
  #endSent = false;

  #inbox: Arrival[] = [];
  #paused = false;
  #delivering = false;
  #readBytes = 0;
  #endSeen = false;
  #resetArrived = false;
  #gone = false;

  constructor(
    world: SocketWorld,
    link: Link,
    home: SocketHome,
    local: TcpAddress,
    remote: TcpAddress,
    hosts: { readonly from: string; readonly to: string },
  ) {
    this.#world = world;
    this.#link = link;
    this.#channel = new Channel(hosts.from, hosts.to);
    this.home = home;
    this.local = local;
    this.remote = remote;
  }

  /** @internal */
  meet(peer: SimulatedSocket): void {
    this.#peer = peer;
  }

  /** @internal Whether it is an end of a connection between these two hosts. */
  joins(a: string, b: string): boolean {
    const { from, to } = this.#channel;
    return (from === a && to === b) || (from === b && to === a);
  }

  /** @internal Called when the socket is handed over: an owner must take it in this turn. */
  offer(): void {
    this.#world.clock.happening(0, () => {
      if (this.#handlers === undefined) this.destroy();
    });
  }

  /** @internal Sends a word of the connection itself, in order with its bytes. */
  signal(what: string, arrive: () => void): void {
    this.#link.carry({ channel: this.#channel, what, bytes: 0, arrive });
  }

  /** @internal Breaks this end. */
  fail(error: string): void {
    if (!this.#gone) this.#leave(error);
  }

  /** @internal Goes on after the host was frozen. */
  wake(): void {
    this.#world.clock.happening(0, () => this.#deliver());
    this.#pumpSoon();
  }

  attach(handlers: TcpSocketHandlers): void {
    if (this.#handlers !== undefined) throw new Error('the socket has an owner already');
    this.#handlers = handlers;
    this.#world.clock.happening(0, () => this.#deliver());
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#gone) return false;
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#queue.push(chunk);
      this.#pendingBytes += chunk.length;
    }
    this.#pumpSoon();
    if (this.#pendingBytes <= WRITE_HIGH_WATER_BYTES) return true;
    this.#drainWanted = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#world.clock.happening(0, () => this.#deliver());
  }

  end(): void {
    if (this.#ending || this.#gone) return;
    this.#ending = true;
    this.#pumpSoon();
  }

  destroy(): void {
    if (this.#gone) return;
    // A socket that is thrown away with unread bytes in it resets the peer; else the peer sees an ordinary end.
    const unread = this.#inbox.some((arrival) => typeof arrival !== 'string');
    if (unread) this.#sendReset();
    else if (!this.#endSent) this.#sendEnd();
    this.#leave(undefined);
  }

  #pumpSoon(): void {
    if (this.#pumpWaits) return;
    this.#pumpWaits = true;
    this.#world.clock.happening(0, () => {
      this.#pumpWaits = false;
      this.#pump();
    });
  }

  /** Moves bytes from the queue onto the link, as far as the window allows. */
  #pump(): void {
    if (this.#gone || this.home.frozen) return;
    if (this.#resetArrived && this.#pendingBytes > 0) {
      this.#leave('ECONNRESET');
      return;
    }
    while (this.#pendingBytes > 0 && this.#unreadByPeerBytes < this.#world.windowBytes) {
      this.#sendPiece(Math.min(this.#pendingBytes, this.#world.windowBytes - this.#unreadByPeerBytes));
    }
    if (this.#pendingBytes > 0) return;
    if (this.#ending && !this.#endSent) {
      this.#sendEnd();
      this.#leaveIfBothEnded();
    } else if (this.#drainWanted) {
      this.#drainWanted = false;
      this.#handlers?.drain();
    }
  }

  #sendPiece(roomBytes: number): void {
    const bytes = Math.min(roomBytes, this.#pieceBytes());
    const piece = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      const first = this.#queue[0];
      if (first === undefined) break;
      const part = first.subarray(0, bytes - filled);
      piece.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(part.length);
    }
    this.#pendingBytes -= bytes;
    this.#sentBytes += bytes;
    this.#unreadByPeerBytes += bytes;
    const arrive = (): void => this.#peer?.arrive(piece);
    this.#link.carry({ channel: this.#channel, what: `data ${bytes}`, bytes, arrive });
  }

  /** Mostly larger pieces, now and then a sliver: readers that think in messages stumble over both. */
  #pieceBytes(): number {
    const { random, maxPieceBytes, wholePieces } = this.#world;
    if (wholePieces) return maxPieceBytes;
    const most = random.below(4) === 0 ? Math.min(64, maxPieceBytes) : maxPieceBytes;
    return 1 + random.below(most);
  }

  #sendEnd(): void {
    this.#endSent = true;
    this.signal('end', () => this.#peer?.arrive('end'));
  }

  #sendReset(): void {
    this.signal('reset', () => this.#peer?.arrive('reset'));
  }

  /** @internal Something came over the link. */
  arrive(arrival: Arrival): void {
    if (this.#gone) {
      // Nobody lives here any more, and the system says so.
      if (typeof arrival !== 'string') this.#sendReset();
      return;
    }
    if (arrival === 'reset') {
      this.#resetArrived = true;
      // A paused reader does not look; but whoever has bytes to send learns it at once.
      if (this.#pendingBytes > 0) {
        this.#leave('ECONNRESET');
        return;
      }
    }
    this.#inbox.push(arrival);
    this.#deliver();
  }

  #deliver(): void {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#delivering) return;
    this.#delivering = true;
    try {
      while (!this.#gone && !this.#paused && !this.home.frozen) {
        const arrival = this.#inbox.shift();
        if (arrival === undefined) break;
        this.#take(arrival, handlers);
      }
    } finally {
      this.#delivering = false;
    }
  }

  #take(arrival: Arrival, handlers: TcpSocketHandlers): void {
    if (arrival === 'reset') {
      this.#leave('ECONNRESET');
    } else if (arrival === 'end') {
      this.#endSeen = true;
      handlers.end();
      this.#leaveIfBothEnded();
    } else {
      const { length } = arrival;
      handlers.data(arrival);
      if (this.#world.poison) arrival.fill(POISON);
      this.#tellRead(length);
    }
  }

  /** Gives the sender its room back, one word for all that was read meanwhile. */
  #tellRead(bytes: number): void {
    const waits = this.#readBytes > 0;
    this.#readBytes += bytes;
    if (waits) return;
    this.signal('read', () => {
      const read = this.#readBytes;
      this.#readBytes = 0;
      this.#peer?.roomAgain(read);
    });
  }

  /** @internal The peer's owner has read that much. */
  roomAgain(bytes: number): void {
    this.#unreadByPeerBytes -= bytes;
    if (this.#pendingBytes > 0) this.#pumpSoon();
  }

  #leaveIfBothEnded(): void {
    if (this.#endSeen && this.#endSent && !this.#gone) this.#leave(undefined);
  }

  #leave(error: string | undefined): void {
    this.#gone = true;
    this.#queue = [];
    this.#pendingBytes = 0;
    this.#inbox = [];
    this.#world.clock.happening(0, () => {
      this.#world.closed(this);
      this.#handlers?.closed(error);
    });
  }
}
