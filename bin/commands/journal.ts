import type { Command } from 'commander';
import { replayJournalFile, showJournalFile, verifyJournalFile } from '../../src/node/index.js';
import { path } from '../options.js';
import { print, printable, printJson, say } from '../terminal.js';

interface Options {
  readonly json?: boolean;
}

export function addJournalCommand(program: Command): void {
  const journal = program
    .command('journal')
    .description('Read the journals of sessions, which `rlpxd run --journal` writes.')
    .addHelpText('after', '\nExample:\n  rlpxd journal verify j/000001-s00000017.jsonl');
  addReader(
    journal,
    'verify',
    'Check that nothing in a journal was changed, dropped, inserted, swapped or cut.',
    verify,
  );
  addReader(journal, 'show', 'Print each record of a journal as one line in plain words.', show);
  addReader(
    journal,
    'replay',
    'Live through a session again: the engine must come to the same states and the same end.',
    replay,
  );
}

function addReader(
  journal: Command,
  name: string,
  says: string,
  read: (file: string, options: Options) => Promise<void>,
): void {
  journal
    .command(name)
    .description(says)
    .argument('<file>', 'a journal', path)
    .option('--json', 'for machines')
    .action(read);
}

async function verify(file: string, { json }: Options): Promise<void> {
  const check = await verifyJournalFile(file);
  if (json) printJson({ file, ...check });
  else if (check.sound) print(printable(check.says));
  if (!check.sound) throw new Error(printable(`${file}: ${check.says}`));
}

/** What can be read is shown, whatever is wrong behind it. */
async function show(file: string, { json }: Options): Promise<void> {
  const { began, records, check } = await showJournalFile(file);
  const width = String(records.length).length;
  if (!json) print(began);
  for (const { seq, afterMs, says, entry } of records) {
    if (json) printJson({ seq, afterMs, says, entry });
    else print(printable(`${String(seq).padStart(width)}  +${seconds(afterMs)}  ${says}`));
  }
  if (!check.sound) say(printable(`rlpxd: ${file}: ${check.says}`));
}

async function replay(file: string, { json }: Options): Promise<void> {
  const outcome = await replayJournalFile(file);
  if (json) printJson({ file, ...outcome });
  else if (outcome.arrived) print(printable(outcome.says));
  if (!outcome.arrived) throw new Error(printable(`${file}: ${outcome.says}`));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}
