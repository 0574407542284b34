import { CodecError, concatBytes, EMPTY_BYTES, RlpReader, readUint24 } from '../codec/index.js';
import { type FrameEngine, type RlpxCrypto, SMALL_BODY_BYTES } from '../crypto/crypto.js';
import { BodyBuffer } from './body-buffer.js';
import { RlpxError } from './errors.js';
import { BODY_AT, frameWireBytes, MAC_BYTES, paddedBytes } from './frame.js';
import { ingressFrames } from './frame-directions.js';
import type { Secrets } from './secrets.js';

/** One message as it stood in its frame: authentic and decrypted. */
export interface Frame {
  /** Message id on the wire, 0 to 2^32 − 1. */
  readonly id: number;
  /** What follows the id; nobody else's, but its memory may be shared with small messages of the same chunk, 4 KiB at most. */
  readonly payload: Uint8Array;
  /** Header, padding and MACs included. */
  readonly wireBytes: number;
}

/**
 * A large body is hashed as it arrives, this much at a time, so that its last byte does not find 16 MiB of hashing still to
 * be done in one turn of the loop (about 0.2 s).
 */
const HASHED_AT_ONCE_BYTES = 65_536;

/** A message that waits, however small, holds so much memory at most. */
const ROOM_BYTES = 4_096;

/** Up to so many bytes are moved one by one, without a view of them: frames of 200 bytes are read and written 5 to 15 % faster. */
const FEW_BYTES = 64;

/**
 * Reads frames from bytes that arrive in any pieces: MAC first, then decrypt, header and body each. Give it a chunk with
 * `push`, then ask for frames with `next` until there is none. The first breach is the last thing it does.
 */
export class FrameDecoder {
  readonly #crypto: RlpxCrypto;
  readonly #frames: FrameEngine;
  #maxFrameBytes: number;
  /** Bytes that were not looked at yet begin at `#at`. */
  #chunk: Uint8Array = EMPTY_BYTES;
  #at = 0;
  /** Header and its MAC, as far as they arrived in an earlier chunk. */
  readonly #head: Uint8Array = new Uint8Array(BODY_AT);
  #headBytes = 0;
  /** Size of the frame whose header was read; undefined: a header comes next. */
  #size: number | undefined;
  /** Its body, where that is spread over chunks. */
  #body: BodyBuffer | undefined;
  #hashedBytes = 0;
  /** Where small messages of a chunk lie side by side, filled up to `#roomAt`. */
  #room: Uint8Array | undefined;
  #roomAt = 0;
  #breach: RlpxError | undefined;

  /** @param maxFrameBytes what a header may announce; nothing is reserved for it */
  constructor(crypto: RlpxCrypto, secrets: Secrets, maxFrameBytes: number) {
    this.#crypto = crypto;
    this.#frames = ingressFrames(crypto, secrets);
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Holds from the next header on. */
  set maxFrameBytes(bytes: number) {
    this.#maxFrameBytes = bytes;
  }

  /** Whether a part of a frame has arrived, and not all of it. */
  get midFrame(): boolean {
    return this.#headBytes > 0 || this.#size !== undefined;
  }

  /** Bytes on the wire of the frame that is arriving; 0 while its header has not been read. */
  get announcedBytes(): number {
    return this.#size === undefined ? 0 : frameWireBytes(this.#size);
  }

  /** Bytes that were pushed and that no `next` has looked at. */
  get unreadBytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** Memory held for a frame that is not whole. */
  get bufferedBytes(): number {
    return this.#headBytes + (this.#body?.capacity ?? 0);
  }

  /** Takes a view; it must stay as it is until `next` returned undefined, or `keep` was called. */
  push(chunk: Uint8Array): void {
    this.#chunk = this.unreadBytes === 0 ? chunk : concatBytes([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** Copies what is unread, so that the chunk that it came in may go. */
  keep(): void {
    this.#chunk = this.#chunk.slice(this.#at);
    this.#at = 0;
  }

  /**
   * @returns undefined where more bytes are needed first
   * @throws RlpxError ERR_RLPX_MAC, ERR_RLPX_FRAME_SIZE, ERR_RLPX_MESSAGE_ID; once thrown, thrown by every later call
   */
  next(): Frame | undefined {
    if (this.#breach !== undefined) throw this.#breach;
    try {
      this.#size ??= this.#readHeader();
      const frame = this.#size === undefined ? undefined : this.#readBody(this.#size);
      if (frame === undefined) this.#room = undefined;
      return frame;
    } catch (error) {
      if (error instanceof RlpxError) this.#breach = error;
      throw error;
    }
  }

  #readHeader(): number | undefined {
    const frames = this.#frames;
    const { frame } = frames;
    if (this.#headBytes === 0 && this.unreadBytes >= BODY_AT) {
      this.#copyTo(frame, 0, BODY_AT);
    } else if (this.#gatherHead()) {
      frame.set(this.#head);
    } else {
      return undefined;
    }
    if (!frames.openHeader()) throw new RlpxError('ERR_RLPX_MAC');
    // What stands after the size (capability and context of frames in several parts) was never used and is ignored.
    const size = readUint24(frame);
    if (size === 0 || size > this.#maxFrameBytes) {
      throw new RlpxError(
        'ERR_RLPX_FRAME_SIZE',
        `a frame of ${size} bytes, 1 to ${this.#maxFrameBytes} may be`,
      );
    }
    return size;
  }

  /** Header and MAC that come in pieces. @returns whether they are whole */
  #gatherHead(): boolean {
    const piece = this.#take(Math.min(BODY_AT - this.#headBytes, this.unreadBytes));
    this.#head.set(piece, this.#headBytes);
    this.#headBytes += piece.length;
    if (this.#headBytes < BODY_AT) return false;
    this.#headBytes = 0;
    return true;
  }

  #readBody(size: number): Frame | undefined {
    const cipherBytes = paddedBytes(size);
    const wanted = cipherBytes + MAC_BYTES;
    if (this.#body === undefined && this.unreadBytes >= wanted) {
      if (cipherBytes > SMALL_BODY_BYTES) return this.#open(size, this.#take(wanted));
      this.#copyTo(this.#frames.frame, BODY_AT, wanted);
      this.#size = undefined;
      return this.#openSmall(size);
    }
    this.#body ??= new BodyBuffer(wanted);
    const body = this.#body;
    body.append(this.#take(Math.min(body.missing, this.unreadBytes)));
    if (body.missing === 0) return this.#open(size, body.from(0));
    const arrived = Math.min(body.length, cipherBytes);
    if (arrived - this.#hashedBytes >= HASHED_AT_ONCE_BYTES) {
      this.#frames.absorb(body.from(this.#hashedBytes).subarray(0, arrived - this.#hashedBytes));
      this.#hashedBytes = arrived;
    }
    return undefined;
  }

  /** @param body whole, with its MAC */
  #open(size: number, body: Uint8Array): Frame {
    const small = body.length - MAC_BYTES <= SMALL_BODY_BYTES;
    if (small) this.#frames.frame.set(body, BODY_AT);
    const opened = small ? this.#openSmall(size) : this.#openLarge(size, body);
    this.#size = undefined;
    this.#body?.release(); // what was opened lies in memory of its own
    this.#body = undefined;
    this.#hashedBytes = 0;
    return opened;
  }

  /** Its body lies in the frame. Nothing of it was hashed yet: that begins beyond the size of a small one. */
  #openSmall(size: number): Frame {
    const frames = this.#frames;
    if (!frames.openBody(paddedBytes(size))) throw new RlpxError('ERR_RLPX_MAC');
    const end = BODY_AT + size;
    const first = frames.frame[BODY_AT] as number;
    if (first > 0 && first <= 0x80)
      return {
        id: first & 0x7f,
        payload: this.#kept(frames.frame, BODY_AT + 1, end),
        wireBytes: frameWireBytes(size),
      };
    return splitMessage(frames.frame.slice(BODY_AT, end));
  }

  /** An allocation for each would be a sixth of what a message of 200 bytes costs. @returns a copy */
  #kept(frame: Uint8Array, from: number, end: number): Uint8Array {
    const length = end - from;
    let room = this.#room;
    if (room === undefined || this.#roomAt + length > room.length) {
      // no more than what may still come in this chunk: one message alone gets memory of its size
      if (this.unreadBytes <= 0) return frame.slice(from, end);
      room = new Uint8Array(Math.max(length, Math.min(ROOM_BYTES, this.unreadBytes)));
      this.#room = room;
      this.#roomAt = 0;
    }
    const at = this.#roomAt;
    this.#roomAt = at + length;
    room.set(frame.subarray(from, end), at);
    return room.subarray(at, this.#roomAt);
  }

  #openLarge(size: number, body: Uint8Array): Frame {
    const frames = this.#frames;
    const ciphertext = body.subarray(0, body.length - MAC_BYTES);
    frames.absorb(this.#hashedBytes === 0 ? ciphertext : ciphertext.subarray(this.#hashedBytes));
    if (!this.#crypto.equal(body.subarray(ciphertext.length), frames.bodyMac()))
      throw new RlpxError('ERR_RLPX_MAC');
    return splitMessage(frames.apply(ciphertext).subarray(0, size));
  }

  /** Takes bytes into `target`. A few go one by one: the view that a move of all needs is an object of its own. */
  #copyTo(target: Uint8Array, targetAt: number, length: number): void {
    if (length > FEW_BYTES) {
      target.set(this.#take(length), targetAt);
      return;
    }
    const chunk = this.#chunk;
    const at = this.#at;
    for (let i = 0; i < length; i++) target[targetAt + i] = chunk[at + i] as number;
    this.#at = at + length;
  }

  #take(length: number): Uint8Array {
    const at = this.#at;
    this.#at = at + length;
    return this.#chunk.subarray(at, this.#at);
  }
}

/** Takes the id off; nearly all ids are one byte. */
function splitMessage(message: Uint8Array): Frame {
  const first = message[0] as number;
  const wireBytes = frameWireBytes(message.length);
  if (first > 0 && first <= 0x80) return { id: first & 0x7f, payload: message.subarray(1), wireBytes };
  try {
    const reader = new RlpReader(message);
    const id = reader.uint32();
    return { id, payload: message.subarray(message.length - reader.remainingBytes), wireBytes };
  } catch (error) {
    if (error instanceof CodecError)
      throw new RlpxError('ERR_RLPX_MESSAGE_ID', 'the message id cannot be read', { cause: error });
    throw error;
  }
}
