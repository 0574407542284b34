import { nodeCrypto, type RlpxCrypto } from '../../src/crypto/index.js';
import { FrameDecoder, FrameEncoder, type Secrets } from '../../src/rlpx/index.js';

export const crypto: RlpxCrypto = nodeCrypto();

/** Secrets as both ends of one connection would have them, without a handshake. */
export function matchingSecrets(label = 'secrets'): { readonly near: Secrets; readonly far: Secrets } {
  const word = (name: string): Uint8Array => crypto.keccak256(new TextEncoder().encode(`${label} ${name}`));
  const state = (name: string): Secrets['egressMac'] => {
    const stream = crypto.keccakStream();
    stream.update(word(name));
    return stream;
  };
  const keys = { aes: word('aes'), mac: word('mac') };
  return {
    near: { ...keys, egressMac: state('there'), ingressMac: state('back') },
    far: { ...keys, egressMac: state('back'), ingressMac: state('there') },
  };
}

/** One direction: frames that the encoder makes are for the decoder to read. */
export function oneWay(maxFrameBytes = 0xff_ff_ff): {
  readonly encoder: FrameEncoder;
  readonly decoder: FrameDecoder;
} {
  const { near, far } = matchingSecrets();
  return { encoder: new FrameEncoder(crypto, near), decoder: new FrameDecoder(crypto, far, maxFrameBytes) };
}

/** A frame in one piece. */
export function frameBytes(encoder: FrameEncoder, id: number, payload: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  encoder.encode(id, payload, pieces);
  return Uint8Array.from(Buffer.concat(pieces));
}
