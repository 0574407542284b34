import { writeUint24 } from '../codec/index.js';
import type { RlpxCrypto, StreamCipher } from '../crypto/crypto.js';
import { RlpxError } from './errors.js';
import {
  egressMac,
  frameWireBytes,
  HEADER_BYTES,
  MAC_BYTES,
  MAX_FRAME_BYTES,
  paddedBytes,
  zeroIv,
} from './frame.js';
import type { FrameMac } from './frame-mac.js';
import type { Secrets } from './secrets.js';

/** Below, one piece of memory for the whole frame; above, the body is not copied once more but sent as it was encrypted. */
const GATHER_BYTES = 4_096;

/** Turns messages into frames, in the order in which they will be sent. One per connection and direction. */
export class FrameEncoder {
  readonly #cipher: StreamCipher;
  readonly #mac: FrameMac;

  constructor(crypto: RlpxCrypto, secrets: Secrets) {
    this.#cipher = crypto.aesCtr(secrets.aes, zeroIv());
    this.#mac = egressMac(crypto, secrets);
  }

  /**
   * Appends the pieces of one frame to `out`.
   * @param id of the message on the wire, at most 2^32 − 1
   * @returns how many bytes the frame has on the wire
   * @throws RlpxError ERR_RLPX_ARGUMENT where id and payload have more than 2^24 − 1 bytes; nothing is appended then
   */
  encode(id: number, payload: Uint8Array, out: Uint8Array[]): number {
    const idBytes = encodedIdBytes(id);
    const size = idBytes + payload.length;
    if (size > MAX_FRAME_BYTES) throw new RlpxError('ERR_RLPX_ARGUMENT', `a frame of ${size} bytes`);
    // Header and body follow each other in one key stream, so they are encrypted in one call.
    const plain = new Uint8Array(HEADER_BYTES + paddedBytes(size));
    writeUint24(plain, size);
    plain[3] = 0xc2;
    plain[4] = 0x80;
    plain[5] = 0x80;
    writeId(plain, HEADER_BYTES, id, idBytes);
    plain.set(payload, HEADER_BYTES + idBytes);
    const ciphertext = this.#cipher.apply(plain);
    const header = ciphertext.subarray(0, HEADER_BYTES);
    const body = ciphertext.subarray(HEADER_BYTES);
    const headerMac = this.#mac.header(header);
    this.#mac.body(body);
    const bodyMac = this.#mac.bodyMac();
    const wireBytes = frameWireBytes(size);
    if (wireBytes > GATHER_BYTES) {
      out.push(header, headerMac, body, bodyMac);
      return wireBytes;
    }
    const frame = new Uint8Array(wireBytes);
    frame.set(header);
    frame.set(headerMac, HEADER_BYTES);
    frame.set(body, HEADER_BYTES + MAC_BYTES);
    frame.set(bodyMac, wireBytes - MAC_BYTES);
    out.push(frame);
    return wireBytes;
  }
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
