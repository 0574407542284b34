import { RuntimeError } from '../errors.js';
import type { FileFacts, Files, FileWriter } from '../files.js';

export type FileOperation = 'stat' | 'read' | 'write' | 'list' | 'makeDirectory' | 'remove';

interface Entry {
  /** May be the beginning of a larger buffer, so that adding to it does not copy all of it each time. */
  bytes: Uint8Array;
  mode: number;
  readonly directory: boolean;
}

interface Fault {
  readonly detail: string;
  readonly operation: FileOperation | undefined;
  readonly path: string | undefined;
  left: number;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  ENOSPC: 'no space left on device',
  EACCES: 'permission denied',
};

/** One form per path: absolute, `/` between names, no `.` and `..`. */
function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.replaceAll('\\', '/').split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') names.pop();
    else names.push(name);
  }
  return `/${names.join('/')}`;
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

function add(entry: Entry, bytes: Uint8Array): void {
  const { length } = entry.bytes;
  const whole = length + bytes.length;
  if (whole > entry.bytes.buffer.byteLength - entry.bytes.byteOffset) {
    const larger = new Uint8Array(Math.max(2 * length, whole));
    larger.set(entry.bytes);
    entry.bytes = larger;
  }
  entry.bytes = new Uint8Array(entry.bytes.buffer, entry.bytes.byteOffset, whole);
  entry.bytes.set(bytes, length);
}

/** A file system in memory. It starts with `/` alone; disks fill up and files refuse when told to. */
export class SimulatedFiles implements Files {
  /** What writers hold that is not in its place yet: it takes room all the same. */
  readonly #unplaced = new Set<Entry>();
  readonly #entries = new Map<string, Entry>([
    ['/', { bytes: new Uint8Array(0), mode: 0o755, directory: true }],
  ]);
  readonly #faults: Fault[] = [];
  /** What all files together may hold; a write beyond it fails with ENOSPC. */
  capacityBytes: number = Infinity;

  /**
   * Makes operations fail with the system's word `detail` (`EACCES`, `ENOSPC`, `EIO`).
   * @returns a function that ends it
   */
  fail(
    detail: string,
    when: { readonly operation?: FileOperation; readonly path?: string; readonly times?: number } = {},
  ): () => void {
    const path = when.path === undefined ? undefined : normal(when.path);
    const fault: Fault = { detail, operation: when.operation, path, left: when.times ?? Infinity };
    this.#faults.push(fault);
    return () => {
      fault.left = 0;
    };
  }

  /** Bytes in all files. */
  get usedBytes(): number {
    let total = 0;
    for (const entry of [...this.#entries.values(), ...this.#unplaced]) total += entry.bytes.length;
    return total;
  }

  /** Every path there is, in order. */
  list(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  async stat(path: string): Promise<FileFacts | undefined> {
    const at = normal(path);
    this.#mayFail('stat', at);
    const entry = this.#entries.get(at);
    if (entry === undefined) return undefined;
    return { bytes: entry.bytes.length, mode: entry.mode, directory: entry.directory };
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#file('read', normal(path)).bytes.slice();
  }

  async *readChunks(path: string, chunkBytes: number): AsyncGenerator<Uint8Array> {
    if (!Number.isInteger(chunkBytes) || chunkBytes < 1)
      throw new RangeError('chunkBytes must be a positive integer');
    const at = normal(path);
    const { bytes } = this.#file('read', at);
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      this.#mayFail('read', at);
      yield bytes.slice(offset, offset + chunkBytes);
    }
  }

  async writeWhole(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
    const at = normal(path);
    this.#mayWrite(at);
    this.#mayGrow(at, bytes.length);
    this.#entries.set(at, { bytes: bytes.slice(), mode, directory: false });
  }

  async createNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    const at = normal(path);
    if (this.#entries.has(at)) throw this.#error('EEXIST', 'create', at);
    await this.writeWhole(at, bytes, mode);
  }

  async openWriter(path: string): Promise<FileWriter> {
    const at = normal(path);
    this.#mayWrite(at);
    const entry: Entry = {
      bytes: new Uint8Array(0),
      mode: this.#entries.get(at)?.mode ?? 0o644,
      directory: false,
    };
    this.#unplaced.add(entry);
    let open = true;
    return {
      write: async (bytes) => {
        if (!open) throw this.#error('EBADF', 'write', at);
        this.#mayFail('write', at);
        this.#mayGrow(at, bytes.length);
        add(entry, bytes);
      },
      close: async () => {
        if (open) this.#entries.set(at, entry);
        this.#unplaced.delete(entry);
        open = false;
      },
      discard: async () => {
        this.#unplaced.delete(entry);
        open = false;
      },
    };
  }

  /** A disk that fills up takes the beginning of what is added, as a real one does. */
  async append(path: string, bytes: Uint8Array, create?: number): Promise<void> {
    const at = normal(path);
    this.#mayWrite(at);
    let entry = this.#entries.get(at);
    if (create !== undefined) {
      if (entry !== undefined) throw this.#error('EEXIST', 'write', at);
      entry = { bytes: new Uint8Array(0), mode: create, directory: false };
      this.#entries.set(at, entry);
    }
    if (entry === undefined) throw this.#error('ENOENT', 'write', at);
    const fits = bytes.subarray(0, Math.max(0, this.capacityBytes - this.usedBytes));
    add(entry, fits);
    if (fits.length < bytes.length) throw this.#error('ENOSPC', 'write', at);
  }

  async names(path: string): Promise<readonly string[]> {
    const at = normal(path);
    this.#mayFail('list', at);
    const folder = this.#entries.get(at);
    if (folder === undefined) throw this.#error('ENOENT', 'list', at);
    if (!folder.directory) throw this.#error('ENOTDIR', 'list', at);
    const children = [...this.#entries.keys()].filter((child) => child !== at && folderOf(child) === at);
    return children.map((child) => child.slice(child.lastIndexOf('/') + 1)).sort();
  }

  async makeDirectory(path: string, mode = 0o755): Promise<void> {
    const at = normal(path);
    this.#mayFail('makeDirectory', at);
    for (let end = at.indexOf('/', 1); ; end = at.indexOf('/', end + 1)) {
      const folder = end < 0 ? at : at.slice(0, end);
      const entry = this.#entries.get(folder);
      if (entry === undefined) {
        const ofFolder = end < 0 ? mode : 0o755;
        this.#entries.set(folder, { bytes: new Uint8Array(0), mode: ofFolder, directory: true });
      } else if (!entry.directory) {
        throw this.#error(end < 0 ? 'EEXIST' : 'ENOTDIR', 'make the folder', at);
      }
      if (end < 0) return;
    }
  }

  async remove(path: string): Promise<void> {
    const at = normal(path);
    this.#mayFail('remove', at);
    for (const other of [...this.#entries.keys()]) {
      if (other === at || other.startsWith(`${at}/`)) this.#entries.delete(other);
    }
  }

  #file(operation: 'read', at: string): Entry {
    this.#mayFail(operation, at);
    const entry = this.#entries.get(at);
    if (entry === undefined) throw this.#error('ENOENT', operation, at);
    if (entry.directory) throw this.#error('EISDIR', operation, at);
    return entry;
  }

  #mayWrite(at: string): void {
    this.#mayFail('write', at);
    if (this.#entries.get(at)?.directory === true) throw this.#error('EISDIR', 'write', at);
    const folder = this.#entries.get(folderOf(at));
    if (folder === undefined) throw this.#error('ENOENT', 'write', at);
    if (!folder.directory) throw this.#error('ENOTDIR', 'write', at);
  }

  /** A whole new file stands beside the old one until it takes its name: both must fit. */
  #mayGrow(at: string, bytes: number): void {
    if (this.usedBytes + bytes > this.capacityBytes) throw this.#error('ENOSPC', 'write', at);
  }

  #mayFail(operation: FileOperation, at: string): void {
    for (const fault of this.#faults) {
      if (fault.left <= 0) continue;
      if (fault.operation !== undefined && fault.operation !== operation) continue;
      if (fault.path !== undefined && fault.path !== at) continue;
      fault.left--;
      throw this.#error(fault.detail, operation, at);
    }
  }

  #error(detail: string, what: string, at: string): RuntimeError {
    const words = WORDS[detail];
    const why = words === undefined ? detail : `${detail}: ${words}`;
    return new RuntimeError('ERR_RUNTIME_FILE', `cannot ${what} ${at}: ${why}`, { detail });
  }
}
