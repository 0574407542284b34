import {
  bytesToHex,
  CodecError,
  encodeBytes,
  encodeList,
  encodeUint,
  type RlpReader,
  readList,
} from '../codec/index.js';
import type { ChainSpec } from '../eth/index.js';
import { ChainError } from './errors.js';
import { OLDEST_READABLE_SCHEMA, SCHEMA_VERSION } from './keys.js';

/** Where the stored chain ends and begins. */
export interface StoredRange {
  readonly number: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** The first block from which on all bodies are stored; the genesis has its body in any case. */
  readonly earliest: bigint;
  /** How many of those blocks lack their receipts. */
  readonly missingReceipts: number;
}

const HASH_BYTES = 32;

/** What stands under `META_KEY`: the schema version first, in whatever form the rest may be. */
export function encodeMeta(chain: ChainSpec): Uint8Array {
  return encodeList([
    encodeUint(SCHEMA_VERSION),
    encodeBytes(new TextEncoder().encode(chain.name)),
    encodeUint(chain.chainId),
    encodeUint(chain.networkId),
    encodeBytes(chain.genesisHash),
    encodeBytes(chain.genesisHeader),
    encodeUint(chain.genesisTime),
    encodeList(chain.forkBlocks.map((fork) => encodeUint(fork))),
    encodeList(chain.forkTimes.map((fork) => encodeUint(fork))),
  ]);
}

/** @throws ChainError ERR_CHAIN_SCHEMA for a store of another version, ERR_CHAIN_DAMAGED */
export function decodeMeta(value: Uint8Array): ChainSpec {
  return reading('its description', () => {
    const list = readList(value);
    const schema = list.uint();
    if (schema < BigInt(OLDEST_READABLE_SCHEMA) || schema > BigInt(SCHEMA_VERSION)) {
      const says = `the chain store has schema version ${schema}, this program reads versions ${OLDEST_READABLE_SCHEMA} to ${SCHEMA_VERSION}`;
      throw new ChainError('ERR_CHAIN_SCHEMA', says);
    }
    const chain: ChainSpec = {
      name: new TextDecoder().decode(list.bytes()),
      chainId: list.uint(HASH_BYTES),
      networkId: list.uint(),
      genesisHash: list.fixed(HASH_BYTES),
      genesisHeader: list.bytes(),
      genesisTime: list.uint(),
      forkBlocks: readForks(list.list()),
      forkTimes: readForks(list.list()),
    };
    list.finish();
    return chain;
  });
}

/** What stands under `HEAD_KEY`. */
export function encodeRange({ number, hash, earliest, missingReceipts }: StoredRange): Uint8Array {
  return encodeList([
    encodeUint(number),
    encodeBytes(hash),
    encodeUint(earliest),
    encodeUint(missingReceipts),
  ]);
}

/** @throws ChainError ERR_CHAIN_DAMAGED */
export function decodeRange(value: Uint8Array): StoredRange {
  return reading('its head', () => {
    const list = readList(value);
    const range = {
      number: list.uint(),
      hash: list.fixed(HASH_BYTES),
      earliest: list.uint(),
      missingReceipts: list.done ? 0 : list.uint53(), // schema version 1 ends before it
    };
    list.finish();
    return range;
  });
}

/** @returns the error for a store that holds another chain than the one that is wanted */
export function otherGenesis(stored: ChainSpec, wanted: ChainSpec): ChainError {
  const says = `the chain store is of another genesis: it holds ${name(stored)}, wanted is ${name(wanted)}`;
  return new ChainError('ERR_CHAIN_GENESIS', says);
}

function name(chain: ChainSpec): string {
  return `${chain.name} (genesis 0x${bytesToHex(chain.genesisHash)})`;
}

function readForks(list: RlpReader): bigint[] {
  const forks: bigint[] = [];
  while (!list.done) forks.push(list.uint());
  return forks;
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new ChainError('ERR_CHAIN_DAMAGED', `the chain store is damaged: ${what}: ${error.message}`, {
      cause: error,
    });
  }
}
