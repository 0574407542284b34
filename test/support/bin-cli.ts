import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { builtMain, ensureBuilt } from './build.js';

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Without the lines of progress, which come only where the machine is slow. */
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Run below `sh -c`, with this text in front (`ulimit -f 10;`). */
  readonly shell?: string;
  /** A script to run in place of the command line. */
  readonly script?: string;
  /** Of a command that reads; a script always has one. */
  readonly stdin?: 'pipe';
}

export { ensureBuilt };

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rlpxd-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A running command: lines as they come, and its end. It does not outlive the test. */
export class Cli {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult>;
  stdout = '';
  stderr = '';
  readonly #watchers = new Set<() => void>();

  constructor(args: readonly string[], options: CliOptions = {}) {
    const env = { ...process.env, NO_COLOR: '1', ...options.env };
    const command = [process.execPath, options.script ?? builtMain, ...args];
    const [program = '', ...rest] =
      options.shell === undefined ? command : ['sh', '-c', `${options.shell} exec "$@"`, 'sh', ...command];
    const stdin = options.script === undefined ? (options.stdin ?? 'ignore') : 'pipe';
    this.child = spawn(program, rest, { cwd: options.cwd, env, stdio: [stdin, 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk) => this.#take('stdout', chunk));
    this.child.stderr?.on('data', (chunk) => this.#take('stderr', chunk));
    this.done = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(new Error(`rlpxd ${args.join(' ')} did not end\n${this.stdout}\n${this.stderr}`));
      }, options.timeoutMs ?? 25_000);
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        clearTimeout(timer);
        for (const watcher of this.#watchers) watcher();
        const stderr = this.stderr.replace(/^(?:pulled|imported|verified) block .*\n/gm, '');
        resolve({ code, signal, stdout: this.stdout, stderr });
      });
    });
    this.done.catch(() => undefined); // whoever waits for it sees it
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Writes a line to its standard input; undefined ends it. */
  say(line: string | undefined): void {
    if (line === undefined) this.child.stdin?.end();
    else this.child.stdin?.write(`${line}\n`);
  }

  /** The JSON lines on standard error so far. */
  get log(): readonly Record<string, unknown>[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** @returns the first result of `look` that is not undefined, asked again whenever something was written */
  async until<T>(look: (cli: Cli) => T | undefined, timeoutMs = 15_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(() => reject(this.#never())), timeoutMs);
      const end = (how: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        how();
      };
      const watcher = (): void => {
        const seen = look(this);
        if (seen !== undefined) end(() => resolve(seen));
        else if (this.child.exitCode !== null) end(() => reject(this.#never()));
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  /** The enode URL that `rlpxd run` prints. */
  async enode(): Promise<string> {
    return this.until(({ stdout }) => /^enode:\/\/\S+(?=\n)/.exec(stdout)?.[0]);
  }

  async event(name: string, match: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
    return this.until(({ log }) =>
      log.find(
        (line) => line.event === name && Object.entries(match).every(([key, value]) => line[key] === value),
      ),
    );
  }

  #take(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this[stream] += chunk.toString('utf8');
    for (const watcher of this.#watchers) watcher();
  }

  #never(): Error {
    return new Error(`what was waited for did not come\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
  }
}

/** Runs `rlpxd` with these arguments to its end. */
export async function rlpxd(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return new Cli(args, options).done;
}
