import {
  ChainError,
  type ChainStore,
  checkChain,
  fillReceiptsFrom,
  importChain,
  openUpstream,
} from '../chain/index.js';
import { prefixedHex } from '../codec/index.js';
import { realWorld, type World } from '../runtime/index.js';
import { chooseChain, type GivenChain } from './chain-choice.js';
import { checkKeep } from './config.js';
import { type GivenCrypto, givenCrypto } from './crypto-choice.js';
import { datadirPaths, openDatadir } from './datadir.js';
import { withKept, withMend } from './kept.js';
import { roundedMs } from './milliseconds.js';

export interface StoreWorkOptions {
  readonly datadir: string;
  /** The chain; without it, the one that the datadir holds. */
  readonly chain?: GivenChain | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: StoreProgress) => void) | undefined;
  /** The cryptographic back end, or its name; the fastest that works. */
  readonly crypto?: GivenCrypto | undefined;
  readonly world?: World | undefined;
}

export interface ImportOptions extends StoreWorkOptions {
  /** Blocks in RLP, one after the other, as `geth export` writes them. */
  readonly file: string;
  /** One RLP list of receipts per block, in the form of eth/69. */
  readonly receipts?: string | undefined;
  /** An execution client that is asked, over its JSON-RPC, for receipts that are missing then: a URL, or the path of a socket. */
  readonly upstream?: string | undefined;
  /** RLP of [block hash, access list], one after the other. */
  readonly accessLists?: string | undefined;
  /** Keep bodies and receipts of so many of the latest blocks only; all. */
  readonly keep?: number | undefined;
}

/** How far it is. Plain data. */
export interface StoreProgress {
  readonly head: number;
  readonly target?: number;
  readonly bytes?: number;
}

/** What a work on a store came to. Plain data, ready for JSON. */
export interface StoreOutcome {
  /** The last block in the store. */
  readonly head: number;
  /** 0x and 64 hex digits. */
  readonly hash: string;
  /** Blocks that were worked on. */
  readonly blocks: number;
  /** Of their headers, bodies, receipts and access lists. */
  readonly bytes: number;
  readonly ms: number;
}

export interface ImportOutcome extends StoreOutcome {
  /** Blocks of the file that were in the store before. */
  readonly known: number;
  /** Blocks that had been stored without their receipts, and have them now. */
  readonly receiptsFilled: number;
  /** Blocks in the store that lack their receipts. */
  readonly receiptsMissing: number;
}

export interface CheckOutcome extends StoreOutcome {
  /** Access lists that are there, and that could be and are not; those of a block are not always to be had. */
  readonly accessLists: number;
  readonly accessListsMissing: number;
  /** Blocks that are stored without their receipts, which the store knows: no fault either. */
  readonly receiptsMissing: number;
  /** Blocks of which only the header is kept. */
  readonly pruned: number;
}

/**
 * Takes blocks from a file into the store of a datadir, each verified. Blocks that are there are passed over.
 * @throws ChainError naming the block; what came before it is kept. As `openDatadir`
 */
export async function importIntoDatadir(options: ImportOptions): Promise<ImportOutcome> {
  const { file, receipts, accessLists, upstream, signal, onProgress } = options;
  const keepBlocks = checkKeep(options.keep);
  return withStore({ ...options, keepBlocks }, true, async (store, world) => {
    const { files, clock } = world;
    const { blocks, bytes, known, receiptsFilled } = await importChain(store, files, file, {
      clock,
      ...(receipts === undefined ? {} : { receiptsPath: receipts }),
      ...(accessLists === undefined ? {} : { accessListsPath: accessLists }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (at) => onProgress?.({ head: Number(at.head), bytes: at.bytes }),
    });
    if (blocks + known === 0) {
      throw new ChainError('ERR_CHAIN_FILE', `${file} holds no block beyond the genesis`);
    }
    // what is not kept is not asked for
    if (keepBlocks !== undefined) await store.prune(keepBlocks, signal === undefined ? {} : { signal });
    const fetched = upstream === undefined ? 0 : await receiptsFromUpstream(store, upstream, options, world);
    const { receiptsMissing } = store;
    return { blocks, bytes, known, receiptsFilled: receiptsFilled + fetched, receiptsMissing };
  });
}

async function receiptsFromUpstream(
  store: ChainStore,
  url: string,
  { signal, crypto }: ImportOptions,
  world: World,
): Promise<number> {
  if (store.receiptsMissing === 0) return 0;
  const hasher = givenCrypto(crypto);
  const upstream = await openUpstream({ url, chain: store.chain, hasher, world });
  try {
    const { state, says } = upstream.status();
    if (state !== 'up') {
      const why = `receipts cannot be asked for: ${says ?? 'the upstream does not answer'}`;
      throw new ChainError('ERR_CHAIN_UPSTREAM', why);
    }
    return await fillReceiptsFrom(store, upstream, { hasher, ...(signal === undefined ? {} : { signal }) });
  } finally {
    await upstream.close();
  }
}

/** Verifies everything in the store of a datadir again. @throws ChainError ERR_CHAIN_DAMAGED; as `openDatadir` */
export async function checkDatadir(options: StoreWorkOptions): Promise<CheckOutcome> {
  const { signal, onProgress } = options;
  return withStore(options, false, async (store, { clock }) => {
    const {
      head: _head,
      hash: _hash,
      ...counts
    } = await checkChain(store, {
      clock,
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ number, head }) => onProgress?.({ head: Number(number), target: Number(head) }),
    });
    return counts;
  });
}

async function withStore<T>(
  {
    datadir,
    chain: given,
    crypto: wanted,
    keepBlocks,
    world = realWorld(),
  }: StoreWorkOptions & {
    readonly keepBlocks?: bigint | undefined;
  },
  create: boolean,
  work: (store: ChainStore, world: World) => Promise<T>,
): Promise<T & Pick<StoreOutcome, 'head' | 'hash' | 'ms'>> {
  const crypto = givenCrypto(wanted);
  const chain = given === undefined ? undefined : chooseChain(given, crypto);
  const began = world.clock.now();
  const store = await openDatadir({ path: datadir, chain, create, world, crypto, keepBlocks });
  try {
    const done = await work(store, world).catch((error: unknown) => {
      throw withMend(withKept(error, store), datadirPaths(datadir).store);
    });
    const { latest, latestHash } = store.range();
    return {
      head: Number(latest),
      hash: prefixedHex(latestHash),
      ...done,
      ms: roundedMs(world.clock.now() - began),
    };
  } finally {
    await store.close();
  }
}
