import type { EciesEngine } from '../crypto.js';
import { sized } from '../errors.js';
import { ECIES_WASM } from './ecies-wasm.js';
import { instantiate } from './module.js';

const SECRET_BYTES = 32;
const IV_BYTES = 16;
const TAG_BYTES = 32;
/** Of the KDF, before the secret. */
const COUNTER_BYTES = 4;
/** Beyond the text there is room for as much as a block, and the shared data. */
const ROOM_BEHIND_BYTES = 32;

interface Global {
  readonly value: number;
}

/** What `assembly/ecies.ts` exports. */
interface EciesExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly SECRET: Global;
  readonly MESSAGE: Global;
  readonly MESSAGE_BYTES: Global;
  readonly TAG: Global;
  seal(textBytes: number, sharedBytes: number): void;
  open(textBytes: number, sharedBytes: number): number;
}

/**
 * One crossing for two hashes, a cipher and a tag. By node:crypto those are five calls and two objects that outlive a
 * collection of young ones.
 * @throws Error where WebAssembly or its vectors do not work
 */
export function wasmEcies(): EciesEngine {
  const wasm = instantiate(ECIES_WASM) as EciesExports;
  const area = (start: number, bytes: number): Uint8Array => new Uint8Array(wasm.memory.buffer, start, bytes);
  const secret = area(wasm.SECRET.value + COUNTER_BYTES, SECRET_BYTES);
  const message = area(wasm.MESSAGE.value, wasm.MESSAGE_BYTES.value);
  const tag = area(wasm.TAG.value, TAG_BYTES);
  const maxTextBytes = message.length - IV_BYTES - ROOM_BEHIND_BYTES;

  /** Puts all where it is worked on. @returns how many bytes of `sealed` are before the tag */
  function layOut(sharedSecret: Uint8Array, sealed: Uint8Array, sharedData: Uint8Array): number {
    const tagAt = sealed.length - TAG_BYTES;
    if (tagAt < IV_BYTES || tagAt - IV_BYTES > maxTextBytes || sharedData.length > IV_BYTES)
      throw new RangeError(`a sealed message of ${sealed.length} bytes`);
    secret.set(sized(sharedSecret, SECRET_BYTES, 'shared secret'));
    message.set(sealed.subarray(0, tagAt));
    message.set(sharedData, tagAt);
    return tagAt;
  }

  return {
    maxTextBytes,
    seal(sharedSecret, sealed, sharedData) {
      const tagAt = layOut(sharedSecret, sealed, sharedData);
      wasm.seal(tagAt - IV_BYTES, sharedData.length);
      sealed.set(message.subarray(IV_BYTES, tagAt), IV_BYTES);
      sealed.set(tag, tagAt);
    },
    open(sharedSecret, sealed, sharedData) {
      const tagAt = layOut(sharedSecret, sealed, sharedData);
      tag.set(sealed.subarray(tagAt));
      if (wasm.open(tagAt - IV_BYTES, sharedData.length) === 0) return undefined;
      const text = message.slice(IV_BYTES, tagAt);
      message.fill(0, IV_BYTES, tagAt);
      return text;
    },
  };
}
