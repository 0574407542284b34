import type { TcpAddress } from '../tcp.js';
import type { VirtualClock } from './clock.js';
import { SimulatedHost } from './host.js';
import { Link, type LinkOptions } from './link.js';
import { type SeededRandom, seededRandom } from './random.js';
import type { SimulatedSocket, SocketWorld } from './socket.js';

export interface SimulatedNetworkOptions {
  readonly clock: VirtualClock;
  /** What pieces and jitter are drawn from. Default 0. */
  readonly seed?: number | string;
  /** What links are like unless `link` says otherwise. Default: 1 ms one way, no jitter, no limit. */
  readonly link?: LinkOptions;
  /** Bytes that may be under way or unread per direction of a connection. Default 65,536. */
  readonly windowBytes?: number;
  /** The largest piece in which bytes arrive. Default 16,384. */
  readonly maxPieceBytes?: number;
  /** `seeded` cuts what is written at random places, `whole` only where it must. Default `seeded`. */
  readonly pieces?: 'seeded' | 'whole';
  /** Overwrites each chunk after `data` returned, so that nobody gets away with keeping a view. Default true. */
  readonly poison?: boolean;
  /** Sees one line for each packet that arrives: `12 10.0.0.1>10.0.0.2 data 77`. Same seed, same lines. */
  readonly observe?: (line: string) => void;
}

/** Many hosts in memory, connected by links that can be slow, cut or broken; all of it driven by one virtual clock. */
export class SimulatedNetwork {
  readonly clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #options: SimulatedNetworkOptions;
  readonly #hosts = new Map<string, SimulatedHost>();
  readonly #links = new Map<string, Link>();
  readonly #sockets = new Set<SimulatedSocket>();
  readonly #world: SocketWorld;

  constructor(options: SimulatedNetworkOptions) {
    this.clock = options.clock;
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 0).fork('network');
    this.#world = {
      clock: options.clock,
      random: this.#random.fork('pieces'),
      windowBytes: options.windowBytes ?? 65_536,
      maxPieceBytes: options.maxPieceBytes ?? 16_384,
      wholePieces: options.pieces === 'whole',
      poison: options.poison !== false,
      closed: (socket) => {
        this.#sockets.delete(socket);
      },
    };
  }

  /** The host with this IP address, made when it is first asked for: its TCP. */
  host(address: string): SimulatedHost {
    let host = this.#hosts.get(address);
    if (host === undefined) {
      host = new SimulatedHost(address, this.#world, {
        find: (other) => this.#hosts.get(other),
        link: (other) => this.#link(address, other),
        opened: (socket) => this.#sockets.add(socket),
      });
      this.#hosts.set(address, host);
    }
    return host;
  }

  /** Sets what lies between two hosts from now on. */
  link(a: string, b: string, options: LinkOptions): void {
    this.#link(a, b).set(options);
  }

  /** From now on nothing arrives between the two, silently; connections stay open and wait. */
  cut(a: string, b: string): void {
    this.#link(a, b).cut();
  }

  /** What was held while the link was cut is sent again. */
  mend(a: string, b: string): void {
    this.#link(a, b).mend();
  }

  /** Breaks all connections between the two: both ends see ECONNRESET. */
  reset(a: string, b: string): void {
    for (const socket of [...this.#sockets]) if (socket.joins(a, b)) socket.fail('ECONNRESET');
  }

  /** The process on this host stops reading, writing and accepting; the host itself still takes what fits its windows. */
  freeze(address: string): void {
    this.host(address).frozen = true;
  }

  thaw(address: string): void {
    const host = this.host(address);
    host.frozen = false;
    this.clock.happening(0, () => host.acceptWaiting());
    for (const socket of this.#sockets) if (socket.home === host) socket.wake();
  }

  /** Ends of connections that are not closed: 0 once everything is let go. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Where these open ends are: `local>remote`, for the message of a leak test. */
  describeOpenSockets(): readonly string[] {
    const text = (at: TcpAddress): string => `${at.host} ${at.port}`;
    return [...this.#sockets].map((socket) => `${text(socket.local)} > ${text(socket.remote)}`);
  }

  #link(a: string, b: string): Link {
    const name = a < b ? `${a}|${b}` : `${b}|${a}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      // A host talks to itself without delay.
      const options: LinkOptions = a === b ? {} : (this.#options.link ?? { latencyMs: 1 });
      link = new Link(this.clock, this.#random.fork(name), options, this.#options.observe);
      this.#links.set(name, link);
    }
    return link;
  }
}
