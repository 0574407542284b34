import type { KeccakStream, RlpxCrypto } from '../crypto/crypto.js';

/** What the handshake yields, and all that frames need. */
export interface Secrets {
  /** Key of both streams, 32 bytes. */
  readonly aes: Uint8Array;
  /** Key of both MACs, 32 bytes. */
  readonly mac: Uint8Array;
  /** MAC state of what we send, and of what we receive; each goes on with every frame. */
  readonly egressMac: KeccakStream;
  readonly ingressMac: KeccakStream;
}

/** Both ends' contributions, and the two messages as they went over the wire, size prefixes included. */
export interface HandshakeTranscript {
  readonly role: 'initiator' | 'recipient';
  /** x coordinate of the two ephemeral keys' product, 32 bytes. */
  readonly ephemeralShared: Uint8Array;
  readonly initiatorNonce: Uint8Array;
  readonly recipientNonce: Uint8Array;
  readonly auth: Uint8Array;
  readonly ack: Uint8Array;
}

const SHARED_ID_BYTES = 16;

/** As devp2p's "Initial Handshake" names them. */
export function deriveSecrets(crypto: RlpxCrypto, transcript: HandshakeTranscript): Secrets {
  const { ephemeralShared, initiatorNonce, recipientNonce, auth, ack } = transcript;
  const shared = crypto.keccak256(ephemeralShared, crypto.keccak256(recipientNonce, initiatorNonce));
  const aes = crypto.keccak256(ephemeralShared, shared);
  const mac = crypto.keccak256(ephemeralShared, aes);
  const ofInitiator = macState(crypto, mac, recipientNonce, auth); // each MAC begins with the other end's nonce
  const ofRecipient = macState(crypto, mac, initiatorNonce, ack);
  return transcript.role === 'initiator'
    ? { aes, mac, egressMac: ofInitiator, ingressMac: ofRecipient }
    : { aes, mac, egressMac: ofRecipient, ingressMac: ofInitiator };
}

/** An id of the session that both ends derive alike, whichever dialled. @returns 16 bytes */
export function sharedSessionId(
  crypto: RlpxCrypto,
  nonces: Pick<HandshakeTranscript, 'initiatorNonce' | 'recipientNonce'>,
): Uint8Array {
  // Half a hash: about 2^64 sessions until two share an id by chance, and half the width in every log line.
  return crypto.keccak256(nonces.initiatorNonce, nonces.recipientNonce).slice(0, SHARED_ID_BYTES);
}

/** Exclusive or of 32 bytes and 32 bytes. */
export function xor32(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(32);
  for (let i = 0; i < 32; i++) result[i] = (a[i] as number) ^ (b[i] as number);
  return result;
}

function macState(crypto: RlpxCrypto, mac: Uint8Array, nonce: Uint8Array, packet: Uint8Array): KeccakStream {
  const state = crypto.keccakStream();
  state.update(xor32(mac, nonce));
  state.update(packet);
  return state;
}
