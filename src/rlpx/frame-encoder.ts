import { writeUint24 } from '../codec/index.js';
import { type FrameEngine, type RlpxCrypto, SMALL_BODY_BYTES } from '../crypto/crypto.js';
import { RlpxError } from './errors.js';
import {
  BODY_AT,
  egressFrames,
  frameWireBytes,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  paddedBytes,
} from './frame.js';
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

  /** As `encode`; small frames are written side by side. */
  encodeInto(id: number, payload: Uint8Array, out: Gathering): number {
    const idBytes = encodedIdBytes(id);
    const size = idBytes + payload.length;
    if (size > MAX_FRAME_BYTES) throw new RlpxError('ERR_RLPX_ARGUMENT', `a frame of ${size} bytes`);
    const bodyBytes = paddedBytes(size);
    const wireBytes = frameWireBytes(size);
    const frames = this.#frames;
    if (bodyBytes <= SMALL_BODY_BYTES) {
      const { frame } = frames;
      writeHeader(frame, size);
      writeId(frame, BODY_AT, id, idBytes);
      frame.set(payload, BODY_AT + idBytes);
      frame.fill(0, BODY_AT + size, BODY_AT + bodyBytes);
      frames.seal(bodyBytes);
      out.copy(frame.subarray(0, wireBytes));
      return wireBytes;
    }
    // Header and body follow each other in one key stream, so they are encrypted in one call.
    const plain = new Uint8Array(HEADER_BYTES + bodyBytes);
    writeHeader(plain, size);
    writeId(plain, HEADER_BYTES, id, idBytes);
    plain.set(payload, HEADER_BYTES + idBytes);
    const ciphertext = frames.apply(plain);
    const header = ciphertext.subarray(0, HEADER_BYTES);
    const body = ciphertext.subarray(HEADER_BYTES);
    out.copy(header);
    out.copy(frames.headerMac(header));
    out.push(body); // not copied once more
    frames.absorb(body);
    out.copy(frames.bodyMac());
    return wireBytes;
  }
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
