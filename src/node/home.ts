import { type ChainStore, openChainStore } from '../chain/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { type Logger, SimulatedStores, type World } from '../runtime/index.js';
import { chooseChain, type GivenChain } from './chain-choice.js';
import type { NodeConfig } from './config.js';
import { datadirKey, openDatadir } from './datadir.js';
import { ConfigError } from './errors.js';
import { randomNodeKey, readNodeKey } from './node-key.js';

/** What a node stands on: its key and its chain, in a datadir or in memory. */
export interface Home {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly store: ChainStore;
}

export interface HomeOptions {
  readonly config: Pick<NodeConfig, 'key' | 'keyFile' | 'datadir' | 'keep'>;
  readonly chain: GivenChain | undefined;
  readonly world: World;
  readonly crypto: RlpxCrypto;
  readonly logger: Logger;
}

/** @throws as `openDatadir` and `readNodeKey`; nothing is left open then */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { config, world, crypto } = options;
  const store = await openChain(options);
  try {
    return { key: await nodeKey(config, world, crypto), store };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openChain({ config, chain: given, world, crypto, logger }: HomeOptions): Promise<ChainStore> {
  const chain = given === undefined ? undefined : chooseChain(given, crypto);
  if (config.datadir !== undefined)
    return openDatadir({ path: config.datadir, chain, world, crypto, logger, keepBlocks: config.keep });
  if (chain === undefined) {
    throw new ConfigError(
      'ERR_CONFIG_CHAIN',
      'chain',
      'which chain? a genesis or the name of a network is wanted',
    );
  }
  // the simulated stores are a whole key-value store in memory: what a node without a folder needs
  const stores = new SimulatedStores();
  const kept = config.keep === undefined ? {} : { keepBlocks: config.keep };
  return openChainStore({ stores, path: 'memory', chain, hasher: crypto, logger, ...kept });
}

async function nodeKey(config: HomeOptions['config'], world: World, crypto: RlpxCrypto): Promise<Uint8Array> {
  if (config.key !== undefined) return config.key;
  if (config.keyFile !== undefined) return readNodeKey(config.keyFile, { ...world, crypto });
  if (config.datadir !== undefined) return datadirKey({ path: config.datadir, world, crypto });
  return randomNodeKey(world.random, crypto);
}
