import { createHash } from 'node:crypto';

/** Lines are hashed many at a time: each call of the hash costs more than a line. */
const LINES_AT_ONCE = 512;

/** Everything that happens in a simulation, as one hash. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #watch: ((line: string) => void) | undefined;
  #waiting: string[] = [];
  lines = 0;

  /** @param watch sees each line */
  constructor(watch?: (line: string) => void) {
    this.#watch = watch;
  }

  add(line: string): void {
    this.lines++;
    this.#watch?.(line);
    this.#waiting.push(line);
    if (this.#waiting.length >= LINES_AT_ONCE) this.#flush();
  }

  /** 32 hex digits. Once. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex').slice(0, 32);
  }

  #flush(): void {
    this.#hash.update(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
  }
}
