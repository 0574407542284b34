import { sameBytes } from '../codec/index.js';
import {
  countReceipts,
  type Hasher,
  type ReceiptsSummary,
  receiptsSummarySteps,
  type Steps,
} from '../eth/index.js';
import type { Breather } from './breathe.js';
import { ChainError } from './errors.js';
import { faultOf } from './pull-peers.js';
import {
  bodyFault,
  bodyRootsSteps,
  checkAccessList,
  type HashedHeader,
  maxTransactions,
  short,
  unreadable,
} from './verify.js';

/** What an answer turned out to hold. */
export interface Matched {
  /** Verified parts, each with the position of its block among those asked for. A part without bytes: the peer has none. */
  readonly found: readonly (readonly [position: number, bytes: Uint8Array | undefined])[];
  /** What the peer said that cannot be true: then nothing of the answer is used. */
  readonly fault?: string;
  /** A header of the run contradicts what it commits to: the chain itself is false, whoever answered. */
  readonly falseChain?: string;
}

/**
 * Bodies that answer a request for those of `asked`. They come in order; some clients leave out what they have not got,
 * others end there, so each body is matched by its roots with the next block that it fits.
 */
export function matchBodies(
  asked: readonly HashedHeader[],
  answer: readonly Uint8Array[],
  hasher: Hasher,
  breather: Breather,
): Promise<Matched> {
  const most = mostTransactions(asked);
  return matchInOrder('body', asked, answer, breather, function* (raw) {
    const roots = yield* bodyRootsSteps(raw, hasher, most);
    return ({ header }) => bodyFault(header, roots);
  });
}

/** Receipts of blocks, as `matchBodies`. */
export async function matchReceipts(
  asked: readonly HashedHeader[],
  answer: readonly Uint8Array[],
  hasher: Hasher,
  breather: Breather,
): Promise<Matched> {
  const most = mostTransactions(asked);
  let falseChain: string | undefined;
  const matched = await matchInOrder('receipts', asked, answer, breather, function* (raw) {
    const { root, bloom, gasUsed } = yield* summarySteps(raw, most, hasher);
    return ({ header }) => {
      if (!sameBytes(root, header.receiptsRoot)) return 'they are others';
      // From here on the receipts are those that the header names. What does not agree now is the header with itself.
      if (!sameBytes(bloom, header.logsBloom))
        falseChain ??= `block ${header.number} has a false bloom filter`;
      else if (header.blockAccessListHash === undefined && gasUsed !== header.gasUsed) {
        falseChain ??= `block ${header.number} says ${header.gasUsed} gas, its receipts ${gasUsed}`;
      }
      return undefined;
    };
  });
  return falseChain === undefined ? matched : { ...matched, falseChain };
}

/** Access lists: one entry per block, in order, with gaps. */
export async function matchAccessLists(
  asked: readonly HashedHeader[],
  answer: readonly (Uint8Array | undefined)[],
  hasher: Hasher,
  breather: Breather,
): Promise<Matched> {
  if (answer.length > asked.length) return tooMany('access lists', asked, answer);
  const found: [number, Uint8Array | undefined][] = [];
  for (const [position, raw] of answer.entries()) {
    const block = asked[position];
    if (block === undefined) break;
    try {
      if (raw !== undefined) checkAccessList(block.header, raw, hasher);
    } catch (error) {
      return { found: [], fault: faultOf(error) };
    }
    found.push([position, raw?.slice()]);
    await breather.worked(1, 'pull');
  }
  return { found };
}

async function matchInOrder(
  what: 'body' | 'receipts',
  asked: readonly HashedHeader[],
  answer: readonly Uint8Array[],
  breather: Breather,
  read: (raw: Uint8Array) => Steps<(block: HashedHeader) => string | undefined>,
): Promise<Matched> {
  if (answer.length > asked.length) return tooMany(what, asked, answer);
  const found: [number, Uint8Array][] = [];
  let position = 0;
  for (const raw of answer) {
    const expected = asked[position];
    let says: string | undefined;
    try {
      const faultFor = await breather.drive(read(raw), 'pull');
      for (; position < asked.length; position++) {
        const block = asked[position] as HashedHeader;
        const fault = faultFor(block);
        if (fault === undefined) break;
        says ??= fault;
      }
    } catch (error) {
      return { found: [], fault: `${what} of block ${expected?.header.number ?? 'none'}: ${faultOf(error)}` };
    }
    if (position === asked.length) {
      const block =
        expected === undefined ? 'no block that was asked for' : `block ${expected.header.number}`;
      return { found: [], fault: `${what} of ${block}: ${says ?? 'more than were asked for'}` };
    }
    found.push([position, raw.slice()]); // a copy: the message that it came in is let go
    position++;
    await breather.worked(1, 'pull');
  }
  return { found };
}

function* summarySteps(raw: Uint8Array, most: bigint, hasher: Hasher): Steps<ReceiptsSummary> {
  try {
    const count = countReceipts(raw);
    if (BigInt(count) > most) {
      throw new ChainError('ERR_CHAIN_RECEIPTS', `there are ${count} where the gas is enough for ${most}`);
    }
    return yield* receiptsSummarySteps(raw, hasher);
  } catch (error) {
    throw unreadable('ERR_CHAIN_RECEIPTS', 'what was sent', error);
  }
}

/** Asked before anything is hashed: no block of the run can have more. */
function mostTransactions(asked: readonly HashedHeader[]): bigint {
  let most = 0n;
  for (const { header } of asked) {
    const here = maxTransactions(header);
    if (here > most) most = here;
  }
  return most;
}

function tooMany(what: string, asked: readonly HashedHeader[], answer: readonly unknown[]): Matched {
  const first = asked[0] === undefined ? '' : ` from ${short(asked[0].hash)} on`;
  return {
    found: [],
    fault: `${answer.length} answers where ${asked.length} ${what} were asked for${first}`,
  };
}
