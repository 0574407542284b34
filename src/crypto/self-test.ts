import type { RlpxCrypto } from './crypto.js';

/** 2·G and 3·G, and x of 6·G, with G the generator of SEC 2, section 2.4.1. */
const TWO_G =
  'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee51ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a';
const THREE_G =
  'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9388f7b0f632de8140fe337e62a37f3566500a99934c2231b6cb9fd7584b8e672';
const SIX_G_X = 'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556';

const ZERO_BLOCK = '00000000000000000000000000000000';
const COUNTING = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const PLAIN_BLOCK = '00112233445566778899aabbccddeeff';

type Check = readonly [name: string, passes: (crypto: RlpxCrypto) => boolean];

/** Known answers for every function of the interface; each takes one path that a broken build would get wrong. */
const CHECKS: readonly Check[] = [
  [
    'keccak256',
    (crypto) =>
      hex(crypto.keccak256(text('a'), text('bc'))) ===
      '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45',
  ],
  ['keccakStream', keccakStreamGoesOn],
  [
    'sha256',
    (crypto) =>
      hex(crypto.sha256(text('a'), text('bc'))) ===
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  ],
  // RFC 4231, case 2
  [
    'hmacSha256',
    (crypto) =>
      hex(crypto.hmacSha256(text('Jefe'), text('what do ya want '), text('for nothing?'))) ===
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  // FIPS 197, appendix C.3
  [
    'aesBlock',
    (crypto) =>
      hex(crypto.aesBlock(bytes(COUNTING)).encrypt(bytes(PLAIN_BLOCK))) ===
      '8ea2b7ca516745bfeafc49904b496089',
  ],
  // SP 800-38A, F.5.1
  [
    'aesCtr of 128 bits',
    (crypto) =>
      hex(
        crypto
          .aesCtr(bytes('2b7e151628aed2a6abf7158809cf4f3c'), bytes('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'))
          .apply(bytes('6bc1bee22e409f96e93d7e117393172a')),
      ) === '874d6191b620e3261bef6864990db6ce',
  ],
  ['aesCtr', ctrCountsOn],
  ['ecies', sealsAsItsParts],
  ['isSecretKey', (crypto) => crypto.isSecretKey(scalar(1)) && !crypto.isSecretKey(scalar(0))],
  ['isPublicKey', (crypto) => crypto.isPublicKey(bytes(TWO_G)) && !crypto.isPublicKey(new Uint8Array(64))],
  ['publicKey', (crypto) => hex(crypto.publicKey(scalar(2))) === TWO_G],
  ['ecdh', (crypto) => hex(crypto.ecdh(scalar(2), bytes(THREE_G))) === SIX_G_X],
  ['ecdh with a bad point', refusesBadPoint],
  ['sign and recover', signsAndRecovers],
  [
    'equal',
    (crypto) =>
      crypto.equal(scalar(1), scalar(1)) &&
      !crypto.equal(scalar(1), scalar(2)) &&
      !crypto.equal(scalar(1), scalar(1).subarray(1)),
  ],
];

/**
 * Asks a back end for answers that are known. Half a millisecond for the native back end, 5 for noble, and up to 35 the first time, when tables are made (Node 20).
 * @returns the name of what is wrong, undefined where all is well; never throws
 */
export function selfTest(crypto: RlpxCrypto): string | undefined {
  for (const [name, passes] of CHECKS) {
    try {
      if (!passes(crypto)) return `${name}: wrong answer`;
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message : 'threw'}`;
    }
  }
  return undefined;
}

/** A digest in between must not disturb what follows. */
function keccakStreamGoesOn(crypto: RlpxCrypto): boolean {
  const stream = crypto.keccakStream();
  const empty = hex(stream.digest()) === 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470';
  stream.update(text('a'));
  stream.digest();
  stream.update(text('bc'));
  return empty && hex(stream.digest()) === '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45';
}

/** The key stream must go on over pieces that end within a block: three pieces against one block cipher call per block. */
function ctrCountsOn(crypto: RlpxCrypto): boolean {
  const stream = crypto.aesCtr(bytes(COUNTING), bytes(ZERO_BLOCK));
  const pieces = [5, 16, 11].map((length) => hex(stream.apply(new Uint8Array(length)))).join('');
  const block = crypto.aesBlock(bytes(COUNTING));
  return pieces === hex(block.encrypt(scalar(0).subarray(16))) + hex(block.encrypt(scalar(1).subarray(16)));
}

/** Where messages are sealed in one call: as the single primitives would. */
function sealsAsItsParts({ ecies, sha256, aesCtr, hmacSha256, equal }: RlpxCrypto): boolean {
  if (ecies === undefined) return true;
  const sealed = new Uint8Array(96);
  ecies.seal(scalar(9), sealed, scalar(2).subarray(30));
  const material = sha256(bytes('00000001'), scalar(9));
  const iv = sealed.subarray(0, 16);
  const ciphertext = aesCtr(material.subarray(0, 16), iv).apply(new Uint8Array(48));
  const tag = hmacSha256(sha256(material.subarray(16)), iv, ciphertext, scalar(2).subarray(30));
  const opened = ecies.open(scalar(9), sealed, scalar(2).subarray(30));
  return (
    equal(sealed.subarray(16, 64), ciphertext) &&
    equal(sealed.subarray(64), tag) &&
    opened !== undefined &&
    equal(opened, new Uint8Array(48))
  );
}

function refusesBadPoint(crypto: RlpxCrypto): boolean {
  const offCurve = bytes(TWO_G);
  offCurve[63] = (offCurve[63] as number) ^ 1;
  try {
    crypto.ecdh(scalar(2), offCurve);
    return false;
  } catch {
    return true;
  }
}

/** The RFC 6979 nonce of key 1 and this text is widely published for this curve. */
function signsAndRecovers(crypto: RlpxCrypto): boolean {
  const hash = crypto.sha256(text('Satoshi Nakamoto'));
  const signature = crypto.sign(hash, scalar(1));
  const known =
    '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5';
  if (hex(signature.subarray(0, 64)) !== known) return false;
  const recovered = crypto.recover(hash, signature);
  return recovered !== undefined && hex(recovered) === hex(crypto.publicKey(scalar(1)));
}

/** A small number in 32 bytes. */
function scalar(value: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31] = value;
  return bytes;
}

function text(ascii: string): Uint8Array {
  return new TextEncoder().encode(ascii);
}

function bytes(hexText: string): Uint8Array {
  return Uint8Array.from(hexText.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(value: Uint8Array): string {
  return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
