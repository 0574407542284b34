import { PeerError } from './errors.js';
import { formatIp, parseIp } from './ip.js';

interface Network {
  readonly ip: Uint8Array;
  readonly bits: number;
}

/** The networks that a node may talk to; whoever is outside of all of them is neither dialed nor accepted. */
export class NetRestrict {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /**
   * @param texts CIDR networks (`127.0.0.0/8`, `fd00::/8`) or single addresses; each text may hold several, with commas
   * @throws PeerError ERR_PEER_NETWORK
   */
  static parse(texts: readonly string[]): NetRestrict {
    const parts = texts.flatMap((text) => text.split(',')).map((part) => part.trim());
    const networks = parts.filter((part) => part !== '').map(parseNetwork);
    // nothing allowed at all is what an empty shell variable would make of it
    if (networks.length === 0)
      throw new PeerError('ERR_PEER_NETWORK', 'no network given (127.0.0.0/8, fd00::/8)');
    return new NetRestrict(networks);
  }

  /** @param host an IP address, never a name; a zone (`%eth0`) is ignored. What is no address is not allowed. */
  allows(host: string): boolean {
    const zone = host.indexOf('%');
    const ip = parseIp(zone < 0 ? host : host.slice(0, zone));
    return ip !== undefined && this.#networks.some((network) => contains(network, ip));
  }

  /** The networks as CIDR texts, comma-separated. */
  toString(): string {
    return this.#networks.map(({ ip, bits }) => `${formatIp(ip)}/${bits}`).join(',');
  }
}

function parseNetwork(text: string): Network {
  const [address = '', length, ...more] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined || more.length > 0) throw wrong(text, 'is no IP network');
  // a mapped address counts its bits from the front of the 128; ours are the last 32
  const mapped = ip.length === 4 && address.includes(':') ? 96 : 0;
  const most = 8 * ip.length;
  if (length === undefined) return { ip, bits: most };
  const bits = /^[0-9]{1,3}$/.test(length) ? Number(length) - mapped : Number.NaN;
  if (!(bits >= 0 && bits <= most))
    throw wrong(text, `needs a prefix length from ${mapped} to ${most + mapped}`);
  return { ip: ip.map((byte, i) => byte & maskByte(bits - 8 * i)), bits };
}

function contains(network: Network, ip: Uint8Array): boolean {
  if (network.ip.length !== ip.length) return false;
  return network.ip.every((byte, i) => byte === ((ip[i] ?? 0) & maskByte(network.bits - 8 * i)));
}

/** @param bits how many of the byte's bits count, from the front; below 0 none, above 8 all */
function maskByte(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
}

function wrong(text: string, says: string): PeerError {
  return new PeerError('ERR_PEER_NETWORK', `network ${JSON.stringify(text)} ${says}`);
}
