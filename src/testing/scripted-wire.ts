import type { RlpxCrypto } from '../crypto/index.js';
import {
  FrameDecoder,
  FrameEncoder,
  Handshake,
  type HandshakeResult,
  MAX_FRAME_BYTES,
  RlpxError,
  type Role,
} from '../rlpx/index.js';
import type { Random, TcpSocket } from '../runtime/index.js';
import { TestingError } from './errors.js';

export interface ScriptedWireOptions {
  readonly socket: TcpSocket;
  readonly role: Role;
  /** 64 bytes: whom the initiator dials. */
  readonly remotePublicKey?: Uint8Array | undefined;
  readonly crypto: RlpxCrypto;
  readonly random: Random;
  readonly secretKey: Uint8Array;
  /** Keep the handshake message of ours until `releaseAuth`. */
  readonly holdAuth: boolean;
  readonly handlers: ScriptedWireHandlers;
}

export interface ScriptedWireHandlers {
  /** The node's key is proven, and our own message has left: frames may follow. */
  authenticated(node: { readonly publicKey: Uint8Array; readonly sharedId: Uint8Array }): void;
  frame(id: number, payload: Uint8Array): void;
  /** Exactly once. @param code `EOF`, the system's word, or an RlpxErrorCode where what came was no RLPx */
  gone(code: string): void;
}

interface Coders {
  readonly encoder: FrameEncoder;
  readonly decoder: FrameDecoder;
}

/**
 * What a scripted peer's messages travel on: socket, handshake, frames. Unlike `RlpxConnection` it judges nothing and stops
 * nobody, so that a script can do what no node would.
 */
export class ScriptedWire {
  readonly #options: ScriptedWireOptions;
  readonly #handshake: Handshake;
  #holdsAuth: boolean;
  /** What sends our handshake message, once there is one and as long as it has not left. */
  #sendAuth: (() => void) | undefined;
  #coders: Coders | undefined;
  #gone = false;

  constructor(options: ScriptedWireOptions) {
    const { socket, role, crypto, random, secretKey, remotePublicKey, holdAuth } = options;
    this.#options = options;
    this.#holdsAuth = holdAuth;
    this.#handshake = new Handshake({ role, crypto, random, secretKey, remotePublicKey });
    socket.attach({
      data: (chunk) => this.#received(chunk),
      drain: () => undefined,
      end: () => this.#end('EOF'),
      closed: (error) => this.#end(error ?? 'CLOSED'),
    });
    const auth = this.#handshake.start();
    if (auth !== undefined) this.#sendSoon(() => void socket.write([auth]));
  }

  /** Bytes that the system has not taken yet, because the node does not read. */
  get backlogBytes(): number {
    return this.#options.socket.pendingBytes;
  }

  /** Sends the handshake message that was held, or lets it leave as soon as it can be made. */
  releaseAuth(): void {
    this.#holdsAuth = false;
    const send = this.#sendAuth;
    this.#sendAuth = undefined;
    send?.();
  }

  /** @throws TestingError ERR_TESTING_STATE before the handshake is through */
  frame(id: number, payload: Uint8Array): void {
    if (this.#coders === undefined)
      throw new TestingError('ERR_TESTING_STATE', 'no frame before the handshake is through');
    const pieces: Uint8Array[] = [];
    this.#coders.encoder.encode(id, payload, pieces);
    this.#options.socket.write(pieces);
  }

  /** Any bytes, past all framing. */
  bytes(bytes: Uint8Array): void {
    this.#options.socket.write([bytes.slice()]);
  }

  pause(): void {
    this.#options.socket.pause();
  }

  resume(): void {
    this.#options.socket.resume();
  }

  /** Lets what was written leave, then ends our side; what the node still sends is not heard any more. */
  finish(): void {
    this.#gone = true;
    this.#options.socket.end();
    this.#options.socket.resume();
  }

  destroy(): void {
    this.#gone = true;
    this.#options.socket.destroy();
  }

  #received(chunk: Uint8Array): void {
    if (this.#gone) return;
    try {
      this.#read(chunk);
    } catch (error) {
      if (!(error instanceof RlpxError)) throw error;
      this.#end(error.code);
    }
  }

  #read(chunk: Uint8Array): void {
    if (this.#coders !== undefined) {
      this.#readFrames(this.#coders, chunk);
      return;
    }
    const result = this.#handshake.push(chunk);
    if (result === undefined) return;
    const rest = result.rest.slice();
    this.#sendSoon(() => this.#authenticated(result, rest));
  }

  #sendSoon(send: () => void): void {
    this.#sendAuth = send;
    if (!this.#holdsAuth) this.releaseAuth();
  }

  #authenticated(result: HandshakeResult, rest: Uint8Array): void {
    const { crypto, socket, handlers } = this.#options;
    if (result.reply !== undefined) socket.write([result.reply]);
    this.#coders = {
      encoder: new FrameEncoder(crypto, result.secrets),
      decoder: new FrameDecoder(crypto, result.secrets, MAX_FRAME_BYTES),
    };
    handlers.authenticated({ publicKey: result.remotePublicKey, sharedId: result.sharedId });
    this.#readFrames(this.#coders, rest);
  }

  #readFrames({ decoder }: Coders, chunk: Uint8Array): void {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      this.#options.handlers.frame(frame.id, frame.payload);
      if (this.#gone) return;
    }
  }

  #end(code: string): void {
    if (this.#gone) {
      if (code === 'EOF') this.#options.socket.destroy();
      return;
    }
    this.destroy();
    this.#options.handlers.gone(code);
  }
}
