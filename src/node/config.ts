import { isUpstreamUrl } from '../chain/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { ETH_VERSIONS, type EthVersion } from '../eth/index.js';
import { type Enode, NetRestrict, PeerError, parseEnode, parseIp } from '../peers/index.js';
import type { TcpAddress } from '../runtime/index.js';
import type { SessionLimits } from '../session/index.js';
import { ConfigError } from './errors.js';
import { checkJournal, type JournalConfig, type JournalOptions } from './journal-options.js';
import { checkedNodeKey, parseNodeKey } from './node-key.js';
import { checkTransactionMode, type TransactionMode } from './tx-mode.js';

/** geth's default for both. */
export const DEFAULT_MAX_PEERS = 50;
export const DEFAULT_MAX_PENDING_PEERS = 50;
/** Every second slot is for peers that we chose ourselves (geth: every third): what dials us cannot fill the house. */
export const DEFAULT_DIAL_RATIO = 2;
export const DEFAULT_LISTEN: TcpAddress = { host: '0.0.0.0', port: 30303 };
/** Far above what one process holds; it keeps a slip of the finger from becoming a promise. */
const MAX_PEERS = 100_000;

/** The part of a node's options that is plain values; each is checked by `checkOptions`, and nowhere else. */
export interface PlainNodeOptions {
  /** The node key, 32 bytes or 64 hex digits. Without it: `keyFile`, else the datadir's, else a fresh one. */
  readonly key?: Uint8Array | string | undefined;
  /** A file with the node key: 64 hex digits, readable by its owner only. */
  readonly keyFile?: string | undefined;
  /** Where to accept sessions; without it the node only dials. Port 0 takes a free one. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** Enode URLs that are dialed, and again after every end. */
  readonly peers?: readonly string[] | undefined;
  /** As `peers`, and admitted beyond every limit. */
  readonly trusted?: readonly string[] | undefined;
  /** Active sessions, both directions together; 50. */
  readonly maxPeers?: number | undefined;
  /** Sessions that are not active yet, in each direction; 50. */
  readonly maxPendingPeers?: number | undefined;
  /** One slot in so many is for sessions that we dial; 2. */
  readonly dialRatio?: number | undefined;
  /** CIDR networks beyond which nobody is dialed or accepted. */
  readonly netRestrict?: readonly string[] | undefined;
  /** Versions of eth to offer; all that are known: 68 to 72. */
  readonly ethVersions?: readonly number[] | undefined;
  /** Folder for node key and chain. Without it both live in memory. */
  readonly datadir?: string | undefined;
  /** An execution client whose chain is served over its JSON-RPC, instead of a store: `http(s)://`, `ws(s)://`, or a socket's path. */
  readonly upstream?: string | undefined;
  /** Keep bodies and receipts of so many of the latest blocks only, and announce no others; all. */
  readonly keep?: number | undefined;
  /** What is done about transactions; off. */
  readonly transactions?: TransactionMode | undefined;
  /** Write down what sessions say, each in a file of its own; nothing. */
  readonly journal?: JournalOptions | undefined;
}

/** Options that have been checked. */
export interface NodeConfig {
  readonly key: Uint8Array | undefined;
  readonly keyFile: string | undefined;
  readonly listen: TcpAddress | undefined;
  readonly peers: readonly Enode[];
  readonly trusted: readonly Enode[];
  readonly limits: SessionLimits;
  readonly netRestrict: NetRestrict | undefined;
  readonly ethVersions: readonly EthVersion[];
  readonly datadir: string | undefined;
  readonly upstream: string | undefined;
  readonly keep: bigint | undefined;
  readonly transactions: TransactionMode;
  readonly journal: JournalConfig | undefined;
}

/** @throws ConfigError ERR_CONFIG_VALUE, ERR_CONFIG_KEY; `field` names the option */
export function checkOptions(options: PlainNodeOptions, crypto: RlpxCrypto): NodeConfig {
  if (options.key !== undefined && options.keyFile !== undefined) {
    throw wrong('key', 'a node key and a key file are given; one of them is enough');
  }
  return {
    key: checkKey(options.key, crypto),
    keyFile: options.keyFile === undefined ? undefined : nonEmpty(options.keyFile, 'keyFile'),
    listen: options.listen === undefined ? undefined : checkListen(options.listen),
    peers: checkEnodes(options.peers, 'peers', crypto),
    trusted: checkEnodes(options.trusted, 'trusted', crypto),
    limits: sessionLimits(options),
    netRestrict: checkNetRestrict(options.netRestrict),
    ethVersions: checkEthVersions(options.ethVersions),
    datadir: options.datadir === undefined ? undefined : nonEmpty(options.datadir, 'datadir'),
    upstream: checkUpstream(options),
    keep: checkKeep(options.keep),
    transactions: checkTransactionMode(options.transactions),
    journal: checkJournal(options.journal),
  };
}

function checkUpstream({ upstream, keep }: PlainNodeOptions): string | undefined {
  if (upstream === undefined) return undefined;
  if (!isUpstreamUrl(upstream))
    throw wrong('upstream', 'neither http://…, https://…, ws://…, wss://… nor the absolute path of a socket');
  if (keep !== undefined) throw wrong('keep', 'with an upstream there is no store to keep anything in');
  return upstream;
}

/** @throws ConfigError ERR_CONFIG_VALUE */
export function checkKeep(keep: number | undefined): bigint | undefined {
  return keep === undefined ? undefined : BigInt(integer(keep, 'keep', 1, Number.MAX_SAFE_INTEGER));
}

/** @returns the versions in ascending order, each once @throws ConfigError ERR_CONFIG_VALUE */
export function checkEthVersions(versions: readonly number[] | undefined): readonly EthVersion[] {
  if (versions === undefined) return ETH_VERSIONS;
  const unknown = versions.find((version) => !(ETH_VERSIONS as readonly number[]).includes(version));
  if (unknown !== undefined || versions.length === 0) {
    const given = unknown === undefined ? 'no version given' : `version ${unknown} is not spoken here`;
    throw wrong('eth', `${given}; there are ${ETH_VERSIONS.join(', ')}`);
  }
  return ETH_VERSIONS.filter((version) => versions.includes(version));
}

/** `maxPeers` split by `dialRatio`: one in so many is dialed, at least one; the rest is accepted. */
export function sessionLimits(
  options: Pick<PlainNodeOptions, 'maxPeers' | 'maxPendingPeers' | 'dialRatio'>,
): SessionLimits {
  const maxPeers = integer(options.maxPeers ?? DEFAULT_MAX_PEERS, 'maxPeers', 0, MAX_PEERS);
  const pending = integer(
    options.maxPendingPeers ?? DEFAULT_MAX_PENDING_PEERS,
    'maxPendingPeers',
    1,
    MAX_PEERS,
  );
  const ratio = integer(options.dialRatio ?? DEFAULT_DIAL_RATIO, 'dialRatio', 1, MAX_PEERS);
  const dialed = Math.min(maxPeers, Math.max(1, Math.floor(maxPeers / ratio)));
  return {
    maxActiveOutbound: dialed,
    maxActiveInbound: maxPeers - dialed,
    maxPendingInbound: pending,
    maxPendingOutbound: pending,
  };
}

function checkKey(key: Uint8Array | string | undefined, crypto: RlpxCrypto): Uint8Array | undefined {
  if (key === undefined) return undefined;
  return typeof key === 'string'
    ? parseNodeKey(key, 'key', crypto)
    : checkedNodeKey(key, 'key', crypto).slice();
}

function checkListen(listen: NonNullable<PlainNodeOptions['listen']>): TcpAddress {
  const host = listen.host ?? DEFAULT_LISTEN.host;
  if (parseIp(host) === undefined)
    throw wrong('addr', `${JSON.stringify(host)} is no IP address to listen on`);
  return { host, port: integer(listen.port ?? DEFAULT_LISTEN.port, 'port', 0, 65_535) };
}

function checkEnodes(
  urls: readonly string[] | undefined,
  field: string,
  crypto: RlpxCrypto,
): readonly Enode[] {
  return (urls ?? []).map((url) => {
    try {
      return parseEnode(url, crypto);
    } catch (error) {
      throw error instanceof PeerError ? wrong(field, error.message, error) : error;
    }
  });
}

function checkNetRestrict(networks: readonly string[] | undefined): NetRestrict | undefined {
  if (networks === undefined) return undefined;
  try {
    return NetRestrict.parse(networks);
  } catch (error) {
    throw error instanceof PeerError ? wrong('netRestrict', error.message, error) : error;
  }
}

function integer(value: number, field: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(field, `${value} is not a whole number from ${least} to ${most}`);
}

function nonEmpty(text: string, field: string): string {
  if (text.trim() !== '') return text;
  throw wrong(field, 'is empty');
}

function wrong(field: string, says: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_VALUE', field, `${field}: ${says}`, { cause });
}
