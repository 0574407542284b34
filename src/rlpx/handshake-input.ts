import { concatBytes } from '../codec/index.js';
import type { TcpSocket } from '../runtime/tcp.js';
import { RlpxError } from './errors.js';
import type { Handshake, HandshakeResult } from './handshake.js';

/** Curve work of one handshake that waits for its turn. */
export interface HandshakeJob {
  /** Where it comes from: an IP address. */
  readonly from: string;
  /** Whether we dialled. */
  readonly ours: boolean;
  run(): void;
  /** It will never run: others needed the place more. */
  dropped(): void;
}

/** Who says when a handshake may work on the curve. */
export interface HandshakeTurns {
  /** @returns `now`: at once; `later`: `run` will be called, or `dropped`; `never`: there is no room */
  enter(job: HandshakeJob): 'now' | 'later' | 'never';
  /** Whether somebody is served who would have to wait for all of a handshake's work: then it is done in pieces. */
  readonly inPieces: boolean;
  /** A piece of its work is done, and there is more: `run` will be called in another turn of the loop, before anybody who waits. */
  goOn(job: HandshakeJob): void;
  /** The connection ended: nobody waits for this one any more. */
  leave(job: HandshakeJob): void;
}

/** What a handshake that waits tells the connection that owns it. */
export interface HandshakeInputHandlers {
  /** Its turn has come, or the next one: ask `push` again, with nothing. @param stopped whether the socket was paused meanwhile */
  turn(stopped: boolean): void;
  /** It will not come: too many others wait. */
  dropped(error: RlpxError): void;
}

/** Hello and a little more may follow an ack; nothing can follow an auth before our ack. */
const MAX_BEHIND_BYTES = 4_096;

/**
 * The peer's handshake message, from its first byte to its result; whole, it waits for its turn on the curve, and maybe for
 * another one after each piece of the work.
 */
export class HandshakeInput implements HandshakeJob {
  readonly from: string;
  readonly ours: boolean;
  readonly #handshake: Handshake;
  readonly #turns: HandshakeTurns | undefined;
  readonly #socket: TcpSocket;
  readonly #handlers: HandshakeInputHandlers;
  /** What came behind the message, once that is whole. */
  #rest: Uint8Array | undefined;
  #waiting = false;

  constructor(
    handshake: Handshake,
    turns: HandshakeTurns | undefined,
    socket: TcpSocket,
    ours: boolean,
    handlers: HandshakeInputHandlers,
  ) {
    this.#handshake = handshake;
    this.#turns = turns;
    this.#socket = socket;
    this.from = socket.remote.host;
    this.ours = ours;
    this.#handlers = handlers;
  }

  /** Whether the peer's message is whole, and waits for its turn. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Whether frames came behind the peer's message, which wait with it. */
  get holdsFrames(): boolean {
    return this.#waiting && (this.#rest?.length ?? 0) > 0;
  }

  /** Whether no more may be read, since enough has come behind the message. */
  get isFull(): boolean {
    return this.#waiting && (this.#rest?.length ?? 0) > MAX_BEHIND_BYTES;
  }

  /**
   * @returns undefined while the message is not whole, or waits
   * @throws RlpxError as `Handshake.push`; ERR_RLPX_BUSY
   */
  push(chunk: Uint8Array): HandshakeResult | undefined {
    const isView = this.#rest === undefined;
    if (this.#rest === undefined) {
      this.#rest = this.#handshake.gather(chunk);
      if (this.#rest === undefined) return undefined;
      this.#enter();
    } else if (chunk.length > 0) {
      this.#rest = concatBytes([this.#rest, chunk]);
    }
    const result = this.#waiting ? undefined : this.#workOn(this.#rest);
    if (isView && this.#waiting) this.#rest = this.#rest.slice(); // the chunk may go
    // who hangs up meanwhile is noticed only while we read
    if (this.isFull) this.#socket.pause();
    return result;
  }

  /** The connection ended. */
  close(): void {
    if (this.#waiting) this.#turns?.leave(this);
    this.#waiting = false;
    this.#handshake.forget();
  }

  run(): void {
    const stopped = this.isFull;
    this.#waiting = false;
    this.#handlers.turn(stopped);
  }

  dropped(): void {
    this.#waiting = false;
    this.#handlers.dropped(new RlpxError('ERR_RLPX_BUSY'));
  }

  #enter(): void {
    const turn = this.#turns?.enter(this) ?? 'now';
    if (turn === 'never') throw new RlpxError('ERR_RLPX_BUSY');
    if (turn === 'now') return;
    this.#waiting = true;
  }

  /** A piece in this turn, or all of it where nobody would wait. */
  #workOn(rest: Uint8Array): HandshakeResult | undefined {
    if (this.#turns?.inPieces !== true) return this.#handshake.complete(rest);
    const result = this.#handshake.step(rest);
    if (result !== undefined) return result;
    this.#waiting = true;
    this.#turns.goOn(this);
    return undefined;
  }
}
