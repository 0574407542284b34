export { type CryptoBackendName, chooseCrypto } from './choose.js';
export type { BlockCipher, KeccakStream, RlpxCrypto, StreamCipher } from './crypto.js';
export { CryptoError, type CryptoErrorCode } from './errors.js';
export { nobleCrypto } from './noble.js';
export { nodeCrypto } from './node.js';
