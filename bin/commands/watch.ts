import { type Command, Option } from 'commander';
import { watchNetwork } from '../../src/node/index.js';
import { interrupted } from '../interrupt.js';
import { datadirOption } from '../options.js';
import { printed, say } from '../terminal.js';

interface WatchOptions {
  readonly datadir: string;
  readonly transactions?: boolean;
  readonly blocks?: boolean;
  readonly json?: boolean;
}

type Item = { readonly [name: string]: unknown };

export function addWatchCommand(program: Command): void {
  program
    .command('watch')
    .description('Show what the peers of the node in a datadir say, as they say it.')
    .addOption(datadirOption())
    .addOption(
      new Option(
        '--transactions',
        'transactions that are sent or announced; without --blocks, these',
      ).conflicts('blocks'),
    )
    .option('--blocks', 'blocks that peers have at their head')
    .option('--json', 'one JSON object per line')
    .addHelpText(
      'after',
      `
Each is shown once, a second after it was first said, with the number of peers that have said it by then. Whoever reads
slowly loses the oldest and is told how many; the node does not wait.

Example:
  rlpxd watch --transactions --json --datadir ./a | head`,
    )
    .action(watch);
}

async function watch({ datadir, blocks, json }: WatchOptions): Promise<void> {
  const signal = interrupted();
  const what = blocks === true ? 'blocks' : 'transactions';
  const began = (): void => say(`rlpxd: watching ${what}`);
  for await (const { items, lost } of watchNetwork(what, { datadir, signal, began })) {
    if (lost > 0 && json === true) await printed(JSON.stringify({ lost }));
    else if (lost > 0) say(`rlpxd: ${lost} have made way before they were read`);
    for (const item of items) await printed(json === true ? JSON.stringify(item) : lineOf(what, item));
  }
}

function lineOf(what: 'transactions' | 'blocks', item: Item): string {
  const { hash, number, type, bytes, peers } = item;
  const from = `${peers} ${peers === 1 ? 'peer' : 'peers'}`;
  if (what === 'blocks') return `${String(number).padStart(9)}  ${hash}  ${from}`;
  return `${hash}  type ${type}  ${String(bytes).padStart(7)} bytes  ${from}`;
}
