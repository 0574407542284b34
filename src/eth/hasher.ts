import type { RlpxCrypto } from '../crypto/index.js';

/** All of cryptography that the contents of eth need. */
export type Hasher = Pick<RlpxCrypto, 'keccak256'>;
