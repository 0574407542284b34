import { readUint16 } from '../codec/index.js';
import {
  type AuthParty,
  claimedAuth,
  type HandshakeKeys,
  MAX_HANDSHAKE_BYTES,
  MIN_ACK_BYTES,
  MIN_AUTH_BYTES,
  NONCE_BYTES,
  openAck,
  proveAuth,
  SIZE_PREFIX_BYTES,
  sealAck,
  sealAuth,
} from './auth.js';
import type { AuthReplays } from './auth-replays.js';
import { RlpxError } from './errors.js';
import { randomSecretKey } from './fresh-key.js';
import { deriveSecrets, type HandshakeTranscript, type Secrets, sharedSessionId } from './secrets.js';

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
  #keys: HandshakeKeys | undefined;
  /** The work on the curve, once it has begun. */
  #work: Generator<void, WorkDone | undefined> | undefined;
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
    this.#keys = options.keys;
  }

  /** @returns what to send first: the initiator's auth; the recipient waits for it. */
  start(): Uint8Array | undefined {
    const { role, remotePublicKey } = this.#options;
    if (role === 'initiator' && remotePublicKey !== undefined) {
      this.#auth ??= sealAuth(this.#options, this.#ownKeys(), remotePublicKey);
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
    for (;;) {
      const result = this.step(rest);
      if (result !== undefined) return result;
    }
  }

  /**
   * One piece of the second half: one or two operations on the curve, 0.1 ms with native code and 5 without, so that others need
   * not wait for all of them.
   * @param rest as `gather` returned it, and what came since @returns undefined while there is more to do
   * @throws RlpxError ERR_RLPX_AUTH; ERR_RLPX_STATE once it has failed or given its result
   */
  step(rest: Uint8Array): HandshakeResult | undefined {
    this.#work ??= this.#options.role === 'initiator' ? this.#readAck() : this.#readAuth();
    const { done, value } = this.#work.next();
    if (done !== true) return undefined;
    if (value === undefined) throw new RlpxError('ERR_RLPX_STATE', 'the handshake is over');
    this.forget();
    return { ...value, rest };
  }

  /** Fills the key of this handshake with zeros, unless it was given. It has served, or never will. */
  forget(): void {
    if (this.#options.keys === undefined) this.#keys?.ephemeralKey.fill(0);
  }

  /** Made when they are first needed: most who connect and send garbage cost none. */
  #ownKeys(): HandshakeKeys {
    this.#keys ??= freshKeys(this.#options);
    return this.#keys;
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

  *#readAck(): Generator<void, WorkDone> {
    const { crypto, remotePublicKey } = this.#options;
    const ack = this.#message;
    const auth = this.start();
    if (auth === undefined || remotePublicKey === undefined) throw new RlpxError('ERR_RLPX_STATE');
    const opened = openAck(this.#options, ack);
    yield;
    const { ephemeralKey, nonce } = this.#ownKeys();
    const transcript = {
      role: 'initiator',
      ephemeralShared: crypto.ecdh(ephemeralKey, opened.ephemeralPublicKey),
      initiatorNonce: nonce,
      recipientNonce: opened.nonce,
      auth,
      ack,
    } as const;
    return { ...agreed(crypto, transcript), remotePublicKey, reply: undefined };
  }

  *#readAuth(): Generator<void, WorkDone> {
    const { crypto, replays } = this.#options;
    const auth = this.#message;
    const claimed = claimedAuth(this.#options, auth, replays);
    yield;
    const opened = proveAuth(this.#options, claimed);
    yield;
    const keys = this.#ownKeys();
    const ack = sealAck(this.#options, keys, opened.publicKey);
    const transcript = {
      role: 'recipient',
      ephemeralShared: crypto.ecdh(keys.ephemeralKey, opened.ephemeralPublicKey),
      initiatorNonce: opened.nonce,
      recipientNonce: keys.nonce,
      auth,
      ack,
    } as const;
    yield; // what the owner makes of the secrets is as much work again
    return { ...agreed(crypto, transcript), remotePublicKey: opened.publicKey, reply: ack };
  }
}

type WorkDone = Omit<HandshakeResult, 'rest'>;

function agreed(
  crypto: AuthParty['crypto'],
  transcript: HandshakeTranscript,
): Pick<HandshakeResult, 'secrets' | 'sharedId'> {
  return { secrets: deriveSecrets(crypto, transcript), sharedId: sharedSessionId(crypto, transcript) };
}

/** A recipient tells its public point, an initiator only signs: that one needs none. */
function freshKeys({ role, crypto, random, ephemeralKeys }: HandshakeOptions): HandshakeKeys {
  if (role === 'initiator' || ephemeralKeys === undefined)
    return { ephemeralKey: randomSecretKey(crypto, random), nonce: random.bytes(NONCE_BYTES) };
  const { secretKey, publicKey } = ephemeralKeys.take();
  return { ephemeralKey: secretKey, ephemeralPublicKey: publicKey, nonce: random.bytes(NONCE_BYTES) };
}
