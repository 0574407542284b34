import { encodeBytes, encodeList, encodeUint, RlpReader, writeUint16 } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/crypto.js';
import type { Random } from '../runtime/random.js';
import type { AuthReplays } from './auth-replays.js';
import { ECIES_OVERHEAD_BYTES, ECIES_TEXT_AT, eciesOpen, eciesSealInPlace } from './ecies.js';
import type { EphemeralKeys } from './ephemeral-keys.js';
import { RlpxError } from './errors.js';
import { freshKey } from './fresh-key.js';
import { ownPublicKey } from './own-key.js';
import { xor32 } from './secrets.js';

/*
 * The two messages of the handshake, in the form of EIP-8. On the wire each is
 *   size (2) ‖ ECIES(list ‖ padding)         the tag covers the size, too
 * The form of before EIP-8 (fixed sizes, no prefix) is not read: it begins with 04, which makes it a size of 1,024 and more
 * whose tag does not fit.
 */

/** Whose key signs, opens and agrees. */
export interface AuthParty {
  readonly crypto: RlpxCrypto;
  readonly random: Random;
  /** Our node key, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** Where keys for one handshake come from; made as they are needed, if not given. */
  readonly ephemeralKeys?: EphemeralKeys | undefined;
}

/** What one end brings besides its node key: drawn anew for each connection. 32 bytes each. */
export interface HandshakeKeys {
  readonly ephemeralKey: Uint8Array;
  /** Of `ephemeralKey`, where that is known already; 64 bytes. */
  readonly ephemeralPublicKey?: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface OpenedAuth {
  readonly publicKey: Uint8Array;
  readonly ephemeralPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
}

/** An auth that only its sender can have sealed for us, but who the sender is was not proven yet. */
export interface ClaimedAuth {
  readonly publicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is of. */
  readonly signed: Uint8Array;
}

export interface OpenedAck {
  readonly ephemeralPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
}

export const SIZE_PREFIX_BYTES = 2;
export const NONCE_BYTES = 32;
/** As geth (#30029) and reth; real messages have about 500. */
export const MAX_HANDSHAKE_BYTES = 2_048;
/** The list [signature, key, nonce, version] takes 169 bytes: 282 in all. */
export const MIN_AUTH_BYTES: number = ECIES_OVERHEAD_BYTES + 169;
/** The list [key, nonce, version] takes 102 bytes: 215 in all. */
export const MIN_ACK_BYTES: number = ECIES_OVERHEAD_BYTES + 102;

const SIGNATURE_BYTES = 65;
const PUBLIC_KEY_BYTES = 64;
/** The version that we send; the one that we receive is ignored (EIP-8). */
const AUTH_VERSION = 4;
/** EIP-8 asks for at least 100 random bytes, so that the two forms can be told apart; geth adds 100 to 199, and so do we. */
const MIN_PADDING_BYTES = 100;
const PADDING_CHOICES = 100;

/** Initiator: [signature, our key, nonce, version]. @returns the message with its size prefix */
export function sealAuth(party: AuthParty, keys: HandshakeKeys, recipientPublicKey: Uint8Array): Uint8Array {
  const { crypto, secretKey } = party;
  return seal(party, recipientPublicKey, [
    encodeBytes(crypto.sign(signedHash(party, recipientPublicKey, keys.nonce), keys.ephemeralKey)),
    encodeBytes(ownPublicKey(crypto, secretKey)),
    encodeBytes(keys.nonce),
    encodeUint(AUTH_VERSION),
  ]);
}

/** Recipient: both halves in one. @param auth with its size prefix @throws RlpxError ERR_RLPX_AUTH, whatever is wrong with it */
export function openAuth(party: AuthParty, auth: Uint8Array, replays?: AuthReplays): OpenedAuth {
  return proveAuth(party, claimedAuth(party, auth, replays));
}

/**
 * Recipient, first half. What costs least is asked first: whether it came before, the point, the tag.
 * @param auth with its size prefix @throws RlpxError ERR_RLPX_AUTH, whatever is wrong with it
 */
export function claimedAuth(party: AuthParty, auth: Uint8Array, replays?: AuthReplays): ClaimedAuth {
  return withOneError(() => {
    const { crypto } = party;
    if (replays !== undefined) refuseReplay(crypto, replays, auth.subarray(SIZE_PREFIX_BYTES));
    const list = open(party, auth);
    const signature = list.fixed(SIGNATURE_BYTES);
    const publicKey = checkedPoint(crypto, list.fixed(PUBLIC_KEY_BYTES));
    const nonce = list.fixed(NONCE_BYTES).slice();
    list.skip(); // the version; what follows it is for the future
    return { publicKey, nonce, signature, signed: signedHash(party, publicKey, nonce) };
  });
}

/**
 * Recipient, second half. The signature's recovered key is the initiator's ephemeral one; only the holder of its node key could
 * sign this hash.
 * @throws RlpxError ERR_RLPX_AUTH
 */
export function proveAuth({ crypto }: AuthParty, claimed: ClaimedAuth): OpenedAuth {
  return withOneError(() => {
    const { publicKey, nonce, signature, signed } = claimed;
    const ephemeralPublicKey = crypto.recover(signed, signature);
    if (ephemeralPublicKey === undefined) throw new RlpxError('ERR_RLPX_AUTH');
    return { publicKey, ephemeralPublicKey, nonce };
  });
}

/** A second copy costs no work on the curve. What is no point costs none either, and is not worth remembering. */
function refuseReplay(crypto: RlpxCrypto, replays: AuthReplays, sealed: Uint8Array): void {
  if (replays.has(sealed)) throw new RlpxError('ERR_RLPX_AUTH');
  if (crypto.isPublicKey(sealed.subarray(1, 65))) replays.add(sealed);
}

/** Recipient: [our ephemeral key, nonce, version]. @returns the message with its size prefix */
export function sealAck(party: AuthParty, keys: HandshakeKeys, initiatorPublicKey: Uint8Array): Uint8Array {
  return seal(party, initiatorPublicKey, [
    encodeBytes(keys.ephemeralPublicKey ?? party.crypto.publicKey(keys.ephemeralKey)),
    encodeBytes(keys.nonce),
    encodeUint(AUTH_VERSION),
  ]);
}

/** Initiator. @param ack with its size prefix @throws RlpxError ERR_RLPX_AUTH, whatever is wrong with it */
export function openAck(party: AuthParty, ack: Uint8Array): OpenedAck {
  return withOneError(() => {
    const list = open(party, ack);
    const ephemeralPublicKey = checkedPoint(party.crypto, list.fixed(PUBLIC_KEY_BYTES));
    const nonce = list.fixed(NONCE_BYTES).slice();
    list.skip();
    return { ephemeralPublicKey, nonce };
  });
}

/** What the initiator's ephemeral key signs: both node keys' product, hidden by the nonce. */
function signedHash(
  { crypto, secretKey }: AuthParty,
  remotePublicKey: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  return xor32(crypto.ecdh(secretKey, remotePublicKey), nonce);
}

function seal(party: AuthParty, to: Uint8Array, items: readonly Uint8Array[]): Uint8Array {
  const { crypto, random } = party;
  const list = encodeList(items);
  const padding = random.bytes(MIN_PADDING_BYTES + Math.floor(random.unit() * PADDING_CHOICES));
  const sealedBytes = list.length + padding.length + ECIES_OVERHEAD_BYTES;
  const message = new Uint8Array(SIZE_PREFIX_BYTES + sealedBytes);
  writeUint16(message, sealedBytes);
  const textAt = SIZE_PREFIX_BYTES + ECIES_TEXT_AT;
  message.set(list, textAt);
  message.set(padding, textAt + list.length);
  const key = party.ephemeralKeys?.take() ?? freshKey(crypto, random);
  const size = message.subarray(0, SIZE_PREFIX_BYTES);
  eciesSealInPlace(crypto, random, to, message.subarray(SIZE_PREFIX_BYTES), size, key);
  return message;
}

/** @returns a reader of the list's items; the padding after the list is left unread */
function open({ crypto, secretKey }: AuthParty, message: Uint8Array): RlpReader {
  const size = message.subarray(0, SIZE_PREFIX_BYTES);
  return new RlpReader(eciesOpen(crypto, secretKey, message.subarray(SIZE_PREFIX_BYTES), size)).list();
}

/** The only way by which a peer's point comes in; the key outlives the message, so it is copied. */
function checkedPoint(crypto: RlpxCrypto, bytes: Uint8Array): Uint8Array {
  if (!crypto.isPublicKey(bytes)) throw new RlpxError('ERR_RLPX_AUTH');
  return bytes.slice();
}

/** Point, tag, list, signature: whoever tries keys on us learns only that something was wrong. */
function withOneError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RlpxError) throw error;
    throw new RlpxError('ERR_RLPX_AUTH', undefined, { cause: error });
  }
}
