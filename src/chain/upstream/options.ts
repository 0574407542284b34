import type { ChainSpec, Hasher } from '../../eth/index.js';
import type { Logger } from '../../runtime/index.js';
import type { LineState } from './line.js';
import type { UpstreamWorld } from './link.js';

export interface UpstreamOptions {
  /** `http://`, `https://`, `ws://`, `wss://`, or the path of an IPC socket. */
  readonly url: string;
  readonly chain: ChainSpec;
  readonly hasher: Hasher;
  readonly world: UpstreamWorld;
  readonly logger?: Logger;
  /** Blocks and receipts that are kept, in bytes; 128 MiB. */
  readonly cacheBytes?: number;
  /** How long an answer may take, in milliseconds; 10,000. */
  readonly timeoutMs?: number;
  /** Calls off the opening; once opened, it means nothing. */
  readonly signal?: AbortSignal | undefined;
  /** How often the head is asked for where nothing tells of it, in milliseconds; 1,000. */
  readonly pollMs?: number;
}

/** An upstream in one look. */
export interface UpstreamStatus {
  /** Without name, password, path and query. */
  readonly upstream: string;
  readonly state: LineState;
  /** How its server calls itself, while it is up. */
  readonly client: string | undefined;
  /** Why it is not up. */
  readonly says: string | undefined;
  readonly cacheBytes: number;
}
