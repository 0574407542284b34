import {
  type BlockRange,
  EthError,
  type EthMessage,
  type EthMessageOf,
  type EthRequest,
  type EthResponse,
  type EthVersion,
  type HeadersQuery,
  receipts68To69Steps,
  type Status,
} from '../eth/index.js';
import type { KnownTransactions } from './broadcasts.js';
import { SessionError } from './errors.js';
import { type ReceiptBound, wholeReceipts } from './partial-receipts.js';
import type { RequestOptions } from './requests.js';

export interface ReceiptOptions extends RequestOptions {
  /** What each block may come to, by the index of its hash. */
  readonly bounds?: readonly ReceiptBound[];
}

/** The answer that belongs to a request. */
export type AnswerTo<R extends EthRequest> = R extends { readonly name: 'GetBlockHeaders' }
  ? EthMessageOf<'BlockHeaders'>
  : R extends { readonly name: 'GetBlockBodies' }
    ? EthMessageOf<'BlockBodies'>
    : R extends { readonly name: 'GetReceipts' }
      ? EthMessageOf<'Receipts'>
      : R extends { readonly name: 'GetPooledTransactions' }
        ? EthMessageOf<'PooledTransactions'>
        : R extends { readonly name: 'GetBlockAccessLists' }
          ? EthMessageOf<'BlockAccessLists'>
          : EthMessageOf<'Cells'>;

/**
 * eth on one session. What is asked for comes back raw and unverified, and may be less than was asked for: a peer answers
 * with what it has and what it will. All questions throw SessionError ERR_SESSION_UNSUPPORTED, ERR_SESSION_QUEUE_FULL,
 * ERR_SESSION_TIMEOUT, ERR_SESSION_ABORTED, ERR_SESSION_NOT_ACTIVE, ERR_SESSION_EXPIRED.
 */
export interface EthSession {
  /** @throws SessionError ERR_SESSION_UNSUPPORTED where the session speaks no eth */
  readonly version: EthVersion;
  /** @throws SessionError ERR_SESSION_UNSUPPORTED where the session speaks no eth */
  readonly remoteStatus: Status;
  /** What the peer has at present; undefined on eth/68. */
  readonly range: BlockRange | undefined;
  /** Transactions that the peer has, as far as we know: broadcasts leave them out. */
  readonly known: KnownTransactions;
  /**
   * Says something unasked: transactions, announcements, a range. Queued where the peer does not read; the oldest broadcasts
   * make way. @throws SessionError ERR_SESSION_ARGUMENT for a Status, a request or an answer, ERR_SESSION_UNSUPPORTED
   */
  send(message: EthMessage): void;
  /** @returns RLP of each header. */
  getBlockHeaders(query: HeadersQuery, options?: RequestOptions): Promise<readonly Uint8Array[]>;
  /** @returns RLP of each body. @param hashes 32 bytes each */
  getBlockBodies(hashes: readonly Uint8Array[], options?: RequestOptions): Promise<readonly Uint8Array[]>;
  /** @returns one list of receipts per block in the form of eth/69, always whole; parts (eth/70 on) are followed up. */
  getReceipts(hashes: readonly Uint8Array[], options?: ReceiptOptions): Promise<readonly Uint8Array[]>;
  /** eth/71 on. @returns undefined where the peer has none. */
  getBlockAccessLists(
    hashes: readonly Uint8Array[],
    options?: RequestOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  getPooledTransactions(
    hashes: readonly Uint8Array[],
    options?: RequestOptions,
  ): Promise<readonly Uint8Array[]>;
  /** Any request; its request id is set here. */
  request<R extends EthRequest>(request: R, options?: RequestOptions): Promise<AnswerTo<R>>;
}

/** What the facade stands on. */
export interface EthSessionParts {
  /** 0 and undefined where the session speaks no eth. */
  readonly version: EthVersion | 0;
  readonly remoteStatus: Status | undefined;
  readonly known: KnownTransactions;
  range(): BlockRange | undefined;
  send(message: EthMessage): void;
  ask(request: EthRequest, options: RequestOptions | undefined): Promise<EthResponse>;
  /** Resolves in the next turn of the loop. */
  turn(): Promise<void>;
  /** Something in an answer turned out to be a breach: the session ends. */
  blame(error: EthError): void;
}

/** A peer's receipts may be many and take long: after so many bytes, about 6 ms of them, others have their turn. */
const TURN_BYTES = 1024 * 1024;

async function withoutBlooms(
  blocks: readonly Uint8Array[],
  turn: () => Promise<void>,
): Promise<readonly Uint8Array[]> {
  const without: Uint8Array[] = [];
  let bytes = 0;
  for (const block of blocks) {
    const steps = receipts68To69Steps(block);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await turn();
    without.push(step.value);
    bytes += block.length;
    if (bytes < TURN_BYTES) continue;
    bytes = 0;
    await turn();
  }
  return without;
}

export function ethSession(parts: EthSessionParts): EthSession {
  const { version, remoteStatus } = parts;
  // that the answer is the one that belongs to the request was checked when it came
  const ask = async <R extends EthRequest>(request: R, options?: RequestOptions): Promise<AnswerTo<R>> =>
    (await parts.ask(request, options)) as AnswerTo<R>;
  return {
    known: parts.known,
    get version(): EthVersion {
      if (version === 0) throw noEth();
      return version;
    },
    get remoteStatus(): Status {
      if (remoteStatus === undefined) throw noEth();
      return remoteStatus;
    },
    get range(): BlockRange | undefined {
      return parts.range();
    },
    send: (message) => parts.send(message),
    request: ask,
    async getBlockHeaders(query, options) {
      return (await ask({ name: 'GetBlockHeaders', requestId: 0n, query }, options)).headers;
    },
    async getBlockBodies(hashes, options) {
      return (await ask({ name: 'GetBlockBodies', requestId: 0n, hashes }, options)).bodies;
    },
    async getReceipts(hashes, { bounds, ...options } = {}) {
      try {
        if (version >= 70) return await wholeReceipts(hashes, (request) => ask(request, options), bounds);
        const { blocks } = await ask({ name: 'GetReceipts', requestId: 0n, hashes }, options);
        return version === 68 ? await withoutBlooms(blocks, parts.turn) : blocks;
      } catch (error) {
        if (error instanceof EthError && error.code === 'ERR_ETH_DECODE') parts.blame(error);
        throw error;
      }
    },
    async getBlockAccessLists(hashes, options) {
      return (await ask({ name: 'GetBlockAccessLists', requestId: 0n, hashes }, options)).accessLists;
    },
    async getPooledTransactions(hashes, options) {
      return (await ask({ name: 'GetPooledTransactions', requestId: 0n, hashes }, options)).transactions;
    },
  };
}

function noEth(): SessionError {
  return new SessionError('ERR_SESSION_UNSUPPORTED', 'this session speaks no eth');
}
