import type { ChainBackend, UpstreamStatus } from '../chain/index.js';
import type { DisconnectReason } from '../rlpx/index.js';
import type { Logger, World } from '../runtime/index.js';
import type { SatelliteProtocol, TemplateOptions } from '../session/index.js';
import type { GivenChain } from './chain-choice.js';
import type { PlainNodeOptions } from './config.js';
import type { GivenCrypto } from './crypto-choice.js';
import { ConfigError } from './errors.js';
import type { NodeMetrics } from './metrics.js';
import type { Traffic } from './traffic.js';
import type { TransactionStatus } from './tx-desk.js';

export interface NodeOptions extends PlainNodeOptions {
  /** The chain; without it, the one that the datadir holds. */
  readonly chain?: GivenChain | undefined;
  /** A chain of your own to serve, instead of a store; it says which chain it is, and closing it is yours. */
  readonly backend?: ChainBackend | undefined;
  /** Copy the chain from peers and follow them, for as long as the node runs; false. */
  readonly pull?: boolean | undefined;
  /** Protocols of your own, spoken beside eth; more can be added later (`registerProtocol`). */
  readonly protocols?: readonly SatelliteProtocol[] | undefined;
  /** Turn away peers that share no version of eth, whatever else they share; true. */
  readonly requireEth?: boolean | undefined;
  /** What a session may do and how much: `basic`, `static` and `trusted` by the kind of its peer, and more of your own. */
  readonly templates?: Readonly<Record<string, TemplateOptions>> | undefined;
  /** The outside world; the real one. */
  readonly world?: World | undefined;
  /** The cryptographic back end, or its name (`native`, `wasm`, `node`, `noble`); the fastest that passes its self-test. */
  readonly crypto?: GivenCrypto | undefined;
  /** Where the rooms write what happens; nowhere. `logNode` writes the events of the node itself. */
  readonly logger?: Logger | undefined;
  /** Calls off a start that waits for its upstream; a node that has started is closed by `close`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what a monitor counts; one that throws is logged and hurts nobody. */
  readonly metrics?: NodeMetrics | undefined;
}

/** A node in one look. */
export interface NodeStatus extends Traffic {
  readonly peers: { readonly inbound: number; readonly outbound: number; readonly pending: number };
  readonly head: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly earliest: bigint;
  /** Requests of peers that were answered from the chain, in all. */
  readonly served: number;
  readonly pulling: boolean;
  /** Undefined where transactions are off. */
  readonly transactions: TransactionStatus | undefined;
  /** Where the chain is that of an execution client. */
  readonly upstream?: UpstreamStatus;
}

export interface CloseOptions {
  /** What the peers are told; 8, client quitting. */
  readonly reason?: DisconnectReason;
  /** How long goodbyes may take before sockets are cut, in milliseconds; 2,000. */
  readonly timeoutMs?: number;
}

/** One chain, from one place. @throws ConfigError ERR_CONFIG_VALUE */
export function checkBacking({ backend, upstream, pull, keep }: NodeOptions): void {
  const from = backend !== undefined ? 'backend' : upstream !== undefined ? 'upstream' : undefined;
  if (from === undefined) return;
  const second =
    from === 'backend' && upstream !== undefined ? 'upstream' : pull === true ? 'pull' : undefined;
  const field = second ?? (keep === undefined ? undefined : 'keep');
  if (field === undefined) return;
  throw new ConfigError('ERR_CONFIG_VALUE', field, `${field}: the chain comes from the ${from} already`);
}
