import { snappyCompress } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import {
  type EthMessage,
  type EthMessageName,
  type EthMessageOf,
  type EthRequest,
  type EthResponse,
  type EthVersion,
  ethProtocol,
  isEthVersion,
  type MessageSpec,
  type Status,
} from '../eth/index.js';
import {
  DISCONNECT,
  DISCONNECT_ID,
  type DisconnectReason,
  decodeDisconnect,
  decodeHello,
  encodeDisconnect,
  encodeHello,
  HELLO_ID,
  type Hello,
  matchCapabilities,
  P2P_VERSION,
  PING_ID,
  PONG_ID,
  type Role,
  type SharedCapability,
} from '../rlpx/index.js';
import type { Clock, Random, TcpSocket } from '../runtime/index.js';
import { TestingError } from './errors.js';
import { Expectations, type ExpectOptions, type HeardMessage } from './expectations.js';
import {
  endText,
  type ScriptedBehaviour,
  type ScriptedEnd,
  type ScriptedStep,
} from './scripted-behaviour.js';
import { decoded, unpacked } from './scripted-messages.js';
import { Responders } from './scripted-responders.js';
import { ScriptedWire } from './scripted-wire.js';

export interface ScriptedSessionOptions {
  readonly socket: TcpSocket;
  readonly role: Role;
  readonly remotePublicKey?: Uint8Array | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: RlpxCrypto;
  readonly secretKey: Uint8Array;
  readonly behaviour: ScriptedBehaviour;
  readonly ended: (session: ScriptedSession) => void;
}

const EMPTY_LIST: Uint8Array = Uint8Array.of(0xc0);

/**
 * One connection of a scripted peer. It begins by itself (handshake, Hello, Status, as its behaviour says), answers Pings,
 * and does for the rest what the test tells it, well-formed or not.
 */
export class ScriptedSession {
  readonly role: Role;
  /** Resolves once both Statuses are through; rejects with TestingError ERR_TESTING_ENDED. Never an unhandled rejection. */
  readonly ready: Promise<this>;
  /** Resolves once. */
  readonly ended: Promise<ScriptedEnd>;
  readonly #options: ScriptedSessionOptions;
  readonly #wire: ScriptedWire;
  readonly #expectations: Expectations;
  readonly #responders = new Responders();
  readonly #held: Set<ScriptedStep>;
  #becomeReady: (self: this) => void = () => undefined;
  #neverReady: (error: TestingError) => void = () => undefined;
  #tellEnd: (end: ScriptedEnd) => void = () => undefined;
  #end: ScriptedEnd | undefined;
  #sharedId: Uint8Array | undefined;
  #nodeKey: Uint8Array | undefined;
  #helloSent = false;
  #hello: Hello | undefined;
  #shared: readonly SharedCapability[] = [];
  #statusSent = false;
  #status: Status | undefined;

  constructor(options: ScriptedSessionOptions) {
    const { socket, role, remotePublicKey, clock, random, crypto, secretKey, behaviour } = options;
    this.#options = options;
    this.role = role;
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#neverReady = reject;
    });
    this.ready.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    this.#expectations = new Expectations(clock);
    this.#held = new Set(behaviour.holdBack);
    this.#wire = new ScriptedWire({
      ...{ socket, role, remotePublicKey, crypto, random, secretKey, holdAuth: this.#held.has('auth') },
      handlers: {
        authenticated: (node) => this.#authenticated(node),
        frame: (id, payload) => this.#received(id, payload),
        gone: (code) => this.#finish({ by: 'transport', code }),
      },
    });
  }

  /** The node's key, 64 bytes, once the handshake is through. */
  get nodePublicKey(): Uint8Array | undefined {
    return this.#nodeKey;
  }

  /** 16 bytes that both ends derive alike, once the handshake is through. */
  get sharedId(): Uint8Array | undefined {
    return this.#sharedId;
  }

  /** What the node says of itself. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** What both speak, once both Hellos are through. */
  get shared(): readonly SharedCapability[] {
    return this.#shared;
  }

  /** The node's Status. */
  get status(): Status | undefined {
    return this.#status;
  }

  get end(): ScriptedEnd | undefined {
    return this.#end;
  }

  /** The agreed version. @throws TestingError ERR_TESTING_STATE before both Hellos are through, or without eth */
  get version(): EthVersion {
    const version = this.#shared.find(({ name }) => name === 'eth')?.version ?? 0;
    if (isEthVersion(version)) return version;
    throw new TestingError('ERR_TESTING_STATE', 'eth is not agreed on');
  }

  /** What came and no `expect` has taken, oldest first; at most 4,096 messages. */
  get heard(): readonly HeardMessage[] {
    return this.#expectations.untaken;
  }

  /** Bytes of ours that wait because the node does not read. */
  get backlogBytes(): number {
    return this.#wire.backlogBytes;
  }

  /** Lets the next step that was held back happen, as soon as it can. @throws TestingError ERR_TESTING_STATE: none is held */
  release(): void {
    const [step] = this.#held;
    if (step === undefined) throw new TestingError('ERR_TESTING_STATE', 'nothing is held back');
    this.#held.delete(step);
    if (step === 'auth') this.#wire.releaseAuth();
    else if (step === 'hello') this.#greet();
    else this.#greeted();
  }

  /** Sends an eth message, well-formed. @throws TestingError ERR_TESTING_STATE, ERR_TESTING_ARGUMENT; EthError */
  send(message: EthMessage): void {
    const spec = this.#spec(message.name);
    this.sendRaw(spec.id, spec.encode(message));
  }

  /**
   * Sends any bytes as a message of a shared capability. @param id relative to it, and not checked against its length
   * @param payload not compressed @throws TestingError ERR_TESTING_STATE, ERR_TESTING_ARGUMENT
   */
  sendRaw(id: number, payload: Uint8Array, capability = 'eth'): void {
    const shared = this.#shared.find(({ name }) => name === capability);
    if (shared === undefined)
      throw new TestingError('ERR_TESTING_ARGUMENT', `${capability} is not agreed on`);
    this.sendFrame(shared.offset + id, payload);
  }

  /**
   * Sends a frame with any id on the wire, at any time after the handshake.
   * @param options.compress by default as both Hellos have it @throws TestingError ERR_TESTING_STATE
   */
  sendFrame(
    id: number,
    payload: Uint8Array,
    { compress = this.#compressed }: { readonly compress?: boolean } = {},
  ): void {
    this.#wire.frame(id, compress ? snappyCompress(payload) : payload);
  }

  /** Sends bytes past all framing: the node will not find a MAC that fits. */
  sendBytes(bytes: Uint8Array): void {
    this.#wire.bytes(bytes);
  }

  /**
   * The next eth message of this name, or the oldest that came and was not asked for. Each message is given out once.
   * @throws TestingError ERR_TESTING_TIMEOUT, ERR_TESTING_ENDED
   */
  async expect<N extends EthMessageName>(name: N, options?: ExpectOptions): Promise<EthMessageOf<N>> {
    const heard = await this.#expectations.expect(name, ({ message }) => message?.name === name, options);
    return heard.message as EthMessageOf<N>; // it was chosen by its name
  }

  /** As `expect`, for whatever a test can tell: messages of other capabilities, Pings, what cannot be decoded. */
  expectRaw(wanted: (heard: HeardMessage) => boolean, options?: ExpectOptions): Promise<HeardMessage> {
    return this.#expectations.expect('such message', wanted, options);
  }

  /**
   * From now on answers requests of this name; they are not handed to `expect` then. The request id is set here.
   * @param answer returns undefined to leave a request without an answer
   */
  respond<N extends EthRequest['name']>(
    name: N,
    answer: (request: EthMessageOf<N>) => EthResponse | undefined,
  ): void {
    this.#responders.set(name, answer);
  }

  /** Sends a Ping and waits for the Pong. @throws TestingError ERR_TESTING_TIMEOUT, ERR_TESTING_ENDED, ERR_TESTING_STATE */
  async ping(options?: ExpectOptions): Promise<void> {
    this.sendFrame(PING_ID, EMPTY_LIST);
    await this.#expectations.expect('Pong', ({ capability, id }) => capability === 'p2p' && id === PONG_ID, {
      ...options,
    });
  }

  /** Reads no more: the node feels it as TCP backpressure. */
  stall(): void {
    this.#wire.pause();
  }

  /** Reads again. */
  goOn(): void {
    this.#wire.resume();
  }

  /** Sends a Disconnect and closes. @throws TestingError ERR_TESTING_STATE before the handshake is through */
  disconnect(reason: DisconnectReason = DISCONNECT.requested): void {
    if (this.#end !== undefined) return;
    this.sendFrame(DISCONNECT_ID, encodeDisconnect(reason));
    this.#wire.finish();
    this.#finish({ by: 'script', reason });
  }

  /** Closes the socket without a word. */
  destroy(): void {
    this.#wire.destroy();
    this.#finish({ by: 'script' });
  }

  get #compressed(): boolean {
    const ours = this.#options.behaviour.hello.p2pVersion ?? P2P_VERSION;
    return this.#helloSent && this.#hello !== undefined && Math.min(ours, this.#hello.p2pVersion) >= 5;
  }

  #authenticated(node: { readonly publicKey: Uint8Array; readonly sharedId: Uint8Array }): void {
    this.#nodeKey = node.publicKey;
    this.#sharedId = node.sharedId;
    this.#greet();
  }

  #greet(): void {
    if (this.#nodeKey === undefined || this.#helloSent || this.#held.has('hello')) return;
    const { crypto, secretKey, behaviour } = this.#options;
    this.#wire.frame(
      HELLO_ID,
      encodeHello({
        p2pVersion: P2P_VERSION,
        clientId: 'scripted',
        capabilities: behaviour.capabilities,
        listenPort: 0,
        publicKey: crypto.publicKey(secretKey),
        ...behaviour.hello,
      }),
    );
    this.#helloSent = true;
    this.#greeted();
  }

  /** Says our Status where it is time and there is one to say: the mirror waits for the node's. */
  #greeted(): void {
    const { status } = this.#options.behaviour;
    if (!this.#helloSent || this.#hello === undefined || this.#statusSent || this.#held.has('status')) return;
    if (!this.#shared.some(({ name }) => name === 'eth')) return;
    const ours =
      status === 'mirror' ? this.#status : typeof status === 'function' ? status(this.version) : status;
    if (ours === undefined) return;
    this.#statusSent = true;
    this.send({ name: 'Status', status: ours });
    this.#maybeReady();
  }

  #maybeReady(): void {
    if (this.#statusSent && this.#status !== undefined) this.#becomeReady(this);
  }

  #received(id: number, payload: Uint8Array): void {
    if (id === HELLO_ID && this.#hello === undefined) {
      this.#hello = decodeHello(payload);
      this.#shared = matchCapabilities(this.#options.behaviour.capabilities, this.#hello.capabilities);
      this.#greeted();
      return;
    }
    const plain = this.#compressed ? unpacked(payload) : payload;
    if (id === DISCONNECT_ID) this.#disconnected(decodeDisconnect(plain ?? payload));
    else if (id === PING_ID && this.#options.behaviour.pongs) this.sendFrame(PONG_ID, EMPTY_LIST);
    else this.#heard(id, plain ?? payload);
  }

  #heard(wireId: number, payload: Uint8Array): void {
    const shared = this.#shared.find(({ offset, length }) => wireId >= offset && wireId < offset + length);
    const id = wireId - (shared?.offset ?? 0);
    const capability = shared?.name ?? 'p2p';
    const message = capability === 'eth' ? decoded(this.version, id, payload) : undefined;
    if (message?.name === 'Status' && this.#status === undefined) {
      this.#status = message.status;
      this.#greeted();
      this.#maybeReady();
      return;
    }
    const answer = message === undefined ? undefined : this.#responders.answer(message);
    if (answer !== undefined) {
      if (answer !== 'none') this.send(answer);
      return;
    }
    this.#expectations.hear({ capability, id, payload, ...(message === undefined ? {} : { message }) });
  }

  #spec(name: EthMessageName): MessageSpec {
    const spec = ethProtocol(this.version).byName.get(name);
    if (spec !== undefined) return spec;
    throw new TestingError('ERR_TESTING_ARGUMENT', `eth/${this.version} has no ${name}`);
  }

  #disconnected(reason: DisconnectReason): void {
    this.#wire.destroy();
    this.#finish({ by: 'remote', reason });
  }

  #finish(end: ScriptedEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const error = new TestingError('ERR_TESTING_ENDED', `the connection has ended: ${endText(end)}`);
    this.#expectations.end(error);
    this.#neverReady(error);
    this.#tellEnd(end);
    this.#options.ended(this);
  }
}
