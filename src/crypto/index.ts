export type { CryptoBackendName, CryptoSources } from './backends.js';
export { type ChosenCrypto, CRYPTO_CHOICES, type CryptoChoice, chooseCrypto } from './choose.js';
export type { BlockCipher, CryptoParts, Keccak, KeccakStream, RlpxCrypto, StreamCipher } from './crypto.js';
export { CryptoError, type CryptoErrorCode } from './errors.js';
export { nobleCrypto } from './noble.js';
export { nodeCrypto } from './node.js';
export { installedPackage, type PackageLoader } from './packages.js';
export { wasmKeccak } from './wasm/keccak.js';
