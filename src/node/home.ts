import {
  type ChainBackend,
  type ChainStore,
  openChainStore,
  openUpstream,
  type UpstreamBackend,
} from '../chain/index.js';
import { prefixedHex, sameBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import type { ChainSpec } from '../eth/index.js';
import { type Logger, SimulatedStores, type World } from '../runtime/index.js';
import { chooseChain, type GivenChain } from './chain-choice.js';
import type { NodeConfig } from './config.js';
import { DATADIR_MODE, datadirKey, openDatadir } from './datadir.js';
import { ConfigError } from './errors.js';
import { randomNodeKey, readNodeKey } from './node-key.js';

/** What a node stands on: its key and its chain, in a datadir, in memory, or of somebody else. */
export interface Home {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** The chain that is served; one of those below, or one that was given. */
  readonly backend: ChainBackend;
  readonly store?: ChainStore;
  readonly upstream?: UpstreamBackend;
}

export interface HomeOptions {
  readonly config: Pick<NodeConfig, 'key' | 'keyFile' | 'datadir' | 'keep' | 'upstream'>;
  readonly chain: GivenChain | undefined;
  readonly backend: ChainBackend | undefined;
  readonly world: World;
  readonly crypto: RlpxCrypto;
  readonly logger: Logger;
  /** Calls it off. */
  readonly signal: AbortSignal | undefined;
}

/** @throws as `openDatadir`, `openUpstream` and `readNodeKey`; nothing is left open then */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { config, world, crypto } = options;
  const chain = await openChain(options);
  try {
    return { key: await nodeKey(config, world, crypto), ...chain };
  } catch (error) {
    await closeHome(chain);
    throw error;
  }
}

/** Closes what was opened here; a backend that was given is its owner's. */
export async function closeHome({ store, upstream }: Pick<Home, 'store' | 'upstream'>): Promise<void> {
  await store?.close();
  await upstream?.close();
}

async function openChain(options: HomeOptions): Promise<Omit<Home, 'key'>> {
  const { config, chain: given, backend, world, crypto, logger, signal } = options;
  const chain = given === undefined ? undefined : chooseChain(given, crypto);
  if (backend !== undefined) {
    checkSameChain(backend, chain);
    await makeDatadir(config.datadir, world);
    return { backend };
  }
  const { upstream: url } = config;
  if (url !== undefined) {
    if (chain === undefined) throw noChain();
    await makeDatadir(config.datadir, world);
    const upstream = await openUpstream({ url, chain, hasher: crypto, world, logger, signal });
    return { backend: upstream, upstream };
  }
  const store = await openStore(options, chain);
  return { backend: store, store };
}

async function openStore(
  { config, world, crypto, logger }: HomeOptions,
  chain: ChainSpec | undefined,
): Promise<ChainStore> {
  if (config.datadir !== undefined)
    return openDatadir({ path: config.datadir, chain, world, crypto, logger, keepBlocks: config.keep });
  if (chain === undefined) throw noChain();
  // the simulated stores are a whole key-value store in memory: what a node without a folder needs
  const stores = new SimulatedStores();
  const kept = config.keep === undefined ? {} : { keepBlocks: config.keep };
  return openChainStore({ stores, path: 'memory', chain, hasher: crypto, logger, ...kept });
}

/** Without a store of its own the folder still holds the key, the history of sessions and the local socket. */
async function makeDatadir(path: string | undefined, { files }: World): Promise<void> {
  if (path !== undefined) await files.makeDirectory(path, DATADIR_MODE);
}

function noChain(): ConfigError {
  const says = 'which chain? a genesis or the name of a network is wanted';
  return new ConfigError('ERR_CONFIG_CHAIN', 'chain', says);
}

function checkSameChain(backend: ChainBackend, chain: ChainSpec | undefined): void {
  if (chain === undefined || sameBytes(chain.genesisHash, backend.chain.genesisHash)) return;
  const says = `the backend's chain begins with ${prefixedHex(backend.chain.genesisHash)}, ${chain.name} with ${prefixedHex(chain.genesisHash)}`;
  throw new ConfigError('ERR_CONFIG_CHAIN', 'chain', says);
}

async function nodeKey(config: HomeOptions['config'], world: World, crypto: RlpxCrypto): Promise<Uint8Array> {
  if (config.key !== undefined) return config.key;
  if (config.keyFile !== undefined) return readNodeKey(config.keyFile, { ...world, crypto });
  if (config.datadir !== undefined) return datadirKey({ path: config.datadir, world, crypto });
  return randomNodeKey(world.random, crypto);
}
