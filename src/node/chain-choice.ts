import { builtInChain, type ChainSpec, chainFromGenesis, EthError, type Hasher } from '../eth/index.js';
import { type Files, realWorld } from '../runtime/index.js';
import { ConfigError } from './errors.js';
import { readText } from './read-text.js';

export const NETWORKS = ['mainnet', 'sepolia', 'hoodi'] as const;
export type NetworkName = (typeof NETWORKS)[number];

/** mainnet's own, with 8,893 accounts, has less than 1 MiB; test networks with many prefunded accounts have more. */
const MAX_GENESIS_BYTES = 256 * 1024 * 1024;

/** A genesis file: its text, and where it came from, for messages. */
export interface GenesisDocument {
  readonly json: string;
  readonly from: string;
}

/** Ways to name a chain: a built-in network, the text or the value of a `genesis.json`, or a chain that was made before. */
export type GivenChain = string | GenesisDocument | ChainSpec | Readonly<Record<string, unknown>>;

/** Reads a genesis file, to be used as a chain. @throws ConfigError ERR_CONFIG_FILE */
export async function readGenesis(path: string, files: Files = realWorld().files): Promise<GenesisDocument> {
  return { json: await readText(files, 'genesis', path, MAX_GENESIS_BYTES), from: `genesis file ${path}` };
}

/** @throws ConfigError ERR_CONFIG_CHAIN (no such network), ERR_CONFIG_GENESIS (the genesis is none; the message names the field) */
export function chooseChain(given: GivenChain, hasher: Hasher): ChainSpec {
  if (typeof given === 'string') {
    const text = given.trim();
    return text.startsWith('{') ? fromGenesis(text, 'genesis', hasher) : builtIn(text);
  }
  if (isChainSpec(given)) return given;
  return isDocument(given)
    ? fromGenesis(given.json, given.from, hasher)
    : fromGenesis(given, 'genesis', hasher);
}

function builtIn(name: string): ChainSpec {
  const known = NETWORKS.find((network) => network === name);
  if (known !== undefined) return builtInChain(known);
  const says = `there is no built-in network ${JSON.stringify(name)}; there are ${NETWORKS.join(', ')}`;
  throw new ConfigError('ERR_CONFIG_CHAIN', 'network', says);
}

function fromGenesis(genesis: unknown, from: string, hasher: Hasher): ChainSpec {
  try {
    return chainFromGenesis(genesis, hasher);
  } catch (error) {
    if (!(error instanceof EthError)) throw error;
    throw new ConfigError('ERR_CONFIG_GENESIS', 'genesis', `${from}: ${error.message}`, { cause: error });
  }
}

function isChainSpec(given: object): given is ChainSpec {
  return 'genesisHash' in given && given.genesisHash instanceof Uint8Array;
}

function isDocument(given: object): given is GenesisDocument {
  return (
    'json' in given && 'from' in given && typeof given.json === 'string' && typeof given.from === 'string'
  );
}
