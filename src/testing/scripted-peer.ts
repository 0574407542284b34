import { nodeCrypto, type RlpxCrypto } from '../crypto/index.js';
import { ETH_VERSIONS, type EthVersion, ethProtocol } from '../eth/index.js';
import type { LocalCapability, Role } from '../rlpx/index.js';
import type { TcpAddress, TcpListener, TcpSocket, World } from '../runtime/index.js';
import { TestingError } from './errors.js';
import type { ScriptedBehaviour } from './scripted-behaviour.js';
import { ScriptedSession } from './scripted-session.js';

/** Whom to dial. */
export interface ScriptedTarget extends TcpAddress {
  /** 64 bytes. */
  readonly publicKey: Uint8Array;
}

export interface ScriptedPeerOptions extends Partial<ScriptedBehaviour> {
  /** Simulated or real. */
  readonly world: Pick<World, 'clock' | 'random' | 'tcp'>;
  /** 32 bytes; drawn from the world where left out. */
  readonly secretKey?: Uint8Array;
  /** What it offers where `capabilities` is left out. */
  readonly ethVersions?: readonly EthVersion[];
  readonly crypto?: RlpxCrypto;
}

interface Deferred {
  readonly resolve: (session: ScriptedSession) => void;
  readonly reject: (error: TestingError) => void;
}

/** Connections that were accepted and that no `accepted` has taken; beyond it they are closed. */
const MAX_ARRIVED = 1_024;

/**
 * A peer for tests of what is built on rlpxd: it speaks RLPx and eth over any TCP, and does on each of its connections what
 * the test tells it. By default it offers every version of eth, says the node's own Status back and answers Pings.
 *
 * ```ts
 * const peer = new ScriptedPeer({ world });
 * const session = await peer.dial({ host: '10.0.0.1', port: 30_303, publicKey });
 * await session.ready;
 * session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [] }));
 * ```
 */
export class ScriptedPeer {
  /** 64 bytes. */
  readonly publicKey: Uint8Array;
  readonly #world: ScriptedPeerOptions['world'];
  readonly #crypto: RlpxCrypto;
  readonly #secretKey: Uint8Array;
  readonly #behaviour: ScriptedBehaviour;
  readonly #sessions = new Set<ScriptedSession>();
  readonly #arrived: ScriptedSession[] = [];
  readonly #waiting: Deferred[] = [];
  readonly #closed = new AbortController();
  #listener: TcpListener | undefined;

  constructor(options: ScriptedPeerOptions) {
    const { world, crypto = nodeCrypto(), ethVersions = ETH_VERSIONS } = options;
    this.#world = world;
    this.#crypto = crypto;
    this.#secretKey = options.secretKey ?? freshKey(world, crypto);
    this.publicKey = crypto.publicKey(this.#secretKey);
    this.#behaviour = {
      capabilities: options.capabilities ?? ethVersions.map(ethCapability),
      hello: options.hello ?? {},
      status: options.status ?? 'mirror',
      holdBack: options.holdBack ?? [],
      pongs: options.pongs ?? true,
    };
  }

  /** All connections that have not ended. */
  get sessions(): readonly ScriptedSession[] {
    return [...this.#sessions];
  }

  /**
   * @returns the connection once TCP stands; `ready` tells the rest
   * @throws RuntimeError ERR_RUNTIME_CONNECT; TestingError ERR_TESTING_ENDED where the peer has been closed
   */
  async dial({ host, port, publicKey }: ScriptedTarget): Promise<ScriptedSession> {
    this.#checkOpen();
    const { signal } = this.#closed;
    const socket = await this.#world.tcp.connect({ host, port }, { signal }).catch((error: unknown) => {
      this.#checkOpen(); // closing called it off
      throw error;
    });
    if (signal.aborted) socket.destroy(); // it stood just before
    this.#checkOpen();
    return this.#speak(socket, 'initiator', publicKey);
  }

  /**
   * Accepts connections, which `accepted` hands out. @returns the address with the real port
   * @throws RuntimeError ERR_RUNTIME_LISTEN; TestingError ERR_TESTING_STATE where it listens already, ERR_TESTING_ENDED
   */
  async listen(at: TcpAddress): Promise<TcpAddress> {
    this.#checkOpen();
    if (this.#listener !== undefined)
      throw new TestingError('ERR_TESTING_STATE', 'this peer listens already');
    const listener = await this.#world.tcp.listen(at, (socket) => this.#accept(socket));
    if (this.#closed.signal.aborted) await listener.close();
    this.#checkOpen();
    this.#listener = listener;
    return listener.address;
  }

  /**
   * The next connection that comes in, or the oldest that came and was not asked for.
   * @throws TestingError ERR_TESTING_ENDED where none can come any more
   */
  accepted(): Promise<ScriptedSession> {
    const session = this.#arrived.shift();
    if (session !== undefined) return Promise.resolve(session);
    if (this.#closed.signal.aborted) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** For good: dials and accepts no more, closes all connections without a word. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
    const closed = this.#listener?.close();
    for (const session of this.sessions) session.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw closedError();
  }

  #accept(socket: TcpSocket): void {
    if (this.#closed.signal.aborted || this.#arrived.length >= MAX_ARRIVED) {
      socket.destroy();
      return;
    }
    const session = this.#speak(socket, 'recipient');
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(session);
    else waiting.resolve(session);
  }

  #speak(socket: TcpSocket, role: Role, remotePublicKey?: Uint8Array): ScriptedSession {
    const { clock, random } = this.#world;
    const session = new ScriptedSession({
      ...{ socket, role, remotePublicKey, clock, random, crypto: this.#crypto, secretKey: this.#secretKey },
      behaviour: this.#behaviour,
      ended: (ended) => this.#sessions.delete(ended),
    });
    this.#sessions.add(session);
    return session;
  }
}

function closedError(): TestingError {
  return new TestingError('ERR_TESTING_ENDED', 'this peer has been closed');
}

function ethCapability(version: EthVersion): LocalCapability {
  return { name: 'eth', version, length: ethProtocol(version).length };
}

function freshKey({ random }: Pick<World, 'random'>, crypto: RlpxCrypto): Uint8Array {
  for (;;) {
    const key = random.bytes(32);
    if (crypto.isSecretKey(key)) return key;
  }
}
