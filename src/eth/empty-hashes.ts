import { hexToBytes } from '../codec/index.js';

/** Root of a trie without leaves: keccak-256 of `80`. */
export const EMPTY_TRIE_ROOT: Uint8Array = hexToBytes(
  '56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
);
/** keccak-256 of `c0`: no uncles, and the access list of a block that touches nothing. */
export const EMPTY_LIST_HASH: Uint8Array = hexToBytes(
  '1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347',
);
/** sha-256 of nothing: no requests (EIP-7685). */
export const EMPTY_REQUESTS_HASH: Uint8Array = hexToBytes(
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
);
