import { RuntimeError } from '../errors.js';
import type { KeyRange, KeyValueChange, KeyValueStore, KeyValueStores } from '../key-value.js';
import { keyBytes, keyText, OrderedMap } from './ordered-map.js';

interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

function apply(map: OrderedMap, changes: readonly Change[]): void {
  for (const { key, value } of changes) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
}

/** What lies in one folder: what readers see, and what would be left if the power failed now. */
class Medium {
  live: OrderedMap = new OrderedMap();
  durable: OrderedMap = new OrderedMap();
  unsynced: Change[][] = [];
  holder: SimulatedStore | undefined;

  write(changes: Change[], sync: boolean): void {
    apply(this.live, changes);
    this.unsynced.push(changes);
    if (!sync) return;
    for (const batch of this.unsynced) apply(this.durable, batch);
    this.unsynced = [];
  }

  crash(keep: number): void {
    for (const batch of this.unsynced.slice(0, keep)) apply(this.durable, batch);
    this.unsynced = [];
    this.live = this.durable.copy();
    this.holder = undefined;
  }
}

class SimulatedStore implements KeyValueStore {
  readonly #path: string;
  readonly #medium: Medium;
  readonly #fault: () => string | undefined;

  constructor(path: string, medium: Medium, fault: () => string | undefined) {
    this.#path = path;
    this.#medium = medium;
    this.#fault = fault;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#check();
    return this.#medium.live.get(keyText(key))?.slice();
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#check();
    return keys.map((key) => this.#medium.live.get(keyText(key))?.slice());
  }

  async batch(changes: readonly KeyValueChange[], options?: { readonly sync?: boolean }): Promise<void> {
    this.#check();
    const detail = this.#fault();
    if (detail !== undefined) {
      throw new RuntimeError('ERR_RUNTIME_STORE', `cannot write the store ${this.#path}: ${detail}`, {
        detail,
      });
    }
    const copies = changes.map(({ key, value }) => ({ key: keyText(key), value: value?.slice() }));
    this.#medium.write(copies, options?.sync === true);
  }

  async *range(range: KeyRange): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    this.#check();
    const entries = this.#medium.live.slice(keyText(range.from), keyText(range.to));
    if (range.reverse === true) entries.reverse();
    for (const [key, value] of entries.slice(0, range.limit)) {
      this.#check();
      yield [keyBytes(key), value.slice()];
    }
  }

  async close(): Promise<void> {
    if (this.#medium.holder === this) this.#medium.holder = undefined;
  }

  #check(): void {
    if (this.#medium.holder !== this) {
      throw new RuntimeError('ERR_RUNTIME_STORE', `the store ${this.#path} is closed`, { detail: 'CLOSED' });
    }
  }
}

/** Key-value stores in memory, which outlive their `close` and can lose power. */
export class SimulatedStores implements KeyValueStores {
  readonly #media = new Map<string, Medium>();
  #fault: string | undefined;

  async open(path: string): Promise<KeyValueStore> {
    let medium = this.#media.get(path);
    if (medium === undefined) {
      medium = new Medium();
      this.#media.set(path, medium);
    }
    if (medium.holder !== undefined) {
      throw new RuntimeError('ERR_RUNTIME_STORE_BUSY', `${path} is in use by another process`, {
        detail: 'LEVEL_LOCKED',
      });
    }
    medium.holder = new SimulatedStore(path, medium, () => this.#fault);
    return medium.holder;
  }

  /**
   * The power fails: the store at `path` is closed under its owner, and batches since the last synced one are lost,
   * but for the first `keep` of them (what a disk happens to have written by then).
   */
  crash(path: string, options: { readonly keep?: number } = {}): void {
    this.#media.get(path)?.crash(options.keep ?? 0);
  }

  /** Batches at `path` that a crash would lose. */
  unsyncedBatches(path: string): number {
    return this.#media.get(path)?.unsynced.length ?? 0;
  }

  /** From now on batches fail with the system's word `detail` (`ENOSPC`); undefined: they work again. */
  failWrites(detail: string | undefined): void {
    this.#fault = detail;
  }
}
