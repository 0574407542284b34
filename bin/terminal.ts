import { explain } from './explain.js';

/** One line on standard output: what the command was asked for. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** As `print`; waits until the reader has taken it, so that nothing piles up for one who reads slowly. */
export function printed(line: string): Promise<void> {
  // a reader that went away ends the command by the stream's own event
  return new Promise((resolve) => process.stdout.write(`${line}\n`, () => resolve()));
}

/** One line on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What others have written: without what would move a terminal's cursor. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
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

/** Exit code of a command whose output nobody could take; undefined while it can be written. */
let outputEnd: number | undefined;

/** Whether standard output is over, so that the command ends because of that. */
export function isOutputOver(): boolean {
  return outputEnd !== undefined;
}

/** Ends the process once what was printed has left; nothing that still lingers (a socket, a timer) keeps it. */
export function endProcess(exitCode: number): void {
  if (outputEnd !== undefined) process.exit(outputEnd);
  // where it cannot be written the stream says so in an event of its own, which ends us with another code
  process.stdout.write('', (error) => {
    if (error === undefined || error === null) process.exit(exitCode);
  });
}

/**
 * A reader that went away (`rlpxd … | head`) ends the command quietly and in good order; output that cannot be written
 * ends it as a failure. Whatever else nobody caught becomes one line; `RLPXD_STACK=1` adds the stack, for whoever looks
 * for the mistake.
 * @param interrupt calls the command off; false where there is nothing to be called off
 */
export function guardStreams(interrupt: () => boolean): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    outputEnd = error.code === 'EPIPE' ? 0 : 1;
    if (outputEnd !== 0) {
      say(`rlpxd: ${explain(new Error(`cannot write standard output: ${error.message}`, { cause: error }))}`);
    }
    if (!interrupt()) process.exit(outputEnd);
  });
  const last = (error: unknown): void => {
    say(`rlpxd: ${explain(error)}`);
    if (process.env.RLPXD_STACK === '1' && error instanceof Error) say(String(error.stack));
    process.exit(1);
  };
  process.on('uncaughtException', last);
  process.on('unhandledRejection', last);
}
