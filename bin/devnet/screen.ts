import { say } from '../terminal.js';
import { clipped, countText, timeText } from '../text.js';
import { tableLines } from './table.js';
import type { NodeView } from './view.js';

/** Shows how the nodes are doing while they do it. */
export interface Screen {
  show(views: readonly NodeView[]): void;
  /** A line that stays. */
  note(line: string): void;
}

/** What a table needs of a terminal. */
export type Terminal = Pick<NodeJS.WriteStream, 'columns' | 'rows'> & {
  write(text: string): boolean;
};

/** A table that is drawn again in place. */
export class LiveTable implements Screen {
  readonly #out: Terminal;
  #drawn = 0;
  #lines: readonly string[] = [];

  constructor(out: Terminal) {
    this.#out = out;
  }

  show(views: readonly NodeView[]): void {
    this.#lines = tableLines(views);
    this.#draw();
  }

  note(line: string): void {
    this.#out.write(`${this.#erase()}${line}\n`);
    this.#drawn = 0;
    this.#draw();
  }

  #draw(): void {
    const { rows = 24, columns } = this.#out;
    // what is not on the screen any more, or is broken in two by it, the next erasing would miss
    const lines = this.#lines.slice(0, Math.max(1, rows - 1)).map((line) => clipped(line, columns));
    this.#out.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[J`;
  }
}

/** One line per change, for pipes and logs. */
export class PlainLines implements Screen {
  readonly #said = new Map<string, string>();

  show(views: readonly NodeView[]): void {
    for (const view of views) {
      const { name, state, head, sessions } = view;
      const line = `${name}: ${state}, ${countText(sessions.size, 'peer')}, block ${head}`;
      if (this.#said.get(name) === line) continue;
      this.#said.set(name, line);
      say(line);
    }
  }

  note(line: string): void {
    say(line);
  }
}

/** One JSON object per change, on standard output. */
export class JsonLines implements Screen {
  readonly #said = new Map<string, string>();

  show(views: readonly NodeView[]): void {
    for (const { sessions, ...view } of views) {
      const line = JSON.stringify({ event: 'node', ...view, eth: [...sessions.values()] });
      if (this.#said.get(view.name) === line) continue;
      this.#said.set(view.name, line);
      process.stdout.write(`${line}\n`);
    }
  }

  note(): void {
    // the summary says it all, as one object
  }
}

/** What is said at the end. */
export function summaryLines(summary: DevnetSummary): string[] {
  const { nodes, blocks, head, times } = summary;
  return [
    `${nodes} nodes, ${blocks} blocks, one head: ${head}`,
    `imported in ${timeText(times.importMs)}, pulled by all in ${timeText(times.pullMs)}, every store verified in ${timeText(times.checkMs)}; ${timeText(times.totalMs)} in all`,
  ];
}

export interface DevnetSummary {
  readonly nodes: number;
  readonly blocks: number;
  readonly head: string;
  readonly times: {
    readonly importMs: number;
    readonly pullMs: number;
    readonly checkMs: number;
    readonly totalMs: number;
  };
}
