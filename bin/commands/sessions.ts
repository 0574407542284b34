import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  disconnectSession,
  explainSession,
  findSessions,
  type Json,
  SESSION_STATES,
} from '../../src/node/index.js';
import { datadirOption, path, wholeNumber } from '../options.js';
import { print, printable, printJson, say } from '../terminal.js';

const MOST_PAST = 1_000;

interface SessionsOptions {
  readonly datadir: string;
  readonly state?: string;
  readonly peer?: string;
  readonly past: number;
  readonly json?: boolean;
}

type Row = { readonly [name: string]: Json };

export function addSessionCommands(program: Command): void {
  program
    .command('sessions')
    .description('List the sessions of the node in a datadir, and those that have ended.')
    .addOption(datadirOption())
    .addOption(new Option('--state <state>', 'only those in this state').choices([...SESSION_STATES]))
    .option('--peer <id>', 'only those whose node id or public key begins with this hex', hexPrefix)
    .addOption(
      new Option('--past <n>', 'how many that have ended, the latest first')
        .argParser(wholeNumber(0, MOST_PAST))
        .default(50),
    )
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Without a running node it lists those that it has left.

Example:
  rlpxd sessions --datadir ./a --state active`,
    )
    .action(listSessions);
  program
    .command('explain')
    .description('Say in plain words how a session ended.')
    .argument(
      '<id|file>',
      'id of a session (s17, 3-s17), a JSON file with the record of an end, or a journal',
      path,
    )
    .addOption(datadirOption())
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  rlpxd explain s17 --datadir ./a')
    .action(async (what: string, { datadir, json }: { datadir: string; json?: boolean }) => {
      const explanation = await explainSession(what, { datadir });
      if (json) printJson(explanation);
      else print(printable(explanation.says));
    });
  program
    .command('disconnect')
    .description('End a session of the node that runs in a datadir.')
    .argument('<id>', 'id of a session, as `rlpxd sessions` shows it')
    .addOption(datadirOption())
    .addHelpText('after', '\nExample:\n  rlpxd disconnect s17 --datadir ./a')
    .action(async (id: string, { datadir }: { datadir: string }) => disconnectSession(id, { datadir }));
}

async function listSessions({ datadir, state, peer, past, json }: SessionsOptions): Promise<void> {
  const found = await findSessions({ datadir, state, peer, past });
  if (json) return printJson(found);
  for (const one of found.live) print(line(one, String(one.state)));
  for (const one of found.past) print(line({ ...one, id: one.name ?? null }, outcome(one)));
  if (!found.running) say('rlpxd: no node runs in this datadir; these have ended');
}

/** Client names are the peer's own words: what would move a terminal's cursor is left out. */
function line(one: Row, state: string): string {
  const peer = typeof one.nodeId === 'string' ? one.nodeId.slice(0, 16) : '-';
  const client = typeof one.client === 'string' ? plain(one.client) : '-';
  const cells = [
    String(one.id).padEnd(8),
    state.padEnd(10),
    String(one.direction).padEnd(8),
    peer.padEnd(16),
  ];
  return [...cells, client].join('  ');
}

function outcome({ cause }: Row): string {
  return typeof cause === 'object' && cause !== null && 'outcome' in cause ? String(cause.outcome) : '-';
}

function plain(text: string): string {
  return printable(text).slice(0, 80);
}

function hexPrefix(text: string): string {
  if (/^[0-9a-f]{1,128}$/i.test(text)) return text;
  throw new InvalidArgumentError('Hex digits are wanted, without 0x.');
}
