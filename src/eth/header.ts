import { encodeBytes, encodeList, encodeUint, type RlpReader, readList } from '../codec/index.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import type { Hasher } from './hasher.js';

/** A block header. Hashes are 32 bytes. What stands after `nonce` came with later forks, in this order and never with gaps. */
export interface BlockHeader {
  readonly parentHash: Uint8Array;
  readonly unclesHash: Uint8Array;
  /** 20 bytes. */
  readonly beneficiary: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly transactionsRoot: Uint8Array;
  readonly receiptsRoot: Uint8Array;
  /** 256 bytes. */
  readonly logsBloom: Uint8Array;
  readonly difficulty: bigint;
  readonly number: bigint;
  readonly gasLimit: bigint;
  readonly gasUsed: bigint;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  readonly extraData: Uint8Array;
  /** Since the merge the beacon chain's randomness. */
  readonly mixHash: Uint8Array;
  /** 8 bytes. */
  readonly nonce: Uint8Array;
  /** London, EIP-1559. */
  readonly baseFeePerGas?: bigint;
  /** Shanghai, EIP-4895. */
  readonly withdrawalsRoot?: Uint8Array;
  /** Cancun, EIP-4844. */
  readonly blobGasUsed?: bigint;
  /** Cancun, EIP-4844. */
  readonly excessBlobGas?: bigint;
  /** Cancun, EIP-4788. */
  readonly parentBeaconBlockRoot?: Uint8Array;
  /** Prague, EIP-7685. */
  readonly requestsHash?: Uint8Array;
  /** Amsterdam, EIP-7928. */
  readonly blockAccessListHash?: Uint8Array;
  /** Amsterdam, EIP-7843. */
  readonly slotNumber?: bigint;
}

interface Field {
  readonly name: keyof BlockHeader;
  readonly kind: 'fixed' | 'bytes' | 'uint';
  /** How many; for `bytes` and `uint` at most. */
  readonly bytes: number;
}

/** More than any chain has (clique keeps its signers here); geth's limit. */
export const MAX_EXTRA_BYTES: number = 100 * 1024;

/** Elements in their order, with geth's limits. */
const required: readonly Field[] = [
  { name: 'parentHash', kind: 'fixed', bytes: 32 },
  { name: 'unclesHash', kind: 'fixed', bytes: 32 },
  { name: 'beneficiary', kind: 'fixed', bytes: 20 },
  { name: 'stateRoot', kind: 'fixed', bytes: 32 },
  { name: 'transactionsRoot', kind: 'fixed', bytes: 32 },
  { name: 'receiptsRoot', kind: 'fixed', bytes: 32 },
  { name: 'logsBloom', kind: 'fixed', bytes: 256 },
  { name: 'difficulty', kind: 'uint', bytes: 10 },
  { name: 'number', kind: 'uint', bytes: 8 },
  { name: 'gasLimit', kind: 'uint', bytes: 8 },
  { name: 'gasUsed', kind: 'uint', bytes: 8 },
  { name: 'timestamp', kind: 'uint', bytes: 8 },
  { name: 'extraData', kind: 'bytes', bytes: MAX_EXTRA_BYTES },
  { name: 'mixHash', kind: 'fixed', bytes: 32 },
  { name: 'nonce', kind: 'fixed', bytes: 8 },
];
const optional: readonly Field[] = [
  { name: 'baseFeePerGas', kind: 'uint', bytes: 32 },
  { name: 'withdrawalsRoot', kind: 'fixed', bytes: 32 },
  { name: 'blobGasUsed', kind: 'uint', bytes: 8 },
  { name: 'excessBlobGas', kind: 'uint', bytes: 8 },
  { name: 'parentBeaconBlockRoot', kind: 'fixed', bytes: 32 },
  { name: 'requestsHash', kind: 'fixed', bytes: 32 },
  { name: 'blockAccessListHash', kind: 'fixed', bytes: 32 },
  { name: 'slotNumber', kind: 'uint', bytes: 8 },
];

/**
 * Strict: all elements, canonical, within their sizes. Whether the values make sense together is for the caller to judge.
 * Byte fields are views.
 * @throws EthError ERR_ETH_DECODE
 */
export function decodeHeader(raw: Uint8Array): BlockHeader {
  return decoding('header', () => {
    const list = readList(raw);
    const header: Partial<Record<keyof BlockHeader, Uint8Array | bigint>> = {};
    for (const field of required) header[field.name] = readField(list, field);
    for (const field of optional) {
      if (list.done) break;
      header[field.name] = readField(list, field);
    }
    list.finish();
    return header as unknown as BlockHeader; // each name was read as its row of the tables says
  });
}

/** @throws EthError ERR_ETH_ENCODE for a value that does not fit, or an optional field after one that is missing */
export function encodeHeader(header: BlockHeader): Uint8Array {
  const items = required.map((field) => encodeField(header, field));
  const present = optional.findLastIndex(({ name }) => header[name] !== undefined) + 1;
  for (const field of optional.slice(0, present)) items.push(encodeField(header, field));
  return encodeList(items);
}

/** What a block is named by: keccak-256 of its header's RLP. */
export function headerHash(raw: Uint8Array, hasher: Hasher): Uint8Array {
  return hasher.keccak256(raw);
}

function readField(list: RlpReader, { kind, bytes }: Field): Uint8Array | bigint {
  if (kind === 'uint') return list.uint(bytes);
  return kind === 'fixed' ? list.fixed(bytes) : list.bytes(bytes);
}

function encodeField(header: BlockHeader, { name, kind, bytes }: Field): Uint8Array {
  const value = header[name];
  if (kind === 'uint') {
    if (typeof value === 'bigint' && value >= 0n && value >> BigInt(8 * bytes) === 0n)
      return encodeUint(value);
    throw new EthError('ERR_ETH_ENCODE', `header: ${name} is no integer of at most ${bytes} bytes`);
  }
  if (value instanceof Uint8Array && (kind === 'fixed' ? value.length === bytes : value.length <= bytes)) {
    return encodeBytes(value);
  }
  throw new EthError(
    'ERR_ETH_ENCODE',
    `header: ${name} has not ${kind === 'fixed' ? '' : 'at most '}${bytes} bytes`,
  );
}
