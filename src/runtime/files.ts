/** What `stat` says of a file. `mode` is the permission bits (0o600). */
export interface FileFacts {
  readonly bytes: number;
  readonly mode: number;
  readonly directory: boolean;
}

/** A file that is being written. Until `close` has resolved, an older one of its name stands as it was. */
export interface FileWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Puts it in its place, on disk. Idempotent. */
  close(): Promise<void>;
  /** Lets it go, as if it had never been begun. After `close` it does nothing. */
  discard(): Promise<void>;
}

/** The file system as the house sees it. Every failure is a RuntimeError ERR_RUNTIME_FILE whose `detail` is the system's word (`ENOENT`, `EACCES`, `ENOSPC`…). */
export interface Files {
  /** @returns undefined where nothing is there. */
  stat(path: string): Promise<FileFacts | undefined>;
  read(path: string): Promise<Uint8Array>;
  /** Reads a file in pieces of at most `chunkBytes`, in order. */
  readChunks(path: string, chunkBytes: number): AsyncIterable<Uint8Array>;
  /** Replaces the whole file or leaves the old one: written beside it, synced, renamed. `mode` defaults to 0o644. */
  writeWhole(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  /** Creates a file that must not exist yet. */
  createNew(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** Opens for writing from the start. What is no plain file (a pipe, a device) is written to as it is, and has no older self. */
  openWriter(path: string): Promise<FileWriter>;
  /**
   * Adds to the end of a file as it stands; what was written of it when it fails stays. Not synced: what a power cut may
   * take is the end.
   * @param create mode of a file that must not exist yet; without it the file must exist
   */
  append(path: string, bytes: Uint8Array, create?: number): Promise<void>;
  /** Names of what is in a folder, in order; without `.` and `..`. */
  names(path: string): Promise<readonly string[]>;
  /** Makes the folder and those above it; one that is there already is left as it is. `mode` is for the last one, whatever the umask. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Removes a file, or a folder with all that is in it. Nothing there is no error. */
  remove(path: string): Promise<void>;
}
