/** @returns the bytes as a text whose order (by code unit) is the order of the bytes. */
export function keyText(bytes: Uint8Array): string {
  let text = '';
  // In pieces, since a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

export function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Values by key, keys in order. Good to some hundred thousand entries, as simulations need. */
export class OrderedMap {
  readonly #values = new Map<string, Uint8Array>();
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#placeOf(key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#placeOf(key), 1);
  }

  /** @returns what stands in [from, to) now. */
  slice(from: string, to: string): (readonly [key: string, value: Uint8Array])[] {
    const entries: (readonly [string, Uint8Array])[] = [];
    for (let at = this.#placeOf(from); at < this.#keys.length; at++) {
      const key = this.#keys[at];
      if (key === undefined || key >= to) break;
      const value = this.#values.get(key);
      if (value !== undefined) entries.push([key, value]);
    }
    return entries;
  }

  copy(): OrderedMap {
    const copy = new OrderedMap();
    for (const [key, value] of this.#values) copy.#values.set(key, value);
    copy.#keys.push(...this.#keys);
    return copy;
  }

  /** The first place whose key is not below `key`. */
  #placeOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
