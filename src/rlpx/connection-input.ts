import { EMPTY_BYTES } from '../codec/index.js';
import type { Clock } from '../runtime/clock.js';
import type { ConnectionLimits } from './connection-options.js';
import { FrameDeadline } from './frame-deadline.js';
import type { Frame, FrameDecoder } from './frame-decoder.js';

/** What reading tells the connection that owns it. */
export interface InputHandlers {
  /** A whole frame. @returns whether to read on; false once the connection has ended */
  frame(frame: Frame): boolean;
  /** What waited since a pause is to be read now, with an empty chunk. */
  readOn(chunk: Uint8Array): void;
  /** The peer's end, where it came before all that came before it was read; now it is. */
  endReached(): void;
  /** The frame that is arriving was not whole in time. */
  expired(): void;
}

/** The way in: chunks to frames, one after the other, with a deadline for each; it may be stopped between any two. */
export class ConnectionInput {
  readonly #clock: Clock;
  readonly #handlers: InputHandlers;
  readonly #deadline: FrameDeadline;
  #paused = false;
  #readPlanned = false;
  readonly #readOn = (): void => this.#readOnNow();
  /** The peer ended its side while frames waited. */
  #inputEnded = false;
  #closed = false;

  constructor(clock: Clock, limits: ConnectionLimits, handlers: InputHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.#deadline = new FrameDeadline(clock, limits, () => handlers.expired());
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Hands over the frames of a chunk, until a pause. The chunk may go when this returns. */
  read(decoder: FrameDecoder, chunk: Uint8Array): void {
    decoder.push(chunk);
    while (!this.#paused) {
      const frame = decoder.next();
      if (frame === undefined) break;
      this.#deadline.clear();
      if (!this.#handlers.frame(frame)) return;
    }
    if (this.#paused) decoder.keep();
    else if (this.#inputEnded) this.#handlers.endReached();
    else if (decoder.midFrame) this.#deadline.waiting(decoder.announcedBytes);
  }

  /** @returns false where it was paused already */
  pause(): boolean {
    if (this.#paused || this.#closed) return false;
    this.#paused = true;
    this.#deadline.clear(); // no blame falls on the peer while it is us who do not read
    return true;
  }

  /** What waits is read in the next turn. @returns false where it was not paused */
  resume(): boolean {
    if (!this.#paused || this.#closed) return false;
    this.#paused = false;
    if (!this.#readPlanned) {
      this.#readPlanned = true;
      this.#clock.soon(this.#readOn);
    }
    return true;
  }

  /**
   * The peer ended its side: at once, or behind the frames that wait since a pause.
   * @param framesWait whether some wait for something else
   */
  end(framesWait: boolean): void {
    if (this.#paused || this.#readPlanned || framesWait) this.#inputEnded = true;
    else this.#handlers.endReached();
  }

  /** No handler is called any more. */
  close(): void {
    this.#closed = true;
    this.#deadline.stop();
  }

  #readOnNow(): void {
    this.#readPlanned = false;
    if (this.#paused || this.#closed) return;
    this.#handlers.readOn(EMPTY_BYTES);
    if (this.#inputEnded && !this.#paused && !this.#closed) this.#handlers.endReached();
  }
}
