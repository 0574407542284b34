import type { RlpxCrypto } from '../crypto/crypto.js';
import {
  BASE_PROTOCOL_IDS,
  type LocalCapability,
  matchCapabilities,
  type SharedCapability,
} from './capabilities.js';
import type { DisconnectReason } from './disconnect.js';
import { decodeDisconnect } from './disconnect-message.js';
import { RlpxError } from './errors.js';
import type { Frame } from './frame-decoder.js';
import { decodeHello, type Hello, SNAPPY_P2P_VERSION } from './hello.js';
import { ReceivedMessage, unpack } from './packing.js';

/** Message ids of the base protocol (devp2p, "p2p Capability"). */
export const HELLO_ID = 0x00;
export const DISCONNECT_ID = 0x01;
export const PING_ID = 0x02;
export const PONG_ID = 0x03;

/** A frame before Hello needs no more than Hello itself, and its sender is a stranger (geth, 2 KiB). */
export const MAX_FRAME_BYTES_BEFORE_HELLO = 2_048;
/** What a Disconnect may decompress to. Its reason has three bytes. */
const MAX_DISCONNECT_BYTES = 64;

/** What a frame means. */
export type BaseEvent =
  | { readonly is: 'hello'; readonly hello: Hello; readonly shared: readonly SharedCapability[] }
  | { readonly is: 'disconnect'; readonly reason: DisconnectReason }
  | { readonly is: 'message'; readonly message: ReceivedMessage }
  | typeof PING
  | typeof PONG
  | typeof IGNORED;

const PING = { is: 'ping' } as const;
const PONG = { is: 'pong' } as const;
/** Ids 4 to 15 are reserved; geth ignores them, too. */
const IGNORED = { is: 'ignored' } as const;

export interface BaseProtocolOptions {
  readonly crypto: Pick<RlpxCrypto, 'equal'>;
  /** The peer's key as the handshake proved it, 64 bytes. */
  readonly remotePublicKey: Uint8Array;
  readonly capabilities: readonly LocalCapability[];
  /** The version that our own Hello says. */
  readonly p2pVersion: number;
  /** The most that a message may claim to decompress to. */
  readonly maxMessageBytes: number;
}

/**
 * The receiving half of the base protocol: Hello first and once, then messages, each led to the capability that its id
 * belongs to. Pure: frames in, what they mean out.
 */
export class BaseProtocol {
  readonly #options: BaseProtocolOptions;
  #hello: Hello | undefined;
  #shared: readonly SharedCapability[] = [];
  #compressed = false;

  constructor(options: BaseProtocolOptions) {
    this.#options = options;
  }

  /** Whether messages are compressed: both Hellos are through, and both say version 5 or more (EIP-706). */
  get compressed(): boolean {
    return this.#compressed;
  }

  /**
   * @throws RlpxError ERR_RLPX_HELLO, ERR_RLPX_HELLO_EXPECTED, ERR_RLPX_HELLO_TWICE, ERR_RLPX_IDENTITY,
   * ERR_RLPX_MESSAGE_ID, ERR_RLPX_MESSAGE_SIZE, ERR_RLPX_SNAPPY
   */
  receive(frame: Frame): BaseEvent {
    const { id, payload } = frame;
    if (id >= BASE_PROTOCOL_IDS && this.#hello !== undefined) return this.#capabilityMessage(frame);
    if (id === DISCONNECT_ID) return { is: 'disconnect', reason: this.#reason(payload) };
    if (this.#hello === undefined) {
      if (id !== HELLO_ID)
        throw new RlpxError('ERR_RLPX_HELLO_EXPECTED', `message ${id} stands where Hello must`);
      return this.#firstHello(payload);
    }
    if (id === PING_ID) return PING;
    if (id === PONG_ID) return PONG;
    if (id === HELLO_ID) throw new RlpxError('ERR_RLPX_HELLO_TWICE');
    return IGNORED;
  }

  #firstHello(payload: Uint8Array): BaseEvent {
    const hello = decodeHello(payload);
    const { crypto, remotePublicKey, capabilities, p2pVersion } = this.#options;
    if (!crypto.equal(hello.publicKey, remotePublicKey)) throw new RlpxError('ERR_RLPX_IDENTITY');
    this.#hello = hello;
    this.#shared = matchCapabilities(capabilities, hello.capabilities);
    this.#compressed = Math.min(hello.p2pVersion, p2pVersion) >= SNAPPY_P2P_VERSION;
    return { is: 'hello', hello, shared: this.#shared };
  }

  #capabilityMessage({ id, payload, wireBytes }: Frame): BaseEvent {
    for (const capability of this.#shared) {
      const relative = id - capability.offset;
      if (relative < 0 || relative >= capability.length) continue;
      const { maxMessageBytes } = this.#options;
      const message = new ReceivedMessage(
        capability,
        relative,
        wireBytes,
        payload,
        this.#compressed,
        maxMessageBytes,
      );
      return { is: 'message', message };
    }
    throw new RlpxError('ERR_RLPX_MESSAGE_ID', `message ${id} belongs to no shared capability`);
  }

  /** After Hello some nodes compress a Disconnect and some do not. No encoded reason happens to decompress, so trying tells. */
  #reason(payload: Uint8Array): DisconnectReason {
    if (!this.#compressed) return decodeDisconnect(payload);
    try {
      return decodeDisconnect(unpack(payload, MAX_DISCONNECT_BYTES));
    } catch (error) {
      if (error instanceof RlpxError) return decodeDisconnect(payload);
      throw error;
    }
  }
}
