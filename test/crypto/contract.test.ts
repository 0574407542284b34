import { hashes } from '@noble/secp256k1';
import { describe, expect, it } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { loadedBackends } from '../support/crypto-backends.js';
import { bytes, hex, N, P, scalar, text, word } from '../support/crypto-values.js';

const failing = (code: string): unknown => expect.objectContaining({ name: 'CryptoError', code });

/** Multiples of the generator, as SEC 2 and tables of the curve have them. */
const points: readonly (readonly [bigint, string, string])[] = [
  [
    1n,
    '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
  ],
  [
    2n,
    'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
    '1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
  ],
  [
    3n,
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '388f7b0f632de8140fe337e62a37f3566500a99934c2231b6cb9fd7584b8e672',
  ],
  [
    N - 1n,
    '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    'b7c52588d95c3b9aa25b0403f1eef75702e84bb7597aabe663b82f6f04ef2777',
  ],
];

/** SP 800-38A, F.5: four blocks in counter mode. */
const ctrPlain =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';
const ctrIv = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
const ctrVectors: readonly (readonly [string, string, string])[] = [
  [
    'AES-128',
    '2b7e151628aed2a6abf7158809cf4f3c',
    '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee',
  ],
  [
    'AES-256',
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
  ],
];

const backends = loadedBackends();

describe.each(backends.map((crypto) => [crypto.name, crypto] as const))(
  'the back end %s',
  (_name, crypto) => {
    describe('hashes', () => {
      it.each([
        ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
        ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
        [
          'The quick brown fox jumps over the lazy dog',
          '4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15',
        ],
      ])('keccak256 of %j', (input, expected) => {
        expect(hex(crypto.keccak256(text(input)))).toBe(expected);
        expect(hex(crypto.keccak256(text(input.slice(0, 2)), new Uint8Array(), text(input.slice(2))))).toBe(
          expected,
        );
      });

      it('keccak256 of no parts is that of no bytes', () => {
        expect(crypto.keccak256()).toEqual(crypto.keccak256(new Uint8Array()));
        expect(crypto.sha256()).toEqual(crypto.sha256(new Uint8Array()));
      });

      it.each([
        ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
        ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      ])('sha256 of %j', (input, expected) => {
        expect(hex(crypto.sha256(text(input)))).toBe(expected);
        expect(hex(crypto.sha256(text(input.slice(0, 1)), text(input.slice(1))))).toBe(expected);
      });

      it.each([
        // RFC 4231: cases 1, 2 and 6 (a key longer than a block)
        [
          '0b'.repeat(20),
          hex(text('Hi There')),
          'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
        ],
        [
          hex(text('Jefe')),
          hex(text('what do ya want for nothing?')),
          '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
        ],
        [
          'aa'.repeat(131),
          hex(text('Test Using Larger Than Block-Size Key - Hash Key First')),
          '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
        ],
      ])('hmacSha256 with the key %s', (key, input, expected) => {
        const message = bytes(input);
        expect(hex(crypto.hmacSha256(bytes(key), message))).toBe(expected);
        expect(hex(crypto.hmacSha256(bytes(key), message.subarray(0, 3), message.subarray(3)))).toBe(
          expected,
        );
      });
    });

    describe('keccakStream', () => {
      it('goes on after a digest, at every length around its block of 136 bytes', () => {
        const stream = crypto.keccakStream();
        const all: Uint8Array[] = [];
        for (const length of [0, 1, 134, 1, 1, 135, 136, 137, 271, 1000]) {
          const part = new Uint8Array(length).fill(length);
          stream.update(part);
          all.push(part);
          expect(stream.digest()).toEqual(crypto.keccak256(...all));
          expect(stream.digest()).toEqual(crypto.keccak256(...all));
        }
      });

      it('takes inputs of more than one piece of its memory, whole and as views', () => {
        // 65,280 bytes are what the WebAssembly takes at once: 480 blocks
        for (const length of [65_279, 65_280, 65_281, 65_280 + 135, 65_280 + 136, 200_001]) {
          const memory = new Uint8Array(length + 3).map((_, at) => at * 7);
          const input = memory.subarray(3);
          const [whole, halves] = [crypto.keccakStream(), crypto.keccakStream()];
          whole.update(input);
          halves.update(input.subarray(0, length >> 1));
          halves.update(input.subarray(length >> 1));
          expect(hex(whole.digest())).toBe(hex(halves.digest()));
          expect(hex(whole.digest())).toBe(hex(nobleCrypto.keccak256(input)));
          expect(hex(crypto.keccak256(input))).toBe(hex(whole.digest()));
          expect(hex(crypto.keccak256(text('x'), input))).not.toBe(hex(whole.digest()));
        }
      });

      it('keeps many streams apart that take turns', () => {
        const streams = Array.from({ length: 50 }, () => crypto.keccakStream());
        const inputs: Uint8Array[][] = streams.map(() => []);
        for (let round = 0; round < 4; round++) {
          for (const [at, stream] of streams.entries()) {
            const input = new Uint8Array(at * 11).fill(round + at);
            stream.update(input);
            inputs[at]?.push(input);
            if ((at + round) % 3 === 0) stream.digest();
            crypto.keccak256(input);
          }
        }
        for (const [at, stream] of streams.entries())
          expect(stream.digest()).toEqual(crypto.keccak256(...(inputs[at] ?? [])));
      });

      it('hands out digests that later ones do not change, and streams that do not share', () => {
        const [one, other] = [crypto.keccakStream(), crypto.keccakStream()];
        const before = one.digest();
        const copy = before.slice();
        one.digest().fill(1);
        expect(one.digest()).toEqual(copy);
        one.update(text('abc'));
        one.digest();
        expect(before).toEqual(copy);
        expect(other.digest()).toEqual(copy);
      });
    });

    describe('AES', () => {
      it.each(ctrVectors)('%s in counter mode, whole and in pieces', (_size, key, expected) => {
        const plain = bytes(ctrPlain);
        expect(hex(crypto.aesCtr(bytes(key), bytes(ctrIv)).apply(plain))).toBe(expected);
        expect(hex(crypto.aesCtr(bytes(key), bytes(ctrIv)).apply(bytes(expected)))).toBe(ctrPlain);
        for (const size of [1, 3, 15, 16, 17, 33]) {
          const stream = crypto.aesCtr(bytes(key), bytes(ctrIv));
          const pieces: string[] = [];
          for (let at = 0; at < plain.length; at += size) {
            pieces.push(hex(stream.apply(plain.subarray(at, at + size))));
            expect(stream.apply(new Uint8Array())).toEqual(new Uint8Array());
          }
          expect(pieces.join('')).toBe(expected);
        }
      });

      it('counts beyond 2^32, 2^64 and 2^128', () => {
        for (const iv of [
          `${'00'.repeat(12)}ffffffff`,
          `${'00'.repeat(8)}${'ff'.repeat(8)}`,
          'ff'.repeat(16),
        ]) {
          const key = bytes('11'.repeat(32));
          const block = crypto.aesBlock(key);
          const next = word((BigInt(`0x${iv}`) + 1n) % 2n ** 128n).subarray(16);
          const stream = crypto.aesCtr(key, bytes(iv));
          expect(hex(stream.apply(new Uint8Array(16)))).toBe(hex(block.encrypt(bytes(iv))));
          expect(hex(stream.apply(new Uint8Array(16)))).toBe(hex(block.encrypt(next)));
        }
      });

      it('encrypts single blocks, each for itself', () => {
        // FIPS 197, C.3
        const block = crypto.aesBlock(
          bytes('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
        );
        const plain = bytes('00112233445566778899aabbccddeeff');
        for (let i = 0; i < 3; i++)
          expect(hex(block.encrypt(plain))).toBe('8ea2b7ca516745bfeafc49904b496089');
        expect(hex(plain)).toBe('00112233445566778899aabbccddeeff');
      });

      it('leaves its input alone and hands out memory of its own', () => {
        const input = new Uint8Array(32);
        const output = crypto.aesCtr(bytes('11'.repeat(16)), bytes(ctrIv)).apply(input);
        expect(input).toEqual(new Uint8Array(32));
        const copy = output.slice();
        input.fill(9);
        expect(output).toEqual(copy);
        expect(output.constructor).toBe(Uint8Array);
      });

      it('takes views of any alignment', () => {
        const memory = new Uint8Array(80);
        memory.set(bytes(ctrPlain), 3);
        for (const [, key, expected] of ctrVectors) {
          expect(hex(crypto.aesCtr(bytes(key), bytes(ctrIv)).apply(memory.subarray(3, 67)))).toBe(expected);
        }
      });

      it('keeps the key that it was given, whatever becomes of that memory', () => {
        const key = bytes('22'.repeat(32));
        const expected = hex(crypto.aesBlock(key).encrypt(new Uint8Array(16)));
        const [stream, block] = [crypto.aesCtr(key, new Uint8Array(16)), crypto.aesBlock(key)];
        key.fill(0);
        expect(hex(stream.apply(new Uint8Array(16)))).toBe(expected);
        expect(hex(block.encrypt(new Uint8Array(16)))).toBe(expected);
      });

      it('refuses other lengths of keys, ivs and blocks', () => {
        for (const length of [0, 15, 17, 24, 31, 33]) {
          expect(() => crypto.aesCtr(new Uint8Array(length), new Uint8Array(16))).toThrowError(
            failing('ERR_CRYPTO_LENGTH'),
          );
          expect(() => crypto.aesBlock(new Uint8Array(length))).toThrowError(failing('ERR_CRYPTO_LENGTH'));
        }
        expect(() => crypto.aesBlock(new Uint8Array(16))).toThrowError(failing('ERR_CRYPTO_LENGTH'));
        const block = crypto.aesBlock(new Uint8Array(32));
        for (const length of [0, 15, 17, 32]) {
          expect(() => crypto.aesCtr(new Uint8Array(32), new Uint8Array(length))).toThrowError(
            failing('ERR_CRYPTO_LENGTH'),
          );
          expect(() => block.encrypt(new Uint8Array(length))).toThrowError(failing('ERR_CRYPTO_LENGTH'));
        }
        // and the cipher is none the worse for it
        expect(hex(block.encrypt(new Uint8Array(16)))).toBe('dc95c078a2408989ad48a21492842087');
      });
    });

    describe('keys', () => {
      it.each(points)('the public key of %s', (secret, x, y) => {
        const publicKey = crypto.publicKey(word(secret));
        expect(hex(publicKey)).toBe(x + y);
        expect(publicKey.constructor).toBe(Uint8Array);
        expect(crypto.isPublicKey(publicKey)).toBe(true);
      });

      it('secret keys lie between 0 and n', () => {
        for (const good of [1n, 2n, N - 1n]) expect(crypto.isSecretKey(word(good))).toBe(true);
        for (const bad of [0n, N, N + 1n, P, 2n ** 256n - 1n])
          expect(crypto.isSecretKey(word(bad))).toBe(false);
        for (const length of [0, 31, 33, 64])
          expect(crypto.isSecretKey(new Uint8Array(length).fill(1))).toBe(false);
      });

      it('refuses to work with what is no secret key', () => {
        const peer = crypto.publicKey(scalar(2));
        for (const bad of [
          word(0n),
          word(N),
          new Uint8Array(31).fill(1),
          new Uint8Array(33).fill(1),
          new Uint8Array(),
        ]) {
          expect(() => crypto.publicKey(bad)).toThrowError(failing('ERR_CRYPTO_KEY'));
          expect(() => crypto.ecdh(bad, peer)).toThrowError(failing('ERR_CRYPTO_KEY'));
          expect(() => crypto.sign(word(1n), bad)).toThrowError(failing('ERR_CRYPTO_KEY'));
        }
      });

      it('ecdh is the x coordinate of the product', () => {
        expect(hex(crypto.ecdh(scalar(2), crypto.publicKey(scalar(3))))).toBe(
          'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556',
        );
        expect(crypto.ecdh(scalar(3), crypto.publicKey(scalar(2)))).toEqual(
          crypto.ecdh(scalar(2), crypto.publicKey(scalar(3))),
        );
        expect(hex(crypto.ecdh(scalar(1), crypto.publicKey(scalar(2))))).toBe(points[1]?.[1]);
        // n − 1 is −1: the same x, the other y
        expect(hex(crypto.ecdh(word(N - 1n), crypto.publicKey(scalar(2))))).toBe(points[1]?.[1]);
      });

      it('ecdh fills up to 32 bytes where x begins with zeros', () => {
        // 153·G is the first multiple of which this is true
        let found = 0;
        for (let k = 150; k < 250; k++) {
          const publicKey = crypto.publicKey(word(BigInt(k)));
          if (publicKey[0] !== 0) continue;
          found++;
          const shared = crypto.ecdh(scalar(1), publicKey);
          expect(shared).toEqual(publicKey.slice(0, 32));
        }
        expect(found).toBeGreaterThan(0);
      });
    });

    describe('signatures', () => {
      /** RFC 6979 with SHA-256 on this curve: widely published, as the appendix of the RFC has no vectors for it. */
      const rfc6979: readonly (readonly [bigint, string, string])[] = [
        [
          1n,
          'Satoshi Nakamoto',
          '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
        ],
        [
          1n,
          'All those moments will be lost in time, like tears in rain. Time to die...',
          '8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21',
        ],
        [
          N - 1n,
          'Satoshi Nakamoto',
          'fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d06b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5',
        ],
        [
          0xf8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181n,
          'Alan Turing',
          '7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea',
        ],
      ];

      it.each(rfc6979)(
        'of %s on %j are those of RFC 6979, s in the lower half',
        (secret, message, expected) => {
          const hash = crypto.sha256(text(message));
          const signature = crypto.sign(hash, word(secret));
          expect(signature.length).toBe(65);
          expect(hex(signature.subarray(0, 64))).toBe(expected);
          expect(crypto.recover(hash, signature)).toEqual(crypto.publicKey(word(secret)));
          expect(crypto.sign(hash, word(secret))).toEqual(signature);
        },
      );

      it('lead back to the key, and with another hash or recovery id to another', () => {
        const hash = crypto.keccak256(text('a hash'));
        const publicKey = crypto.publicKey(scalar(7));
        const signature = crypto.sign(hash, scalar(7));
        expect(crypto.recover(hash, signature)).toEqual(publicKey);
        expect(crypto.recover(crypto.keccak256(text('another')), signature)).not.toEqual(publicKey);
        const flipped = signature.slice();
        flipped[64] = (signature[64] as number) ^ 1;
        expect(crypto.recover(hash, flipped)).not.toEqual(publicKey);
      });

      it('with s in the upper half lead to the same key: other nodes may send them', () => {
        const hash = crypto.keccak256(text('a hash'));
        const signature = crypto.sign(hash, scalar(7));
        const upper = signature.slice();
        upper.set(word(N - BigInt(`0x${hex(signature.subarray(32, 64))}`)), 32);
        upper[64] = (signature[64] as number) ^ 1;
        expect(crypto.recover(hash, upper)).toEqual(crypto.publicKey(scalar(7)));
      });

      it('of hashes of n and above are those of the hash modulo n', () => {
        for (const value of [N, N + 1n, 2n ** 256n - 1n]) {
          const signature = crypto.sign(word(value), scalar(7));
          expect(signature).toEqual(crypto.sign(word(value - N), scalar(7)));
          expect(crypto.recover(word(value), signature)).toEqual(crypto.publicKey(scalar(7)));
        }
        // below n nothing is taken off
        expect(crypto.sign(word(N - 1n), scalar(7))).not.toEqual(
          crypto.sign(word(2n ** 256n - 2n - N), scalar(7)),
        );
      });

      it('are made and read of 32-byte hashes only', () => {
        const signature = crypto.sign(word(1n), scalar(1));
        for (const length of [0, 31, 33, 64]) {
          expect(() => crypto.sign(new Uint8Array(length), scalar(1))).toThrowError(
            failing('ERR_CRYPTO_LENGTH'),
          );
          expect(() => crypto.recover(new Uint8Array(length), signature)).toThrowError(
            failing('ERR_CRYPTO_LENGTH'),
          );
        }
      });

      it('leave the settings of the shared library as they were', () => {
        const before = hashes.hmacSha256;
        crypto.sign(word(1n), scalar(1));
        expect(hashes.hmacSha256).toBe(before);
        const mine = (): Uint8Array => new Uint8Array(32);
        hashes.hmacSha256 = mine as typeof before;
        try {
          expect(crypto.recover(word(1n), crypto.sign(word(1n), scalar(1)))).toEqual(
            crypto.publicKey(scalar(1)),
          );
          expect(hashes.hmacSha256).toBe(mine);
        } finally {
          hashes.hmacSha256 = before;
        }
      });
    });

    describe('equal', () => {
      it('tells same from different, and lengths at once', () => {
        const a = crypto.keccak256(text('a'));
        expect(crypto.equal(a, a.slice())).toBe(true);
        for (let i = 0; i < a.length; i++) {
          const b = a.slice();
          b[i] = (b[i] as number) ^ 1;
          expect(crypto.equal(a, b)).toBe(false);
        }
        expect(crypto.equal(a, a.subarray(1))).toBe(false);
        expect(crypto.equal(new Uint8Array(), new Uint8Array())).toBe(true);
      });
    });
  },
);
