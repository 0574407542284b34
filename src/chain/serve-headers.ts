import { RlpReader, sameBytes } from '../codec/index.js';
import type { HeadersQuery } from '../eth/index.js';
import type { ChainBackend, NumberedHeader, ReadOptions } from './backend.js';
import type { Breather } from './breathe.js';

/** Headers in one answer (geth: maxHeadersServe). */
export const MAX_SERVED_HEADERS = 1_024;
/** No header is added to an answer that has reached this (geth: softResponseLimit). */
const SOFT_ANSWER_BYTES = 2 * 1024 * 1024;
/** Steps by parent hash that one answer may take off the chain that counts (geth: maxNonCanonical). */
const MAX_HOPS = 100;
/** Headers read at once. */
const READ_AHEAD = 128;
const MAX_NUMBER = 2n ** 64n - 1n;
const HASH_BYTES = 32;
/** A list that begins with more than this has its length written out, in as many bytes as it is more (RLP). */
const LONG_LIST = 0xf7;
const WORK = 'answering for headers';

/**
 * Answers GetBlockHeaders as geth does, with one difference: where its arithmetic would wrap, the answer ends. All
 * arithmetic is on bigints, so nothing does (an amount of 0, a skip of 2^64 − 1, an origin near 2^64).
 */
export async function serveHeaders(
  backend: ChainBackend,
  query: HeadersQuery,
  options: ReadOptions,
  breather: Breather,
): Promise<Uint8Array[]> {
  const amount = query.amount > MAX_SERVED_HEADERS ? MAX_SERVED_HEADERS : Number(query.amount);
  if (amount <= 0) return [];
  const answer = new HeadersAnswer(backend, options, breather, amount);
  if (query.skip > 0n) await answer.skipping(query);
  else if (query.origin instanceof Uint8Array) await answer.fromHash(query.origin, query.reverse);
  else await answer.fromNumber(query.origin, query.reverse);
  return answer.headers;
}

class HeadersAnswer {
  readonly headers: Uint8Array[] = [];
  readonly #backend: ChainBackend;
  readonly #options: ReadOptions;
  readonly #breather: Breather;
  readonly #amount: number;
  #bytes = 0;
  #hops = MAX_HOPS;

  constructor(backend: ChainBackend, options: ReadOptions, breather: Breather, amount: number) {
    this.#backend = backend;
    this.#options = options;
    this.#breather = breather;
    this.#amount = amount;
  }

  /** Neighbours, by number. Downwards from above our head, the part that we have is served, as geth does. */
  fromNumber(origin: bigint, reverse: boolean): Promise<void> {
    const { latest } = this.#backend.range();
    if (!reverse) return this.#neighbours(origin, undefined, false, this.#amount);
    const beyond = origin > latest ? origin - latest : 0n;
    const count = beyond < BigInt(this.#amount) ? this.#amount - Number(beyond) : 0;
    return this.#neighbours(origin - beyond, undefined, true, count);
  }

  /** Neighbours of a block of that hash; only blocks on the chain that counts have descendants. */
  async fromHash(origin: Uint8Array, reverse: boolean): Promise<void> {
    let hash = origin;
    while (!this.#full) {
      const number = await this.#backend.numberOf(hash, this.#options);
      if (number === undefined) return;
      if (await this.#isCanonical(number, hash)) return this.#neighbours(number, hash, reverse, this.#left);
      const header = await this.#backend.headerByHash(hash, this.#options);
      if (header === undefined) return;
      if (this.#add(header)) await this.#breather.rest(WORK);
      if (!reverse) return;
      hash = parentHash(header);
    }
  }

  /** Every (skip + 1)th header. */
  async skipping({ origin, skip, reverse }: HeadersQuery): Promise<void> {
    const step = skip + 1n;
    let hash = origin instanceof Uint8Array ? origin : undefined;
    let number = origin instanceof Uint8Array ? await this.#backend.numberOf(origin, this.#options) : origin;
    while (number !== undefined && !this.#full) {
      const header: Uint8Array | undefined =
        hash === undefined
          ? await this.#backend.headerByNumber(number, this.#options)
          : await this.#backend.headerByHash(hash, this.#options);
      if (header === undefined) return;
      if (this.#add(header)) await this.#breather.rest(WORK);
      const next: bigint = reverse ? number - step : number + step;
      if (next < 0n || next > MAX_NUMBER) return;
      if (hash !== undefined) {
        hash = reverse
          ? await this.#ancestor(number, hash, step)
          : await this.#descendant(number, hash, next);
        if (hash === undefined) return;
      }
      number = next;
    }
  }

  get #left(): number {
    return this.#bytes >= SOFT_ANSWER_BYTES ? 0 : this.#amount - this.headers.length;
  }

  get #full(): boolean {
    return this.#left <= 0;
  }

  /** @returns whether others should have their turn: a promise for each header takes longer than all the rest of it */
  #add(header: Uint8Array): boolean {
    this.headers.push(header);
    this.#bytes += header.length;
    return this.#breather.tires(1, WORK);
  }

  async #isCanonical(number: bigint, hash: Uint8Array): Promise<boolean> {
    const canonical = await this.#backend.hashOf(number, this.#options);
    return canonical !== undefined && sameBytes(canonical, hash);
  }

  /**
   * Up to `count` blocks of the chain that counts, in a row. They are read by number, many at once, and while that goes on
   * the chain may be reorganised: so each must be linked to the one before, or the answer ends there.
   * @param first hash that the block at `origin` must have, where that is known
   */
  async #neighbours(
    origin: bigint,
    first: Uint8Array | undefined,
    reverse: boolean,
    count: number,
  ): Promise<void> {
    const { latest } = this.#backend.range();
    const available = reverse ? origin + 1n : latest - origin + 1n;
    let left = available < BigInt(count) ? Number(available) : count;
    let number = origin;
    let before: NumberedHeader | undefined;
    while (left > 0) {
      const wanted = Math.min(left, READ_AHEAD);
      const batch = await this.#read(number, reverse, wanted);
      for (const block of batch) {
        if (this.#full) return;
        if (before === undefined) {
          if (first !== undefined && !sameBytes(block.hash, first)) return;
        } else if (!(reverse ? isChildOf(before, block) : isChildOf(block, before))) {
          return;
        }
        if (this.#add(block.header)) await this.#breather.rest(WORK);
        before = block;
      }
      if (batch.length < wanted) return;
      left -= batch.length;
      number += BigInt(reverse ? -batch.length : batch.length);
    }
  }

  /** Fewer than `count` where one is missing. */
  async #read(from: bigint, reverse: boolean, count: number): Promise<readonly NumberedHeader[]> {
    if (this.#backend.inRow !== undefined) return this.#backend.inRow(from, count, reverse, this.#options);
    const numbers = Array.from({ length: count }, (_, i) => (reverse ? from - BigInt(i) : from + BigInt(i)));
    const row: NumberedHeader[] = [];
    for (const { hash, header } of await Promise.all(numbers.map((number) => this.#numbered(number)))) {
      if (hash === undefined || header === undefined) break;
      row.push({ hash, header });
    }
    return row;
  }

  async #numbered(number: bigint): Promise<Partial<NumberedHeader>> {
    const hash = await this.#backend.hashOf(number, this.#options);
    const header = hash === undefined ? undefined : await this.#backend.headerByHash(hash, this.#options);
    return hash === undefined || header === undefined ? {} : { hash, header };
  }

  /** Hash of the block `step` blocks before that one. */
  async #ancestor(from: bigint, of: Uint8Array, step: bigint): Promise<Uint8Array | undefined> {
    let hash = of;
    for (let number = from, left = step; left > 0n; left--, number--) {
      if (await this.#isCanonical(number, hash)) return this.#backend.hashOf(number - left, this.#options);
      if (this.#hops-- <= 0) return undefined;
      const header = await this.#backend.headerByHash(hash, this.#options);
      if (header === undefined) return undefined;
      hash = parentHash(header);
    }
    return hash;
  }

  /** Hash of the block at `next`, if that one is a descendant of this. */
  async #descendant(number: bigint, of: Uint8Array, next: bigint): Promise<Uint8Array | undefined> {
    const hash = await this.#backend.hashOf(next, this.#options);
    if (hash === undefined) return undefined;
    const ancestor = await this.#ancestor(next, hash, next - number);
    return ancestor !== undefined && sameBytes(ancestor, of) ? hash : undefined;
  }
}

/** Whether a header names the other block as its parent. Compared where it stands: a view takes longer than the rest. */
function isChildOf({ header }: NumberedHeader, { hash }: NumberedHeader): boolean {
  const at = parentHashAt(header);
  for (let i = 0; i < HASH_BYTES; i++) if (header[at + i] !== hash[i]) return false;
  return hash.length === HASH_BYTES;
}

/** Where the first field of a header begins, its prefix left out. What is no header has none that is compared as equal. */
function parentHashAt(header: Uint8Array): number {
  const prefix = header[0] ?? 0;
  return prefix > LONG_LIST ? 2 + prefix - LONG_LIST : 2;
}

/** The first field of a header, without reading the others. */
function parentHash(header: Uint8Array): Uint8Array {
  return new RlpReader(header).list().fixed(HASH_BYTES);
}
