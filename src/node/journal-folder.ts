import { join } from 'node:path';
import { type Files, RuntimeError } from '../runtime/index.js';
import type { JournalEntry, JournalSink, SessionHandle } from '../session/index.js';
import { ConfigError, JournalError } from './errors.js';
import type { JournalConfig } from './journal-options.js';

/** Whole messages may hold what is nobody's business. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const NAME = /^([0-9]{6,})-.+\.jsonl$/;
/** Messages take so much of the folder at most; the rest is for the lives of sessions, which are never left out. */
const SHARE_OF_MESSAGES = 7 / 8;
/** The system's words for a disk that is full. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

export interface JournalStats {
  readonly files: number;
  readonly bytes: number;
  /** Of sessions that live. */
  readonly open: number;
  /** Journals that made way for others. */
  readonly removed: number;
  /** Journals that could not be written to their end. */
  readonly failed: number;
}

interface JournalFile {
  readonly path: string;
  bytes: number;
}

export interface JournalFolderOptions {
  readonly config: JournalConfig;
  readonly files: Files;
  /** A journal cannot be written any more. */
  readonly failed: (session: SessionHandle, cause: unknown) => void;
}

/**
 * One file of lines per session in one folder: `000003-s00000017.jsonl` is session s17 of the third run of the node. Files
 * only grow, so a crash costs no more than the end of them. Bounded in bytes and files: the oldest of sessions that have
 * ended make way, first those that never were active, so that strangers cannot drive the others out.
 */
export class JournalFolder implements JournalSink {
  readonly maxSessionBytes: number;
  readonly #config: JournalConfig;
  readonly #files: Files;
  readonly #onFailure: JournalFolderOptions['failed'];
  readonly #live = new Map<string, JournalFile>();
  /** The oldest first, as all sets here. */
  readonly #strangers = new Set<JournalFile>();
  readonly #ended = new Set<JournalFile>();
  #run = 0;
  #bytes = 0;
  #liveBytes = 0;
  #removed = 0;
  #failures = 0;
  /** One thing at a time on the disk: a thousand sessions hold no thousand files open. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ config, files, failed }: JournalFolderOptions) {
    this.#config = config;
    this.#files = files;
    this.#onFailure = failed;
    this.maxSessionBytes = config.maxSessionBytes;
  }

  /**
   * Makes the folder, or finds what is in it.
   * @param run the number of this run at least
   * @throws ConfigError ERR_CONFIG_VALUE where it is no folder; RuntimeError ERR_RUNTIME_FILE where nothing can be written,
   *   unless the disk is full
   */
  async open(run = 1): Promise<void> {
    const { dir } = this.#config;
    const facts = await this.#files.stat(dir);
    if (facts !== undefined && !facts.directory) {
      throw new ConfigError('ERR_CONFIG_VALUE', 'journal', `journal: ${dir} is no folder`);
    }
    await this.#files.makeDirectory(dir, FOLDER_MODE);
    const found = (await this.#files.names(dir)).flatMap((name) => {
      const number = NAME.exec(name)?.[1];
      return number === undefined ? [] : [{ name, run: Number(number) }];
    });
    for (const { name, run: before } of found.sort((a, b) => a.run - b.run)) {
      const path = join(dir, name);
      const bytes = (await this.#files.stat(path))?.bytes ?? 0;
      this.#ended.add({ path, bytes });
      this.#bytes += bytes;
      this.#run = Math.max(this.#run, before);
    }
    this.#run = Math.max(this.#run + 1, run);
    await this.#try(join(dir, `.${this.#run}.tmp`));
    await this.#makeRoom(0);
  }

  get stats(): JournalStats {
    const open = this.#live.size;
    const files = open + this.#strangers.size + this.#ended.size;
    return { files, bytes: this.#bytes, open, removed: this.#removed, failed: this.#failures };
  }

  /** Where the journal of a session of this run is, or would be. */
  pathOf(id: string): string {
    const session = id.replace(/[0-9]+$/, (digits) => digits.padStart(8, '0')).replace(/[^\w.-]/g, '_');
    return join(this.#config.dir, `${String(this.#run).padStart(6, '0')}-${session}.jsonl`);
  }

  wants(session: SessionHandle): boolean {
    if (session.direction === 'inbound' && session.publicKey === undefined) return false;
    return this.#config.wants?.(session) ?? true;
  }

  hasRoom(waitingBytes: number): boolean {
    return this.#liveBytes + waitingBytes < SHARE_OF_MESSAGES * this.#config.maxBytes;
  }

  write(session: SessionHandle, entries: readonly JournalEntry[], lines: string): Promise<void> {
    const isEnd = entries.at(-1)?.kind === 'end';
    const written = this.#turn.then(() => this.#append(session, new TextEncoder().encode(lines), isEnd));
    this.#turn = written.catch(() => undefined); // whoever asked for it is told
    return written;
  }

  /** Resolves when nothing is being written. */
  close(): Promise<void> {
    return this.#turn;
  }

  async #append(session: SessionHandle, bytes: Uint8Array, isEnd: boolean): Promise<void> {
    const known = this.#live.get(session.id);
    const file = known ?? { path: this.pathOf(session.id), bytes: 0 };
    try {
      if (known === undefined) this.#live.set(session.id, file);
      await this.#makeRoom(bytes.length);
      file.bytes += bytes.length;
      this.#bytes += bytes.length;
      this.#liveBytes += bytes.length;
      await this.#files.append(file.path, bytes, known === undefined ? FILE_MODE : undefined);
    } catch (error) {
      this.#failures++;
      const isOthers = error instanceof RuntimeError && error.detail === 'EEXIST';
      this.#end(session, file);
      if (isOthers) this.#forget(file);
      this.#onFailure(session, error);
      throw error;
    }
    if (isEnd) this.#end(session, file);
  }

  #end(session: SessionHandle, file: JournalFile): void {
    this.#live.delete(session.id);
    this.#liveBytes -= file.bytes;
    const wasActive = session.describe().activeAtMs !== undefined;
    (wasActive ? this.#ended : this.#strangers).add(file);
  }

  /** @throws JournalError ERR_NODE_JOURNAL_FULL where nothing can make way */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxBytes, maxFiles } = this.#config;
    while (this.#bytes + bytes > maxBytes || this.stats.files > maxFiles) {
      const oldest = first(this.#strangers) ?? first(this.#ended);
      if (oldest === undefined) {
        const says = `the folder of journals ${this.#config.dir} is full: ${this.#bytes} bytes of sessions that live`;
        throw new JournalError('ERR_NODE_JOURNAL_FULL', says);
      }
      await this.#files.remove(oldest.path); // where it stays, it is still counted
      this.#forget(oldest);
      this.#removed++;
    }
  }

  #forget(file: JournalFile): void {
    if (this.#strangers.delete(file) || this.#ended.delete(file)) this.#bytes -= file.bytes;
  }

  /** A folder where nothing can be written is better found now than at the first session; a full disk may be mended meanwhile. */
  async #try(path: string): Promise<void> {
    await this.#files.remove(path);
    try {
      await this.#files.append(path, Uint8Array.of(0x0a), FILE_MODE);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      const { detail, code } = error;
      if (!FULL.has(detail ?? '')) {
        const says = `journal: nothing can be written into ${this.#config.dir}`;
        throw new RuntimeError(code, says, { detail, cause: error });
      }
    }
    await this.#files.remove(path);
  }
}

function first<T>(values: ReadonlySet<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}
