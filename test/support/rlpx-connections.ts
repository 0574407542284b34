import type { RlpxCrypto } from '../../src/crypto/index.js';
import {
  type ConnectionEnd,
  type ConnectionHandlers,
  type ConnectionOptions,
  encodeHello,
  type Frame,
  FrameDecoder,
  FrameEncoder,
  Handshake,
  type HandshakeKeys,
  type HandshakeResult,
  type Hello,
  type IncomingMessage,
  type LocalCapability,
  RlpxConnection,
  type SharedCapability,
} from '../../src/rlpx/index.js';
import {
  SimulatedNetwork,
  type SimulatedNetworkOptions,
  seededRandom,
  type TcpSocket,
  VirtualClock,
} from '../../src/runtime/index.js';
import { scalar } from './crypto-values.js';
import { rememberingCrypto } from './rlpx-crypto.js';

/** Shared by all tests of one file: the keys are few, so points are computed once. */
export const crypto: RlpxCrypto = rememberingCrypto();

export const DIALLER_KEY: Uint8Array = scalar(0xd1a11e2);
export const LISTENER_KEY: Uint8Array = scalar(0x115e2e2);
export const diallerId: Uint8Array = crypto.publicKey(DIALLER_KEY);
export const listenerId: Uint8Array = crypto.publicKey(LISTENER_KEY);

export const CAPABILITIES: readonly LocalCapability[] = [
  { name: 'eth', version: 68, length: 17 },
  { name: 'eth', version: 69, length: 18 },
  { name: 'snap', version: 1, length: 8 },
];

/** The owner of a connection: writes down what it is told, and does what a test gives it to do. */
export class Owner implements ConnectionHandlers {
  readonly calls: string[] = [];
  readonly messages: IncomingMessage[] = [];
  connection: RlpxConnection | undefined;
  end: ConnectionEnd | undefined;
  activities = 0;
  /** Runs in each call, after it was written down. */
  on: (call: string) => void = () => undefined;

  get open(): RlpxConnection {
    if (this.connection === undefined) throw new Error('not connected');
    return this.connection;
  }

  get eth(): SharedCapability {
    const eth = this.open.shared.find(({ name }) => name === 'eth');
    if (eth === undefined) throw new Error('eth is not shared');
    return eth;
  }

  /** What was called, without what came before. */
  count(call: string): number {
    return this.calls.filter((one) => one === call).length;
  }

  authenticated(): void {
    this.#told('authenticated');
  }

  greeted(_hello: Hello, shared: readonly SharedCapability[]): void {
    this.#told(`greeted ${shared.map(({ name, version }) => `${name}/${version}`).join(' ')}`);
  }

  message(message: IncomingMessage): void {
    this.messages.push(message);
    this.#told('message');
  }

  pong(): void {
    this.#told('pong');
  }

  drained(): void {
    this.#told('drained');
  }

  activity(): void {
    this.activities++;
    this.on('activity');
  }

  ended(end: ConnectionEnd): void {
    this.end = end;
    this.#told('ended');
  }

  released(): void {
    this.#told('released');
  }

  #told(call: string): void {
    this.calls.push(call);
    this.on(call);
  }
}

/** A peer that a test drives by hand, frame by frame or byte by byte, over its own end of the socket. */
export class ScriptedPeer {
  readonly socket: TcpSocket;
  readonly frames: Frame[] = [];
  readonly calls: string[] = [];
  result: HandshakeResult | undefined;
  receivedBytes = 0;
  /** Runs once the keys are agreed. */
  onKeys: () => void = () => undefined;
  readonly #handshake: Handshake;
  #encoder: FrameEncoder | undefined;
  #decoder: FrameDecoder | undefined;

  constructor(socket: TcpSocket, role: 'initiator' | 'recipient', keys?: HandshakeKeys) {
    const initiator = role === 'initiator';
    this.socket = socket;
    this.#handshake = new Handshake({
      role,
      crypto,
      random: seededRandom('scripted'),
      secretKey: initiator ? DIALLER_KEY : LISTENER_KEY,
      remotePublicKey: initiator ? listenerId : undefined,
      ...(keys === undefined ? {} : { keys }),
    });
    socket.attach({
      data: (chunk) => this.#received(chunk),
      drain: () => this.calls.push('drain'),
      end: () => this.calls.push('end'),
      closed: (error) => this.calls.push(`closed ${error ?? ''}`.trim()),
    });
  }

  /** The initiator's first message. */
  start(): Uint8Array {
    return this.#handshake.start() ?? new Uint8Array(0);
  }

  get encoder(): FrameEncoder {
    if (this.#encoder === undefined) throw new Error('the handshake is not through');
    return this.#encoder;
  }

  frame(id: number, payload: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    this.encoder.encode(id, payload, pieces);
    return Uint8Array.from(Buffer.concat(pieces));
  }

  send(id: number, payload: Uint8Array): void {
    this.write(this.frame(id, payload));
  }

  write(bytes: Uint8Array): void {
    this.socket.write([bytes]);
  }

  hello(changes: Partial<Hello> = {}): Uint8Array {
    return encodeHello({
      p2pVersion: 5,
      clientId: 'scripted',
      capabilities: [{ name: 'eth', version: 69 }],
      listenPort: 0,
      publicKey: this.role === 'initiator' ? diallerId : listenerId,
      ...changes,
    });
  }

  get role(): 'initiator' | 'recipient' {
    return this.#handshake.start() === undefined ? 'recipient' : 'initiator';
  }

  #received(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    let rest = chunk;
    if (this.#decoder === undefined) {
      const result = this.#handshake.push(chunk);
      if (result === undefined) return;
      this.result = result;
      this.#encoder = new FrameEncoder(crypto, result.secrets);
      this.#decoder = new FrameDecoder(crypto, result.secrets, 0xff_ff_ff);
      if (result.reply !== undefined) this.write(result.reply);
      this.onKeys();
      rest = result.rest;
    }
    this.#decoder.push(rest);
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next())
      this.frames.push(frame);
  }
}

export interface Meeting {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly dialler: TcpSocket;
  readonly listener: TcpSocket;
}

const DIALLER_IP = '10.0.0.1';
const LISTENER_IP = '10.0.0.2';

/** Two ends of a socket in memory; each must be taken by `take…` before time passes. */
export async function meet<D, L>(
  take: {
    readonly dialler: (socket: TcpSocket, clock: VirtualClock) => D;
    readonly listener: (socket: TcpSocket, clock: VirtualClock) => L;
  },
  options: Partial<SimulatedNetworkOptions> = {},
): Promise<{ clock: VirtualClock; network: SimulatedNetwork; dialler: D; listener: L }> {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 'meet', ...options });
  let listener: L | undefined;
  const listening = await network.host(LISTENER_IP).listen({ host: LISTENER_IP, port: 30_303 }, (socket) => {
    listener = take.listener(socket, clock);
  });
  const dialled = network
    .host(DIALLER_IP)
    .connect({ host: LISTENER_IP, port: 30_303 })
    .then((socket) => take.dialler(socket, clock));
  const dialler = await clock.settle(dialled);
  await listening.close();
  if (listener === undefined) throw new Error('nobody was accepted');
  return { clock, network, dialler, listener };
}

/** Takes a socket for a connection of its own. */
export function owning(
  role: 'initiator' | 'recipient',
  changes: Partial<ConnectionOptions> = {},
  owner: Owner = new Owner(),
): (socket: TcpSocket, clock: VirtualClock) => Owner {
  return (socket, clock) => {
    owner.connection = new RlpxConnection({
      socket,
      role,
      crypto,
      clock,
      random: seededRandom(role),
      secretKey: role === 'initiator' ? DIALLER_KEY : LISTENER_KEY,
      ...(role === 'initiator' ? { remotePublicKey: listenerId } : {}),
      hello: { clientId: `owner/${role}`, listenPort: 0 },
      capabilities: CAPABILITIES,
      handlers: owner,
      ...changes,
    });
    return owner;
  };
}

export function scripted(role: 'initiator' | 'recipient'): (socket: TcpSocket) => ScriptedPeer {
  return (socket) => new ScriptedPeer(socket, role);
}

/** Two owners whose connection is open. */
export async function openPair(
  changes: {
    readonly dialler?: Partial<ConnectionOptions>;
    readonly listener?: Partial<ConnectionOptions>;
  } = {},
  network: Partial<SimulatedNetworkOptions> = {},
): Promise<{ clock: VirtualClock; network: SimulatedNetwork; dialler: Owner; listener: Owner }> {
  const pair = await meet(
    { dialler: owning('initiator', changes.dialler), listener: owning('recipient', changes.listener) },
    network,
  );
  await pair.clock.advance(100);
  return pair;
}

/** An owner that accepted, and a scripted peer that dialled it; greeted on both sides unless `hello` is false. */
export async function accepted(
  changes: { readonly options?: Partial<ConnectionOptions>; readonly hello?: Partial<Hello> | false } = {},
  network: Partial<SimulatedNetworkOptions> = {},
): Promise<{ clock: VirtualClock; network: SimulatedNetwork; peer: ScriptedPeer; owner: Owner }> {
  const met = await meet(
    { dialler: scripted('initiator'), listener: owning('recipient', changes.options) },
    { pieces: 'whole', ...network },
  );
  const { clock, dialler: peer, listener: owner } = met;
  peer.write(peer.start());
  await clock.advance(20);
  if (changes.hello !== false) {
    peer.send(0, peer.hello(changes.hello ?? {}));
    await clock.advance(20);
  }
  return { clock, network: met.network, peer, owner };
}
