import { bytesToHex, hexToBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { PeerError } from './errors.js';
import { formatIp, parseIp } from './ip.js';

/** Bytes of a public key on the wire and in an enode URL: x ‖ y. */
const PUBLIC_KEY_BYTES = 64;
/** Letters, digits, `-` and `_` per label (RFC 1123, and `_` as containers use it), 253 characters in all. */
const HOST_NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
/** No URL of a person is longer than this: 8 + 128 + 1 + 253 + 6 + 16 characters. */
const MAX_ENODE_CHARACTERS = 512;

/** One node and where it can be reached: what an enode URL says. */
export interface Enode {
  /** 64 bytes, x ‖ y. */
  readonly publicKey: Uint8Array;
  /** An IPv4 address, an IPv6 address without brackets, or a host name. */
  readonly host: string;
  /** TCP, 1 to 65,535. */
  readonly port: number;
  /** UDP; the same as `port` unless the URL says `?discport=`. 0: no discovery. */
  readonly discoveryPort: number;
}

/**
 * Reads `enode://<128 hex digits>@<host>:<port>[?discport=<port>]`; the host may be an IPv4 address, a bracketed IPv6
 * address or a name.
 * @param crypto with it, the key must be a point on the curve, as it must to be dialed
 * @throws PeerError ERR_PEER_ENODE, saying which part is wrong
 */
export function parseEnode(text: string, crypto?: Pick<RlpxCrypto, 'isPublicKey'>): Enode {
  if (text.length > MAX_ENODE_CHARACTERS) throw wrong(text, `longer than ${MAX_ENODE_CHARACTERS} characters`);
  const scheme = /^enode:\/\//i.exec(text);
  if (scheme === null) throw wrong(text, 'does not begin with enode://');
  const rest = text.slice(scheme[0].length);
  const at = rest.indexOf('@');
  if (at < 0) throw wrong(text, 'has no @host:port after the key');
  const publicKey = parseKey(text, rest.slice(0, at), crypto);
  const [place = '', ...queries] = rest.slice(at + 1).split('?');
  if (queries.length > 1) throw wrong(text, 'has more than one ?');
  const { host, port } = parsePlace(text, place.endsWith('/') ? place.slice(0, -1) : place);
  return { publicKey, host, port, discoveryPort: parseDiscoveryPort(text, queries[0], port) };
}

/** @returns the URL that `parseEnode` reads; `discport` is written only where it differs from the TCP port. */
export function formatEnode(
  node: Pick<Enode, 'publicKey' | 'host' | 'port'> & { readonly discoveryPort?: number },
): string {
  const host = node.host.includes(':') ? `[${node.host}]` : node.host;
  const discovery =
    node.discoveryPort === undefined || node.discoveryPort === node.port
      ? ''
      : `?discport=${node.discoveryPort}`;
  return `enode://${bytesToHex(node.publicKey)}@${host}:${node.port}${discovery}`;
}

function parseKey(
  text: string,
  digits: string,
  crypto: Pick<RlpxCrypto, 'isPublicKey'> | undefined,
): Uint8Array {
  if (digits.length !== 2 * PUBLIC_KEY_BYTES) {
    throw wrong(text, `the key has ${digits.length} hex digits, ${2 * PUBLIC_KEY_BYTES} wanted`);
  }
  // a URL has no 0x: its two characters would count as digits, so the key would be one byte short
  if (!/^[0-9a-fA-F]+$/.test(digits)) throw wrong(text, 'the key is not hexadecimal');
  const publicKey = hexToBytes(digits);
  if (crypto !== undefined && !crypto.isPublicKey(publicKey)) {
    throw wrong(text, 'the key is not a point on secp256k1');
  }
  return publicKey;
}

function parsePlace(text: string, place: string): { host: string; port: number } {
  const colon = place.lastIndexOf(':');
  if (colon < 0 || place.endsWith(']')) throw wrong(text, 'has no port');
  return { host: parseHost(text, place.slice(0, colon)), port: parsePort(text, place.slice(colon + 1), 1) };
}

function parseHost(text: string, host: string): string {
  if (host === '') throw wrong(text, 'has no host');
  if (host.startsWith('[') && host.endsWith(']')) {
    const inner = host.slice(1, -1);
    const ip = inner.includes(':') ? parseIp(inner) : undefined;
    if (ip === undefined) throw wrong(text, `${host} is no IPv6 address`);
    return formatIp(ip);
  }
  if (host.includes(':')) throw wrong(text, 'an IPv6 address needs brackets: [::1]:30303');
  // what looks like an address must be one: 300.1.2.3 is no host name that anyone meant
  if (/^[0-9.]+$/.test(host)) {
    const ip = parseIp(host);
    if (ip === undefined) throw wrong(text, `${host} is no IPv4 address`);
    return formatIp(ip);
  }
  if (!HOST_NAME.test(host)) throw wrong(text, `${JSON.stringify(host)} is no host name`);
  return host.toLowerCase();
}

function parsePort(text: string, digits: string, least: 0 | 1): number {
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port >= least && port <= 65_535)) {
    throw wrong(text, `port ${JSON.stringify(digits)} is not a number from ${least} to 65535`);
  }
  return port;
}

function parseDiscoveryPort(text: string, query: string | undefined, port: number): number {
  if (query === undefined || query === '') return port;
  const value = /^discport=(.*)$/.exec(query)?.[1];
  if (value === undefined) throw wrong(text, `does not know ?${query}, only ?discport=PORT`);
  return parsePort(text, value, 0);
}

/** The text itself is shown short and printable: it may be anything, even a whole file pasted into a shell. */
function wrong(text: string, says: string): PeerError {
  const shown = text.length > 60 ? `${text.slice(0, 40)}…${text.slice(-16)}` : text;
  return new PeerError('ERR_PEER_ENODE', `enode ${JSON.stringify(shown)}: ${says}`);
}
