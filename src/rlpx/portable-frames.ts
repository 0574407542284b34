import { type FrameEngine, type RlpxCrypto, SMALL_BODY_BYTES, type StreamCipher } from '../crypto/crypto.js';
import { BODY_AT, HEADER_BYTES, MAC_BYTES, zeroIv } from './frame.js';
import type { FrameMac } from './frame-mac.js';

/** One for all: nothing stays in it between two calls of an encoder or decoder. Made when first used. */
let scratch: Uint8Array | undefined;

/** Frames of the single primitives that every back end has. */
export class PortableFrames implements FrameEngine {
  readonly frame: Uint8Array;
  readonly #crypto: RlpxCrypto;
  readonly #cipher: StreamCipher;
  readonly #mac: FrameMac;

  constructor(crypto: RlpxCrypto, aes: Uint8Array, mac: FrameMac) {
    scratch ??= new Uint8Array(BODY_AT + SMALL_BODY_BYTES + MAC_BYTES);
    this.frame = scratch;
    this.#crypto = crypto;
    this.#cipher = crypto.aesCtr(aes, zeroIv());
    this.#mac = mac;
  }

  seal(bodyBytes: number): void {
    const { frame } = this;
    // Header and body follow each other in one key stream, so they are encrypted in one call.
    frame.copyWithin(MAC_BYTES, 0, HEADER_BYTES);
    const ciphertext = this.#cipher.apply(frame.subarray(MAC_BYTES, BODY_AT + bodyBytes));
    const body = ciphertext.subarray(HEADER_BYTES);
    frame.set(ciphertext.subarray(0, HEADER_BYTES));
    frame.set(this.#mac.header(frame.subarray(0, HEADER_BYTES)), HEADER_BYTES);
    frame.set(body, BODY_AT);
    this.#mac.body(body);
    frame.set(this.#mac.bodyMac(), BODY_AT + bodyBytes);
  }

  openHeader(): boolean {
    const header = this.frame.subarray(0, HEADER_BYTES);
    if (!this.#crypto.equal(this.frame.subarray(HEADER_BYTES, BODY_AT), this.#mac.header(header)))
      return false;
    header.set(this.#cipher.apply(header));
    return true;
  }

  openBody(bodyBytes: number): boolean {
    const end = BODY_AT + bodyBytes;
    const body = this.frame.subarray(BODY_AT, end);
    this.#mac.body(body);
    if (!this.#crypto.equal(this.frame.subarray(end, end + MAC_BYTES), this.#mac.bodyMac())) return false;
    body.set(this.#cipher.apply(body));
    return true;
  }

  headerMac(header: Uint8Array): Uint8Array {
    return this.#mac.header(header);
  }

  absorb(ciphertext: Uint8Array): void {
    this.#mac.body(ciphertext);
  }

  bodyMac(): Uint8Array {
    return this.#mac.bodyMac();
  }

  apply(bytes: Uint8Array): Uint8Array {
    return this.#cipher.apply(bytes);
  }
}
