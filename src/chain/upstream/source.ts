import { CodecError, encodeBytes, encodeList, prefixedHex } from '../../codec/index.js';
import { type BlockParts, EthError, receipts68To69, splitBlock } from '../../eth/index.js';
import { bodyFromJson, headerFromJson, receiptsFromJson } from './json-blocks.js';
import {
  dataOf,
  type JsonRecord,
  listOf,
  quantity,
  quantityOf,
  recordOf,
  UpstreamFault,
} from './json-fields.js';
import type { RpcAnswer, UpstreamRpc } from './rpc.js';

/** What an upstream has of something: a value that nobody has verified, nothing, or no answer that could be used. */
export type Found<T> = T | 'none' | 'unreached';

/** A block by number or hash. */
export type BlockId = bigint | Uint8Array;

/** JSON-RPC: the server has no such method. */
const NO_METHOD = -32601;
/** No block has so many; it bounds what is asked for. */
const MAX_UNCLES = 2;

/** Whether something stands in an answer, or why not. */
export function isFound<T>(found: Found<T>): found is T {
  return found !== 'none' && found !== 'unreached';
}

/** The blocks of an upstream over one link: raw where it offers that, else shown by `eth_` methods and written as RLP again. */
export class UpstreamSource {
  readonly #rpc: Pick<UpstreamRpc, 'call'>;
  /** Methods that this server does not have. */
  readonly #lacks = new Set<string>();

  constructor(rpc: Pick<UpstreamRpc, 'call'>) {
    this.#rpc = rpc;
  }

  /**
   * Finds out which raw methods the server has. Of its latest block it must know everything, so a refusal means the method:
   * servers say so in more ways than by the code that JSON-RPC has for it.
   */
  async learn(): Promise<void> {
    const methods = ['debug_getRawHeader', 'debug_getRawBlock', 'debug_getRawReceipts'];
    const answers = await Promise.all(
      methods.map((method) => this.#rpc.call(method, ['latest'], { heavy: true })),
    );
    answers.forEach((answer, at) => {
      if (answer.kind === 'refused') this.#lacks.add(methods[at] ?? '');
    });
  }

  /** What the server calls its latest block. */
  async latest(): Promise<Found<{ readonly number: bigint; readonly hash: Uint8Array }>> {
    return this.#ask('eth_getBlockByNumber', ['latest', false], (result) => {
      const block = recordOf(result, 'a block');
      return { number: quantityOf(block.number, 'number'), hash: dataOf(block.hash, 'hash') };
    });
  }

  /** RLP of a header. */
  async header(id: BlockId): Promise<Found<Uint8Array>> {
    const raw = await this.#ask('debug_getRawHeader', [idText(id)], (result) => dataOf(result, 'a header'));
    if (raw !== 'none' || !this.#lacks.has('debug_getRawHeader')) return raw;
    const inBlock = await this.#ask(blockMethod(id), [idText(id), false], (result) =>
      headerFromJson(recordOf(result, 'a block')),
    );
    if (inBlock !== 'none') return inBlock;
    // of a block whose contents were pruned some servers show the header only by itself
    return this.#ask(headerMethod(id), [idText(id)], (result) =>
      headerFromJson(recordOf(result, 'a header')),
    );
  }

  /** A block in its parts. */
  async block(hash: Uint8Array): Promise<Found<BlockParts>> {
    const raw = await this.#ask(
      'debug_getRawBlock',
      [idText(hash)],
      (result) => splitBlock(dataOf(result, 'a block')),
      true,
    );
    if (raw !== 'none' || !this.#lacks.has('debug_getRawBlock')) return raw;
    const block = await this.#ask(
      'eth_getBlockByHash',
      [idText(hash), true],
      (result) => recordOf(result, 'a block'),
      true,
    );
    return isFound(block) ? this.#encoded(hash, block) : block;
  }

  /** RLP of the receipts of a block in the form of eth/69. */
  async receipts(id: BlockId): Promise<Found<Uint8Array>> {
    const raw = await this.#ask('debug_getRawReceipts', [idText(id)], rawReceipts, true);
    if (raw !== 'none' || !this.#lacks.has('debug_getRawReceipts')) return raw;
    return this.#ask('eth_getBlockReceipts', [idText(id)], receiptsFromJson, true);
  }

  /** Whether the contents of a block are there at all. */
  async hasContents(number: bigint): Promise<Found<true>> {
    const [count, receipts] = await Promise.all([
      this.#ask('eth_getBlockTransactionCountByNumber', [quantity(number)], (result): true => {
        quantityOf(result, 'a count');
        return true;
      }),
      this.receipts(number),
    ]);
    return isFound(count) && isFound(receipts) ? true : isFound(count) ? (receipts as 'none') : count;
  }

  /** Uncles are shown one by one. */
  async #encoded(hash: Uint8Array, block: JsonRecord): Promise<Found<BlockParts>> {
    const count = Math.min(MAX_UNCLES, listOf(block.uncles ?? [], 'uncles').length);
    const asked = Array.from({ length: count }, (_, at) =>
      this.#ask('eth_getUncleByBlockHashAndIndex', [idText(hash), quantity(BigInt(at))], (result) =>
        headerFromJson(recordOf(result, 'an uncle')),
      ),
    );
    const uncles: Uint8Array[] = [];
    for (const uncle of await Promise.all(asked)) {
      if (!isFound(uncle)) return uncle;
      uncles.push(uncle);
    }
    return unlessFaulty(() => ({ header: headerFromJson(block), body: bodyFromJson(block, uncles) }));
  }

  /** A refusal means that nothing is there, or not here: which of the two, servers say in too many ways to tell apart. */
  async #ask<T>(
    method: string,
    params: readonly unknown[],
    read: (result: unknown) => T,
    heavy = false,
  ): Promise<Found<T>> {
    if (this.#lacks.has(method)) return 'none';
    const answer: RpcAnswer = await this.#rpc.call(method, params, { heavy });
    if (answer.kind === 'unreached') return 'unreached';
    if (answer.kind === 'refused') {
      if (answer.code === NO_METHOD) this.#lacks.add(method);
      return 'none';
    }
    if (answer.result === null || answer.result === undefined) return 'none';
    return unlessFaulty(() => read(answer.result));
  }
}

/** What cannot be read is as good as not there. */
function unlessFaulty<T>(read: () => T): Found<T> {
  try {
    return read();
  } catch (error) {
    if (error instanceof UpstreamFault || error instanceof EthError || error instanceof CodecError)
      return 'none';
    throw error;
  }
}

/** Each as a leaf of the receipts root: a list, or the type and a list. */
function rawReceipts(result: unknown): Uint8Array {
  const leaves = listOf(result, 'receipts').map((item) => dataOf(item, 'a receipt'));
  return receipts68To69(
    encodeList(leaves.map((leaf) => ((leaf[0] ?? 0) >= 0xc0 ? leaf : encodeBytes(leaf)))),
  );
}

function idText(id: BlockId): string {
  return typeof id === 'bigint' ? quantity(id) : prefixedHex(id);
}

function blockMethod(id: BlockId): string {
  return typeof id === 'bigint' ? 'eth_getBlockByNumber' : 'eth_getBlockByHash';
}

function headerMethod(id: BlockId): string {
  return typeof id === 'bigint' ? 'eth_getHeaderByNumber' : 'eth_getHeaderByHash';
}
