import { explain } from './explain.js';

/** One line on standard output: what the command was asked for. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One line on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A value as one line of JSON on standard output. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** Rows of name and value, the values in one column. */
export function printRows(rows: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) print(`${name.padEnd(width)}  ${value}`);
}

/**
 * A reader that went away (`rlpxd … | head`) ends the command quietly, as it ends other programs; whatever else nobody
 * caught becomes one line. `RLPXD_STACK=1` adds the stack, for whoever looks for the mistake.
 */
export function guardStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  process.stderr.on('error', () => undefined);
  const last = (error: unknown): void => {
    say(`rlpxd: ${explain(error)}`);
    if (process.env.RLPXD_STACK === '1' && error instanceof Error) say(String(error.stack));
    process.exit(1);
  };
  process.on('uncaughtException', last);
  process.on('unhandledRejection', last);
}
