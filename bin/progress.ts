import { realWorld } from '../src/index.js';
import { bytesText, clipped, countText } from './text.js';

/** A bar is drawn again so often; on a pipe a line is enough every other second. */
const TERMINAL_EVERY_MS = 100;
const PIPE_EVERY_MS = 2_000;
const BAR_CELLS = 24;

export interface Progress {
  readonly head: number;
  /** The last block, where it is known. */
  readonly target?: number | undefined;
  readonly bytes?: number | undefined;
  readonly peers?: number | undefined;
}

/** How far a command is: a bar on a terminal, plain lines otherwise. On standard error, beside what was asked for. */
export class ProgressLine {
  readonly #verb: string;
  readonly #quiet: boolean;
  readonly #clock = realWorld().clock;
  readonly #onTerminal = process.stderr.isTTY === true;
  readonly #beganAtMs = this.#clock.now();
  #shownAtMs: number | undefined;
  #first: { readonly head: number; readonly atMs: number } | undefined;
  #open = false;

  constructor(verb: string, options: { readonly quiet?: boolean } = {}) {
    this.#verb = verb;
    this.#quiet = options.quiet === true;
  }

  show(at: Progress): void {
    if (this.#quiet) return;
    const nowMs = this.#clock.now();
    this.#first ??= { head: at.head, atMs: nowMs };
    const everyMs = this.#onTerminal ? TERMINAL_EVERY_MS : PIPE_EVERY_MS;
    if (nowMs < (this.#shownAtMs ?? this.#beganAtMs) + everyMs) return; // what is done by then needs no progress
    this.#shownAtMs = nowMs;
    const text = progressText(this.#verb, at, this.#speed(at.head, nowMs));
    if (!this.#onTerminal) process.stderr.write(`${text}\n`);
    else process.stderr.write(`\r\u001b[K${clipped(`${bar(at)}${text}`, process.stderr.columns)}`);
    this.#open = this.#onTerminal;
  }

  /** Takes the bar away. Idempotent. */
  end(): void {
    if (this.#open) process.stderr.write('\r\u001b[K');
    this.#open = false;
  }

  #speed(head: number, nowMs: number): number {
    const first = this.#first;
    if (first === undefined || nowMs - first.atMs < 100) return 0;
    return Math.round(((head - first.head) / (nowMs - first.atMs)) * 1_000);
  }
}

function progressText(verb: string, at: Progress, speed: number): string {
  const parts = [`${verb} block ${at.head}${at.target === undefined ? '' : ` of ${at.target}`}`];
  if (at.bytes !== undefined) parts.push(bytesText(at.bytes));
  if (speed > 0) parts.push(`${speed} blocks/s`);
  if (at.peers !== undefined) parts.push(countText(at.peers, 'peer'));
  return parts.join(', ');
}

function bar({ head, target }: Progress): string {
  if (target === undefined || target <= 0) return '';
  const full = Math.min(BAR_CELLS, Math.floor((head / target) * BAR_CELLS));
  return `[${'#'.repeat(full)}${' '.repeat(BAR_CELLS - full)}] `;
}
