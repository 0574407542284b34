import { readUint16 } from '../codec/index.js';
import {
  type AuthParty,
  type HandshakeKeys,
  MAX_HANDSHAKE_BYTES,
  MIN_ACK_BYTES,
  MIN_AUTH_BYTES,
  NONCE_BYTES,
  openAck,
  openAuth,
  SIZE_PREFIX_BYTES,
  sealAck,
  sealAuth,
} from './auth.js';
import type { AuthReplays } from './auth-replays.js';
import { RlpxError } from './errors.js';
import { randomSecretKey } from './fresh-key.js';
import { deriveSecrets, type Secrets, sharedSessionId } from './secrets.js';

/** Who dialled, and who was dialled. */
export type Role = 'initiator' | 'recipient';

export interface HandshakeOptions extends AuthParty {
  readonly role: Role;
  /** Whom we dial, 64 bytes: the initiator must know, the recipient learns it. */
  readonly remotePublicKey?: Uint8Array | undefined;
  /** Of the node key: a recipient refuses an auth that it has seen before. */
  readonly replays?: AuthReplays | undefined;
  /** Instead of fresh ones: for known answers. */
  readonly keys?: HandshakeKeys;
}

export interface HandshakeResult {
  readonly secrets: Secrets;
  /** 64 bytes, proven. */
  readonly remotePublicKey: Uint8Array;
  /** 16 bytes that both ends derive alike. */
  readonly sharedId: Uint8Array;
  /** What must be sent before the first frame: the recipient's ack. */
  readonly reply: Uint8Array | undefined;
  /** What of the chunk was not ours: it belongs to the first frame. A view. */
  readonly rest: Uint8Array;
}

/**
 * One end of the handshake (EIP-8) over bytes; whoever drives it owns the socket and the deadline. Send what `start`
 * returns, hand in what arrives with `push` until it has a result, send the result's `reply`. Holds 2,050 bytes at most.
 */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #keys: HandshakeKeys;
  #auth: Uint8Array | undefined;
  /** The peer's message as far as it is there; as long as its prefix until that is read. */
  #message: Uint8Array = new Uint8Array(SIZE_PREFIX_BYTES);
  #received = 0;

  /** @throws RlpxError ERR_RLPX_ARGUMENT for keys that are none, and for an initiator that does not know whom it dials */
  constructor(options: HandshakeOptions) {
    const { crypto, remotePublicKey } = options;
    if (!crypto.isSecretKey(options.secretKey)) throw new RlpxError('ERR_RLPX_ARGUMENT', 'secretKey: no key');
    if (remotePublicKey === undefined ? options.role === 'initiator' : !crypto.isPublicKey(remotePublicKey)) {
      throw new RlpxError('ERR_RLPX_ARGUMENT', 'remotePublicKey: no point of the curve');
    }
    this.#options = options;
    this.#keys = options.keys ?? freshKeys(options);
  }

  /** @returns what to send first: the initiator's auth; the recipient waits for it. */
  start(): Uint8Array | undefined {
    const { role, remotePublicKey } = this.#options;
    if (role === 'initiator' && remotePublicKey !== undefined) {
      this.#auth ??= sealAuth(this.#options, this.#keys, remotePublicKey);
    }
    return this.#auth;
  }

  /** Bytes of the peer's message that are held. */
  get bufferedBytes(): number {
    return this.#received;
  }

  /**
   * @returns undefined while the peer's message is not whole
   * @throws RlpxError ERR_RLPX_AUTH_SIZE at the second byte, where it makes a size that cannot be; ERR_RLPX_AUTH
   */
  push(chunk: Uint8Array): HandshakeResult | undefined {
    const rest = this.gather(chunk);
    return rest === undefined ? undefined : this.complete(rest);
  }

  /**
   * The first half of `push`, which costs nothing.
   * @returns undefined while the peer's message is not whole, then what of the chunk was not ours: a view
   * @throws RlpxError ERR_RLPX_AUTH_SIZE
   */
  gather(chunk: Uint8Array): Uint8Array | undefined {
    let rest = this.#take(chunk);
    if (this.#received === SIZE_PREFIX_BYTES && this.#message.length === SIZE_PREFIX_BYTES) {
      this.#makeRoom();
      rest = this.#take(rest);
    }
    return this.#received < this.#message.length ? undefined : rest;
  }

  /** The second half, all work on the curve. @param rest as `gather` returned it @throws RlpxError ERR_RLPX_AUTH */
  complete(rest: Uint8Array): HandshakeResult {
    const result =
      this.#options.role === 'initiator'
        ? this.#readAck(this.#message, rest)
        : this.#readAuth(this.#message, rest);
    this.forget();
    return result;
  }

  /** Fills the key of this handshake with zeros, unless it was given. It has served, or never will. */
  forget(): void {
    if (this.#options.keys === undefined) this.#keys.ephemeralKey.fill(0);
  }

  #take(chunk: Uint8Array): Uint8Array {
    const taken = Math.min(this.#message.length - this.#received, chunk.length);
    this.#message.set(chunk.subarray(0, taken), this.#received);
    this.#received += taken;
    return chunk.subarray(taken);
  }

  /** The prefix is there: now we know how much may come. */
  #makeRoom(): void {
    const prefix = this.#message;
    const size = readUint16(prefix);
    const least = this.#options.role === 'initiator' ? MIN_ACK_BYTES : MIN_AUTH_BYTES;
    if (size < least || size > MAX_HANDSHAKE_BYTES) {
      throw new RlpxError('ERR_RLPX_AUTH_SIZE', `a handshake message of ${size} bytes`);
    }
    this.#message = new Uint8Array(SIZE_PREFIX_BYTES + size);
    this.#message.set(prefix);
  }

  #readAck(ack: Uint8Array, rest: Uint8Array): HandshakeResult {
    const { crypto, remotePublicKey } = this.#options;
    const auth = this.start();
    if (auth === undefined || remotePublicKey === undefined) throw new RlpxError('ERR_RLPX_STATE');
    const opened = openAck(this.#options, ack);
    const transcript = {
      role: 'initiator',
      ephemeralShared: crypto.ecdh(this.#keys.ephemeralKey, opened.ephemeralPublicKey),
      initiatorNonce: this.#keys.nonce,
      recipientNonce: opened.nonce,
      auth,
      ack,
    } as const;
    const secrets = deriveSecrets(crypto, transcript);
    const sharedId = sharedSessionId(crypto, transcript);
    return { secrets, sharedId, remotePublicKey, reply: undefined, rest };
  }

  #readAuth(auth: Uint8Array, rest: Uint8Array): HandshakeResult {
    const { crypto } = this.#options;
    const opened = openAuth(this.#options, auth, this.#options.replays);
    const ack = sealAck(this.#options, this.#keys, opened.publicKey);
    const transcript = {
      role: 'recipient',
      ephemeralShared: crypto.ecdh(this.#keys.ephemeralKey, opened.ephemeralPublicKey),
      initiatorNonce: opened.nonce,
      recipientNonce: this.#keys.nonce,
      auth,
      ack,
    } as const;
    const secrets = deriveSecrets(crypto, transcript);
    const sharedId = sharedSessionId(crypto, transcript);
    return { secrets, sharedId, remotePublicKey: opened.publicKey, reply: ack, rest };
  }
}

/** A recipient tells its public point, an initiator only signs: that one needs none. */
function freshKeys({ role, crypto, random, ephemeralKeys }: HandshakeOptions): HandshakeKeys {
  if (role === 'initiator' || ephemeralKeys === undefined)
    return { ephemeralKey: randomSecretKey(crypto, random), nonce: random.bytes(NONCE_BYTES) };
  const { secretKey, publicKey } = ephemeralKeys.take();
  return { ephemeralKey: secretKey, ephemeralPublicKey: publicKey, nonce: random.bytes(NONCE_BYTES) };
}
