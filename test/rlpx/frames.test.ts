import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, EMPTY_BYTES, hexToBytes, sameBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { BodyBuffer } from '../../src/rlpx/body-buffer.js';
import {
  type Frame,
  FrameDecoder,
  FrameEncoder,
  frameWireBytes,
  RlpxError,
  type Secrets,
} from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { hex } from '../support/crypto-values.js';
import { crypto, frameBytes, matchingSecrets, oneWay } from '../support/rlpx-secrets.js';

const random = seededRandom('frames');

function framesOf(decoder: FrameDecoder, bytes: Uint8Array, pieceBytes: number): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.slice(at, at + pieceBytes);
    decoder.push(piece);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
    piece.fill(0xdd); // chunks are only lent
  }
  return frames;
}

/** What decoding ends in: the frames, then the code of the error where there is one. */
function outcome(bytes: Uint8Array, maxFrameBytes?: number): string[] {
  const { decoder } = oneWay(maxFrameBytes);
  const seen: string[] = [];
  decoder.push(bytes);
  try {
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      seen.push(`${frame.id}:${hex(frame.payload)}`);
    }
    seen.push('more');
  } catch (error) {
    if (!(error instanceof RlpxError)) throw error;
    seen.push(error.code);
  }
  return seen;
}

/** A frame as an encoder would make it, but of any content. */
function rawFrame(
  size: number,
  body: Uint8Array,
  headerData: readonly number[] = [0xc2, 0x80, 0x80],
): Uint8Array {
  const { near } = matchingSecrets();
  const cipher = crypto.aesCtr(near.aes, new Uint8Array(16));
  const mac = crypto.aesBlock(near.mac);
  const state = near.egressMac;
  const fold = (seed: Uint8Array): Uint8Array => {
    const folded = mac.encrypt(state.digest().slice(0, 16)).map((byte, i) => byte ^ (seed[i] as number));
    state.update(folded);
    return state.digest().slice(0, 16);
  };
  const header = new Uint8Array(16);
  header.set([size >> 16, (size >> 8) & 255, size & 255, ...headerData]);
  const sealedHeader = cipher.apply(header);
  const headerMac = fold(sealedHeader);
  const padded = new Uint8Array(Math.ceil(body.length / 16) * 16);
  padded.set(body);
  const sealedBody = cipher.apply(padded);
  state.update(sealedBody);
  return concatBytes([sealedHeader, headerMac, sealedBody, fold(state.digest().slice(0, 16))]);
}

describe('golden frame', () => {
  // The published one of the frame format: keys are the hash of nothing, and both MAC states always digest to 01…01.
  const golden = hexToBytes(
    '00828ddae471818bb0bfa6b551d1cb42' +
      '01010101010101010101010101010101' +
      'ba628a4ba590cb43f7848f41c4382885' +
      '01010101010101010101010101010101',
  );
  const fixed = { update: () => undefined, digest: () => new Uint8Array(32).fill(1) };
  const key = nobleCrypto.keccak256();
  const secrets: Secrets = { aes: key, mac: key, egressMac: fixed, ingressMac: fixed };

  test.each([
    ['noble', nobleCrypto],
    ['node', crypto],
  ] as const)('is written and read on %s', (_name, backend) => {
    expect(hex(frameBytes(new FrameEncoder(backend, secrets), 8, hexToBytes('c401020304')))).toBe(
      hex(golden),
    );
    const decoder = new FrameDecoder(backend, secrets, 2_048);
    decoder.push(golden);
    const frame = decoder.next();
    expect(frame?.id).toBe(8);
    expect(hex(frame?.payload ?? new Uint8Array(0))).toBe('c401020304');
    expect(frame?.wireBytes).toBe(64);
  });
});

describe('frames', () => {
  test('come out as they went in, whatever their sizes and however the bytes are cut', () => {
    const message = fc.record({
      id: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff })),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 70 }),
        fc.uint8Array({ minLength: 4_000, maxLength: 9_000 }),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.integer({ min: 1, max: 5_000 }),
        (messages, pieceBytes) => {
          const { encoder, decoder } = oneWay();
          const wire = concatBytes(messages.map(({ id, payload }) => frameBytes(encoder, id, payload)));
          const frames = framesOf(decoder, wire, pieceBytes);
          expect(frames.map(({ id, payload }) => [id, hex(payload)])).toEqual(
            messages.map(({ id, payload }) => [id, hex(payload)]),
          );
          expect(frames.reduce((sum, { wireBytes }) => sum + wireBytes, 0)).toBe(wire.length);
          expect(decoder.midFrame).toBe(false);
          expect(decoder.bufferedBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('large ones are hashed as they arrive and come out the same', () => {
    const { encoder, decoder } = oneWay();
    const payload = random.bytes(700_001);
    const wire = frameBytes(encoder, 17, payload);
    const frames = framesOf(
      decoder,
      concatBytes([wire, frameBytes(encoder, 18, payload.slice(0, 5))]),
      60_000,
    );
    expect(frames.map((frame) => frame.id)).toEqual([17, 18]);
    expect(sameBytes(frames[0]?.payload ?? payload.subarray(1), payload)).toBe(true);
  });

  test('what was not read yet can be kept, and more may follow', () => {
    const { encoder, decoder } = oneWay();
    const wire = concatBytes([1, 2, 3].map((id) => frameBytes(encoder, id, Uint8Array.of(id))));
    const chunk = wire.slice(0, 150);
    decoder.push(chunk);
    expect(decoder.next()?.id).toBe(1);
    decoder.keep();
    chunk.fill(0);
    expect(decoder.unreadBytes).toBe(86);
    decoder.push(wire.slice(150));
    expect([decoder.next()?.id, decoder.next()?.id, decoder.next()]).toEqual([2, 3, undefined]);
  });

  test('small messages of a chunk lie side by side, and hold no more than 4 KiB or than came with them', () => {
    const { encoder, decoder } = oneWay();
    const payloads = Array.from({ length: 100 }, (_, i) => new Uint8Array(i).fill(i));
    decoder.push(concatBytes(payloads.map((payload) => frameBytes(encoder, 16, payload))));
    const seen = payloads.map(() => decoder.next()?.payload ?? EMPTY_BYTES);
    expect(seen).toEqual(payloads);
    const pieces = new Set(seen.map(({ buffer }) => buffer));
    expect(Math.max(...[...pieces].map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(4_096);
    expect(pieces.size).toBeLessThan(10);
    expect(decoder.next()).toBeUndefined();
    decoder.push(frameBytes(encoder, 16, Uint8Array.of(1, 2, 3)));
    expect(decoder.next()?.payload.buffer.byteLength).toBe(3);
  });

  test('a frame above 2^24 − 1 bytes is not made, and the stream goes on', () => {
    const { encoder, decoder } = oneWay();
    const pieces: Uint8Array[] = [];
    expect(() => encoder.encode(16, new Uint8Array(0xff_ff_ff), pieces)).toThrow(RlpxError);
    expect(pieces).toEqual([]);
    decoder.push(frameBytes(encoder, 16, Uint8Array.of(7)));
    expect(decoder.next()?.payload).toEqual(Uint8Array.of(7));
  });

  test('the size of a frame on the wire', () => {
    expect([1, 16, 17, 0xff_ff_ff].map(frameWireBytes)).toEqual([64, 64, 80, 0x100_00_00 + 48]);
    expect(frameBytes(oneWay().encoder, 16, new Uint8Array(5_000))).toHaveLength(frameWireBytes(5_001));
  });
});

describe('hostile frames', () => {
  test('E5: 16 MiB in pieces of 64 bytes are moved at most twice, and memory follows what arrived', () => {
    const wanted = 16 * 1_024 * 1_024;
    const buffer = new BodyBuffer(wanted);
    const piece = new Uint8Array(64).fill(5);
    let reserved = 0;
    for (let at = 0; at < wanted; at += piece.length) {
      if (buffer.capacity > Math.max(4_096, 2 * buffer.length)) reserved++;
      buffer.append(piece);
    }
    expect(reserved).toBe(0);
    expect(buffer.missing).toBe(0);
    expect(buffer.copiedBytes).toBeLessThanOrEqual(2 * wanted);
    expect(buffer.from(wanted - 1)).toEqual(Uint8Array.of(5));
  });

  test('E5: a frame of 4 MiB in pieces of 64 bytes costs little more than in one', () => {
    const payload = new Uint8Array(4 * 1_024 * 1_024);
    const { encoder, decoder } = oneWay();
    const wire = frameBytes(encoder, 16, payload);
    const started = process.hrtime.bigint();
    expect(framesOf(decoder, wire, 64)).toHaveLength(1);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(5_000); // quadratic work would take minutes
  });

  test('F1: a header that announces more than may be is refused before a byte of the body, and nothing is reserved', () => {
    expect(outcome(rawFrame(2_049, new Uint8Array(0)).subarray(0, 32), 2_048)).toEqual([
      'ERR_RLPX_FRAME_SIZE',
    ]);
    expect(outcome(rawFrame(0xff_ff_ff, new Uint8Array(0)).subarray(0, 32), 2_048)).toEqual([
      'ERR_RLPX_FRAME_SIZE',
    ]);
    const { decoder } = oneWay();
    decoder.push(rawFrame(0xff_ff_ff, new Uint8Array(0)).subarray(0, 32));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.midFrame).toBe(true);
    expect(decoder.announcedBytes).toBe(0x100_00_00 + 48);
    expect(decoder.bufferedBytes).toBeLessThanOrEqual(4_096);
    decoder.push(new Uint8Array(10_000));
    decoder.next();
    expect(decoder.bufferedBytes).toBeLessThanOrEqual(20_000);
  });

  test('F1: a frame of no bytes is refused', () => {
    expect(outcome(rawFrame(0, new Uint8Array(0)))).toEqual(['ERR_RLPX_FRAME_SIZE']);
  });

  test('F2: whatever stands behind the size in the header is ignored', () => {
    const body = Uint8Array.of(0x10, 0xc0);
    const tails = [
      [0xc2, 0x80, 0x80],
      [0xc3, 1, 2, 3],
      [0xcf, ...new Array<number>(12).fill(0xff)],
      [0xff, 0xff, 0xff, 0xff],
      [],
    ];
    for (const tail of tails) expect(outcome(rawFrame(2, body, tail))).toEqual(['16:c0', 'more']);
  });

  test('F2: message ids that are not canonical integers of at most 4 bytes are refused, larger ones are not cut', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['80', '0:'],
      ['01', '1:'],
      ['7f', '127:'],
      ['8180', '128:'],
      ['820100', '256:'],
      ['84ffffffff', '4294967295:'],
      ['00', 'ERR_RLPX_MESSAGE_ID'],
      ['8101', 'ERR_RLPX_MESSAGE_ID'],
      ['8100', 'ERR_RLPX_MESSAGE_ID'],
      ['820001', 'ERR_RLPX_MESSAGE_ID'],
      ['850100000000', 'ERR_RLPX_MESSAGE_ID'],
      ['89ffffffffffffffffff', 'ERR_RLPX_MESSAGE_ID'],
      ['81', 'ERR_RLPX_MESSAGE_ID'],
      ['b838', 'ERR_RLPX_MESSAGE_ID'],
      ['bfffffffffffffffff', 'ERR_RLPX_MESSAGE_ID'],
      ['c0', 'ERR_RLPX_MESSAGE_ID'],
      ['c101', 'ERR_RLPX_MESSAGE_ID'],
      ['ffffffffffffffffff', 'ERR_RLPX_MESSAGE_ID'],
    ];
    for (const [id, wanted] of cases) {
      const body = hexToBytes(id);
      expect([id, outcome(rawFrame(body.length, body))[0]]).toEqual([id, wanted]);
    }
  });

  test('F14: any flipped bit in a trace of three frames ends in the same error, at the frame it is in', () => {
    const { encoder } = oneWay();
    const frames = [1, 20, 33].map((length, i) =>
      frameBytes(encoder, 16 + i, new Uint8Array(length).fill(i)),
    );
    const trace = concatBytes(frames);
    const good = outcome(trace);
    expect(good).toHaveLength(4);
    let start = 0;
    for (const [index, frame] of frames.entries()) {
      for (let bit = 0; bit < 8 * frame.length; bit++) {
        const changed = trace.slice();
        const at = start + (bit >> 3);
        changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
        expect(outcome(changed)).toEqual([...good.slice(0, index), 'ERR_RLPX_MAC']);
      }
      start += frame.length;
    }
  });

  test('F14: frames swapped, doubled, left out or of another connection end in the same error', () => {
    const { encoder } = oneWay();
    const [one, two, three] = [1, 2, 3].map((id) => frameBytes(encoder, id, Uint8Array.of(id))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const stranger = frameBytes(new FrameEncoder(crypto, matchingSecrets('other').near), 1, Uint8Array.of(1));
    expect(outcome(concatBytes([two, one, three]))).toEqual(['ERR_RLPX_MAC']);
    expect(outcome(concatBytes([one, one]))).toEqual(['1:01', 'ERR_RLPX_MAC']);
    expect(outcome(concatBytes([one, three]))).toEqual(['1:01', 'ERR_RLPX_MAC']);
    expect(outcome(stranger)).toEqual(['ERR_RLPX_MAC']);
    const plainError = new RlpxError('ERR_RLPX_MAC');
    expect(plainError.reason).toBeUndefined();
  });

  test('a decoder that met a breach says the same again and reads nothing more', () => {
    const { encoder, decoder } = oneWay();
    const bad = frameBytes(encoder, 1, Uint8Array.of(1));
    bad[20] = (bad[20] as number) ^ 1;
    decoder.push(bad);
    expect(() => decoder.next()).toThrow(RlpxError);
    decoder.push(frameBytes(encoder, 1, Uint8Array.of(1)));
    expect(() => decoder.next()).toThrow(RlpxError);
  });

  test('nor does it read on where the frame behind the breach would be a good one', () => {
    const { encoder, decoder } = oneWay();
    decoder.maxFrameBytes = 100;
    const large = frameBytes(encoder, 1, new Uint8Array(200));
    decoder.push(large.subarray(0, 32)); // its header says too much; a decoder that forgot would take the next header
    const tooLarge = expect.objectContaining({ code: 'ERR_RLPX_FRAME_SIZE' });
    expect(() => decoder.next()).toThrow(tooLarge);
    decoder.maxFrameBytes = 1_000;
    for (const more of [large.subarray(32), frameBytes(encoder, 1, Uint8Array.of(1))]) {
      decoder.push(more);
      expect(() => decoder.next()).toThrow(tooLarge);
    }
  });
});
