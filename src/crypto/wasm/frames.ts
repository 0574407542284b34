import type { FrameEngine, FrameKeys, RlpxCrypto, StreamCipher } from '../crypto.js';
import { sized } from '../errors.js';
import { FRAMES_WASM } from './frames-wasm.js';
import { WasmKeccakStream } from './keccak.js';
import { instantiate } from './module.js';

const STATE_BYTES = 200;
const DIGEST_BYTES = 32;
const ROUND_KEYS_BYTES = 240;
const HEADER_BYTES = 16;
const MAC_BYTES = 16;
/** Key stream is made ahead in steps that double from the first to the last: a session that says little holds little. */
const FIRST_STREAM_BYTES = 256;
/** Making it costs a frame of 200 bytes 0.39 µs in steps of 2 KiB, 0.26 of 4, 0.16 of 8; each direction holds one step. */
const LAST_STREAM_BYTES = 4_096;

interface Global {
  readonly value: number;
}

/** What `assembly/frames.ts` exports. */
interface FramesExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly STATE: Global;
  readonly DIGEST: Global;
  readonly ROUND_KEYS: Global;
  readonly FRAME: Global;
  readonly FRAME_BYTES: Global;
  readonly STREAM: Global;
  readonly STREAM_BYTES: Global;
  readonly INPUT: Global;
  readonly INPUT_BYTES: Global;
  readonly position: Global;
  setPosition(bytes: number): void;
  expandKey(): void;
  refresh(): void;
  absorb(length: number): void;
  foldHeader(): void;
  closeBody(): void;
  seal(streamAt: number, length: number): void;
  openHeader(streamAt: number): number;
  openBody(streamAt: number, length: number): number;
}

/** The areas of the one instance, and the direction whose state is in them. */
class Workbench {
  readonly wasm: FramesExports;
  readonly state: Uint8Array;
  readonly digest: Uint8Array;
  readonly mac: Uint8Array;
  readonly roundKeys: Uint8Array;
  readonly frame: Uint8Array;
  readonly header: Uint8Array;
  readonly stream: Uint8Array;
  readonly input: Uint8Array;
  /** Whose state lies here: it is copied out only when another one comes, 0.1 µs. */
  occupant: WasmFrames | undefined;

  constructor(wasm: FramesExports) {
    const area = (start: Global, bytes: number): Uint8Array =>
      new Uint8Array(wasm.memory.buffer, start.value, bytes);
    this.wasm = wasm;
    this.state = area(wasm.STATE, STATE_BYTES);
    this.digest = area(wasm.DIGEST, DIGEST_BYTES);
    this.mac = area(wasm.DIGEST, MAC_BYTES);
    this.roundKeys = area(wasm.ROUND_KEYS, ROUND_KEYS_BYTES);
    this.frame = area(wasm.FRAME, wasm.FRAME_BYTES.value);
    this.header = area(wasm.FRAME, HEADER_BYTES);
    this.stream = area(wasm.STREAM, wasm.STREAM_BYTES.value);
    this.input = area(wasm.INPUT, wasm.INPUT_BYTES.value);
  }
}

/**
 * Frames with one crossing per part instead of eight native calls: MAC, its AES blocks and the comparison in WebAssembly, and a
 * key stream that node:crypto makes ahead, 0.5 µs for many small frames instead of for each. Numbers in
 * `docs/performance.md`.
 */
class WasmFrames implements FrameEngine {
  readonly #bench: Workbench;
  readonly #cipher: StreamCipher;
  readonly #state: Uint8Array;
  readonly #digest = new Uint8Array(DIGEST_BYTES);
  readonly #roundKeys = new Uint8Array(ROUND_KEYS_BYTES);
  #position: number;
  /** Key stream that was made ahead; unused from `#streamAt` on. */
  #stream = new Uint8Array(0);
  #streamAt = 0;

  constructor(bench: Workbench, cipher: StreamCipher, macKey: Uint8Array, state: WasmKeccakStream) {
    const snapshot = state.snapshot;
    this.#bench = bench;
    this.#cipher = cipher;
    this.#state = snapshot.state;
    this.#position = snapshot.position;
    this.#roundKeys.set(sized(macKey, 32, 'AES key'));
    this.#occupy();
    bench.wasm.expandKey();
    bench.wasm.refresh();
    this.#roundKeys.set(bench.roundKeys);
  }

  get frame(): Uint8Array {
    return this.#bench.frame;
  }

  seal(bodyBytes: number): void {
    this.#occupy();
    const at = this.#reserve(HEADER_BYTES + bodyBytes);
    this.#bench.wasm.seal(at, bodyBytes);
  }

  openHeader(): boolean {
    this.#occupy();
    const at = this.#reserve(HEADER_BYTES);
    return this.#bench.wasm.openHeader(at) !== 0;
  }

  openBody(bodyBytes: number): boolean {
    this.#occupy();
    const at = this.#reserve(bodyBytes);
    return this.#bench.wasm.openBody(at, bodyBytes) !== 0;
  }

  headerMac(header: Uint8Array): Uint8Array {
    this.#occupy();
    this.#bench.header.set(header);
    this.#bench.wasm.foldHeader();
    return this.#bench.mac.slice();
  }

  absorb(ciphertext: Uint8Array): void {
    this.#occupy();
    const { input, wasm } = this.#bench;
    for (let at = 0; at < ciphertext.length; at += input.length) {
      const piece = ciphertext.subarray(at, at + input.length);
      input.set(piece);
      wasm.absorb(piece.length);
    }
  }

  bodyMac(): Uint8Array {
    this.#occupy();
    this.#bench.wasm.closeBody();
    return this.#bench.mac.slice();
  }

  apply(bytes: Uint8Array): Uint8Array {
    const ahead = this.#stream.subarray(this.#streamAt);
    if (ahead.length === 0) return this.#cipher.apply(bytes);
    const result = bytes.slice();
    const length = Math.min(ahead.length, bytes.length);
    for (let i = 0; i < length; i++) result[i] = (result[i] as number) ^ (ahead[i] as number);
    this.#streamAt += length;
    if (length < bytes.length) result.set(this.#cipher.apply(bytes.subarray(length)), length);
    return result;
  }

  /** Brings the state in, and the occupant's out. */
  #occupy(): void {
    const bench = this.#bench;
    if (bench.occupant === this) return;
    if (bench.occupant !== undefined) bench.occupant.#leave();
    bench.state.set(this.#state);
    bench.digest.set(this.#digest);
    bench.roundKeys.set(this.#roundKeys);
    bench.stream.set(this.#stream);
    bench.wasm.setPosition(this.#position);
    bench.occupant = this;
  }

  #leave(): void {
    const bench = this.#bench;
    this.#state.set(bench.state);
    this.#digest.set(bench.digest);
    this.#position = bench.wasm.position.value;
  }

  /** Makes sure that so much key stream is there, and counts it as used. @returns where it begins */
  #reserve(bytes: number): number {
    const at = this.#streamAt;
    this.#streamAt = at + bytes;
    if (this.#streamAt <= this.#stream.length) return at;
    const rest = this.#stream.subarray(at);
    const step = Math.min(LAST_STREAM_BYTES, Math.max(FIRST_STREAM_BYTES, 2 * this.#stream.length));
    const fresh = this.#cipher.apply(new Uint8Array(Math.max(step, bytes) - rest.length));
    const stream = new Uint8Array(rest.length + fresh.length);
    stream.set(rest);
    stream.set(fresh, rest.length);
    this.#stream = stream;
    this.#bench.stream.set(stream);
    this.#streamAt = bytes;
    return 0;
  }
}

let bench: Workbench | undefined;

/**
 * The frames of a back end whose Keccak is ours. All share one instance, made when it is first asked for.
 * @throws Error where WebAssembly or its vectors do not work
 */
export function wasmFrames(aesCtr: RlpxCrypto['aesCtr']): (keys: FrameKeys) => FrameEngine | undefined {
  bench ??= new Workbench(instantiate(FRAMES_WASM) as FramesExports);
  const shared = bench;
  return ({ aes, mac, state }) =>
    state instanceof WasmKeccakStream
      ? new WasmFrames(shared, aesCtr(aes, new Uint8Array(16)), mac, state)
      : undefined;
}
