import { readFileSync } from 'node:fs';
import { hexToBytes } from '../../src/codec/index.js';

function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

export interface Eth66Vectors {
  readonly messages: readonly { readonly type: string; readonly rlp: string }[];
}

export interface ForkIdVectors {
  readonly creation: Readonly<
    Record<
      string,
      readonly {
        readonly head: number;
        readonly time: number;
        readonly hash: string;
        readonly next: number;
      }[]
    >
  >;
  readonly validation: readonly {
    readonly config: string;
    readonly head: string;
    readonly time: string;
    readonly hash: string;
    readonly next: string;
    readonly verdict: string;
  }[];
  readonly rlp: readonly { readonly hash: string; readonly next: string; readonly rlp: string }[];
}

export interface ChainVectors {
  readonly chains: Readonly<
    Record<
      string,
      {
        readonly chainId: number;
        readonly networkId: number;
        readonly genesis: string;
        readonly genesisTime: number;
        readonly forkBlocks: Readonly<Record<string, number>>;
        readonly forkTimes: Readonly<Record<string, number>>;
      }
    >
  >;
}

/** Made with go-ethereum v1.17.5: what its types encode to, and what it makes of the files of `eth-genesis.ts`. */
export interface ContentVectors {
  readonly messages: Readonly<Record<string, string>>;
  readonly genesis: Readonly<
    Record<
      string,
      {
        readonly hash: string;
        readonly stateRoot: string;
        readonly forkHash: string;
        readonly forkNext: number;
      }
    >
  >;
  readonly blocks: readonly {
    readonly hash: string;
    readonly rlp: string;
    readonly receipts69: string;
    readonly receipts68?: string;
    readonly transactions: readonly string[] | null;
  }[];
}

export const eth66Vectors = (): Eth66Vectors => load('eip2481-eth66-messages');
export const forkIdVectors = (): ForkIdVectors => load('fork-id');
export const chainVectors = (): ChainVectors => load('chains');
export const contentVectors = (): ContentVectors => load('eth-contents');

/** Bytes of a hexadecimal text, spaces between its parts allowed. */
export const hex = (text: string): Uint8Array => hexToBytes(text.replace(/\s/g, ''));
/** 32 bytes that end in these. */
export const hash = (end: string): Uint8Array => hexToBytes(end.padStart(64, '0'));
