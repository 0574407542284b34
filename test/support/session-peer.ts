import { nodeCrypto } from '../../src/crypto/index.js';
import {
  type EthMessage,
  type EthVersion,
  ethProtocol,
  isEthVersion,
  type MessageSpec,
} from '../../src/eth/index.js';
import { type ConnectionEnd, RlpxConnection, type SharedCapability } from '../../src/rlpx/index.js';
import type { TcpSocket } from '../../src/runtime/index.js';
import type { SimulatedWorld } from '../../src/runtime/simulated/world.js';
import { type Node, PORT } from './session-nodes.js';
import { type StatusChoices, statusOf } from './session-values.js';

export interface PeerScript {
  readonly secretKey?: Uint8Array;
  readonly versions?: readonly EthVersion[];
  readonly capabilities?: readonly { name: string; version: number; length: number }[];
  /** Sent at once after Hello; null sends none. */
  readonly status?: StatusChoices | null;
  /** Called once both Hellos are through; Status follows if the connection is still there. */
  readonly greeted?: () => void;
  /** Called when a Status has come, before anything that follows it is read. */
  readonly verified?: () => void;
}

/** A peer that does what a test tells it, above RLPx. */
export class ScriptedPeer {
  readonly publicKey: Uint8Array;
  readonly received: { name: string; message: EthMessage }[] = [];
  pongs = 0;
  end: ConnectionEnd | undefined;
  connection: RlpxConnection | undefined;
  eth: SharedCapability | undefined;
  readonly #world: SimulatedWorld;
  readonly #script: PeerScript;
  readonly #secretKey: Uint8Array;

  constructor(world: SimulatedWorld, script: PeerScript = {}) {
    this.#world = world;
    this.#script = script;
    this.#secretKey = script.secretKey ?? new Uint8Array(32).fill(0x77);
    this.publicKey = nodeCrypto().publicKey(this.#secretKey);
  }

  get version(): EthVersion {
    const version = this.eth?.version ?? 0;
    if (!isEthVersion(version)) throw new Error('no eth');
    return version;
  }

  async dial(node: Node): Promise<this> {
    const socket = await this.#world.tcp.connect({ host: node.host, port: PORT });
    this.#speak(socket, 'initiator', node.manager.publicKey);
    return this;
  }

  async listen(port = PORT): Promise<this> {
    await this.#world.tcp.listen({ host: '0.0.0.0', port }, (socket) => this.#speak(socket, 'recipient'));
    return this;
  }

  spec(name: EthMessage['name']): MessageSpec {
    const spec = ethProtocol(this.version).byName.get(name);
    if (spec === undefined) throw new Error(name);
    return spec;
  }

  /** Sends an eth message, well-formed. */
  say(message: EthMessage): void {
    this.raw(this.spec(message.name).id, this.spec(message.name).encode(message));
  }

  /** Sends any bytes under any id. */
  raw(id: number, payload: Uint8Array): void {
    if (this.eth === undefined) throw new Error('no eth');
    this.connection?.send(this.eth, id, payload);
  }

  sayStatus(choices: StatusChoices = {}): void {
    this.say({ name: 'Status', status: statusOf(this.version, choices) });
  }

  heard(name: EthMessage['name']): EthMessage[] {
    return this.received.filter((one) => one.name === name).map(({ message }) => message);
  }

  #speak(socket: TcpSocket, role: 'initiator' | 'recipient', remotePublicKey?: Uint8Array): void {
    const { clock, random } = this.#world;
    const versions = this.#script.versions ?? [69];
    const capabilities =
      this.#script.capabilities ??
      versions.map((version) => ({ name: 'eth', version, length: ethProtocol(version).length }));
    this.connection = new RlpxConnection({
      ...{ socket, role, crypto: nodeCrypto(), clock, random, secretKey: this.#secretKey, capabilities },
      ...(remotePublicKey === undefined ? {} : { remotePublicKey }),
      hello: { clientId: 'scripted', listenPort: 0 },
      handlers: {
        authenticated: () => undefined,
        greeted: (_hello, shared) => {
          this.eth = shared.find(({ name }) => name === 'eth');
          this.#script.greeted?.();
          if (this.connection?.stage === 'open' && this.eth !== undefined && this.#script.status !== null)
            this.sayStatus(this.#script.status);
        },
        message: (message) => {
          const spec = ethProtocol(this.version).byId[message.id];
          if (spec === undefined) throw new Error(`message ${message.id}`);
          this.received.push({ name: spec.name, message: spec.decode(message.payload(spec.maxBytes)) });
          if (spec.name === 'Status') this.#script.verified?.();
        },
        pong: () => {
          this.pongs++;
        },
        drained: () => undefined,
        ended: (end) => {
          this.end = end;
        },
      },
    });
  }
}
