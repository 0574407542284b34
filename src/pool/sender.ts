import { bytesToBigint, encodeList, encodeUint } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { PoolError } from './errors.js';
import type { SignatureFields } from './fields.js';

/** EIP-2: half of the order of the group; the other half of the signatures is not valid. */
const MAX_S = 0x7fffffff_ffffffff_ffffffff_ffffffff_5d576e73_57a4501d_dfe92f46_681b20a0n;

/**
 * Who signed: the last 20 bytes of the hash of the key that the signature leads to.
 * @param chainId undefined for a transaction of type 0 that names none
 * @throws PoolError ERR_POOL_TX_SIGNATURE
 */
export function recoverSender(
  type: number,
  chainId: bigint | undefined,
  signed: SignatureFields,
  crypto: Pick<RlpxCrypto, 'keccak256' | 'recover'>,
): Uint8Array {
  const parity = type === 0 ? legacyParity(signed.v) : signed.v;
  if (parity !== 0n && parity !== 1n) throw signatureFault(`a parity of ${signed.v}`);
  if (signed.s.length === 32 && bytesToBigint(signed.s) > MAX_S)
    throw signatureFault('s is in the upper half');
  const signature = new Uint8Array(65);
  signature.set(signed.r, 32 - signed.r.length);
  signature.set(signed.s, 64 - signed.s.length);
  signature[64] = Number(parity);
  const key = crypto.recover(signingHash(type, chainId, signed.signedBytes, crypto), signature);
  if (key === undefined) throw signatureFault('it leads to no key');
  return crypto.keccak256(key).slice(12);
}

/** 27 and 28 (before EIP-155), else 35 + 2 · chain id + parity. */
function legacyParity(v: bigint): bigint {
  return v >= 35n ? (v - 35n) % 2n : v - 27n;
}

/** EIP-155, EIP-2718: what was signed is the list without the signature, of type 0 with the chain id in its place. */
function signingHash(
  type: number,
  chainId: bigint | undefined,
  signedBytes: Uint8Array,
  crypto: Pick<RlpxCrypto, 'keccak256'>,
): Uint8Array {
  if (type !== 0) return crypto.keccak256(Uint8Array.of(type), encodeList([signedBytes]));
  if (chainId === undefined) return crypto.keccak256(encodeList([signedBytes]));
  return crypto.keccak256(encodeList([signedBytes, encodeUint(chainId), encodeUint(0), encodeUint(0)]));
}

function signatureFault(what: string): PoolError {
  return new PoolError('ERR_POOL_TX_SIGNATURE', `signature: ${what}`);
}
