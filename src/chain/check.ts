import { sameBytes } from '../codec/index.js';
import type { Clock } from '../runtime/index.js';
import { Breather } from './breathe.js';
import { ChainError } from './errors.js';
import type { ChainStore } from './store.js';
import {
  checkAccessList,
  checkBody,
  checkLink,
  checkReceipts,
  type HashedHeader,
  readHeader,
} from './verify.js';

export interface CheckOptions {
  /** Told every 1,000 blocks, and at the end. */
  readonly onProgress?: (progress: { readonly number: bigint; readonly head: bigint }) => void;
  readonly signal?: AbortSignal;
  /** Lets others have their turn. */
  readonly clock?: Pick<Clock, 'soon'>;
}

export interface CheckResult {
  readonly head: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Verified, the genesis included. */
  readonly blocks: number;
  /** Of headers, bodies, receipts and access lists. */
  readonly bytes: number;
  /** Blocks of Amsterdam on that have their access list, and that have not: which is no fault. */
  readonly accessLists: number;
  readonly accessListsMissing: number;
  /** Blocks that are stored without their receipts, which the store knows: no fault either. */
  readonly receiptsMissing: number;
  /** Blocks of which only the header is kept. */
  readonly pruned: number;
}

const PROGRESS_BLOCKS = 1_000n;

/**
 * Verifies a whole store anew, from the genesis to the head, as if every byte of it had just come from a stranger: hashes,
 * links, bodies, receipts, access lists, and that each index leads where it should. Receipts that the store knows to be
 * missing, and contents of blocks before its earliest one, are counted; they are no fault.
 * @throws ChainError ERR_CHAIN_DAMAGED with the first block that is not as it should be; ERR_CHAIN_ABORTED
 * @throws RuntimeError ERR_RUNTIME_STORE
 */
export async function checkChain(store: ChainStore, options: CheckOptions = {}): Promise<CheckResult> {
  const { latest, latestHash } = store.range();
  const earliest = store.earliestBody;
  const breather = new Breather(options.clock, options.signal, 1);
  let parent: HashedHeader | undefined;
  let bytes = 0;
  let accessLists = 0;
  let accessListsMissing = 0;
  let receiptsMissing = 0;
  let pruned = 0;
  for (let number = 0n; number <= latest; number++) {
    const whole = number === 0n || number >= earliest;
    const block = await checkBlock(store, number, parent, whole);
    if (!whole) pruned++;
    if (block.lacksReceipts) receiptsMissing++;
    parent = block.header;
    bytes += block.bytes;
    if (block.accessList === true) accessLists++;
    if (block.accessList === false) accessListsMissing++;
    if (number % PROGRESS_BLOCKS === 0n || number === latest) options.onProgress?.({ number, head: latest });
    await breather.worked(1, 'checking the chain store');
  }
  if (parent === undefined || !sameBytes(parent.hash, latestHash))
    throw damaged(latest, 'its head is another block');
  const stray = await store.strayEntry();
  if (stray !== undefined) throw new ChainError('ERR_CHAIN_DAMAGED', `the chain store is damaged: ${stray}`);
  return {
    head: latest,
    hash: latestHash,
    blocks: Number(latest) + 1,
    bytes,
    accessLists,
    accessListsMissing,
    receiptsMissing,
    pruned,
  };
}

/** `accessList`: whether it is here; undefined where the block has none. */
interface CheckedBlock {
  readonly header: HashedHeader;
  readonly bytes: number;
  readonly accessList: boolean | undefined;
  readonly lacksReceipts: boolean;
}

/** @param whole whether it should have more than a header */
async function checkBlock(
  store: ChainStore,
  number: bigint,
  parent: HashedHeader | undefined,
  whole: boolean,
): Promise<CheckedBlock> {
  const hash = await store.hashOf(number);
  if (hash === undefined) throw damaged(number, 'it is missing');
  if ((await store.numberOf(hash)) !== number) throw damaged(number, 'its hash leads to another number');
  const raw = await store.headerByHash(hash);
  if (raw === undefined) throw damaged(number, 'its header is missing');
  try {
    const header = readHeader(raw, store.hasher);
    if (!sameBytes(header.hash, hash)) throw damaged(number, 'its header has another hash');
    if (header.header.number !== number)
      throw damaged(number, `its header has the number ${header.header.number}`);
    if (number === 0n && !sameBytes(hash, store.chain.genesisHash))
      throw damaged(number, 'it is another genesis');
    if (parent !== undefined) checkLink(parent, header);
    if (!whole) return { header, bytes: raw.length, accessList: undefined, lacksReceipts: false };
    return await checkContents(store, header);
  } catch (error) {
    if (!(error instanceof ChainError) || error.code === 'ERR_CHAIN_DAMAGED') throw error;
    throw damaged(number, error.message, error);
  }
}

async function checkContents(store: ChainStore, block: HashedHeader): Promise<CheckedBlock> {
  const { hasher } = store;
  const { header, hash, raw } = block;
  const { number } = header;
  const [body, receipts, accessList, lacksReceipts] = await Promise.all([
    store.body(hash),
    store.receipts(hash),
    store.accessList(hash),
    store.lacksReceipts(number),
  ]);
  if (body === undefined) throw damaged(number, 'its body is missing');
  if (receipts === undefined && !lacksReceipts) throw damaged(number, 'its receipts are missing');
  if (receipts !== undefined && lacksReceipts)
    throw damaged(number, 'its receipts are here, though it says that they are missing');
  checkBody(header, body, hasher);
  if (receipts !== undefined) checkReceipts(header, receipts, hasher);
  if (accessList !== undefined) checkAccessList(header, accessList, hasher);
  const bytes = raw.length + body.length + (receipts?.length ?? 0) + (accessList?.length ?? 0);
  const wanted = header.blockAccessListHash !== undefined;
  return {
    header: block,
    bytes,
    accessList: wanted ? accessList !== undefined : undefined,
    lacksReceipts,
  };
}

function damaged(number: bigint, says: string, cause?: unknown): ChainError {
  return new ChainError('ERR_CHAIN_DAMAGED', `the chain store is damaged at block ${number}: ${says}`, {
    cause,
  });
}
