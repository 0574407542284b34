import { bytesToHex, hexToBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import type { Files, Random } from '../runtime/index.js';
import { ConfigError } from './errors.js';
import { cannotRead } from './read-text.js';

/** What group and others may do with a file; a node key is for its owner alone. */
const OTHERS_MODE = 0o077;
const KEY_FILE_MODE = 0o600;
/** 64 digits, 0x, and room for line ends; a bigger file is something else. */
const MAX_KEY_FILE_BYTES = 128;

export interface NodeKeyTools {
  readonly files: Files;
  readonly random: Random;
  readonly crypto: Pick<RlpxCrypto, 'isSecretKey'>;
}

/**
 * A secret key as 64 hex digits, with or without 0x.
 * @returns 32 bytes @throws ConfigError ERR_CONFIG_KEY, never showing the text
 */
export function parseNodeKey(
  text: string,
  field: string,
  crypto: Pick<RlpxCrypto, 'isSecretKey'>,
): Uint8Array {
  const digits = text.trim().replace(/^0x/i, '');
  if (!/^[0-9a-f]{64}$/i.test(digits)) {
    throw new ConfigError(
      'ERR_CONFIG_KEY',
      field,
      `${field}: a node key is 64 hex digits, this is something else`,
    );
  }
  return checkedNodeKey(hexToBytes(digits), field, crypto);
}

/** @returns `key`, now known to be a secret key: 32 bytes, above 0 and below the order of the curve. @throws ConfigError ERR_CONFIG_KEY */
export function checkedNodeKey(
  key: Uint8Array,
  field: string,
  crypto: Pick<RlpxCrypto, 'isSecretKey'>,
): Uint8Array {
  if (key.length === 32 && crypto.isSecretKey(key)) return key;
  throw new ConfigError(
    'ERR_CONFIG_KEY',
    field,
    `${field}: not a secp256k1 secret key (0 < key < order of the curve)`,
  );
}

/**
 * Reads a key file: 64 hex digits.
 * @throws ConfigError ERR_CONFIG_FILE (unreadable), ERR_CONFIG_KEY_MODE (readable by others; the message has the command that
 * mends it), ERR_CONFIG_KEY (holds no key)
 */
export async function readNodeKey(path: string, tools: Omit<NodeKeyTools, 'random'>): Promise<Uint8Array> {
  const facts = await tools.files.stat(path).catch((error: unknown) => {
    throw cannotRead('nodekey', path, error);
  });
  if (facts === undefined)
    throw new ConfigError('ERR_CONFIG_FILE', 'nodekey', `key file ${path} does not exist`);
  if (facts.directory) throw new ConfigError('ERR_CONFIG_FILE', 'nodekey', `key file ${path} is a folder`);
  // a device, or a file of nothing: to change its mode would mend nothing
  if ((facts.mode & OTHERS_MODE) !== 0 && facts.bytes === 0) {
    throw new ConfigError('ERR_CONFIG_KEY', 'nodekey', `key file ${path} holds no key: it is empty`);
  }
  if ((facts.mode & OTHERS_MODE) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(3, '0');
    const mend = `chmod 600 ${shellWord(path)}`;
    const message = `key file ${path} may be used by others (mode ${mode}); mend it with: ${mend}`;
    throw new ConfigError('ERR_CONFIG_KEY_MODE', 'nodekey', message);
  }
  if (facts.bytes > MAX_KEY_FILE_BYTES) {
    throw new ConfigError(
      'ERR_CONFIG_KEY',
      'nodekey',
      `key file ${path}: ${facts.bytes} bytes, 64 hex digits wanted`,
    );
  }
  const bytes = await tools.files.read(path).catch((error: unknown) => {
    throw cannotRead('nodekey', path, error);
  });
  return parseNodeKey(new TextDecoder().decode(bytes), `key file ${path}`, tools.crypto);
}

/** Makes a key and writes it to a file that must not exist, readable by its owner only. @returns 32 bytes @throws RuntimeError ERR_RUNTIME_FILE */
export async function createNodeKey(path: string, tools: NodeKeyTools): Promise<Uint8Array> {
  const key = randomNodeKey(tools.random, tools.crypto);
  await tools.files.createNew(path, new TextEncoder().encode(`${bytesToHex(key)}\n`), KEY_FILE_MODE);
  return key;
}

/** @returns 32 bytes from `random`, drawn again where they are no secret key (once in 2^128). */
export function randomNodeKey(random: Random, crypto: Pick<RlpxCrypto, 'isSecretKey'>): Uint8Array {
  let key = random.bytes(32);
  while (!crypto.isSecretKey(key)) key = random.bytes(32);
  return key;
}

function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
