import { describe, expect, it } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { wasmFrames } from '../../src/crypto/wasm/frames.js';
import { wasmKeccak } from '../../src/crypto/wasm/keccak.js';
import { word } from '../support/crypto-values.js';

const keccak = wasmKeccak();

/** A direction, and how much key stream it asked for each time. */
function direction(seed: bigint) {
  const made: number[] = [];
  const frames = wasmFrames((key, iv) => {
    const cipher = nobleCrypto.aesCtr(key, iv);
    return {
      ...cipher,
      apply(bytes) {
        made.push(bytes.length);
        return cipher.apply(bytes);
      },
    };
  })({ aes: word(seed), mac: word(seed + 1n), state: keccak.keccakStream() });
  if (frames === undefined) throw new Error('there is no engine');
  /** A frame as a ping has: 32 bytes of key stream. */
  const say = (): void => frames.seal(16);
  return { made, say };
}

describe('key stream that is made ahead', () => {
  it('grows in steps where much is said, whoever takes turns with it', () => {
    const [ours, other] = [direction(1n), direction(3n)];
    for (let i = 0; i < 256; i++) {
      ours.say();
      other.say();
    }
    expect(ours.made).toEqual([256, 512, 1_024, 2_048, 4_096, 4_096]);
  });

  it('stays small in a direction that says little among thousands, and gets small again in one that said much', () => {
    const [ours, busy, more, much] = [direction(5n), direction(7n), direction(9n), direction(11n)];
    for (let i = 0; i < 200; i++) much.say();
    for (let i = 0; i < 64; i++) {
      ours.say();
      for (let turns = 0; turns < 513; turns++) {
        busy.say();
        more.say();
      }
      much.say();
      much.say();
    }
    expect(ours.made).toEqual(new Array(8).fill(256));
    expect(much.made).toEqual([
      256, 512, 1_024, 2_048, 4_096, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256,
    ]);
  });
});
