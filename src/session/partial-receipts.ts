import { countReceipts, EthError, type GetReceipts, joinReceipts, type Receipts } from '../eth/index.js';

/** What the receipts of one block may come to at most; the caller knows it from the block's header. */
export interface ReceiptBound {
  readonly maxReceipts: number;
  /** Of the encoded list (EIP-7975 derives it from the gas used). */
  readonly maxBytes: number;
}

/** Without a better bound: as many receipts as 2^31 gas pay for, and eight bytes per byte of logs that 2^29 gas pay for. */
export const DEFAULT_RECEIPT_BOUND: ReceiptBound = { maxReceipts: 100_000, maxBytes: 64 * 1024 * 1024 };
/** Pages for one block (threat P16). */
export const MAX_RECEIPT_PAGES = 64;

/**
 * Asks for receipts until every block that the peer begins is whole (EIP-7975, eth/70 on). A peer that stops between two
 * blocks has given all it would; the result is then shorter than the question.
 * @param bounds by the index of the hash
 * @returns one list of receipts per block, as on the wire
 * @throws EthError ERR_ETH_DECODE where the pages lead nowhere or beyond their bounds: the peer's breach
 */
export async function wholeReceipts(
  hashes: readonly Uint8Array[],
  ask: (request: GetReceipts) => Promise<Receipts>,
  bounds: readonly ReceiptBound[] = [],
): Promise<readonly Uint8Array[]> {
  const whole: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let pages = 0;
  let received = 0;
  while (whole.length < hashes.length) {
    const answer = await ask({
      name: 'GetReceipts',
      requestId: 0n,
      firstBlockReceiptIndex: BigInt(received),
      hashes: hashes.slice(whole.length),
    });
    const incomplete = answer.lastBlockIncomplete === true;
    const last = answer.blocks.length - 1;
    if (incomplete && last < 0) throw astray('an incomplete answer without a block');
    for (const [i, block] of answer.blocks.entries()) {
      const bound = bounds[whole.length] ?? DEFAULT_RECEIPT_BOUND;
      parts.push(block);
      received += countReceipts(block);
      if (received > bound.maxReceipts) throw astray(`more than ${bound.maxReceipts} receipts for one block`);
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      if (bytes > bound.maxBytes) throw astray(`more than ${bound.maxBytes} bytes of receipts for one block`);
      if (incomplete && i === last) {
        pages = parts.length;
        if (countReceipts(block) === 0) throw astray('a part of a block without receipts');
        if (pages >= MAX_RECEIPT_PAGES) throw astray(`more than ${MAX_RECEIPT_PAGES} parts of one block`);
      } else {
        whole.push(parts.length === 1 ? block : joinReceipts(parts));
        parts = [];
        received = 0;
      }
    }
    if (!incomplete) break;
  }
  return whole;
}

function astray(says: string): EthError {
  return new EthError('ERR_ETH_DECODE', `receipts: ${says}`);
}
