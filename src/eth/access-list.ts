import { readList, sameBytes } from '../codec/index.js';
import { decoding } from './decoding.js';
import type { Hasher } from './hasher.js';
import type { BlockHeader } from './header.js';

/**
 * Whether a block access list (EIP-7928) is the one that a header commits to; false also for a header before Amsterdam.
 * @param raw its RLP, a list. @throws EthError ERR_ETH_DECODE where it is none
 */
export function checkAccessList(raw: Uint8Array, header: BlockHeader, hasher: Hasher): boolean {
  decoding('block access list', () => readList(raw));
  const { blockAccessListHash } = header;
  return blockAccessListHash !== undefined && sameBytes(hasher.keccak256(raw), blockAccessListHash);
}
