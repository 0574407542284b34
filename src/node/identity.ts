import { bytesToHex } from '../codec/index.js';
import { chooseCrypto, type RlpxCrypto } from '../crypto/index.js';
import { nodeId } from '../peers/index.js';
import { realWorld, type World } from '../runtime/index.js';
import { createNodeKey, readNodeKey } from './node-key.js';

/** The public half of a node key. */
export interface NodeIdentity {
  /** 128 hex digits: what stands in an enode URL. */
  readonly publicKey: string;
  /** 64 hex digits: the Keccak-256 of the public key, what other nodes print as `id`. */
  readonly id: string;
}

export function identityOf(secretKey: Uint8Array, crypto: RlpxCrypto): NodeIdentity {
  const publicKey = crypto.publicKey(secretKey);
  return { publicKey: bytesToHex(publicKey), id: bytesToHex(nodeId(publicKey, crypto)) };
}

/** Makes a node key in a new file of mode 0600. @throws RuntimeError ERR_RUNTIME_FILE, `EEXIST` where the file is there */
export async function createKeyFile(path: string, world: World = realWorld()): Promise<NodeIdentity> {
  const crypto = chooseCrypto();
  return identityOf(await createNodeKey(path, { ...world, crypto }), crypto);
}

/** @throws ConfigError ERR_CONFIG_FILE, ERR_CONFIG_KEY, ERR_CONFIG_KEY_MODE */
export async function readKeyFile(path: string, world: World = realWorld()): Promise<NodeIdentity> {
  const crypto = chooseCrypto();
  return identityOf(await readNodeKey(path, { ...world, crypto }), crypto);
}
