import type { CompleteBlock, HashedHeader } from '../../../src/chain/index.js';
import { bytesToHex } from '../../../src/codec/index.js';
import { buildBlock, buildChain, mixture } from '../chain-builder.js';

/** All simulations of one process stand on the same genesis, and build each block once. */
const { spec, genesis } = buildChain(0, mixture, 'simulation');
const built = new Map<string, CompleteBlock>();

export { spec as chainSpec };

function childOf(parent: HashedHeader, extra: string): CompleteBlock {
  const name = `${bytesToHex(parent.hash)} ${extra}`;
  let block = built.get(name);
  if (block === undefined) {
    block = buildBlock(parent, { ...mixture(Number(parent.header.number) + 1), extra });
    built.set(name, block);
  }
  return block;
}

/** The chain that the source has, which grows and at times changes its mind. */
export class SourceChain {
  #blocks: CompleteBlock[] = [];
  #branch = 0;

  get height(): number {
    return this.#blocks.length;
  }

  /** Number 0 is the genesis, of which there is only the header. */
  header(number: number): HashedHeader | undefined {
    return number === 0 ? genesis : this.#blocks[number - 1]?.header;
  }

  block(hash: Uint8Array): CompleteBlock | undefined {
    const name = bytesToHex(hash);
    return this.#blocks.find(({ header }) => bytesToHex(header.hash) === name);
  }

  numberOf(hash: Uint8Array): number | undefined {
    const name = bytesToHex(hash);
    if (name === bytesToHex(genesis.hash)) return 0;
    const at = this.#blocks.findIndex(({ header }) => bytesToHex(header.hash) === name);
    return at < 0 ? undefined : at + 1;
  }

  grow(count: number): void {
    for (let i = 0; i < count; i++) {
      const parent = this.#blocks.at(-1)?.header ?? genesis;
      this.#blocks.push(childOf(parent, this.#branch === 0 ? '' : `branch ${this.#branch}`));
    }
  }

  /** Blocks from this number on. */
  from(number: number): CompleteBlock[] {
    return this.#blocks.slice(number - 1);
  }

  /** The last `depth` blocks give way to others, and more of them. */
  reorganise(depth: number): void {
    this.#blocks.length = Math.max(0, this.#blocks.length - depth);
    this.#branch++;
    this.grow(depth + 2);
  }
}
