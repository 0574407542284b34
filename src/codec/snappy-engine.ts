import { BLOCK_BYTES, type SnappyElements } from './snappy-format.js';
import { portableElements } from './snappy-portable.js';
import { SNAPPY_WASM } from './snappy-wasm.js';

/** Below, there is nothing to look for, and a crossing would take 30 ns more. */
const SMALL_WRITE_BYTES = 16;
/** Below, what a crossing and its copies take is more than they save: 0.32 and 0.35 µs for 150 bytes, 0.56 and 0.50 for 300. */
const SMALL_READ_BYTES = 256;

/** What `assembly/snappy.ts` exports. */
interface SnappyExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly ROOM: { readonly value: number };
  readonly CONTENT: { readonly value: number };
  readonly ELEMENTS: { readonly value: number };
  write(length: number): number;
  read(from: number, to: number, declared: number): number;
}

interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

/**
 * One instance for all: content is copied in and out, 100 kB each way in 4 µs, where compressing them takes 50. What it
 * has no room for (2.5 MiB), what is small, and what is wrong goes to the portable codec, which tells what is wrong.
 */
class WasmElements implements SnappyElements {
  readonly #wasm: SnappyExports;
  readonly #content: Uint8Array;
  readonly #elements: Uint8Array;
  readonly #smallReadBytes: number;

  constructor(wasm: SnappyExports, smallReadBytes: number) {
    const { buffer } = wasm.memory;
    this.#wasm = wasm;
    this.#content = new Uint8Array(buffer, wasm.CONTENT.value, wasm.ROOM.value);
    this.#elements = new Uint8Array(buffer, wasm.ELEMENTS.value, wasm.ROOM.value);
    this.#smallReadBytes = smallReadBytes;
  }

  write(content: Uint8Array, out: Uint8Array, at: number): number {
    if (content.length < SMALL_WRITE_BYTES) return portableElements.write(content, out, at);
    if (content.length <= BLOCK_BYTES) return this.#writeBlock(content, out, at);
    let end = at;
    for (let from = 0; from < content.length; from += BLOCK_BYTES) {
      end = this.#writeBlock(content.subarray(from, from + BLOCK_BYTES), out, end);
    }
    return end;
  }

  read(compressed: Uint8Array, from: number, content: Uint8Array): void {
    const { length } = content;
    if (length >= this.#smallReadBytes && Math.max(compressed.length, length) <= this.#content.length) {
      this.#elements.set(compressed);
      if (this.#wasm.read(from, compressed.length, length) !== 0) {
        content.set(this.#content.subarray(0, length));
        return;
      }
    }
    portableElements.read(compressed, from, content);
  }

  #writeBlock(content: Uint8Array, out: Uint8Array, at: number): number {
    this.#content.set(content);
    const length = this.#wasm.write(content.length);
    out.set(this.#elements.subarray(0, length), at);
    return at + length;
  }
}

/**
 * An instance of its own. The room loads it by itself: what it says is the same with and without, so nobody has to hand
 * it in, and `src/crypto` stays beside.
 * @param smallReadBytes content below is read by the portable codec
 * @throws Error where there is no WebAssembly, or no memory for it
 */
export function wasmElements(smallReadBytes: number = SMALL_READ_BYTES): SnappyElements {
  const api = (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
  if (api === undefined) throw new Error('this process runs without WebAssembly');
  const { exports } = new api.Instance(new api.Module(Buffer.from(SNAPPY_WASM, 'base64')));
  return new WasmElements(exports as SnappyExports, smallReadBytes);
}

let chosen: SnappyElements | undefined;

/** The fastest that works here; made when it is first asked for. */
export function fastestElements(): SnappyElements {
  chosen ??= choose();
  return chosen;
}

function choose(): SnappyElements {
  try {
    return wasmElements();
  } catch {
    return portableElements; // slower, and the same to everybody else
  }
}
