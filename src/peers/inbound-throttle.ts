import type { Clock } from '../runtime/index.js';
import { formatIp, isLan, parseIp } from './ip.js';

/** Somebody who has been let in waits so long until the next time (geth and reth: the same). */
export const INBOUND_THROTTLE_MS = 30_000;
/** Newcomers of one neighbourhood within that time: addresses are cheap where there is one already. */
export const INBOUND_PER_NETWORK = 16;
/** Addresses that are remembered; the oldest makes way. Some 200 bytes each. */
const MAX_REMEMBERED = 16_384;

interface Origin {
  /** The address; of IPv6 the /64, which is what one customer has. */
  readonly address: string;
  /** IPv4: the /24; IPv6: the /48. */
  readonly network: string;
}

/**
 * How often one address may open a connection to us, and one neighbourhood: asked when a socket comes in, before anything
 * is made for it. The local network is not counted: there several nodes stand behind one address, and the owner knows them.
 */
export class InboundThrottle {
  readonly #clock: Pick<Clock, 'now'>;
  /** Address to the moment of its forgetting; all are remembered equally long, so the first is always the oldest. */
  readonly #addresses = new Map<string, { readonly network: string; readonly untilMs: number }>();
  readonly #networks = new Map<string, Set<string>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Addresses that are remembered at present. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Lets the address in, and remembers it. @param host an IP address @returns why it has to wait, if so */
  admit(host: string): string | undefined {
    const origin = originOf(host);
    if (origin === undefined) return undefined;
    const nowMs = this.#clock.now();
    this.#forget(nowMs);
    const known = this.#addresses.get(origin.address);
    if (known !== undefined) return `${origin.address} has to wait ${Math.ceil(known.untilMs - nowMs)} ms`;
    const neighbours = this.#networks.get(origin.network);
    if (neighbours !== undefined && neighbours.size >= INBOUND_PER_NETWORK)
      return `${neighbours.size} of ${origin.network} came within ${INBOUND_THROTTLE_MS} ms`;
    this.#remember(origin, nowMs + INBOUND_THROTTLE_MS);
    return undefined;
  }

  #remember({ address, network }: Origin, untilMs: number): void {
    this.#addresses.set(address, { network, untilMs });
    const neighbours = this.#networks.get(network);
    if (neighbours === undefined) this.#networks.set(network, new Set([address]));
    else neighbours.add(address);
  }

  #forget(nowMs: number): void {
    for (const [address, { network, untilMs }] of this.#addresses) {
      if (untilMs > nowMs && this.#addresses.size < MAX_REMEMBERED) return;
      this.#addresses.delete(address);
      const neighbours = this.#networks.get(network);
      neighbours?.delete(address);
      if (neighbours?.size === 0) this.#networks.delete(network);
    }
  }
}

/** @returns undefined for the local network, and for what is no address */
function originOf(host: string): Origin | undefined {
  const zone = host.indexOf('%');
  const ip = parseIp(zone < 0 ? host : host.slice(0, zone));
  if (ip === undefined || isLan(ip)) return undefined;
  return ip.length === 4
    ? { address: formatIp(ip), network: `${formatIp(front(ip, 3))}/24` }
    : { address: `${formatIp(front(ip, 8))}/64`, network: `${formatIp(front(ip, 6))}/48` };
}

/** The first bytes; the rest is zero. */
function front(ip: Uint8Array, bytes: number): Uint8Array {
  return ip.map((byte, i) => (i < bytes ? byte : 0));
}
