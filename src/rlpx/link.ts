import type { RlpxCrypto } from '../crypto/crypto.js';
import { BaseProtocol, MAX_FRAME_BYTES_BEFORE_HELLO } from './base-protocol.js';
import type { LocalCapability } from './capabilities.js';
import { FrameDecoder } from './frame-decoder.js';
import { FrameEncoder } from './frame-encoder.js';
import type { Gathering } from './gathering.js';
import type { HandshakeResult } from './handshake.js';
import { P2P_VERSION } from './hello.js';
import type { PackedMessage } from './packing.js';

/** What exists once the keys are agreed: frames in, frames out, and what the peer's frames mean. */
export class Link {
  readonly decoder: FrameDecoder;
  readonly protocol: BaseProtocol;
  readonly #encoder: FrameEncoder;

  constructor(
    crypto: RlpxCrypto,
    { secrets, remotePublicKey }: HandshakeResult,
    capabilities: readonly LocalCapability[],
    maxMessageBytes: number,
  ) {
    this.decoder = new FrameDecoder(crypto, secrets, MAX_FRAME_BYTES_BEFORE_HELLO);
    this.#encoder = new FrameEncoder(crypto, secrets);
    this.protocol = new BaseProtocol({
      crypto,
      remotePublicKey,
      capabilities,
      p2pVersion: P2P_VERSION,
      maxMessageBytes,
    });
  }

  /** Appends the frame of a message to `out`, compressed once both Hellos are through. @returns its bytes on the wire */
  encode(wireId: number, payload: Uint8Array, out: Gathering): number {
    return this.#encoder.encodeInto(wireId, payload, out, this.protocol.compressed);
  }

  /** As `encode`, of a message that was compressed before. */
  encodePacked(wireId: number, message: PackedMessage, out: Gathering): number {
    return this.#encoder.encodeInto(wireId, this.protocol.compressed ? message.body : message.plain, out);
  }
}
