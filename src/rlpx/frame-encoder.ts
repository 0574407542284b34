import { snappyCompressInto, snappyMostBytes, writeUint24 } from '../codec/index.js';
import { type FrameEngine, type RlpxCrypto, SMALL_BODY_BYTES } from '../crypto/crypto.js';
import { bodyMemory } from './body-buffer.js';
import { RlpxError } from './errors.js';
import { BODY_AT, frameWireBytes, HEADER_BYTES, MAX_FRAME_BYTES, paddedBytes } from './frame.js';
import { egressFrames } from './frame-directions.js';
import { Gathering } from './gathering.js';
import type { Secrets } from './secrets.js';

/** Turns messages into frames, in the order in which they will be sent. One per connection and direction. */
export class FrameEncoder {
  readonly #frames: FrameEngine;

  constructor(crypto: RlpxCrypto, secrets: Secrets) {
    this.#frames = egressFrames(crypto, secrets);
  }

  /**
   * Appends the pieces of one frame to `out`.
   * @param id of the message on the wire, at most 2^32 − 1
   * @returns how many bytes the frame has on the wire
   * @throws RlpxError ERR_RLPX_ARGUMENT where id and payload have more than 2^24 − 1 bytes; nothing is appended then
   */
  encode(id: number, payload: Uint8Array, out: Uint8Array[]): number {
    const gathering = new Gathering();
    const wireBytes = this.encodeInto(id, payload, gathering);
    out.push(...gathering.take());
    return wireBytes;
  }

  /** As `encode`; small frames are written side by side. @param compress the payload (EIP-706), on its way into the frame */
  encodeInto(id: number, payload: Uint8Array, out: Gathering, compress = false): number {
    const idBytes = encodedIdBytes(id);
    const mostBytes = idBytes + (compress ? snappyMostBytes(payload.length) : payload.length);
    if (paddedBytes(mostBytes) <= SMALL_BODY_BYTES) {
      const { frame } = this.#frames;
      const size = writeMessage(frame, BODY_AT, id, idBytes, payload, compress);
      return this.#sealSmall(size, out);
    }
    // Compressing may yet make an oversized payload fit; without, the answer is known before anything is reserved.
    if (!compress && mostBytes > MAX_FRAME_BYTES) throw tooLarge(mostBytes);
    const plain = bodyMemory.lend(HEADER_BYTES + paddedBytes(mostBytes));
    try {
      const size = writeMessage(plain, HEADER_BYTES, id, idBytes, payload, compress);
      if (size > MAX_FRAME_BYTES) throw tooLarge(size);
      return this.#sealLarge(size, plain.subarray(0, HEADER_BYTES + paddedBytes(size)), out);
    } finally {
      bodyMemory.giveBack(plain);
    }
  }

  #sealSmall(size: number, out: Gathering): number {
    const { frame } = this.#frames;
    const bodyBytes = paddedBytes(size);
    const wireBytes = frameWireBytes(size);
    writeHeader(frame, size);
    frame.fill(0, BODY_AT + size, BODY_AT + bodyBytes);
    this.#frames.seal(bodyBytes);
    out.copy(frame.subarray(0, wireBytes));
    return wireBytes;
  }

  /** @param plain room for the header, then the message, then room for its padding */
  #sealLarge(size: number, plain: Uint8Array, out: Gathering): number {
    const frames = this.#frames;
    writeHeader(plain, size);
    plain.fill(0, HEADER_BYTES + size);
    // Header and body follow each other in one key stream, so they are encrypted in one call.
    const ciphertext = frames.apply(plain);
    const header = ciphertext.subarray(0, HEADER_BYTES);
    const body = ciphertext.subarray(HEADER_BYTES);
    out.copy(header);
    out.copy(frames.headerMac(header));
    out.push(body); // not copied once more
    frames.absorb(body);
    out.copy(frames.bodyMac());
    return frameWireBytes(size);
  }
}

function tooLarge(size: number): RlpxError {
  return new RlpxError('ERR_RLPX_ARGUMENT', `a frame of ${size} bytes`);
}

/** Id and payload, from `start` on. @returns how many bytes they are */
function writeMessage(
  bytes: Uint8Array,
  start: number,
  id: number,
  idBytes: number,
  payload: Uint8Array,
  compress: boolean,
): number {
  writeId(bytes, start, id, idBytes);
  const at = start + idBytes;
  if (compress) return snappyCompressInto(payload, bytes, at) - start;
  bytes.set(payload, at);
  return idBytes + payload.length;
}

/** size (3) ‖ C2 80 80 ‖ zeros */
function writeHeader(bytes: Uint8Array, size: number): void {
  writeUint24(bytes, size);
  bytes[3] = 0xc2;
  bytes[4] = 0x80;
  bytes[5] = 0x80;
  for (let i = 6; i < HEADER_BYTES; i++) bytes[i] = 0;
}

/** An id is an RLP integer: itself below 0x80, 0x80 for 0, else a length and up to four bytes. */
function encodedIdBytes(id: number): number {
  if (id < 0x80) return 1;
  if (id < 0x100) return 2;
  if (id < 0x1_0000) return 3;
  return id < 0x100_0000 ? 4 : 5;
}

function writeId(bytes: Uint8Array, at: number, id: number, idBytes: number): void {
  if (idBytes === 1) {
    bytes[at] = id === 0 ? 0x80 : id;
    return;
  }
  bytes[at] = 0x80 + idBytes - 1;
  let rest = id;
  for (let i = idBytes - 1; i > 0; i--) {
    bytes[at + i] = rest & 0xff;
    rest >>>= 8;
  }
}
