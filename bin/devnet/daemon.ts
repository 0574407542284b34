import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { END_WITH_PARENT } from '../interrupt.js';
import type { LogLine } from './view.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
/** A daemon promises to be gone within 3 s of a signal; then it is ended for it. */
const STOP_MS = 5_000;

export interface Ended {
  /** 0 where it ended well. */
  readonly code: number | null;
  /** How it ended, for a message: `exit code 1: the port is in use`, `killed by SIGKILL`. */
  readonly says: string;
  readonly stdout: string;
}

/** One `rlpxd` of its own, whose log is read line by line. It ends when we do: it holds an IPC channel of ours. */
export class Daemon {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = '';
  #lastLine = '';

  constructor(args: readonly string[], log: (line: LogLine) => void = () => undefined) {
    const env = { ...process.env, [END_WITH_PARENT]: '1' };
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      detached: true, // Ctrl-C in a terminal is for us: what tells the daemons as well would be their second signal, or the first
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      windowsHide: true,
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    eachLine(this.#child, (line) => {
      this.#lastLine = line;
      const read = parseLine(line);
      if (read !== undefined) log(read);
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        resolve({ code, stdout: this.#stdout, says: endText(code, signal, this.#lastLine) });
      });
    });
    this.ended.catch(() => undefined); // whoever waits for it sees it
  }

  /** Asks it to end, and ends it where it does not. */
  async stop(clock: { timer(ms: number, fire: () => void): { cancel(): void } }): Promise<Ended> {
    this.#child.kill('SIGTERM');
    const timer = clock.timer(STOP_MS, () => this.kill());
    try {
      return await this.ended;
    } finally {
      timer.cancel();
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Runs one command to its end.
 * @param begun told of the process, for whoever must end it early
 * @returns what it printed @throws Error with its last line where it fails
 */
export async function runCommand(args: readonly string[], begun: (daemon: Daemon) => void): Promise<string> {
  const daemon = new Daemon(args);
  begun(daemon);
  const { code, stdout, says } = await daemon.ended;
  if (code !== 0) throw new Error(`rlpxd ${args[0]} failed: ${says}`);
  return stdout;
}

/** @param lastLine on standard error: what went wrong, unless it is a line of the log */
function endText(code: number | null, signal: NodeJS.Signals | null, lastLine: string): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  return lastLine.startsWith('rlpxd: ') ? `${how}: ${lastLine.slice('rlpxd: '.length)}` : how;
}

function eachLine(child: ChildProcess, take: (line: string) => void): void {
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') take(line);
  });
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined; // not ours: a warning of the runtime that happens to begin so
  }
}
