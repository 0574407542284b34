import { EMPTY_BYTES } from '../codec/index.js';
import type { Timer } from '../runtime/clock.js';
import type { TcpAddress, TcpSocket } from '../runtime/tcp.js';
import { type BaseEvent, DISCONNECT_ID, HELLO_ID, PING_ID } from './base-protocol.js';
import type { SharedCapability } from './capabilities.js';
import { type ConnectionEnd, END_OF_INPUT, type EndCause, endOf } from './connection-end.js';
import { ConnectionInput } from './connection-input.js';
import {
  CONNECTION_LIMITS,
  type ConnectionHandlers,
  type ConnectionLimits,
  type ConnectionOptions,
} from './connection-options.js';
import { ConnectionOutput, EMPTY_LIST } from './connection-output.js';
import type { ConnectionStats } from './connection-stats.js';
import { type DisconnectReason, disconnectName } from './disconnect.js';
import { encodeDisconnect } from './disconnect-message.js';
import { isBreach, RlpxError } from './errors.js';
import { MAX_FRAME_BYTES } from './frame.js';
import type { Frame } from './frame-decoder.js';
import { Handshake, type HandshakeOptions, type HandshakeResult } from './handshake.js';
import { HandshakeInput } from './handshake-input.js';
import { type Hello, P2P_VERSION } from './hello.js';
import { Link } from './link.js';
import { ownHello } from './own-hello.js';
import { ownPublicKey } from './own-key.js';
import type { PackedMessage } from './packing.js';

type State =
  | { readonly stage: 'authenticating'; readonly handshake: HandshakeInput }
  | { readonly stage: 'greeting'; readonly link: Link }
  | { readonly stage: 'open'; readonly link: Link }
  | { readonly stage: 'ended' };

/**
 * One RLPx connection over one socket: handshake, Hello, then messages, until the first cause that ends it. What arrives is
 * judged by the state machines beside this file; here, and in the way in and the way out, they meet time and the socket.
 */
export class RlpxConnection {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
  readonly #counts: ConnectionStats = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };
  readonly #options: ConnectionOptions;
  readonly #limits: ConnectionLimits;
  readonly #socket: TcpSocket;
  readonly #handlers: ConnectionHandlers;
  readonly #hello: Uint8Array;
  readonly #input: ConnectionInput;
  readonly #output: ConnectionOutput;
  #state: State;
  #remotePublicKey: Uint8Array | undefined;
  #sharedId: Uint8Array | undefined;
  #remoteHello: Hello | undefined;
  #shared: readonly SharedCapability[] = [];
  #pingUnanswered = false;
  #lingerTimer: Timer | undefined;

  /**
   * Takes the socket over and begins: the initiator's first message leaves at the end of this turn.
   * @throws RlpxError ERR_RLPX_ARGUMENT for keys that are none and a Hello above 2 KiB; the socket is untouched then
   */
  constructor(options: ConnectionOptions) {
    const { socket, clock, crypto, secretKey, remotePublicKey } = options;
    const handshake = new Handshake(handshakeOptions(options));
    this.#hello = ownHello({
      p2pVersion: P2P_VERSION,
      clientId: options.hello.clientId,
      capabilities: options.capabilities,
      listenPort: options.hello.listenPort,
      publicKey: ownPublicKey(crypto, secretKey),
    });
    this.#options = options;
    this.#limits = { ...CONNECTION_LIMITS, ...options.limits };
    this.#socket = socket;
    this.#handlers = options.handlers;
    this.#state = { stage: 'authenticating', handshake: this.#handshakeInput(handshake) };
    this.#remotePublicKey = remotePublicKey;
    this.local = socket.local;
    this.remote = socket.remote;
    this.#input = new ConnectionInput(clock, this.#limits, {
      frame: (frame) => this.#arrived(frame),
      readOn: (chunk) => this.#received(chunk),
      endReached: () => this.#cut(END_OF_INPUT),
      expired: () => this.#failed(new RlpxError('ERR_RLPX_FRAME_DEADLINE')),
    });
    this.#output = new ConnectionOutput(socket, clock, this.#limits.writeStallMs, this.#counts, {
      drained: () => this.#handlers.drained(),
      stalled: () =>
        this.destroy({ by: 'transport', code: 'WRITE_STALL', says: 'the peer takes no bytes any more' }),
    });
    socket.attach({
      data: (chunk) => this.#received(chunk),
      drain: () => this.#output.unblock(),
      end: () => this.#ended(),
      closed: (error) => this.#closed(error),
    });
    const auth = handshake.start();
    if (auth !== undefined) this.#output.handshake(auth);
  }

  get stage(): State['stage'] {
    return this.#state.stage;
  }

  /** Whether the peer has done its part of the handshake, and it is our work on the curve that it waits for. */
  get owesHandshake(): boolean {
    return this.#state.stage === 'authenticating' && this.#state.handshake.isWaiting;
  }

  /** 64 bytes: whom the initiator expects; proven once authenticated. */
  get remotePublicKey(): Uint8Array | undefined {
    return this.#remotePublicKey;
  }

  /** 16 bytes that both ends derive alike, once authenticated. */
  get sharedId(): Uint8Array | undefined {
    return this.#sharedId;
  }

  /** What the peer said of itself; known beyond the end. */
  get hello(): Hello | undefined {
    return this.#remoteHello;
  }

  get shared(): readonly SharedCapability[] {
    return this.#shared;
  }

  /** Bytes on their way out that the operating system has not taken yet. */
  get backlogBytes(): number {
    return this.#output.backlogBytes;
  }

  /** Counts so far, of bytes on the wire and of messages of every kind: a live view. */
  get stats(): Readonly<ConnectionStats> {
    return this.#counts;
  }

  /**
   * Sends a message. @param id relative to the capability @param payload RLP, not compressed
   * @returns false: it is on its way, but wait for `drained` before you send more
   * @throws RlpxError ERR_RLPX_STATE when not open, ERR_RLPX_ARGUMENT for an id that is not there and above 2^24 − 1 bytes
   */
  send(capability: SharedCapability, id: number, payload: Uint8Array): boolean {
    const link = this.#openLink();
    const wireId = this.#wireId(capability, id);
    if (payload.length > MAX_FRAME_BYTES)
      throw new RlpxError('ERR_RLPX_ARGUMENT', `${payload.length} bytes to send`);
    this.#output.message(link, wireId, payload);
    return this.#output.askRoom();
  }

  /** As `send`, with a message that was made ready for many connections. */
  sendPacked(capability: SharedCapability, message: PackedMessage): boolean {
    const link = this.#openLink();
    const wireId = this.#wireId(capability, message.id);
    this.#output.packed(link, wireId, message);
    return this.#output.askRoom();
  }

  /** @returns false where the last ping has no answer yet; nothing is sent then. @throws RlpxError ERR_RLPX_STATE */
  ping(): boolean {
    const link = this.#openLink();
    if (this.#pingUnanswered) return false;
    this.#pingUnanswered = true;
    this.#output.message(link, PING_ID, EMPTY_LIST);
    return true;
  }

  /**
   * What the header of a frame may announce from the next one on, bytes; never more than the limit of the connection. Without
   * effect until both Hellos are through: until then a frame has 2 KiB.
   */
  limitFrames(maxBytes: number): void {
    if (this.#state.stage !== 'open') return;
    this.#state.link.decoder.maxFrameBytes = Math.min(maxBytes, this.#limits.maxFrameBytes);
  }

  /** Stops handing over messages, from the next one on, and reading from the socket. */
  pause(): void {
    if (this.#input.pause()) this.#socket.pause();
  }

  resume(): void {
    const state = this.#state;
    if (!this.#input.resume()) return;
    if (state.stage !== 'authenticating' || !state.handshake.isFull) this.#socket.resume();
  }

  /**
   * Ends the connection with a Disconnect where the peer can read one; without, while the keys are not agreed. The socket
   * goes when the peer closes, at the latest after `lingerMs`. Does nothing once ended.
   * @throws RlpxError ERR_RLPX_ARGUMENT where the reason is no byte
   */
  disconnect(reason: DisconnectReason, cause: EndCause = {}): void {
    const state = this.#state;
    if (state.stage === 'ended') return;
    const payload = encodeDisconnect(reason);
    const says = `we disconnected: ${disconnectName(reason)}`;
    if (state.stage === 'authenticating') {
      this.#cut(endOf(cause, says));
      return;
    }
    this.#output.finish(state.link, DISCONNECT_ID, payload);
    this.#socket.end();
    // What the peer still sends is read and dropped: unread, it would make the system reset what we have just written.
    this.#socket.resume();
    this.#lingerTimer = this.#options.clock.timer(this.#limits.lingerMs, () => this.#socket.destroy());
    this.#end({ ...endOf(cause, says), sent: reason });
  }

  /** Ends the connection at once, without a word to the peer. Does nothing once ended. */
  destroy(cause: EndCause = {}): void {
    if (!this.#hasEnded()) this.#cut(endOf(cause, 'we closed the connection'));
  }

  /** Lets the socket of a connection that has ended go at once, though it may have lingered on. */
  release(): void {
    if (this.#hasEnded()) this.#socket.destroy();
  }

  #received(chunk: Uint8Array): void {
    if (this.#hasEnded()) return;
    this.#counts.bytesIn += chunk.length;
    this.#output.beginAnswers();
    try {
      this.#read(chunk);
    } catch (error) {
      if (!isBreach(error)) {
        // A handler's own mistake: the chunk cannot be gone on with, and the error must not be swallowed.
        this.destroy({ says: 'a handler threw' });
        throw error;
      }
      this.#failed(error);
    } finally {
      this.#output.endAnswers();
    }
  }

  #read(chunk: Uint8Array): void {
    const state = this.#state;
    if (state.stage === 'ended') return;
    if (state.stage !== 'authenticating') {
      this.#input.read(state.link.decoder, chunk);
      return;
    }
    const result = state.handshake.push(chunk);
    if (result === undefined) return;
    const link = this.#authenticated(result);
    if (!this.#hasEnded()) this.#input.read(link.decoder, result.rest);
  }

  #handshakeInput(handshake: Handshake): HandshakeInput {
    const { socket, role, handshakes } = this.#options;
    return new HandshakeInput(handshake, handshakes, socket, role === 'initiator', {
      turn: (stopped) => {
        if (stopped && !this.#input.paused) socket.resume();
        this.#received(EMPTY_BYTES);
      },
      dropped: (error) => this.#failed(error),
    });
  }

  #authenticated(result: HandshakeResult): Link {
    const { crypto, capabilities } = this.#options;
    const { remotePublicKey, sharedId } = result;
    const link = new Link(crypto, result, capabilities, this.#limits.maxMessageBytes);
    this.#state = { stage: 'greeting', link };
    this.#remotePublicKey = remotePublicKey;
    this.#sharedId = sharedId;
    if (result.reply !== undefined) this.#output.handshake(result.reply);
    this.#handlers.authenticated({ publicKey: remotePublicKey, sharedId });
    // Both sides greet at once, neither waits for the other.
    if (!this.#hasEnded()) this.#output.message(link, HELLO_ID, this.#hello);
    return link;
  }

  #arrived(frame: Frame): boolean {
    this.#counts.messagesIn++;
    this.#handlers.activity?.();
    const state = this.#state;
    if (state.stage !== 'greeting' && state.stage !== 'open') return false;
    this.#act(state.link, state.link.protocol.receive(frame));
    return !this.#hasEnded();
  }

  #act(link: Link, event: BaseEvent): void {
    switch (event.is) {
      case 'message':
        this.#handlers.message(event.message);
        break;
      case 'hello':
        this.#greeted(event.hello, event.shared);
        break;
      case 'disconnect': {
        const says = `the peer disconnected: ${disconnectName(event.reason)}`;
        this.#cut({ by: 'remote', received: event.reason, says });
        break;
      }
      case 'ping':
        this.#output.oweAPong(link);
        break;
      case 'pong':
        if (!this.#pingUnanswered) break;
        this.#pingUnanswered = false;
        this.#handlers.pong();
        break;
      case 'ignored':
    }
  }

  #greeted(hello: Hello, shared: readonly SharedCapability[]): void {
    if (this.#state.stage !== 'greeting') throw new RlpxError('ERR_RLPX_STATE');
    const { link } = this.#state;
    this.#state = { stage: 'open', link };
    this.#remoteHello = hello;
    this.#shared = shared;
    if (shared.length === 0) throw new RlpxError('ERR_RLPX_USELESS');
    link.decoder.maxFrameBytes = this.#limits.maxFrameBytes;
    this.#handlers.greeted(hello, shared);
  }

  #openLink(): Link {
    if (this.#state.stage === 'open') return this.#state.link;
    throw new RlpxError('ERR_RLPX_STATE', `the connection is ${this.#state.stage}, not open`);
  }

  #wireId(capability: SharedCapability, id: number): number {
    if (this.#shared.includes(capability) && Number.isInteger(id) && id >= 0 && id < capability.length)
      return capability.offset + id;
    throw new RlpxError(
      'ERR_RLPX_ARGUMENT',
      `${capability.name}/${capability.version} message ${id} cannot be sent here`,
    );
  }

  #ended(): void {
    if (this.#hasEnded()) {
      if (this.#socket.pendingBytes === 0) this.#socket.destroy(); // lingering: all was said, and the peer is gone
      return;
    }
    const state = this.#state;
    this.#input.end(state.stage === 'authenticating' && state.handshake.holdsFrames);
  }

  #closed(error: string | undefined): void {
    if (!this.#hasEnded()) {
      const code = error ?? 'CLOSED';
      this.#end({ by: 'transport', code, says: `the connection failed: ${code}` });
    }
    this.#lingerTimer?.cancel();
    this.#handlers.released?.();
  }

  /** What the peer did wrong, or failed to do, ends the connection: with a word where it can read one. */
  #failed(error: RlpxError): void {
    const cause = { code: error.code, says: error.message };
    if (error.reason === undefined) this.destroy(cause);
    else this.disconnect(error.reason, cause);
  }

  #cut(end: ConnectionEnd): void {
    this.#socket.destroy();
    this.#end(end);
  }

  #end(end: ConnectionEnd): void {
    if (this.#state.stage === 'authenticating') this.#state.handshake.close();
    this.#state = { stage: 'ended' };
    this.#input.close();
    this.#output.close();
    this.#handlers.ended(end);
  }

  #hasEnded(): boolean {
    return this.#state.stage === 'ended';
  }
}

function handshakeOptions(options: ConnectionOptions): HandshakeOptions {
  const { role, crypto, random, secretKey, remotePublicKey, replays, ephemeralKeys } = options;
  return { role, crypto, random, secretKey, remotePublicKey, replays, ephemeralKeys };
}
