import { Command, CommanderError } from 'commander';
import { RLPXD_VERSION } from '../src/index.js';
import { addDevnetCommand } from './commands/devnet.js';
import { addImportCommand } from './commands/import.js';
import { addJournalCommand } from './commands/journal.js';
import { addKeyCommand } from './commands/key.js';
import { addPingCommand } from './commands/ping.js';
import { addPullCommand } from './commands/pull.js';
import { addRunCommand } from './commands/run.js';
import { addSendCommand } from './commands/send.js';
import { addSessionCommands } from './commands/sessions.js';
import { addStoreCommand } from './commands/store.js';
import { addVersionCommand } from './commands/version.js';
import { addWatchCommand } from './commands/watch.js';
import { EXIT, exitCodeOf, explain } from './explain.js';
import { keepProcess } from './keep-alive.js';
import { isOutputOver, say } from './terminal.js';

/** Reads the arguments, runs the command, and turns whatever goes wrong into one line and an exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const letGo = keepProcess();
  try {
    await buildProgram().parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError && SHOWN.has(error.code)) return exitCodeOf(error);
    if (isOutputOver()) return EXIT.failure; // it ended because of that, which has been said
    say(`rlpxd: ${explain(error)}`);
    return exitCodeOf(error);
  } finally {
    letGo();
  }
}

/** Commander has written these itself: help that was asked for, or help instead of a missing command. */
const SHOWN: ReadonlySet<string> = new Set([
  'commander.helpDisplayed',
  'commander.help',
  'commander.version',
]);

export function buildProgram(): Command {
  const program = new Command('rlpxd')
    .description('The devp2p node in TypeScript: holds RLPx sessions and speaks eth/68 to eth/72.')
    .version(`rlpxd ${RLPXD_VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ outputError: () => undefined }) // runProgram writes the one line
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .showSuggestionAfterError(true)
    .addHelpText('after', EXAMPLES);
  const commands = [
    addRunCommand,
    addPingCommand,
    addPullCommand,
    addImportCommand,
    addStoreCommand,
    addSessionCommands,
    addSendCommand,
    addWatchCommand,
    addJournalCommand,
  ];
  for (const add of [...commands, addVersionCommand, addKeyCommand, addDevnetCommand]) add(program);
  return program;
}

const EXAMPLES = `
Exit codes: 0 done, 1 failed (one line on standard error says why), 2 asked wrongly.

Examples:
  rlpxd devnet --once                        four nodes on this machine copy a chain from each other
  rlpxd ping enode://…@127.0.0.1:30303       who is there, what it speaks, how long each step took
  rlpxd run --network mainnet --peer enode://…
  rlpxd help run                             everything about one command`;
