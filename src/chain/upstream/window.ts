import { bytesToHex, sameBytes } from '../../codec/index.js';
import { ChainError } from '../errors.js';
import { checkLink, type HashedHeader } from '../verify.js';

/** As many blocks as a reorganisation may go back without everything being asked for anew: four times what geth allows itself. */
export const WINDOW_BLOCKS = 256;

/** The latest headers of a chain, each the parent of the next: the part of what an upstream says that holds together. */
export class HeaderWindow {
  #headers: readonly HashedHeader[];
  readonly #numbers = new Map<string, bigint>();

  constructor(genesis: HashedHeader) {
    this.#headers = [genesis];
    this.#index();
  }

  get head(): HashedHeader {
    return this.#headers.at(-1) as HashedHeader; // never empty
  }

  get oldest(): HashedHeader {
    return this.#headers[0] as HashedHeader;
  }

  at(number: bigint): HashedHeader | undefined {
    const position = number - this.oldest.header.number;
    return position < 0n ? undefined : this.#headers[Number(position)];
  }

  numberOf(hash: Uint8Array): bigint | undefined {
    return this.#numbers.get(bytesToHex(hash));
  }

  has(number: bigint, hash: Uint8Array): boolean {
    const header = this.at(number);
    return header !== undefined && sameBytes(header.hash, hash);
  }

  /**
   * Takes the headers that lead to the new head, from the lowest on; none: the head is now block `head` of the window.
   * @returns how far up the window is what it was; undefined where nothing of it is left
   * @throws ChainError ERR_CHAIN_LINK where the headers do not follow each other; nothing has changed then
   */
  advance(fresh: readonly HashedHeader[], head: bigint): bigint | undefined {
    const [first] = fresh;
    for (const [at, header] of fresh.entries()) {
      const parent = fresh[at - 1];
      if (parent !== undefined) linked(parent, header);
    }
    const join = first === undefined ? this.at(head) : this.at(first.header.number - 1n);
    const joins =
      join !== undefined && (first === undefined || sameBytes(first.header.parentHash, join.hash));
    if (!joins && first === undefined)
      throw new ChainError('ERR_CHAIN_LINK', `block ${head} is not in the window`);
    if (joins && first !== undefined) linked(join, first);
    const kept = joins
      ? this.#headers.slice(0, Number(join.header.number - this.oldest.header.number) + 1)
      : [];
    this.#headers = [...kept, ...fresh].slice(-WINDOW_BLOCKS);
    this.#index();
    return joins ? join.header.number : undefined;
  }

  #index(): void {
    this.#numbers.clear();
    for (const { hash, header } of this.#headers) this.#numbers.set(bytesToHex(hash), header.number);
  }
}

function linked(parent: HashedHeader, child: HashedHeader): void {
  try {
    checkLink(parent, child);
  } catch (cause) {
    throw new ChainError('ERR_CHAIN_LINK', `the upstream's headers do not follow each other`, { cause });
  }
}
