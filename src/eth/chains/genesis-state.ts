import { bytesToHex, encodeBytes, encodeList, encodeUint } from '../../codec/index.js';
import type { Hasher } from '../hasher.js';
import { secureTrieRoot } from '../trie.js';
import type { GenesisReader } from './genesis-reader.js';

const ADDRESS_BYTES = 20;
const WORD_BYTES = 32;

type Leaf = readonly [key: Uint8Array, value: Uint8Array];

/**
 * State root of the accounts that a chain begins with: `alloc` of a genesis file, by address {balance, nonce, code, storage}.
 * Accounts that hold nothing count, slots that hold 0 do not.
 */
export function genesisStateRoot(alloc: GenesisReader, hasher: Hasher): Uint8Array {
  const accounts: Leaf[] = [];
  const seen = new Set<string>();
  for (const [name, account] of alloc.objects()) {
    const address = alloc.fixedName(name, ADDRESS_BYTES);
    const hex = bytesToHex(address);
    if (seen.has(hex)) throw alloc.fault(name, 'the address comes twice'); // with and without 0x
    seen.add(hex);
    accounts.push([address, encodeAccount(account, hasher)]);
  }
  return secureTrieRoot(accounts, hasher);
}

/** [nonce, balance, storage root, code hash] */
function encodeAccount(account: GenesisReader, hasher: Hasher): Uint8Array {
  return encodeList([
    encodeUint(account.optionalUint('nonce', 64) ?? 0n),
    encodeUint(account.uint('balance', 256)),
    encodeBytes(storageRoot(account, hasher)),
    encodeBytes(hasher.keccak256(account.bytes('code'))),
  ]);
}

function storageRoot(account: GenesisReader, hasher: Hasher): Uint8Array {
  const slots = new Map<string, Leaf>();
  if (account.has('storage')) {
    const storage = account.object('storage');
    for (const name of storage.names()) {
      const key = storage.paddedName(name, WORD_BYTES);
      const hex = bytesToHex(key);
      if (slots.has(hex)) throw storage.fault(name, 'the slot comes twice');
      slots.set(hex, [key, storage.padded(name, WORD_BYTES)]);
    }
  }
  const leaves: Leaf[] = [];
  for (const [key, word] of slots.values()) {
    const start = word.findIndex((byte) => byte !== 0);
    if (start !== -1) leaves.push([key, encodeBytes(word.subarray(start))]);
  }
  return secureTrieRoot(leaves, hasher);
}
