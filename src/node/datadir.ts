import { join } from 'node:path';
import { type ChainStore, openChainStore } from '../chain/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import type { ChainSpec } from '../eth/index.js';
import type { Logger, World } from '../runtime/index.js';
import { ConfigError } from './errors.js';
import { withMend } from './kept.js';
import { createNodeKey, readNodeKey } from './node-key.js';

/** The node key is in it: for its owner alone. */
export const DATADIR_MODE = 0o700;

export interface DatadirOptions {
  readonly path: string;
  /** The chain; without it, the one that the folder holds. */
  readonly chain?: ChainSpec | undefined;
  /** Whether to make the folder where there is none; true. */
  readonly create?: boolean;
  /** Of how many of the latest blocks the contents are kept; all. */
  readonly keepBlocks?: bigint | undefined;
  readonly world: Pick<World, 'files' | 'random' | 'stores'>;
  readonly crypto: RlpxCrypto;
  readonly logger?: Logger;
}

/** Names in the folder of a node. */
export function datadirPaths(path: string): {
  readonly key: string;
  readonly store: string;
  readonly sessions: string;
  readonly socket: string;
} {
  return {
    key: join(path, 'nodekey'),
    store: join(path, 'chain'),
    sessions: join(path, 'sessions'),
    socket: join(path, 'rlpxd.ipc'),
  };
}

/**
 * Opens the chain in the folder of a node. The store remembers which chain it is of, so later commands need not be told.
 * @throws ConfigError ERR_CONFIG_CHAIN (no chain known), ERR_CONFIG_DATADIR (nothing there, and nothing to be made);
 * ChainError ERR_CHAIN_GENESIS (it holds another chain) and others; RuntimeError ERR_RUNTIME_STORE_BUSY (another process
 * has it), ERR_RUNTIME_FILE
 */
export async function openDatadir(options: DatadirOptions): Promise<ChainStore> {
  const { path, chain, world, crypto, logger, keepBlocks } = options;
  const { store } = datadirPaths(path);
  const stands = (await world.files.stat(store)) !== undefined;
  if (!stands && options.create === false) {
    throw new ConfigError('ERR_CONFIG_DATADIR', 'datadir', `datadir ${path} holds no chain`);
  }
  if (!stands && chain === undefined) {
    const says = `datadir ${path} holds no chain yet: which one is wanted? (a genesis file, or the name of a network)`;
    throw new ConfigError('ERR_CONFIG_CHAIN', 'chain', says);
  }
  if (!stands) {
    await world.files.makeDirectory(path, DATADIR_MODE);
    await world.files.makeDirectory(store);
  }
  const opened = openChainStore({
    stores: world.stores,
    path: store,
    hasher: crypto,
    ...(chain === undefined ? {} : { chain }),
    ...(logger === undefined ? {} : { logger }),
    ...(keepBlocks === undefined ? {} : { keepBlocks }),
  });
  return opened.catch((error: unknown) => {
    throw withMend(error, store);
  });
}

/** The node key in the folder; made where there is none yet. @returns 32 bytes @throws as `readNodeKey` and `createNodeKey` */
export async function datadirKey(
  options: Pick<DatadirOptions, 'path' | 'world' | 'crypto'>,
): Promise<Uint8Array> {
  const { key } = datadirPaths(options.path);
  const tools = { ...options.world, crypto: options.crypto };
  return (await tools.files.stat(key)) === undefined ? createNodeKey(key, tools) : readNodeKey(key, tools);
}
