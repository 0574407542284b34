import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hexToBytes, prefixedHex } from '../../../src/codec/index.js';
import { nodeCrypto } from '../../../src/crypto/index.js';
import { readTransaction } from '../../../src/pool/index.js';
import { transactionVector, wholeItem } from '../../support/pool-vectors.js';
import { type Geth, until } from './geth.js';
import { conformanceChain } from './places.js';
import { addressOf, type OneBlob, type Signing } from './signing.js';

const chain = conformanceChain();
const chainId = BigInt(chain.networkId);

/** Keys of accounts of the conformance chain that have something to spend. */
export function keys(): readonly Uint8Array[] {
  const file = readFileSync(join(dirname(chain.chain), 'accounts.json'), 'utf8');
  return Object.values(JSON.parse(file) as Record<string, { key: string }>).map(({ key }) => hexToBytes(key));
}

/** What the next transaction of an account is signed with. */
export async function signingBy(geth: Geth, key: Uint8Array): Promise<Signing> {
  const nonce = await geth.call<string>('eth_getTransactionCount', prefixedHex(addressOf(key)), 'latest');
  return { key, chainId, nonce: Number(nonce) };
}

/** A blob with its proofs. */
export function oneBlob(): OneBlob {
  const item = wholeItem(transactionVector('type 3 with a sidecar of version 1'));
  const { sidecar, blobHashes } = readTransaction(item, { crypto: nodeCrypto() });
  const [versionedHash, blob, commitment] = [blobHashes[0], sidecar?.blobs[0], sidecar?.commitments[0]];
  if (versionedHash === undefined || blob === undefined || commitment === undefined)
    throw new Error('no blob');
  return { versionedHash, blob, commitment, proofs: sidecar?.proofs ?? [] };
}

/** Waits until a transaction is in the pool of a geth. @returns what it shows of it */
export async function pooled(geth: Geth, hash: string): Promise<unknown> {
  return await until(`${hash} in the other pool`, async () => {
    const found = await geth.call<unknown>('eth_getTransactionByHash', hash);
    return found ?? undefined;
  });
}
