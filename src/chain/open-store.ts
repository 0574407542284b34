import { EMPTY_BYTES, sameBytes } from '../codec/index.js';
import type { ChainSpec, Hasher } from '../eth/index.js';
import {
  type KeyValueChange,
  type KeyValueStore,
  type KeyValueStores,
  type Logger,
  silentLogger,
} from '../runtime/index.js';
import { ChainError } from './errors.js';
import {
  ALL_MISSING_RECEIPTS,
  bodyKey,
  canonicalKey,
  HEAD_KEY,
  headerKey,
  keyedNumber,
  META_KEY,
  missingReceiptsKey,
  receiptsKey,
} from './keys.js';
import { decodeMeta, decodeRange, encodeMeta, encodeRange, otherGenesis } from './meta.js';
import { ChainStore } from './store.js';
import { checkKeep, type StoreState } from './store-state.js';
import { damaged, putBlock } from './stored-blocks.js';
import { EMPTY_LIST, emptyBody, readHeader } from './verify.js';

export interface ChainStoreOptions {
  readonly stores: KeyValueStores;
  /** Folder of the store. */
  readonly path: string;
  /** Which chain is wanted. May be left out for a store that has one. */
  readonly chain?: ChainSpec;
  readonly hasher: Hasher;
  /**
   * Keeps bodies and receipts of so many of the latest blocks only: what comes before goes as new ones come. A store that
   * holds more than that is brought down by `prune`, or in time. By default all are kept.
   */
  readonly keepBlocks?: bigint;
  /** How much of what peers were answered lately is held in memory, in bytes; 32 MiB. */
  readonly recentBytes?: number;
  readonly logger?: Logger;
}

/** A few hundred blocks of today's mainnet. */
const RECENT_BYTES: number = 32 * 1024 * 1024;

/**
 * Opens the store in a folder, making it, with the genesis block, where there is none.
 * @throws ChainError ERR_CHAIN_GENESIS (holds another chain), ERR_CHAIN_SCHEMA, ERR_CHAIN_EMPTY, ERR_CHAIN_DAMAGED,
 * ERR_CHAIN_RANGE (`keepBlocks` below 1)
 * @throws RuntimeError ERR_RUNTIME_STORE_BUSY (another process has it), ERR_RUNTIME_STORE
 */
export async function openChainStore(options: ChainStoreOptions): Promise<ChainStore> {
  const { hasher, logger = silentLogger, keepBlocks, recentBytes = RECENT_BYTES } = options;
  if (keepBlocks !== undefined) checkKeep(keepBlocks);
  const store = await options.stores.open(options.path);
  try {
    const meta = await store.get(META_KEY);
    const chain = meta === undefined ? await create(store, options) : await adopt(store, meta, options.chain);
    const state = await readState(store, hasher);
    return new ChainStore(store, chain, state, { hasher, logger, keepBlocks, recentBytes });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function create(store: KeyValueStore, { chain, hasher, path }: ChainStoreOptions): Promise<ChainSpec> {
  for await (const _entry of store.range({ from: EMPTY_BYTES, to: Uint8Array.of(0xff), limit: 1 })) {
    throw new ChainError('ERR_CHAIN_SCHEMA', `${path} holds something that is no chain store`);
  }
  if (chain === undefined) throw new ChainError('ERR_CHAIN_EMPTY', `${path} holds no chain yet`);
  const header = readHeader(chain.genesisHeader, hasher);
  if (!sameBytes(header.hash, chain.genesisHash)) {
    throw new ChainError(
      'ERR_CHAIN_GENESIS',
      `${chain.name}: the genesis header has another hash than the genesis hash`,
    );
  }
  const accessList = header.header.blockAccessListHash === undefined ? undefined : EMPTY_LIST;
  const changes: KeyValueChange[] = [{ key: META_KEY, value: encodeMeta(chain) }];
  putBlock(changes, { header, body: emptyBody(header.header), receipts: EMPTY_LIST, accessList });
  const range = encodeRange({ number: 0n, hash: header.hash, earliest: 0n, missingReceipts: 0 });
  changes.push({ key: HEAD_KEY, value: range });
  await store.batch(changes, { sync: true });
  return chain;
}

/** A store that has its chain: the same must be wanted. Its forks may be known better by now, and its schema be an older one. */
async function adopt(
  store: KeyValueStore,
  meta: Uint8Array,
  wanted: ChainSpec | undefined,
): Promise<ChainSpec> {
  const stored = decodeMeta(meta);
  const chain = wanted ?? stored;
  if (!sameBytes(stored.genesisHash, chain.genesisHash)) throw otherGenesis(stored, chain);
  const value = encodeMeta(chain);
  if (!sameBytes(meta, value)) await store.batch([{ key: META_KEY, value }], { sync: true });
  return chain;
}

async function readState(store: KeyValueStore, hasher: Hasher): Promise<StoreState> {
  const value = await store.get(HEAD_KEY);
  if (value === undefined) throw damaged('it has no head');
  const { number, hash, earliest, missingReceipts } = decodeRange(value);
  const keys = [
    headerKey(number, hash),
    canonicalKey(number),
    bodyKey(number, hash),
    receiptsKey(number, hash),
    missingReceiptsKey(number),
  ];
  const [raw, canonical, body, receipts, missing] = await store.getMany(keys);
  if (raw === undefined || body === undefined || (receipts === undefined && missing === undefined))
    throw damaged(`block ${number}, its head, is not whole`);
  if (canonical === undefined || !sameBytes(canonical, hash))
    throw damaged(`block ${number}, its head, is not on its chain`);
  const head = readHeader(raw, hasher);
  if (!sameBytes(head.hash, hash) || head.header.number !== number)
    throw damaged(`block ${number}, its head, is another`);
  return { head, earliest, missingReceipts, lastMissing: await lastMissing(store) };
}

async function lastMissing(store: KeyValueStore): Promise<bigint | undefined> {
  for await (const [key] of store.range({ ...ALL_MISSING_RECEIPTS, reverse: true, limit: 1 }))
    return keyedNumber(key);
  return undefined;
}
