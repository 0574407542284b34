import type { Clock } from '../runtime/clock.js';
import type { TcpSocket } from '../runtime/tcp.js';
import { PONG_ID } from './base-protocol.js';
import type { ConnectionStats } from './connection-stats.js';
import type { Link } from './link.js';
import { Outbox } from './outbox.js';
import type { PackedMessage } from './packing.js';

/** Content of Ping and Pong: the empty list. Whatever comes instead is not looked at. */
export const EMPTY_LIST: Uint8Array = Uint8Array.of(0xc0);

/** What writing tells the connection that owns it. */
export interface OutputHandlers {
  /** The peer takes bytes again, after `askRoom` said no. */
  drained(): void;
  /** The peer takes nothing any more. */
  stalled(): void;
}

/** The way out: messages to frames, in the order of the calls, gathered for one write per turn. */
export class ConnectionOutput {
  readonly #counts: ConnectionStats;
  readonly #outbox: Outbox;
  /** A ping waits for our answer, on this link: one, however many came, so that a peer that does not read fills nothing. */
  #pongDue: Link | undefined;

  constructor(
    socket: TcpSocket,
    clock: Clock,
    writeStallMs: number,
    counts: ConnectionStats,
    handlers: OutputHandlers,
  ) {
    this.#counts = counts;
    this.#outbox = new Outbox(socket, clock, writeStallMs, {
      flushing: () => this.#answerPing(),
      drained: () => handlers.drained(),
      stalled: () => handlers.stalled(),
    });
  }

  /** Bytes on their way out that the operating system has not taken yet. */
  get backlogBytes(): number {
    return this.#outbox.backlogBytes;
  }

  /** @returns whether more may be queued; where not, `drained` will be called */
  askRoom(): boolean {
    return this.#outbox.askRoom();
  }

  /** Auth or ack, as it is. */
  handshake(message: Uint8Array): void {
    this.#outbox.gathering.push(message);
    this.#counts.bytesOut += message.length;
    this.#outbox.added(message.length);
  }

  message(link: Link, wireId: number, payload: Uint8Array): void {
    this.#queued(link.encode(wireId, payload, this.#outbox.gathering));
  }

  packed(link: Link, wireId: number, message: PackedMessage): void {
    this.#queued(link.encodePacked(wireId, message, this.#outbox.gathering));
  }

  /** A chunk is read now: what it makes us say leaves at `endAnswers`. */
  beginAnswers(): void {
    this.#outbox.beginAnswers();
  }

  endAnswers(): void {
    this.#outbox.endAnswers();
  }

  /** Answers a ping as bytes leave. */
  oweAPong(link: Link): void {
    this.#pongDue = link;
    this.#outbox.plan();
  }

  /** A last message, behind which nothing comes, goes to the socket at once. */
  finish(link: Link, wireId: number, payload: Uint8Array): void {
    this.#pongDue = undefined;
    this.message(link, wireId, payload);
    this.#outbox.flush();
  }

  /** The socket drained. */
  unblock(): void {
    this.#outbox.unblock();
  }

  /** What was not flushed is dropped; no handler is called any more. */
  close(): void {
    this.#pongDue = undefined;
    this.#outbox.close();
  }

  /** Called as bytes leave: a Pong goes only where they do, so that unread ones cannot pile up. */
  #answerPing(): void {
    const link = this.#pongDue;
    if (link === undefined || this.#outbox.blocked) return;
    this.#pongDue = undefined;
    this.message(link, PONG_ID, EMPTY_LIST);
  }

  #queued(bytes: number): void {
    this.#counts.messagesOut++;
    this.#counts.bytesOut += bytes;
    this.#outbox.added(bytes);
  }
}
