import type { Status } from '../../src/eth/index.js';
import { chooseCrypto, EthError, type EthVersion, type Session, SessionManager } from '../../src/index.js';
import type {
  CloseCause,
  DialOptions,
  SessionEvents,
  SessionHandle,
  SessionManagerOptions,
  StatusProvider,
} from '../../src/session/index.js';
import {
  ScriptedPeer,
  type ScriptedPeerOptions,
  type ScriptedSession,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
  type SimulatedWorld,
  simulatedWorld,
  VirtualClock,
} from '../../src/testing/index.js';

// Nothing here but the public API: what a row promises, a user must be able to see.

export const SECOND = 1_000;
export const MINUTE: number = 60 * SECOND;
export const PORT = 30_303;
export const crypto = chooseCrypto();

export const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** Bytes that do not compress, or they would hardly be a load. */
export function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 16;
  });
}

/** RLP of a list with one string of `length` bytes: stands where a header or a body must. */
export function item(length: number, bytes: Uint8Array = noise(length)): Uint8Array {
  const text = Uint8Array.from([...prefix(0x80, length), ...bytes.subarray(0, length)]);
  return Uint8Array.from([...prefix(0xc0, text.length), ...text]);
}

function prefix(base: number, size: number): number[] {
  if (size < 56) return [base + size];
  const digits = [size >> 16, (size >> 8) & 0xff, size & 0xff];
  const significant = digits.slice(digits.findIndex((digit) => digit > 0));
  return [base + 55 + significant.length, ...significant];
}

/** A chain that is only told by its numbers, and can grow. */
export class TellingStatus implements StatusProvider {
  earliest = 0n;
  latest = 600n;
  latestHash: Uint8Array = hash(0x60);
  genesis = 0x91;
  networkId = 1_337n;

  status(version: EthVersion): Status {
    const common = {
      networkId: this.networkId,
      genesisHash: hash(this.genesis),
      forkId: { hash: Uint8Array.of(1, 2, 3, 4), next: 0n },
    };
    const { earliest, latest, latestHash } = this;
    if (version === 68) return { version, ...common, totalDifficulty: 131_072n, bestHash: latestHash };
    return { version, ...common, earliest, latest, latestHash };
  }

  check(remote: Status): EthError | undefined {
    if (remote.networkId !== this.networkId) return new EthError('ERR_ETH_STATUS_NETWORK', 'another network');
    if (remote.genesisHash[0] !== this.genesis)
      return new EthError('ERR_ETH_STATUS_GENESIS', 'another genesis');
    return undefined;
  }
}

export interface TownNode {
  readonly manager: SessionManager;
  readonly host: string;
  readonly status: TellingStatus;
  /** What was told, in order: `closed s1 faulted`. */
  readonly told: string[];
  readonly causes: CloseCause[];
  readonly refused: SessionEvents['refused'][];
}

/** Session managers and scripted peers on one simulated network, under one clock. */
export class Town {
  readonly clock = new VirtualClock();
  readonly network: SimulatedNetwork;
  /** Packets and events, in their order. */
  readonly trace: string[] = [];
  readonly #seed: number;
  readonly #nodes: TownNode[] = [];
  #peers = 0;

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
    return simulatedWorld({ seed: this.#seed, network: this.network, host });
  }

  /** A session manager that listens; its key follows from its number. */
  async node(options: Partial<SessionManagerOptions> = {}): Promise<TownNode> {
    const number = this.#nodes.length + 1;
    const host = `10.0.0.${number}`;
    const status = new TellingStatus();
    const manager = new SessionManager({
      world: this.world(host),
      crypto,
      secretKey: new Uint8Array(32).fill(number),
      clientId: `node${number}`,
      status,
      ...options,
    });
    const node: TownNode = { manager, host, status, told: [], causes: [], refused: [] };
    const note = (line: string): void => {
      node.told.push(line);
      this.trace.push(`${this.clock.now()} ${host} ${line}`);
    };
    manager.on('created', ({ session }) => note(`created ${session.id}`));
    manager.on('activated', ({ session }) => note(`activated ${session.id}`));
    manager.on('expired', ({ session }) => note(`expired ${session.id}`));
    manager.on('closed', ({ session, cause }) => {
      note(`closed ${session.id} ${cause.outcome}`);
      node.causes.push(cause);
    });
    manager.on('refused', (event) => node.refused.push(event));
    await this.clock.settle(manager.listen({ host: '0.0.0.0', port: PORT }));
    this.#nodes.push(node);
    return node;
  }

  dial(from: TownNode, to: TownNode | ScriptedHost, options: DialOptions = {}): SessionHandle {
    const publicKey = 'manager' in to ? to.manager.publicKey : to.peer.publicKey;
    return from.manager.dial({ host: to.host, port: PORT, publicKey }, options);
  }

  /** A peer that a test speaks for, on a host of its own, listening. */
  async peer(options: Partial<ScriptedPeerOptions> = {}): Promise<ScriptedHost> {
    const number = ++this.#peers;
    const host = `10.1.${number >> 8}.${number & 0xff}`;
    const secretKey = new Uint8Array(32).fill(0x70);
    secretKey.set([number >> 8, number & 0xff], 30);
    const peer = new ScriptedPeer({ world: this.world(host), crypto, secretKey, ...options });
    await this.clock.settle(peer.listen({ host: '0.0.0.0', port: PORT }));
    return { peer, host };
  }

  /** A scripted peer that dials this node. */
  async caller(node: TownNode, options: Partial<ScriptedPeerOptions> = {}): Promise<ScriptedCall> {
    const { peer, host } = await this.peer(options);
    const { publicKey } = node.manager;
    const session = await this.clock.settle(peer.dial({ host: node.host, port: PORT, publicKey }));
    return { peer, host, session };
  }

  /** The same, with an active session at both ends. */
  async guest(
    node: TownNode,
    options: Partial<ScriptedPeerOptions> = {},
  ): Promise<ScriptedCall & { readonly ours: Session }> {
    const call = await this.caller(node, options);
    await this.clock.settle(call.session.ready);
    for (let waits = 0; waits < 20; waits++) {
      await this.clock.advance(50);
      const ours = node.manager.getByPeer(call.peer.publicKey);
      if (ours !== undefined) return { ...call, ours };
    }
    throw new Error(`no session: ${node.told.join(', ')}`);
  }

  /** Two nodes with a session between them: the first dials. */
  async pair(
    first: Partial<SessionManagerOptions> = {},
    second: Partial<SessionManagerOptions> = first,
  ): Promise<{ readonly a: TownNode; readonly b: TownNode; readonly ab: Session; readonly ba: Session }> {
    const a = await this.node(first);
    const b = await this.node(second);
    const ab = await this.clock.settle(this.dial(a, b).active);
    await this.clock.advance(50);
    const ba = b.manager.getByPeer(a.manager.publicKey);
    if (ba === undefined) throw new Error('no session');
    return { a, b, ab, ba };
  }

  /** Sockets that are open at this host. */
  socketsOf(host: string): number {
    return this.network.describeOpenSockets().filter((line) => line.startsWith(`${host} `)).length;
  }
}

export interface ScriptedHost {
  readonly peer: ScriptedPeer;
  readonly host: string;
}

export interface ScriptedCall extends ScriptedHost {
  readonly session: ScriptedSession;
}
