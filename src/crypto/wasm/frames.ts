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
const IV_BYTES = 16;
/** Key stream is made ahead in steps that double from the first to the last: a session that says little holds little. */
const FIRST_STREAM_BYTES = 256;
/** Making it costs a frame of 200 bytes 0.39 µs in steps of 2 KiB, 0.26 of 4, 0.16 of 8; each direction holds one step. */
const LAST_STREAM_BYTES = 4_096;
/**
 * A direction before which so many others had their turn says little, as one of thousands does: it begins again with the first
 * step. Else it would hold and move 4 KiB after half an hour of pings, 80 MiB for 10,000 idle sessions.
 */
const SELDOM_TURNS = 1_024;

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

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
  /** How often another direction has come. */
  turns = 0;

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
  readonly #aesCtr: RlpxCrypto['aesCtr'];
  readonly #aes: Uint8Array;
  #cipher: StreamCipher;
  readonly #state: Uint8Array;
  readonly #digest = new Uint8Array(DIGEST_BYTES);
  readonly #roundKeys = new Uint8Array(ROUND_KEYS_BYTES);
  #position: number;
  /** Key stream that was made ahead; unused from `#streamAt` on. */
  #stream = NOTHING;
  #streamAt = 0;
  /** How much is made at the next time, at least. */
  #stepBytes = FIRST_STREAM_BYTES;
  /** Key stream that the cipher has given so far. */
  #madeBytes = 0;
  /** Which turn it had last. */
  #turn = 0;

  constructor(
    bench: Workbench,
    aesCtr: RlpxCrypto['aesCtr'],
    { aes, mac }: FrameKeys,
    state: WasmKeccakStream,
  ) {
    const snapshot = state.snapshot;
    this.#bench = bench;
    this.#aesCtr = aesCtr;
    this.#aes = aes;
    this.#cipher = aesCtr(aes, new Uint8Array(IV_BYTES));
    this.#state = snapshot.state;
    this.#position = snapshot.position;
    this.#roundKeys.set(sized(mac, 32, 'AES key'));
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
    if (this.#streamAt < this.#stream.length) this.#turnBack();
    this.#madeBytes += bytes.length;
    this.#stream = NOTHING;
    this.#streamAt = 0;
    this.#stepBytes = 0; // large frames come in rows: then no more is made than the next header takes
    return this.#cipher.apply(bytes);
  }

  /**
   * Has the cipher begin anew where the key stream made ahead begins, so that a large frame is one call, and no two pieces to
   * be put together: a key costs 5 µs, memory for 100 kB and its copy 40. Frames are whole blocks, so a block begins there.
   */
  #turnBack(): void {
    this.#madeBytes -= this.#stream.length - this.#streamAt;
    const iv = new Uint8Array(IV_BYTES);
    // 2^53 bytes are far beyond a session; the upper half of the counter stays 0
    new DataView(iv.buffer).setBigUint64(IV_BYTES - 8, BigInt(this.#madeBytes / IV_BYTES));
    this.#cipher = this.#aesCtr(this.#aes, iv);
  }

  /** Brings the state in, and the occupant's out. */
  #occupy(): void {
    const bench = this.#bench;
    if (bench.occupant === this) return;
    if (bench.occupant !== undefined) bench.occupant.#leave();
    bench.turns++;
    if (bench.turns - this.#turn > SELDOM_TURNS)
      this.#stepBytes = Math.min(this.#stepBytes, FIRST_STREAM_BYTES);
    this.#turn = bench.turns;
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
    const fresh = this.#cipher.apply(new Uint8Array(Math.max(this.#stepBytes, bytes) - rest.length));
    this.#madeBytes += fresh.length;
    this.#stepBytes = Math.min(LAST_STREAM_BYTES, Math.max(FIRST_STREAM_BYTES, 2 * this.#stepBytes));
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
  return (keys) =>
    keys.state instanceof WasmKeccakStream ? new WasmFrames(shared, aesCtr, keys, keys.state) : undefined;
}
