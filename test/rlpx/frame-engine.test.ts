import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, snappyCompress } from '../../src/codec/index.js';
import type { RlpxCrypto } from '../../src/crypto/index.js';
import { chooseCrypto, nobleCrypto } from '../../src/crypto/index.js';
import { Gathering } from '../../src/rlpx/gathering.js';
import { FrameDecoder, FrameEncoder, type RlpxError, type Secrets } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { loadedBackends } from '../support/crypto-backends.js';
import { hex } from '../support/crypto-values.js';
import { frameBytes } from '../support/rlpx-secrets.js';

const backends = loadedBackends().map((crypto) => [crypto.name, crypto] as const);

/** What one direction begins with; states are of the back end's own make. */
function secrets(crypto: RlpxCrypto, label = 'engine'): Secrets {
  const word = (name: string): Uint8Array => nobleCrypto.keccak256(new TextEncoder().encode(label + name));
  const state = (): Secrets['egressMac'] => {
    const stream = crypto.keccakStream();
    stream.update(word('state'));
    stream.update(word('more').subarray(3)); // so that the block at work is filled to an odd place
    return stream;
  };
  return { aes: word('aes'), mac: word('mac'), egressMac: state(), ingressMac: state() };
}

function read(decoder: FrameDecoder, wire: Uint8Array, pieceBytes: number): string[] {
  const seen: string[] = [];
  for (let at = 0; at < wire.length; at += pieceBytes) {
    decoder.push(wire.slice(at, at + pieceBytes));
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next())
      seen.push(`${frame.id}:${hex(frame.payload)}`);
    decoder.keep();
  }
  return seen;
}

/** Around the sizes where a frame changes its way, and where key stream made ahead runs out. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 4_060, max: 4_120 }),
  fc.integer({ min: 0, max: 9_000 }),
  fc.constantFrom(65_279, 65_280, 65_300, 140_000),
);

describe.each(backends)('frames on the back end %s', (_name, crypto) => {
  test('are byte for byte those of the reference, and are read back however they are cut', () => {
    const random = seededRandom('sizes');
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 4_000 }),
        (sizes, cut) => {
          const messages = sizes.map((bytes, i) => ({ id: 16 + i, payload: random.bytes(bytes) }));
          const write = (encoder: FrameEncoder): Uint8Array =>
            concatBytes(messages.map(({ id, payload }) => frameBytes(encoder, id, payload)));
          const wire = write(new FrameEncoder(crypto, secrets(crypto)));
          const reference = write(new FrameEncoder(nobleCrypto, secrets(nobleCrypto)));
          expect(hex(wire) === hex(reference)).toBe(true);
          const expected = messages.map(({ id, payload }) => `${id}:${hex(payload)}`);
          const decoder = new FrameDecoder(crypto, secrets(crypto), 0xff_ff_ff);
          expect(read(decoder, wire, cut)).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('a payload that is compressed on its way in makes the frame of one that was compressed before', () => {
    const random = seededRandom('compressed');
    const straight = new FrameEncoder(crypto, secrets(crypto));
    const before = new FrameEncoder(crypto, secrets(crypto));
    for (const bytes of [0, 1, 199, 4_000, 4_025, 4_026, 4_100, 70_000, 200_000]) {
      for (const payload of [new Uint8Array(bytes), random.bytes(bytes)]) {
        const out = new Gathering();
        const wireBytes = straight.encodeInto(17, payload, out, true);
        const wire = concatBytes(out.take());
        expect(wire.length).toBe(wireBytes);
        expect(hex(wire) === hex(frameBytes(before, 17, snappyCompress(payload)))).toBe(true);
      }
    }
  });

  test('what compresses to more than a frame may have is refused, and the stream goes on', () => {
    if (crypto.name === 'noble') return; // the same code, and seconds of it
    const straight = new FrameEncoder(crypto, secrets(crypto));
    const out = new Gathering();
    const huge = new Uint8Array(0xff_ff_ff);
    for (let i = 0, state = 1; i < huge.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      huge[i] = state >>> 16;
    }
    expect(() => straight.encodeInto(17, huge, out, true)).toThrow(
      expect.objectContaining({ code: 'ERR_RLPX_ARGUMENT' }),
    );
    expect(out.isEmpty).toBe(true);
    straight.encodeInto(17, Uint8Array.of(7), out);
    const reference = new FrameEncoder(crypto, secrets(crypto));
    expect(hex(concatBytes(out.take()))).toBe(hex(frameBytes(reference, 17, Uint8Array.of(7))));
  });

  test('many directions take turns without disturbing each other', () => {
    const names = ['a', 'b', 'c'];
    const ends = names.map((name) => ({
      encoder: new FrameEncoder(crypto, secrets(crypto, name)),
      reference: new FrameEncoder(nobleCrypto, secrets(nobleCrypto, name)),
      decoder: new FrameDecoder(crypto, secrets(crypto, name), 0xff_ff_ff),
    }));
    const random = seededRandom('turns');
    for (let turn = 0; turn < 150; turn++) {
      const end = ends[Math.floor(random.unit() * ends.length)] as (typeof ends)[number];
      const payload = random.bytes(Math.floor(random.unit() * (turn % 10 === 0 ? 6_000 : 400)));
      const wire = frameBytes(end.encoder, 16, payload);
      expect(hex(wire)).toBe(hex(frameBytes(end.reference, 16, payload)));
      expect(read(end.decoder, wire, 70)).toEqual([`16:${hex(payload)}`]);
    }
  });

  test('F14: any flipped bit ends in the same error, at the frame it is in, and stays', () => {
    const encoder = new FrameEncoder(crypto, secrets(crypto));
    const frames = [3, 40, 4_200].map((bytes) => frameBytes(encoder, 16, new Uint8Array(bytes)));
    const trace = concatBytes(frames);
    const ends = frames.map((_, i) => frames.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));
    for (let bit = 0; bit < 8 * trace.length; bit += bit < 8 * (ends[1] as number) ? 5 : 997) {
      const changed = trace.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const decoder = new FrameDecoder(crypto, secrets(crypto), 0xff_ff_ff);
      decoder.push(changed);
      let whole = 0;
      let code: string | undefined;
      try {
        while (decoder.next() !== undefined) whole++;
      } catch (error) {
        code = (error as RlpxError).code;
      }
      expect([bit, whole, code]).toEqual([bit, ends.findIndex((end) => bit >> 3 < end), 'ERR_RLPX_MAC']);
      expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'ERR_RLPX_MAC' }));
    }
  });
});

test('back ends whose Keccak is ours have an engine, and it refuses states of another make', () => {
  const { frameEngine } = chooseCrypto('wasm');
  const { aes, mac } = secrets(nobleCrypto);
  expect(frameEngine?.({ aes, mac, state: nobleCrypto.keccakStream() })).toBeUndefined();
  expect(frameEngine?.({ aes, mac, state: chooseCrypto('wasm').keccakStream() })).toBeDefined();
  expect(nobleCrypto.frameEngine).toBeUndefined();
});
