import { bytesToHex, encodeList, sameBytes } from '../codec/index.js';
import {
  checkAccessList as accessListFits,
  type BlockHeader,
  decodeBody,
  decodeHeader,
  EthError,
  type Hasher,
  type ReceiptsSummary,
  receiptsSummarySteps,
  runSteps,
  type Steps,
  transactionsRoot,
  transactionsRootSteps,
  unclesHash,
  withdrawalsRoot,
} from '../eth/index.js';
import { ChainError, type ChainErrorCode } from './errors.js';

/** A header with its own bytes and its hash. Sizes of its fields are within their limits; links are checked by `checkLink`. */
export interface HashedHeader {
  readonly raw: Uint8Array;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly header: BlockHeader;
}

/** A block with all that is kept of it. Whoever makes one has verified it. */
export interface CompleteBlock {
  readonly header: HashedHeader;
  readonly body: Uint8Array;
  /** As eth/69 carries them. */
  readonly receipts: Uint8Array;
  /** Undefined before Amsterdam, and where nobody had it. */
  readonly accessList: Uint8Array | undefined;
}

/** A block as it may be stored: its receipts can follow later. */
export interface StorableBlock extends Omit<CompleteBlock, 'receipts'> {
  /** Undefined: nobody had them yet. */
  readonly receipts: Uint8Array | undefined;
}

/** Verified receipts of a block that is stored already. */
export type BlockReceipts = Pick<CompleteBlock, 'header' | 'receipts'>;

/** What a header commits its body to; all 32 bytes. */
export interface BodyRoots {
  readonly transactionsRoot: Uint8Array;
  readonly unclesHash: Uint8Array;
  readonly withdrawalsRoot: Uint8Array | undefined;
}

/** RLP of the empty list: no receipts, and the access list of a block that touches nothing. */
export const EMPTY_LIST: Uint8Array = encodeList([]);

/** Gas that a transaction costs at the least, from Amsterdam on; 21,000 before. Bounds how many a block can hold. */
const MIN_TRANSACTION_GAS = 4_500n;
/** geth: gas limits are 63 bits. */
const MAX_GAS_LIMIT = 2n ** 63n - 1n;

/** @throws ChainError ERR_CHAIN_HEADER for what is no header, and for values that no chain has */
export function readHeader(raw: Uint8Array, hasher: Hasher): HashedHeader {
  const header = decoding('ERR_CHAIN_HEADER', 'a header', () => decodeHeader(raw));
  const { number, gasLimit, gasUsed } = header;
  if (gasLimit > MAX_GAS_LIMIT) throw badHeader(number, `its gas limit ${gasLimit} is beyond 63 bits`);
  if (gasUsed > gasLimit) throw badHeader(number, `it used ${gasUsed} gas of ${gasLimit}`);
  return { raw, hash: hasher.keccak256(raw), header };
}

/** Whether `child` is the block after `parent`. @throws ChainError ERR_CHAIN_HEADER */
export function checkLink(parent: HashedHeader, child: HashedHeader): void {
  const { number, timestamp, parentHash } = child.header;
  const before = parent.header;
  if (number !== before.number + 1n) throw badHeader(number, `it follows block ${before.number}`);
  if (!sameBytes(parentHash, parent.hash)) {
    throw badHeader(
      number,
      `its parent is ${short(parentHash)}, block ${before.number} is ${short(parent.hash)}`,
    );
  }
  if (timestamp <= before.timestamp) {
    throw badHeader(number, `its time ${timestamp} is not after its parent's ${before.timestamp}`);
  }
}

/** Whether the blocks follow `base`, one after the other. @throws ChainError ERR_CHAIN_LINK */
export function checkFollowing(base: HashedHeader, blocks: readonly Pick<StorableBlock, 'header'>[]): void {
  let parent = base;
  for (const { header } of blocks) {
    try {
      checkLink(parent, header);
    } catch (error) {
      throw new ChainError('ERR_CHAIN_LINK', `block ${header.header.number} does not follow what is there`, {
        cause: error,
      });
    }
    parent = header;
  }
}

/** Whether a block with this header has something in its body that must be fetched. */
export function hasBody(header: BlockHeader, empty: EmptyRoots): boolean {
  if (!sameBytes(header.transactionsRoot, empty.trieRoot)) return true;
  if (!sameBytes(header.unclesHash, empty.listHash)) return true;
  return header.withdrawalsRoot !== undefined && !sameBytes(header.withdrawalsRoot, empty.trieRoot);
}

/** The body of a block that `hasBody` says no to. */
export function emptyBody(header: BlockHeader): Uint8Array {
  const lists = header.withdrawalsRoot === undefined ? 2 : 3;
  return encodeList(new Array<Uint8Array>(lists).fill(EMPTY_LIST));
}

/** Whether a block with this header has receipts that must be fetched. */
export function hasReceipts(header: BlockHeader, empty: EmptyRoots): boolean {
  return !sameBytes(header.receiptsRoot, empty.trieRoot);
}

/** What the header of an empty block says. */
export interface EmptyRoots {
  /** Of a trie without leaves. */
  readonly trieRoot: Uint8Array;
  /** Of the empty list. */
  readonly listHash: Uint8Array;
}

export function emptyRoots(hasher: Hasher): EmptyRoots {
  return { trieRoot: transactionsRoot([], hasher), listHash: hasher.keccak256(EMPTY_LIST) };
}

/** @throws ChainError ERR_CHAIN_BODY for what is no body */
export function readBodyRoots(raw: Uint8Array, hasher: Hasher): BodyRoots {
  return runSteps(bodyRootsSteps(raw, hasher));
}

/**
 * As `readBodyRoots`, in slices.
 * @param maxTransactions how many the block can hold at most, where that is known: asked before anything is hashed
 */
export function* bodyRootsSteps(raw: Uint8Array, hasher: Hasher, maxTransactions?: bigint): Steps<BodyRoots> {
  try {
    const { transactions, uncles, withdrawals } = decodeBody(raw);
    if (maxTransactions !== undefined && BigInt(transactions.length) > maxTransactions) {
      const says = `a body has ${transactions.length} transactions where the gas is enough for ${maxTransactions}`;
      throw new ChainError('ERR_CHAIN_BODY', says);
    }
    return {
      transactionsRoot: yield* transactionsRootSteps(transactions, hasher),
      unclesHash: unclesHash(uncles, hasher),
      withdrawalsRoot: withdrawals === undefined ? undefined : withdrawalsRoot(withdrawals, hasher),
    };
  } catch (error) {
    throw unreadable('ERR_CHAIN_BODY', 'a body', error);
  }
}

/** How many transactions the gas of a block can have paid for. */
export function maxTransactions(header: BlockHeader): bigint {
  return header.gasUsed / MIN_TRANSACTION_GAS;
}

/** @returns what keeps the body from being that of the header; undefined where nothing does */
export function bodyFault(header: BlockHeader, roots: BodyRoots): string | undefined {
  if (!sameBytes(roots.transactionsRoot, header.transactionsRoot)) return 'its transactions are others';
  if (!sameBytes(roots.unclesHash, header.unclesHash)) return 'its uncles are others';
  const wanted = header.withdrawalsRoot;
  const given = roots.withdrawalsRoot;
  if (wanted === undefined && given !== undefined)
    return 'it has withdrawals, which its header does not know';
  if (wanted !== undefined && given === undefined) return 'its withdrawals are missing';
  if (wanted !== undefined && given !== undefined && !sameBytes(wanted, given))
    return 'its withdrawals are others';
  return undefined;
}

/** @throws ChainError ERR_CHAIN_BODY */
export function checkBody(header: BlockHeader, raw: Uint8Array, hasher: Hasher): void {
  runSteps(checkBodySteps(header, raw, hasher));
}

/** As `checkBody`, in slices. */
export function* checkBodySteps(header: BlockHeader, raw: Uint8Array, hasher: Hasher): Steps<void> {
  const fault = bodyFault(header, yield* bodyRootsSteps(raw, hasher));
  if (fault !== undefined)
    throw new ChainError('ERR_CHAIN_BODY', `the body of block ${header.number}: ${fault}`);
}

/**
 * Receipts against their header: root and bloom, both made anew from what the receipts say, and the gas. From Amsterdam on
 * a header counts gas otherwise than receipts do (EIP-7778, EIP-8037), so there the root alone speaks for it.
 * @returns what keeps the receipts from being those of the header; undefined where nothing does
 * @throws ChainError ERR_CHAIN_RECEIPTS for what are no receipts
 */
export function receiptsFault(header: BlockHeader, raw: Uint8Array, hasher: Hasher): string | undefined {
  return runSteps(receiptsFaultSteps(header, raw, hasher));
}

function* receiptsFaultSteps(
  header: BlockHeader,
  raw: Uint8Array,
  hasher: Hasher,
): Steps<string | undefined> {
  const { root, bloom, gasUsed } = yield* receiptsSummaryOf(raw, hasher);
  if (!sameBytes(root, header.receiptsRoot)) return 'they are others';
  if (!sameBytes(bloom, header.logsBloom)) return 'the bloom filter of their logs is another';
  if (header.blockAccessListHash === undefined && gasUsed !== header.gasUsed) {
    return `they add up to ${gasUsed} gas, the block used ${header.gasUsed}`;
  }
  return undefined;
}

function* receiptsSummaryOf(raw: Uint8Array, hasher: Hasher): Steps<ReceiptsSummary> {
  try {
    return yield* receiptsSummarySteps(raw, hasher);
  } catch (error) {
    throw unreadable('ERR_CHAIN_RECEIPTS', 'receipts', error);
  }
}

/** @throws ChainError ERR_CHAIN_RECEIPTS */
export function checkReceipts(header: BlockHeader, raw: Uint8Array, hasher: Hasher): void {
  runSteps(checkReceiptsSteps(header, raw, hasher));
}

/** As `checkReceipts`, in slices. */
export function* checkReceiptsSteps(header: BlockHeader, raw: Uint8Array, hasher: Hasher): Steps<void> {
  const fault = yield* receiptsFaultSteps(header, raw, hasher);
  if (fault === undefined) return;
  throw new ChainError('ERR_CHAIN_RECEIPTS', `the receipts of block ${header.number}: ${fault}`);
}

/** @throws ChainError ERR_CHAIN_ACCESS_LIST for what is no access list, or not the one of this header */
export function checkAccessList(header: BlockHeader, raw: Uint8Array, hasher: Hasher): void {
  if (decoding('ERR_CHAIN_ACCESS_LIST', 'an access list', () => accessListFits(raw, header, hasher))) return;
  throw new ChainError('ERR_CHAIN_ACCESS_LIST', `the access list of block ${header.number} is another`);
}

/** First eight digits of a hash, for sentences. */
export function short(hash: Uint8Array): string {
  return `0x${bytesToHex(hash.subarray(0, 4))}…`;
}

function badHeader(number: bigint, says: string): ChainError {
  return new ChainError('ERR_CHAIN_HEADER', `the header of block ${number}: ${says}`);
}

function decoding<T>(code: ChainErrorCode, what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw unreadable(code, what, error);
  }
}

/** @returns the error to throw instead: any but the eth room's is left as it is. */
export function unreadable(code: ChainErrorCode, what: string, error: unknown): unknown {
  if (!(error instanceof EthError)) return error;
  return new ChainError(code, `${what} cannot be read: ${error.message}`, { cause: error });
}
