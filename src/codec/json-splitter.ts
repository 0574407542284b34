/** What makes it impossible to go on reading: where the next value begins is not known any more. */
export type SplitBreach = 'not JSON' | 'too long' | 'too deep';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** No request of ours is nested beyond six; what reads the values may then recurse. */
export const MAX_JSON_DEPTH = 32;

/**
 * Cuts a stream of bytes into JSON objects and arrays that follow each other with or without space between (geth's
 * framing of IPC). It counts brackets outside of strings; whether a value is JSON is for its reader to say.
 */
export class JsonSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param maxBytes of one value */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a value has begun and not ended. */
  get isAmid(): boolean {
    return this.#depth > 0;
  }

  /** @returns the values that are whole now, and what is wrong with the bytes behind them, if anything. Nothing may be pushed after a breach. */
  push(chunk: Uint8Array): { readonly values: readonly Uint8Array[]; readonly breach?: SplitBreach } {
    const values: Uint8Array[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inString && !this.#escaped) at = this.#stringEnd(chunk, at, from);
      const byte = chunk[at] ?? 0;
      if (this.#depth === 0) {
        if (isSpace(byte)) continue;
        if (!isOpening(byte)) return { values, breach: 'not JSON' };
        from = at;
      }
      if (this.#bytes + (at - from) >= this.#maxBytes) return { values, breach: 'too long' };
      if (at === chunk.length) break;
      this.#step(byte);
      if (this.#depth > MAX_JSON_DEPTH) return { values, breach: 'too deep' };
      if (this.#depth === 0) values.push(this.#take(chunk.subarray(from, at + 1)));
    }
    if (this.#depth > 0) {
      this.#parts.push(chunk.slice(from)); // the chunk is only lent
      this.#bytes += chunk.length - from;
    }
    return { values };
  }

  /** Long strings are most of what chains are told in: their bytes are passed over at once, up to what may end them. */
  #stringEnd(chunk: Uint8Array, at: number, from: number): number {
    // not beyond what a value may have, so that the length is judged where it is exceeded
    const last = Math.min(chunk.length, from + this.#maxBytes - this.#bytes);
    let end = at;
    while (end < last && chunk[end] !== QUOTE && chunk[end] !== BACKSLASH) end++;
    return end;
  }

  #step(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (this.#inString) {
      if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (byte === QUOTE) this.#inString = true;
    else if (isOpening(byte)) this.#depth++;
    else if (isClosing(byte)) this.#depth--;
  }

  #take(last: Uint8Array): Uint8Array {
    const value = new Uint8Array(this.#bytes + last.length);
    let at = 0;
    for (const part of this.#parts) {
      value.set(part, at);
      at += part.length;
    }
    value.set(last, at);
    this.#parts = [];
    this.#bytes = 0;
    return value;
  }
}
