import {
  type BlockAccessLists,
  type EthMessage,
  type EthVersion,
  type GetBlockAccessLists,
  type GetReceipts,
  type Hasher,
  MAX_MESSAGE_BYTES,
  type Receipts,
  receipts69To68Steps,
  sliceReceipts,
} from '../eth/index.js';
import type { Clock } from '../runtime/index.js';
import type { BlockPart, ChainBackend } from './backend.js';
import { Breather } from './breathe.js';
import { ChainError } from './errors.js';
import { ReadAhead } from './read-ahead.js';
import { serveHeaders } from './serve-headers.js';

export interface ServeOptions {
  /** The peer is gone: the answer is not wanted any more. */
  readonly signal?: AbortSignal;
  /** Makes the blooms that eth/68 carries. */
  readonly hasher: Hasher;
  /** Lets others have their turn during long answers. Without it only the backend's own waiting does. */
  readonly clock?: Pick<Clock, 'soon'>;
}

/** No block is added to an answer that has reached this (geth: softResponseLimit). */
const SOFT_ANSWER_BYTES = 2 * 1024 * 1024;
/** Blocks in one answer (geth: maxBodiesServe, maxReceiptsServe, maxBALsServe). */
const MAX_SERVED_BLOCKS = 1_024;
/** What stands around the blocks of an answer: list, request id, incomplete flag, list. */
const ENVELOPE_BYTES = 4 + 9 + 1 + 4;
/** An answer is never larger than what a peer will read. */
const HARD_ANSWER_BYTES: number = MAX_MESSAGE_BYTES - ENVELOPE_BYTES;
/** Headers or blocks between two turns of the loop: a usual answer in one piece, 0.02 ms from memory. */
const TURN_ITEMS = 256;
/** Receipts that blooms are made for count as one item in so many bytes: 256 items are some 8 ms of hashing then. */
const TURN_BLOOMED_BYTES = 1_024;

/**
 * Answers what a peer asks for, from a chain, within the limits of geth: an answer ends before the first block that is not
 * here, at 1,024 blocks, or once it has reached 2 MiB; and it never has more than 10 MiB. What is asked of a pool of
 * transactions is answered empty.
 * @param version that was negotiated; it decides the form of receipts
 * @throws ChainError ERR_CHAIN_ABORTED, ERR_CHAIN_RANGE for a message that is no request; and what the backend throws
 */
export async function serveRequest(
  backend: ChainBackend,
  request: EthMessage,
  version: EthVersion,
  options: ServeOptions,
): Promise<EthMessage> {
  const breather = new Breather(options.clock, options.signal, TURN_ITEMS);
  switch (request.name) {
    case 'GetBlockHeaders': {
      const headers = await serveHeaders(backend, request.query, options, breather);
      return { name: 'BlockHeaders', requestId: request.requestId, headers };
    }
    case 'GetBlockBodies': {
      const bodies = await collect(ahead(backend, 'body', request.hashes, options), breather);
      return { name: 'BlockBodies', requestId: request.requestId, bodies };
    }
    case 'GetReceipts':
      if (version >= 70) return servePartialReceipts(backend, request, options, breather);
      return serveWholeReceipts(backend, request, version, options, breather);
    case 'GetBlockAccessLists':
      return serveAccessLists(backend, request, options, breather);
    case 'GetPooledTransactions':
      return { name: 'PooledTransactions', requestId: request.requestId, transactions: [] };
    case 'GetCells':
      return { name: 'Cells', requestId: request.requestId, hashes: [], cells: [], mask: request.mask };
    default:
      throw new ChainError('ERR_CHAIN_RANGE', `${request.name} is no request`);
  }
}

/** eth/68 and 69: whole blocks only, since there is no way to say that one goes on. */
async function serveWholeReceipts(
  backend: ChainBackend,
  { requestId, hashes }: GetReceipts,
  version: EthVersion,
  options: ServeOptions,
  breather: Breather,
): Promise<Receipts> {
  const stored = ahead(backend, 'receipts', hashes, options);
  if (version >= 69) return { name: 'Receipts', requestId, blocks: await collect(stored, breather) };
  const blocks = await collect(stored, breather, async (receipts) => {
    const bloomed = await breather.drive(
      receipts69To68Steps(receipts, options.hasher),
      'answering for receipts',
    );
    await breather.worked(Math.ceil(receipts.length / TURN_BLOOMED_BYTES), 'answering for receipts');
    return bloomed;
  });
  return { name: 'Receipts', requestId, blocks };
}

/** From eth/70 (EIP-7975): the first block from an index on, and the last one cut where the answer is full. */
async function servePartialReceipts(
  backend: ChainBackend,
  { requestId, hashes, firstBlockReceiptIndex = 0n }: GetReceipts,
  options: ServeOptions,
  breather: Breather,
): Promise<Receipts> {
  const blocks: Uint8Array[] = [];
  let bytes = 0;
  let lastBlockIncomplete = false;
  const stored = ahead(backend, 'receipts', hashes, options);
  for (let i = 0; i < hashes.length; i++) {
    if (bytes >= SOFT_ANSWER_BYTES || blocks.length >= MAX_SERVED_BLOCKS || lastBlockIncomplete) break;
    if (!stored.has(i)) await stored.read(i);
    const whole = stored.at(i);
    if (whole === undefined) break;
    // An index is a 64-bit number on the wire; past 2^53 it is past the end of every block all the same.
    const first = blocks.length === 0 ? Number(firstBlockReceiptIndex) : 0;
    const part = sliceReceipts(whole, first, HARD_ANSWER_BYTES - bytes);
    if (part === undefined) break;
    blocks.push(part.receipts);
    bytes += part.receipts.length;
    lastBlockIncomplete = part.incomplete;
    if (breather.tires(1, 'answering for receipts')) await breather.rest('answering for receipts');
  }
  return { name: 'Receipts', requestId, lastBlockIncomplete, blocks };
}

/** EIP-8159: one entry for each hash, so what is not here leaves a gap instead of ending the answer. */
async function serveAccessLists(
  backend: ChainBackend,
  { requestId, hashes }: GetBlockAccessLists,
  options: ServeOptions,
  breather: Breather,
): Promise<BlockAccessLists> {
  const accessLists: (Uint8Array | undefined)[] = [];
  let bytes = 0;
  const stored = ahead(backend, 'accessList', hashes, options);
  for (let i = 0; i < hashes.length; i++) {
    if (bytes >= SOFT_ANSWER_BYTES || accessLists.length >= MAX_SERVED_BLOCKS) break;
    if (!stored.has(i)) await stored.read(i);
    const accessList = stored.at(i);
    const itemBytes = accessList?.length ?? 1;
    if (bytes + itemBytes > HARD_ANSWER_BYTES) break;
    accessLists.push(accessList);
    bytes += itemBytes;
    if (breather.tires(1, 'answering for access lists')) await breather.rest('answering for access lists');
  }
  return { name: 'BlockAccessLists', requestId, accessLists };
}

function ahead(
  backend: ChainBackend,
  part: BlockPart,
  hashes: readonly Uint8Array[],
  options: ServeOptions,
): ReadAhead {
  return new ReadAhead(backend, part, hashes.slice(0, MAX_SERVED_BLOCKS), SOFT_ANSWER_BYTES, options);
}

/** Takes one block after the other until one is missing or the answer is full. */
async function collect(
  stored: ReadAhead,
  breather: Breather,
  change?: (item: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const items: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < SOFT_ANSWER_BYTES) {
    if (!stored.has(items.length)) await stored.read(items.length);
    const found = stored.at(items.length);
    if (found === undefined) break;
    const item = change === undefined ? found : await change(found);
    if (bytes + item.length > HARD_ANSWER_BYTES) break;
    items.push(item);
    bytes += item.length;
    if (breather.tires(1, 'answering for blocks')) await breather.rest('answering for blocks');
  }
  return items;
}
