import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';

/** One JSON object that a program printed. */
export type Line = Readonly<Record<string, unknown>>;

const running = new Set<LineProcess>();

// No test leaves a process behind, however it ends.
afterEach(async () => {
  await Promise.all([...running].map((process) => process.stop()));
});

interface Waiter {
  matches(line: Line): boolean;
  resolve(line: Line): void;
  reject(error: Error): void;
}

/** How long to wait for a line before a test fails. */
export const patienceMs = 20_000;

/**
 * A child process that prints JSON lines on stdout or on stderr; lines that are no JSON objects are kept as text.
 * Every line is kept, so that a wait also finds what came before it; `mark` and `since` narrow that down.
 */
export class LineProcess {
  readonly lines: Line[] = [];
  /** What came on the stream that has no JSON lines, and what was no JSON. */
  text = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiters = new Set<Waiter>();
  #exitCode: number | null | undefined;

  constructor(
    name: string,
    command: string,
    args: readonly string[],
    options: { json: 'stdout' | 'stderr'; cwd?: string },
  ) {
    this.#name = name;
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    this.#child = child;
    running.add(this);
    child.stdin.on('error', () => {}); // the program may have ended meanwhile
    createInterface({ input: child[options.json] }).on('line', (line) => this.#take(line));
    const other = options.json === 'stdout' ? child.stderr : child.stdout;
    other.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null) => {
        if (this.#exitCode !== undefined) return;
        this.#exitCode = code;
        running.delete(this);
        for (const waiter of this.#waiters)
          waiter.reject(new Error(`${name} ended (${code}) ${this.#tail()}`));
        this.#waiters.clear();
        resolve(code);
      };
      child.once('close', ended);
      child.once('error', (error) => {
        this.text += error.message;
        ended(null);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The first line, from index `since` on, that has all these fields, come or to come. */
  async line(
    fields: Line | ((line: Line) => boolean),
    o: { since?: number; timeoutMs?: number } = {},
  ): Promise<Line> {
    const matches = typeof fields === 'function' ? fields : (line: Line) => hasAll(line, fields);
    const found = this.lines.slice(o.since ?? 0).find(matches);
    if (found !== undefined) return found;
    if (this.#exitCode !== undefined) throw new Error(`${this.#name} has ended ${this.#tail()}`);
    const timeoutMs = o.timeoutMs ?? patienceMs;
    return await new Promise<Line>((resolve, reject) => {
      const waiter: Waiter = { matches, resolve: done(resolve), reject: done(reject) };
      const timer = setTimeout(() => {
        const what = typeof fields === 'function' ? 'the line' : JSON.stringify(fields);
        waiter.reject(new Error(`${this.#name}: no ${what} within ${timeoutMs} ms ${this.#tail()}`));
      }, timeoutMs);
      const waiters = this.#waiters;
      waiters.add(waiter);
      function done<T>(then: (value: T) => void): (value: T) => void {
        return (value) => {
          clearTimeout(timer);
          waiters.delete(waiter);
          then(value);
        };
      }
    });
  }

  /** Index of the next line: what a later wait may look at. */
  mark(): number {
    return this.lines.length;
  }

  /** Writes one JSON line to the program. */
  send(line: Line): void {
    this.write(`${JSON.stringify(line)}\n`);
  }

  write(input: string): void {
    this.#child.stdin?.write(input);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the program to end, and makes it end after five seconds. @returns its exit code */
  async stop(): Promise<number | null> {
    if (this.#exitCode !== undefined) return this.#exitCode;
    this.#child.stdin?.end();
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  #take(text: string): void {
    const line = parse(text);
    if (line === undefined) {
      this.text += `${text}\n`;
      return;
    }
    this.lines.push(line);
    for (const waiter of [...this.#waiters]) if (waiter.matches(line)) waiter.resolve(line);
  }

  #tail(): string {
    const last = this.lines.slice(-12).map((line) => JSON.stringify(line).slice(0, 400));
    return `\n${[...last, this.text.slice(-2_000)].join('\n')}`;
  }
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

function hasAll(line: Line, fields: Line): boolean {
  return Object.entries(fields).every(([name, value]) =>
    value instanceof RegExp ? value.test(String(line[name])) : line[name] === value,
  );
}

/** The field as text; a test fails where it is none. */
export function text(line: Line, name: string): string {
  const value = line[name];
  if (typeof value !== 'string') throw new Error(`${name} is no text in ${JSON.stringify(line)}`);
  return value;
}
