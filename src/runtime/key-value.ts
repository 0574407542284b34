/** One change of a batch; a missing `value` deletes. */
export interface KeyValueChange {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
}

export interface KeyRange {
  /** First key, inclusive. */
  readonly from: Uint8Array;
  /** Where to stop, exclusive. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** An ordered key-value store, keys compared bytewise. */
export interface KeyValueStore {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** All changes or none; durable when the promise resolves if `sync`. @throws RuntimeError ERR_RUNTIME_STORE (`detail` ENOSPC…) */
  batch(changes: readonly KeyValueChange[], options?: { readonly sync?: boolean }): Promise<void>;
  range(range: KeyRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface KeyValueStores {
  /**
   * Opens the store in the folder `path`, making it where it is missing. One process at a time.
   * @throws RuntimeError ERR_RUNTIME_STORE_BUSY (another process holds it), ERR_RUNTIME_STORE
   */
  open(path: string): Promise<KeyValueStore>;
}
