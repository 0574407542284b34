import { mkdir } from 'node:fs/promises';
import type { ClassicLevel } from 'classic-level';
import { RuntimeError } from '../errors.js';
import type { KeyRange, KeyValueChange, KeyValueStore, KeyValueStores } from '../key-value.js';
import { messageOf, systemWord } from './system-word.js';

type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** What LevelDB says in words where the system has a short one. */
const SYSTEM_WORDS: readonly (readonly [words: string, detail: string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['Too many open files', 'EMFILE'],
  ['Not a directory', 'ENOTDIR'],
  ['File too large', 'EFBIG'],
];

/** The error and its causes, outermost first. */
function* chain(error: unknown): Generator<unknown> {
  for (let at: unknown = error, depth = 0; at !== undefined && depth < 8; depth++) {
    yield at;
    at = at instanceof Error ? at.cause : undefined;
  }
}

/** @internal Names a failure of LevelDB; exported for the tests. */
export function storeError(what: string, path: string, error: unknown): RuntimeError {
  const links = [...chain(error)];
  const innermost = messageOf(links.at(-1));
  if (links.some((link) => systemWord(link) === 'LEVEL_LOCKED')) {
    return new RuntimeError('ERR_RUNTIME_STORE_BUSY', `${path} is in use by another process`, {
      detail: 'LEVEL_LOCKED',
      cause: error,
    });
  }
  const word = SYSTEM_WORDS.find(([words]) => innermost.includes(words))?.[1];
  const codes = links.map(systemWord).filter((code) => code !== undefined);
  return new RuntimeError('ERR_RUNTIME_STORE', `cannot ${what} the store ${path}: ${innermost}`, {
    detail: word ?? codes.at(-1),
    cause: error,
  });
}

/** LevelDB hands out Buffers; borders take plain arrays, here over the same memory. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

class RealStore implements KeyValueStore {
  readonly #path: string;
  readonly #level: Level;
  #closing: Promise<void> | undefined;

  constructor(path: string, level: Level) {
    this.#path = path;
    this.#level = level;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#guarded('read', async () => {
      const value = await this.#level.get(key);
      return value === undefined ? undefined : plain(value);
    });
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#guarded('read', async () => {
      const values = await this.#level.getMany([...keys]);
      return values.map((value) => (value === undefined ? undefined : plain(value)));
    });
  }

  async batch(changes: readonly KeyValueChange[], options?: { readonly sync?: boolean }): Promise<void> {
    const operations = changes.map(({ key, value }) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    );
    await this.#guarded('write', () => this.#level.batch(operations, { sync: options?.sync === true }));
  }

  async *range(range: KeyRange): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    const entries = await this.#guarded('read', async () =>
      this.#level.iterator({
        gte: range.from,
        lt: range.to,
        reverse: range.reverse === true,
        ...(range.limit === undefined ? {} : { limit: range.limit }),
      }),
    );
    try {
      for (;;) {
        const entry = await this.#guarded('read', () => entries.next());
        if (entry === undefined) return;
        yield [plain(entry[0]), plain(entry[1])];
      }
    } finally {
      await entries.close();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#level.close().catch((error: unknown) => {
      throw storeError('close', this.#path, error);
    });
    return this.#closing;
  }

  async #guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new RuntimeError('ERR_RUNTIME_STORE', `the store ${this.#path} is closed`, { detail: 'CLOSED' });
    }
    try {
      return await work();
    } catch (error) {
      throw storeError(what, this.#path, error);
    }
  }
}

/** Loaded by whoever opens a store: where there is no build of it for the machine, all that needs none still works. */
async function levelDb(path: string): Promise<typeof ClassicLevel> {
  try {
    return (await import('classic-level')).ClassicLevel;
  } catch (cause) {
    const says = `cannot open the store ${path}: LevelDB does not load on this machine: ${messageOf(cause)}`;
    throw new RuntimeError('ERR_RUNTIME_STORE', says, { detail: systemWord(cause), cause });
  }
}

/** LevelDB in folders of the system, one process at a time. */
export const realStores: KeyValueStores = {
  async open(path) {
    const Database = await levelDb(path);
    try {
      await mkdir(path, { recursive: true });
      const level: Level = new Database(path, { keyEncoding: 'view', valueEncoding: 'view' });
      await level.open();
      return new RealStore(path, level);
    } catch (error) {
      throw storeError('open', path, error);
    }
  },
};
