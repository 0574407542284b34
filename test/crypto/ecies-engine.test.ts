import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseCrypto, nobleCrypto } from '../../src/crypto/index.js';
import { eciesOpen, eciesSeal } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { hex, scalar } from '../support/crypto-values.js';

const { ecies, ...primitives } = chooseCrypto('wasm');
if (ecies === undefined) throw new Error('WebAssembly does not work here');
const engine = ecies;

/** The same by single primitives. */
function sealedByNoble(secret: Uint8Array, iv: Uint8Array, text: Uint8Array, shared: Uint8Array): Uint8Array {
  const material = nobleCrypto.sha256(Uint8Array.of(0, 0, 0, 1), secret);
  const ciphertext = nobleCrypto.aesCtr(material.slice(0, 16), iv).apply(text);
  const tag = nobleCrypto.hmacSha256(nobleCrypto.sha256(material.slice(16)), iv, ciphertext, shared);
  return Uint8Array.from([...iv, ...ciphertext, ...tag]);
}

function sealed(secret: Uint8Array, iv: Uint8Array, text: Uint8Array, shared: Uint8Array): Uint8Array {
  const message = Uint8Array.from([...iv, ...text, ...new Uint8Array(32)]);
  engine.seal(secret, message, shared);
  return message;
}

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
/** Counters that run over into every byte are among them. */
const iv = fc.tuple(bytes(16, 16), fc.nat(16)).map(([start, ones]) => start.fill(0xff, 16 - ones));
const text = fc.oneof(bytes(0, 300), bytes(engine.maxTextBytes - 20, engine.maxTextBytes));

describe('the engine for sealed messages', () => {
  test('seals to the same bytes as the single primitives, and opens them', () => {
    fc.assert(
      fc.property(bytes(32, 32), iv, text, bytes(0, 16), (secret, start, plain, shared) => {
        const message = sealed(secret, start, plain, shared);
        expect(hex(message)).toBe(hex(sealedByNoble(secret, start, plain, shared)));
        const opened = engine.open(secret, message, shared);
        expect(opened === undefined ? undefined : hex(opened)).toBe(hex(plain));
      }),
    );
  });

  test('opens nothing of which a bit was turned', () => {
    fc.assert(
      fc.property(bytes(32, 32), iv, bytes(1, 300), fc.nat(), fc.nat(7), (secret, start, plain, at, bit) => {
        const shared = Uint8Array.of(1, 44);
        const message = sealed(secret, start, plain, shared);
        const place = at % message.length;
        message[place] = (message[place] as number) ^ (1 << bit);
        const before = hex(message);
        expect(engine.open(secret, message, shared)).toBeUndefined();
        expect(hex(message)).toBe(before);
      }),
    );
    const message = sealed(scalar(5), new Uint8Array(16), new Uint8Array(40), Uint8Array.of(1, 44));
    expect(engine.open(scalar(5), message, Uint8Array.of(1, 45))).toBeUndefined();
    expect(engine.open(scalar(6), message, Uint8Array.of(1, 44))).toBeUndefined();
  });

  test('what was opened stays as it is when others are', () => {
    const shared = Uint8Array.of(1, 44);
    const first = engine.open(scalar(5), sealed(scalar(5), scalar(1).slice(16), scalar(7), shared), shared);
    engine.open(scalar(6), sealed(scalar(6), scalar(2).slice(16), scalar(8), shared), shared);
    expect(first).toEqual(scalar(7));
  });

  test('refuses what has no room, before anything is moved', () => {
    const empty = new Uint8Array(0);
    const room = 16 + engine.maxTextBytes + 32;
    expect(() => engine.seal(scalar(5), new Uint8Array(room + 1), empty)).toThrow(RangeError);
    expect(() => engine.open(scalar(5), new Uint8Array(room + 1), empty)).toThrow(RangeError);
    expect(() => engine.open(scalar(5), new Uint8Array(47), empty)).toThrow(RangeError);
    expect(() => engine.open(scalar(5), new Uint8Array(48), new Uint8Array(17))).toThrow(RangeError);
    expect(() => engine.seal(new Uint8Array(31), new Uint8Array(48), empty)).toThrow('32 bytes wanted');
  });

  test('ECIES is the same with and without it, beyond its room, too', () => {
    const key = scalar(0x1234567);
    const size = Uint8Array.of(1, 44);
    const publicKey = primitives.publicKey(key);
    for (const length of [0, 1, 194, engine.maxTextBytes, engine.maxTextBytes + 1, 5_000]) {
      const plain = seededRandom('text').bytes(length);
      const seal = (crypto: typeof nobleCrypto): Uint8Array =>
        eciesSeal(crypto, seededRandom('same'), publicKey, plain, size);
      const message = seal({ ...primitives, ecies: engine });
      expect(hex(message)).toBe(hex(seal(primitives)));
      expect(hex(eciesOpen({ ...primitives, ecies: engine }, key, message, size))).toBe(hex(plain));
      message[message.length - 1] = (message.at(-1) as number) ^ 1;
      expect(() => eciesOpen({ ...primitives, ecies: engine }, key, message, size)).toThrow(
        'the handshake message is not valid',
      );
    }
  });
});
