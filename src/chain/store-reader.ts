import { readUint64 } from '../codec/index.js';
import type { KeyValueStore } from '../runtime/index.js';
import type { BlockPart, NumberedHeader, ReadOptions } from './backend.js';
import { throwIfAborted } from './errors.js';
import { accessListKey, bodyKey, canonicalKey, headerKey, numberKey, receiptsKey } from './keys.js';
import type { RecentBlocks } from './recent-blocks.js';

const HASH_BYTES = 32;
const KEY_OF_PART = {
  header: headerKey,
  body: bodyKey,
  receipts: receiptsKey,
  accessList: accessListKey,
} as const;

/**
 * Reads a chain from a key-value store. Single parts always come from the store; many at once, as peers are answered, first
 * from those that were read lately.
 */
export class StoreReader {
  readonly #store: KeyValueStore;
  readonly #recent: RecentBlocks;
  readonly #head: () => bigint;

  /** @param head number of the latest block; throws what readers are to hear once the store is closed */
  constructor(store: KeyValueStore, recent: RecentBlocks, head: () => bigint) {
    this.#store = store;
    this.#recent = recent;
    this.#head = head;
  }

  async headerByNumber(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const hash = await this.hashOf(number, options);
    return hash === undefined ? undefined : this.#get(headerKey(number, hash), options);
  }

  async part(part: BlockPart, hash: Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const number = await this.numberOf(hash, options);
    return number === undefined ? undefined : this.#get(KEY_OF_PART[part](number, hash), options);
  }

  async numberOf(hash: Uint8Array, options?: ReadOptions): Promise<bigint | undefined> {
    if (hash.length !== HASH_BYTES) return undefined;
    const value = await this.#get(numberKey(hash), options);
    return value === undefined ? undefined : readUint64(value);
  }

  async hashOf(number: bigint, options?: ReadOptions): Promise<Uint8Array | undefined> {
    if (number < 0n || number > this.#head()) return undefined;
    return this.#get(canonicalKey(number), options);
  }

  async has(key: Uint8Array): Promise<boolean> {
    return (await this.#get(key, undefined)) !== undefined;
  }

  async many(
    part: BlockPart,
    hashes: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const values = hashes.map((hash) => this.#recent.part(part, hash));
    const missing = [...values.keys()].filter((i) => values[i] === undefined);
    if (missing.length === 0) this.#check(options);
    else for (const [i, value] of await this.#readParts(part, hashes, missing, options)) values[i] = value;
    return values;
  }

  async inRow(
    from: bigint,
    count: number,
    reverse: boolean,
    options?: ReadOptions,
  ): Promise<readonly NumberedHeader[]> {
    this.#check(options);
    const head = this.#head();
    if (from < 0n || from > head) return [];
    const available = reverse ? from + 1n : head - from + 1n;
    const wanted = available < BigInt(count) ? Number(available) : count;
    const row = this.#recent.headers(Number(from), wanted, reverse);
    if (row.length < wanted) {
      const numbers: bigint[] = [];
      for (let i = row.length; i < wanted; i++) numbers.push(reverse ? from - BigInt(i) : from + BigInt(i));
      row.push(...(await this.#readRow(numbers, options)));
    }
    return row;
  }

  async #readParts(
    part: BlockPart,
    hashes: readonly Uint8Array[],
    wanted: readonly number[],
    options: ReadOptions | undefined,
  ): Promise<Map<number, Uint8Array>> {
    const { turn } = this.#recent;
    const numbers = await this.#numbersOf(
      wanted.map((i) => hashes[i]),
      options,
    );
    const places: { readonly i: number; readonly number: bigint; readonly hash: Uint8Array }[] = [];
    for (const [at, i] of wanted.entries()) {
      const [number, hash] = [numbers[at], hashes[i]];
      if (number !== undefined && hash !== undefined) places.push({ i, number, hash });
    }
    const keyOf = KEY_OF_PART[part];
    const keys = places.map(({ number, hash }) => keyOf(number, hash));
    const values = await this.#getMany(keys, options);
    const found = new Map<number, Uint8Array>();
    for (const [at, { i, number, hash }] of places.entries()) {
      const value = values[at];
      if (value === undefined) continue;
      found.set(i, value);
      this.#recent.put(turn, number, hash, part, value);
    }
    return found;
  }

  /** Numbers of blocks, where they are known: those of the blocks that are not, and of what is no hash, are undefined. */
  async #numbersOf(
    hashes: readonly (Uint8Array | undefined)[],
    options: ReadOptions | undefined,
  ): Promise<(bigint | undefined)[]> {
    const numbers = hashes.map((hash) => (hash === undefined ? undefined : this.#recent.numberOf(hash)));
    const asked = hashes.flatMap((hash, i) =>
      hash?.length === HASH_BYTES && numbers[i] === undefined ? [{ i, key: numberKey(hash) }] : [],
    );
    const values = await this.#getMany(
      asked.map(({ key }) => key),
      options,
    );
    for (const [at, { i }] of asked.entries()) {
      const value = values[at];
      if (value !== undefined) numbers[i] = readUint64(value);
    }
    return numbers;
  }

  async #readRow(
    numbers: readonly bigint[],
    options: ReadOptions | undefined,
  ): Promise<readonly NumberedHeader[]> {
    const { turn } = this.#recent;
    const hashes = await this.#getMany(numbers.map(canonicalKey), options);
    const places: { readonly number: bigint; readonly hash: Uint8Array }[] = [];
    for (const [i, number] of numbers.entries()) {
      const hash = hashes[i];
      if (hash === undefined) break;
      places.push({ number, hash });
    }
    const keys = places.map(({ number, hash }) => headerKey(number, hash));
    const headers = await this.#getMany(keys, options);
    const row: NumberedHeader[] = [];
    for (const [i, { number, hash }] of places.entries()) {
      const header = headers[i];
      if (header === undefined) break;
      row.push({ hash, header });
      this.#recent.put(turn, number, hash, 'header', header);
    }
    return row;
  }

  async #get(key: Uint8Array, options: ReadOptions | undefined): Promise<Uint8Array | undefined> {
    this.#check(options);
    return this.#store.get(key);
  }

  async #getMany(
    keys: readonly Uint8Array[],
    options: ReadOptions | undefined,
  ): Promise<(Uint8Array | undefined)[]> {
    this.#check(options);
    return keys.length === 0 ? [] : this.#store.getMany(keys);
  }

  #check(options: ReadOptions | undefined): void {
    throwIfAborted(options?.signal, 'reading the chain store');
    this.#head();
  }
}
