import type { FrameEngine, KeccakStream, RlpxCrypto } from '../crypto/crypto.js';
import { FrameMac } from './frame-mac.js';
import { PortableFrames } from './portable-frames.js';
import type { Secrets } from './secrets.js';

/** What makes the frames that we send. */
export function egressFrames(crypto: RlpxCrypto, secrets: Secrets): FrameEngine {
  return frames(crypto, secrets, secrets.egressMac);
}

/** What opens the frames that come in. */
export function ingressFrames(crypto: RlpxCrypto, secrets: Secrets): FrameEngine {
  return frames(crypto, secrets, secrets.ingressMac);
}

/** The engine of the back end where it has one, else the single primitives. */
function frames(crypto: RlpxCrypto, { aes, mac }: Secrets, state: KeccakStream): FrameEngine {
  return (
    crypto.frameEngine?.({ aes, mac, state }) ??
    new PortableFrames(crypto, aes, new FrameMac(state, crypto.aesBlock(mac)))
  );
}
