import { type CompleteBlock, type HashedHeader, readHeader } from '../../src/chain/verify.js';
import { concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  type BlockHeader,
  type ChainSpec,
  encodeBlock,
  encodeHeader,
  encodeReceipts,
  orderedTrieRoot,
  type Receipt,
  receiptsSummary,
  transactionsRoot,
  unclesHash,
} from '../../src/eth/index.js';

export const hasher = nobleCrypto;

const EMPTY = encodeList([]);
const ZERO_HASH = new Uint8Array(32);

/** What a block of the built chain holds. */
export interface BlockPlan {
  /** How many transactions; each has a receipt with one log. */
  readonly transactions?: number;
  /** Bytes of data in each log. */
  readonly logBytes?: number;
  /** How many withdrawals; undefined: a block before Shanghai. */
  readonly withdrawals?: number;
  /** RLP of an access list: makes it a block of Amsterdam. */
  readonly accessList?: Uint8Array;
  /** Tells branches apart. */
  readonly extra?: string;
  /** Makes a header that lies; roots and links are right before it. */
  readonly change?: (header: BlockHeader) => BlockHeader;
}

/** A chain of blocks that agree with their headers. Nothing is executed: state roots are zeros. */
export interface BuiltChain {
  readonly spec: ChainSpec;
  readonly genesis: HashedHeader;
  /** From block 1 on: `blocks[n - 1]` is block n. */
  readonly blocks: readonly CompleteBlock[];
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function baseHeader(number: bigint, parentHash: Uint8Array): BlockHeader {
  return {
    parentHash,
    unclesHash: unclesHash(EMPTY, hasher),
    beneficiary: new Uint8Array(20),
    stateRoot: ZERO_HASH,
    transactionsRoot: transactionsRoot([], hasher),
    receiptsRoot: orderedTrieRoot([], hasher),
    logsBloom: new Uint8Array(256),
    difficulty: 0n,
    number,
    gasLimit: 60_000_000n,
    gasUsed: 0n,
    timestamp: 1_700_000_000n + 12n * number,
    extraData: new Uint8Array(0),
    mixHash: ZERO_HASH,
    nonce: new Uint8Array(8),
    baseFeePerGas: 7n,
  };
}

function hashed(header: BlockHeader): HashedHeader {
  const raw = encodeHeader(header);
  return { raw, hash: hasher.keccak256(raw), header };
}

/** A transaction as far as tries and receipts care: even ones are legacy, odd ones of type 2. */
function transaction(block: bigint, index: number): { raw: Uint8Array; type: number } {
  const fields = encodeList([
    encodeUint(index),
    encodeUint(block),
    encodeBytes(bytesOf(`transaction ${block}/${index}`)),
  ]);
  if (index % 2 === 0) return { raw: fields, type: 0 };
  return { raw: encodeBytes(concatBytes([Uint8Array.of(2), fields])), type: 2 };
}

function receipt(type: number, block: bigint, index: number, logBytes: number): Receipt {
  const address = new Uint8Array(20).fill(Number(block % 251n) + 1);
  const topic = new Uint8Array(32).fill(index + 1);
  const log = encodeList([
    encodeBytes(address),
    encodeList([encodeBytes(topic)]),
    encodeBytes(new Uint8Array(logBytes).fill(7)),
  ]);
  const status = index % 5 === 4 ? new Uint8Array(0) : Uint8Array.of(1);
  return { type, status, cumulativeGasUsed: 21_000n * BigInt(index + 1), logs: encodeList([log]) };
}

function withdrawal(block: bigint, index: number): Uint8Array {
  return encodeList([
    encodeUint(index),
    encodeUint(block),
    encodeBytes(new Uint8Array(20).fill(3)),
    encodeUint(1_000n + block),
  ]);
}

/** @param child of this block */
export function buildBlock(parent: HashedHeader, plan: BlockPlan = {}): CompleteBlock {
  const number = parent.header.number + 1n;
  const { transactions: count = 0, logBytes = 8, accessList } = plan;
  const withdrawals = plan.withdrawals ?? (accessList === undefined ? undefined : 0);
  const transactions = Array.from({ length: count }, (_, index) => transaction(number, index));
  const raws = transactions.map(({ raw }) => raw);
  const receipts = encodeReceipts(
    transactions.map(({ type }, index) => receipt(type, number, index, logBytes)),
  );
  const summary = receiptsSummary(receipts, hasher);
  const withdrawn =
    withdrawals === undefined
      ? undefined
      : Array.from({ length: withdrawals }, (_, i) => withdrawal(number, i));
  const lists = [encodeList(raws), EMPTY];
  if (withdrawn !== undefined) lists.push(encodeList(withdrawn));
  const honest: BlockHeader = {
    ...baseHeader(number, parent.hash),
    transactionsRoot: transactionsRoot(raws, hasher),
    receiptsRoot: summary.root,
    logsBloom: summary.bloom,
    gasUsed: 21_000n * BigInt(count),
    extraData: bytesOf(plan.extra ?? ''),
    ...(withdrawn === undefined ? {} : { withdrawalsRoot: orderedTrieRoot(withdrawn, hasher) }),
    ...(accessList === undefined
      ? {}
      : {
          blobGasUsed: 0n,
          excessBlobGas: 0n,
          parentBeaconBlockRoot: ZERO_HASH,
          requestsHash: ZERO_HASH,
          blockAccessListHash: hasher.keccak256(accessList),
          slotNumber: number,
        }),
  };
  const header = hashed(plan.change === undefined ? honest : plan.change(honest));
  return { header, body: encodeList(lists), receipts, accessList };
}

/** @param plan of each block by its number; by default a mixture of everything */
export function buildChain(
  length: number,
  plan: (number: number) => BlockPlan = mixture,
  name = 'test',
): BuiltChain {
  const genesis = hashed({ ...baseHeader(0n, ZERO_HASH), extraData: bytesOf(`genesis of ${name}`) });
  const spec: ChainSpec = {
    name,
    chainId: 4242n,
    networkId: 4242n,
    genesisHash: genesis.hash,
    genesisHeader: genesis.raw,
    genesisTime: genesis.header.timestamp,
    forkBlocks: [],
    forkTimes: [],
  };
  return { spec, genesis, blocks: extend(genesis, length, plan) };
}

export function extend(
  parent: HashedHeader,
  length: number,
  plan: (number: number) => BlockPlan = mixture,
): CompleteBlock[] {
  const blocks: CompleteBlock[] = [];
  let last = parent;
  for (let i = 0; i < length; i++) {
    const block = buildBlock(last, plan(Number(last.header.number) + 1));
    blocks.push(block);
    last = block.header;
  }
  return blocks;
}

/** The same chain up to block `fork`, then others; as long as asked for. */
export function branch(
  chain: BuiltChain,
  fork: number,
  length: number,
  plan: (number: number) => BlockPlan = (n) => ({ ...mixture(n), extra: 'branch' }),
): BuiltChain {
  const parent = fork === 0 ? chain.genesis : (chain.blocks[fork - 1] as CompleteBlock).header;
  return { ...chain, blocks: [...chain.blocks.slice(0, fork), ...extend(parent, length - fork, plan)] };
}

/** Empty blocks, blocks with transactions, and from block 20 on withdrawals. */
export function mixture(number: number): BlockPlan {
  const withdrawals = number < 20 ? {} : { withdrawals: number % 4 };
  return { transactions: number % 3 === 0 ? 0 : number % 7, ...withdrawals };
}

/** As `geth export` writes it, and the receipts beside it. */
export function chainFiles(blocks: readonly CompleteBlock[]): {
  readonly chain: Uint8Array;
  readonly receipts: Uint8Array;
} {
  return {
    chain: concatBytes(blocks.map(({ header, body }) => encodeBlock(header.raw, body))),
    receipts: concatBytes(blocks.map(({ receipts }) => receipts)),
  };
}

/** Reads a header that a test has made by hand. */
export function rehash(header: BlockHeader): HashedHeader {
  return readHeader(encodeHeader(header), hasher);
}
