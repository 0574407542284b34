import type { RlpxCrypto } from '../crypto/crypto.js';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { TcpSocket } from '../runtime/tcp.js';
import type { AuthReplays } from './auth-replays.js';
import type { LocalCapability, SharedCapability } from './capabilities.js';
import type { ConnectionEnd } from './connection-end.js';
import type { EphemeralKeys } from './ephemeral-keys.js';
import { MAX_FRAME_BYTES } from './frame.js';
import type { Role } from './handshake.js';
import type { HandshakeTurns } from './handshake-input.js';
import type { Hello } from './hello.js';
import type { IncomingMessage } from './packing.js';

/**
 * What a connection tells its one owner. All of it from the loop, never from inside a call on the connection, except
 * `ended`, which a call to `disconnect` or `destroy` makes before it returns. A handler that lets an RlpxError escape (from
 * `IncomingMessage.payload`) ends the connection with that breach.
 */
export interface ConnectionHandlers {
  /** The peer proved its key. To refuse it here, disconnect: then no Hello is sent. */
  authenticated(peer: { readonly publicKey: Uint8Array; readonly sharedId: Uint8Array }): void;
  /** Both Hellos are through and something is shared. May disconnect. */
  greeted(hello: Hello, shared: readonly SharedCapability[]): void;
  message(message: IncomingMessage): void;
  /** The answer to our ping. */
  pong(): void;
  /** The peer takes bytes again, after `send` returned false. */
  drained(): void;
  /** A whole frame arrived, whatever it says; called before it is looked at. */
  activity?(): void;
  /** Exactly once; the last call but `released`. The socket may linger to deliver a Disconnect. */
  ended(end: ConnectionEnd): void;
  /** Exactly once, after `ended`: the socket is gone. */
  released?(): void;
}

export interface ConnectionLimits {
  /** A frame that has begun must be whole within this time and that of its bytes at `minFrameBytesPerSecond`, 30 s. */
  readonly frameDeadlineMs: number;
  readonly minFrameBytesPerSecond: number;
  /** The longest that written bytes may wait without one being taken, 20 s (as geth); noticed within a quarter more. */
  readonly writeStallMs: number;
  /** How long a socket may live on to deliver a Disconnect, 2 s. */
  readonly lingerMs: number;
  /** The most that a message may claim to decompress to, 10 MiB (as geth's eth); a lower cap per message goes to `payload`. */
  readonly maxMessageBytes: number;
  /** The most that a frame after Hello may have, 2^24 − 1. */
  readonly maxFrameBytes: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  frameDeadlineMs: 30_000,
  minFrameBytesPerSecond: 16 * 1_024,
  writeStallMs: 20_000,
  lingerMs: 2_000,
  maxMessageBytes: 10 * 1_024 * 1_024,
  maxFrameBytes: MAX_FRAME_BYTES,
};

export interface ConnectionOptions {
  /** Just accepted or connected, not attached yet; the connection owns it from now on. */
  readonly socket: TcpSocket;
  readonly role: Role;
  /** 64 bytes; the initiator must give it. */
  readonly remotePublicKey?: Uint8Array | undefined;
  readonly crypto: RlpxCrypto;
  readonly clock: Clock;
  readonly random: Random;
  /** Our node key, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** One for all connections of the node key, so that a recorded auth costs nothing the second time (threats E4, H9). */
  readonly replays?: AuthReplays | undefined;
  /** One for all connections of a node; without, keys for one handshake are made as they are needed. */
  readonly ephemeralKeys?: EphemeralKeys | undefined;
  /** One for all connections of a node, so that handshakes are worked on in turn; without, at once. */
  readonly handshakes?: HandshakeTurns | undefined;
  readonly hello: { readonly clientId: string; readonly listenPort: number };
  readonly capabilities: readonly LocalCapability[];
  readonly limits?: Partial<ConnectionLimits>;
  readonly handlers: ConnectionHandlers;
}
