import { bytesToBigint, concatBytes, encodeBytes, encodeList, encodeUint } from '../../../src/codec/index.js';
import { nodeCrypto } from '../../../src/crypto/index.js';

const crypto = nodeCrypto();

/** What all transactions of a test have. */
export interface Signing {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly chainId: bigint;
  readonly nonce: number;
}

/** The blob of a transaction and what proves it; see EIP-7594. */
export interface OneBlob {
  readonly versionedHash: Uint8Array;
  readonly blob: Uint8Array;
  readonly commitment: Uint8Array;
  readonly proofs: readonly Uint8Array[];
}

const to = new Uint8Array(20).fill(0xaa);
const TIP = 2_000_000_000;
const FEE = 100_000_000_000;

/** The address of a key, 20 bytes. */
export function addressOf(key: Uint8Array): Uint8Array {
  return crypto.keccak256(crypto.publicKey(key)).slice(12);
}

/** EIP-155 */
export function legacyTransaction({ key, chainId, nonce }: Signing): Uint8Array {
  const fields = [
    ...[encodeUint(nonce), encodeUint(FEE), encodeUint(21_000)],
    ...[encodeBytes(to), encodeUint(1), encodeBytes(new Uint8Array(0))],
  ];
  const hash = crypto.keccak256(encodeList([...fields, encodeUint(chainId), encodeUint(0), encodeUint(0)]));
  const { parity, r, s } = signature(hash, key);
  return encodeList([...fields, encodeUint(chainId * 2n + 35n + parity), r, s]);
}

/** EIP-1559 */
export function feeTransaction(signing: Signing): Uint8Array {
  return typed(2, signing, feeFields(signing, 21_000));
}

/** EIP-7702: the signer lets its own account have the code of an address that has none. */
export function codeTransaction(signing: Signing): Uint8Array {
  const { key, chainId, nonce } = signing;
  const grant = [encodeUint(chainId), encodeBytes(to), encodeUint(nonce + 1)];
  const { parity, r, s } = signature(crypto.keccak256(Uint8Array.of(5), encodeList(grant)), key);
  const grants = encodeList([encodeList([...grant, encodeUint(parity), r, s])]);
  return typed(4, signing, [...feeFields(signing, 100_000), grants]);
}

/** EIP-4844, with a sidecar of EIP-7594. */
export function blobTransaction(signing: Signing, one: OneBlob): Uint8Array {
  const fields = [
    ...feeFields(signing, 21_000),
    encodeUint(FEE),
    encodeList([encodeBytes(one.versionedHash)]),
  ];
  const bare = typed(3, signing, fields).subarray(1);
  const sidecar = [[one.blob], [one.commitment], one.proofs].map((part) => encodeList(part.map(encodeBytes)));
  return concatBytes([Uint8Array.of(3), encodeList([bare, encodeUint(1), ...sidecar])]);
}

function feeFields({ chainId, nonce }: Signing, gas: number): Uint8Array[] {
  return [
    ...[encodeUint(chainId), encodeUint(nonce), encodeUint(TIP), encodeUint(FEE), encodeUint(gas)],
    ...[encodeBytes(to), encodeUint(1), encodeBytes(new Uint8Array(0)), encodeList([])],
  ];
}

function typed(type: number, { key }: Signing, fields: readonly Uint8Array[]): Uint8Array {
  const prefix = Uint8Array.of(type);
  const { parity, r, s } = signature(crypto.keccak256(prefix, encodeList(fields)), key);
  return concatBytes([prefix, encodeList([...fields, encodeUint(parity), r, s])]);
}

function signature(hash: Uint8Array, key: Uint8Array) {
  const bytes = crypto.sign(hash, key);
  const number = (from: number, end: number) => encodeUint(bytesToBigint(bytes.subarray(from, end)));
  return { parity: BigInt(bytes[64] ?? 0), r: number(0, 32), s: number(32, 64) };
}
