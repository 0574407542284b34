import { constants } from 'node:fs';
import {
  access,
  chmod,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { RuntimeError } from '../errors.js';
import type { Files, FileWriter } from '../files.js';
import { realRandom } from './random.js';
import { messageOf, systemWord } from './system-word.js';

/** Runs `work`; whatever fails in it leaves as a RuntimeError ERR_RUNTIME_FILE. */
async function guarded<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError('ERR_RUNTIME_FILE', `cannot ${what} ${path}: ${messageOf(error)}`, {
      detail: systemWord(error),
      cause: error,
    });
  }
}

/** Pipes and terminals cannot be synced (EINVAL), some file systems do not know how to (ENOTSUP). */
async function sync(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    const word = systemWord(error);
    if (word !== 'EINVAL' && word !== 'ENOTSUP') throw error;
  }
}

/** Makes a rename or a new name last: a name is durable once its folder is synced. Windows cannot open folders and needs no sync. */
async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), constants.O_RDONLY);
  try {
    await sync(folder);
  } finally {
    await folder.close();
  }
}

/**
 * A folder and those above it. (Node's own recursive mkdir never returns where a file system says that nothing is there to a
 * new folder in one that is there, as Linux does in /proc.)
 * @returns whether it was made here
 */
async function makeFolders(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (await isFolder(path)) return false;
    if (systemWord(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  await makeFolders(dirname(path), mode);
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (await isFolder(path)) return false; // somebody else has made it meanwhile
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

/** Writes a new file beside `path` with all of `bytes` on disk, hands its name to `place`, and leaves nothing behind on failure. */
async function besideThen(
  path: string,
  bytes: Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = nameBeside(path);
  // Nobody else may read it before it has the mode that was asked for.
  const handle = await open(temporary, 'wx', 0o600);
  try {
    try {
      await handle.chmod(mode);
      await writeAll(handle, bytes);
      await sync(handle);
    } finally {
      await handle.close();
    }
    await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolderOf(path);
}

/** For file systems without hard links: the name is taken first, then filled. */
async function createInPlace(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.chmod(mode);
    await writeAll(handle, bytes);
    await sync(handle);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Name for a file that is not whole yet, in the folder of the one that it is to become. */
function nameBeside(path: string): string {
  const suffix = Buffer.from(realRandom.bytes(6)).toString('hex');
  return join(dirname(path), `.${basename(path)}.${suffix}.tmp`);
}

class RealFileWriter implements FileWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Name that it is written under; undefined where that is its own. */
  readonly #temporary: string | undefined;
  #closed = false;

  constructor(path: string, handle: FileHandle, temporary?: string) {
    this.#path = path;
    this.#handle = handle;
    this.#temporary = temporary;
  }

  static async open(path: string): Promise<RealFileWriter> {
    const facts = await stat(path).catch((error: unknown) => {
      if (systemWord(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (facts !== undefined && !facts.isFile()) return new RealFileWriter(path, await open(path, 'w'));
    if (facts !== undefined) await access(path, constants.W_OK); // a rename does not ask this
    const target = facts === undefined ? path : await realpath(path); // a link stays a link
    const temporary = nameBeside(target);
    return new RealFileWriter(target, await open(temporary, 'wx', facts?.mode ?? 0o644), temporary);
  }

  write(bytes: Uint8Array): Promise<void> {
    return guarded('write', this.#path, () => writeAll(this.#handle, bytes));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await guarded('close', this.#path, async () => {
      try {
        await sync(this.#handle);
      } finally {
        await this.#handle.close();
      }
      if (this.#temporary === undefined) return;
      await rename(this.#temporary, this.#path);
      await syncFolderOf(this.#path);
    });
  }

  async discard(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await guarded('let go of', this.#path, async () => {
      await this.#handle.close();
      if (this.#temporary !== undefined) await rm(this.#temporary, { force: true });
    });
  }
}

async function* readChunks(path: string, chunkBytes: number): AsyncGenerator<Uint8Array> {
  if (!Number.isInteger(chunkBytes) || chunkBytes < 1)
    throw new RangeError('chunkBytes must be a positive integer');
  const handle = await guarded('read', path, () => open(path, 'r'));
  try {
    for (;;) {
      const chunk = new Uint8Array(chunkBytes);
      const { bytesRead } = await guarded('read', path, () => handle.read(chunk, 0, chunkBytes, null));
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The system's files. */
export const realFiles: Files = {
  async stat(path) {
    return guarded('look at', path, async () => {
      try {
        const facts = await stat(path);
        return { bytes: facts.size, mode: facts.mode & 0o7777, directory: facts.isDirectory() };
      } catch (error) {
        const word = systemWord(error);
        if (word === 'ENOENT' || word === 'ENOTDIR') return undefined;
        throw error;
      }
    });
  },
  async read(path) {
    return guarded('read', path, async () => {
      const bytes = await readFile(path);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    });
  },
  readChunks,
  async writeWhole(path, bytes, mode = 0o644) {
    await guarded('write', path, () => besideThen(path, bytes, mode, (temporary) => rename(temporary, path)));
  },
  async createNew(path, bytes, mode) {
    await guarded('create', path, () =>
      besideThen(path, bytes, mode, async (temporary) => {
        try {
          // A link, unlike a rename, refuses a name that is taken.
          await link(temporary, path);
        } catch (error) {
          const word = systemWord(error);
          if (word !== 'EPERM' && word !== 'ENOTSUP' && word !== 'ENOSYS') throw error;
          await createInPlace(path, bytes, mode);
        }
        await unlink(temporary);
      }),
    );
  },
  async openWriter(path) {
    return guarded('write', path, () => RealFileWriter.open(path));
  },
  async append(path, bytes, create) {
    const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = constants;
    const flags = O_WRONLY | O_APPEND | (create === undefined ? 0 : O_CREAT | O_EXCL);
    await guarded('write', path, async () => {
      const handle = await open(path, flags, create);
      try {
        await writeAll(handle, bytes);
      } finally {
        await handle.close();
      }
    });
  },
  async names(path) {
    return guarded('list', path, async () => (await readdir(path)).sort());
  },
  async makeDirectory(path, mode) {
    await guarded('make the folder', path, async () => {
      const made = await makeFolders(resolve(path), mode ?? 0o777);
      // Only a folder that was made here gets the mode: what was there keeps its own.
      if (made && mode !== undefined) await chmod(path, mode);
    });
  },
  async remove(path) {
    await guarded('remove', path, () => rm(path, { recursive: true, force: true }));
  },
};
