import { bigintToBytes, concatBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { BLOB_TYPE, type PooledTransaction } from '../../src/pool/index.js';

export interface MadeTransaction {
  /** A number stands for an account. */
  readonly sender?: number;
  readonly nonce?: number;
  readonly tip?: bigint;
  /** Default: the tip. */
  readonly fee?: bigint;
  readonly blobFee?: bigint;
  readonly bytes?: number;
  readonly type?: number;
  /** Makes another transaction of the same facts. */
  readonly salt?: number;
}

/** A transaction as the pool sees it; nobody signed it, and its bytes mean nothing. */
export function madeTransaction(made: MadeTransaction): PooledTransaction {
  const { sender = 1, nonce = 0, tip = 10n, fee = tip, bytes = 100, type = 2, salt = 0 } = made;
  const blobs = type === BLOB_TYPE;
  const blobFee = blobs ? (made.blobFee ?? 1n) : undefined;
  const facts = [sender, nonce, tip, fee, bytes, type, salt, blobFee ?? 0n].map((fact) => word(BigInt(fact)));
  const network = new Uint8Array(bytes);
  return {
    hash: nobleCrypto.keccak256(concatBytes(facts)),
    type,
    raw: network,
    network,
    bytes,
    bytesWithoutBlobs: bytes,
    sender: word(BigInt(sender)).slice(12),
    chainId: 1n,
    nonce: BigInt(nonce),
    gas: 21_000n,
    gasFeeCap: fee,
    gasTipCap: tip,
    blobFeeCap: blobFee,
    to: new Uint8Array(20),
    value: 0n,
    data: new Uint8Array(0),
    accessList: { addresses: 0, storageKeys: 0 },
    blobHashes: [],
    authorizations: 0,
  };
}

function word(value: bigint): Uint8Array {
  const bytes = bigintToBytes(value);
  const whole = new Uint8Array(32);
  whole.set(bytes, 32 - bytes.length);
  return whole;
}
