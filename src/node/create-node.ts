import { realWorld, silentLogger } from '../runtime/index.js';
import { checkOptions } from './config.js';
import { givenCrypto } from './crypto-choice.js';
import { closeHome, openHome } from './home.js';
import { type NodeParts, RlpxdNode } from './node.js';
import { checkBacking, type NodeOptions } from './node-options.js';
import { warnOfOldNode } from './version.js';

/**
 * Starts a node: opens its chain and key, listens where asked, dials its peers and pulls where asked.
 * @throws SessionError ERR_SESSION_ARGUMENT for a protocol that is none, ERR_SESSION_CONFIGURATION for a template;
 *   CryptoError ERR_CRYPTO_BACKEND; ConfigError; ChainError, ERR_CHAIN_ABORTED where `signal` called the start off; RuntimeError ERR_RUNTIME_NODE_VERSION (this Node must not face
 *   peers), ERR_RUNTIME_LISTEN, ERR_RUNTIME_STORE_BUSY, ERR_RUNTIME_FILE. Nothing is left open then.
 */
export async function createNode(options: NodeOptions = {}): Promise<RlpxdNode> {
  const world = options.world ?? realWorld();
  const logger = options.logger ?? silentLogger;
  warnOfOldNode(logger);
  const crypto = givenCrypto(options.crypto, logger);
  const config = checkOptions(options, crypto);
  checkBacking(options);
  const { chain, backend, signal } = options;
  const home = await openHome({ config, chain, backend, world, crypto, logger, signal });
  const node = await madeOf({ config, home, world, crypto, logger, options });
  try {
    for (const protocol of options.protocols ?? []) node.registerProtocol(protocol);
    await node.start(options.pull === true);
    return node;
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** A mistake in what makes sessions leaves no store open. */
async function madeOf(parts: NodeParts): Promise<RlpxdNode> {
  try {
    return new RlpxdNode(parts);
  } catch (error) {
    await closeHome(parts.home);
    throw error;
  }
}
