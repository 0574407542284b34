/** What waits to be written of all journals of a node together. */
export const JOURNAL_ROOM_BYTES: number = 64 * 1024 * 1024;

/** Bytes of lines that wait or are being written, of all journals that share it. */
export class JournalRoom {
  readonly #maxBytes: number;
  readonly #behind: (waitingBytes: number) => boolean;
  #bytes = 0;

  /** @param behind whether there is room where they go to */
  constructor(maxBytes: number = JOURNAL_ROOM_BYTES, behind: (waitingBytes: number) => boolean = () => true) {
    this.#maxBytes = maxBytes;
    this.#behind = behind;
  }

  get bytes(): number {
    return this.#bytes;
  }

  fits(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes && this.#behind(this.#bytes + bytes);
  }

  /** Asked for or not: the life of a session is few bytes, and is never left out. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  free(bytes: number): void {
    this.#bytes -= bytes;
  }
}
