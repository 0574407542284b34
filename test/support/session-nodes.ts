import { bytesToHex } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import { EthError, type EthVersion, type Status } from '../../src/eth/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/runtime/simulated/network.js';
import { type SimulatedWorld, simulatedWorld } from '../../src/runtime/simulated/world.js';
import type { SessionHandle, StatusProvider } from '../../src/session/index.js';
import { type DialOptions, SessionManager, type SessionManagerOptions } from '../../src/session/index.js';
import { type StatusChoices, statusOf } from './session-values.js';

export const PORT = 30_303;

/** The faster one: these tests are about sessions. */
const crypto = nodeCrypto();

/** Our Status, and a check that compares all that a real one compares but the fork rules. */
export function statusProvider(choices: StatusChoices = {}): StatusProvider & { choices: StatusChoices } {
  const provider = {
    choices,
    status: (version: EthVersion): Status => statusOf(version, provider.choices),
    check(remote: Status): EthError | undefined {
      const local = statusOf(remote.version, provider.choices);
      if (remote.networkId !== local.networkId)
        return new EthError('ERR_ETH_STATUS_NETWORK', 'another network');
      if (bytesToHex(remote.genesisHash) !== bytesToHex(local.genesisHash)) {
        return new EthError('ERR_ETH_STATUS_GENESIS', 'another genesis');
      }
      if (bytesToHex(remote.forkId.hash) !== bytesToHex(local.forkId.hash)) {
        return new EthError('ERR_ETH_STATUS_FORK_ID', 'another fork');
      }
      return undefined;
    },
  };
  return provider;
}

export interface Node {
  readonly manager: SessionManager;
  readonly host: string;
  readonly world: SimulatedWorld;
  readonly secretKey: Uint8Array;
  /** What was told, in order: `closed s1 faulted`. */
  readonly told: string[];
}

/** Nodes on one simulated network, all under one clock. */
export class Village {
  readonly clock = new VirtualClock();
  readonly network: SimulatedNetwork;
  readonly trace: string[] = [];
  readonly #seed: number;
  readonly nodes: Node[] = [];

  constructor(seed = 1, options: Partial<SimulatedNetworkOptions> = {}) {
    this.#seed = seed;
    this.network = new SimulatedNetwork({
      clock: this.clock,
      seed,
      observe: (line) => this.trace.push(line),
      ...options,
    });
  }

  world(host: string): SimulatedWorld {
    return simulatedWorld({ seed: this.#seed, clock: this.clock, network: this.network, host });
  }

  /** A node that listens. Its key follows from its place in the village. */
  async node(options: Partial<SessionManagerOptions> = {}): Promise<Node> {
    const number = this.nodes.length + 1;
    const host = `10.0.0.${number}`;
    const world = this.world(host);
    const secretKey = options.secretKey ?? new Uint8Array(32).fill(number);
    const manager = new SessionManager({
      ...{ world, crypto, secretKey, clientId: `node${number}`, status: statusProvider() },
      ...options,
    });
    const told: string[] = [];
    const note = (line: string): void => {
      told.push(line);
      this.trace.push(`${this.clock.now()} ${host} ${line}`);
    };
    manager.on('created', ({ session }) => note(`created ${session.id}`));
    manager.on('activated', ({ session }) => note(`activated ${session.id}`));
    manager.on('expired', ({ session, cause }) => note(`expired ${session.id} ${cause.code}`));
    manager.on('closed', ({ session, cause }) =>
      note(`closed ${session.id} ${cause.outcome} ${cause.reason ?? '-'}`),
    );
    manager.on('refused', ({ says }) => note(`refused ${says}`));
    manager.on('range', ({ session, range }) => note(`range ${session.id} ${range.latest}`));
    await this.clock.settle(manager.listen({ host: '0.0.0.0', port: PORT }));
    const node: Node = { manager, host, world, secretKey, told };
    this.nodes.push(node);
    return node;
  }

  dial(from: Node, to: Node, options: DialOptions = {}): SessionHandle {
    return from.manager.dial({ host: to.host, port: PORT, publicKey: to.manager.publicKey }, options);
  }

  /** Closes everything. @returns what is left after it: nothing, if all is well */
  async leftovers(): Promise<{ timers: number; sockets: readonly string[] }> {
    await this.clock.settle(Promise.all(this.nodes.map(({ manager }) => manager.close())));
    await this.clock.advance(3_000);
    return { timers: this.clock.pendingTimers, sockets: this.network.describeOpenSockets() };
  }
}

export const NOTHING_LEFT = { timers: 0, sockets: [] } as const;
