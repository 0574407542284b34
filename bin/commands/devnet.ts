import { type Command, Option } from 'commander';
import { Devnet } from '../devnet/devnet.js';
import { JsonLines, LiveTable, PlainLines, type Screen, summaryLines } from '../devnet/screen.js';
import { interrupted } from '../interrupt.js';
import { type CryptoOptions, chosenCrypto, cryptoOption, wholeNumber } from '../options.js';
import { print, printJson } from '../terminal.js';

interface DevnetCommandOptions extends CryptoOptions {
  readonly nodes: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

export function addDevnetCommand(program: Command): void {
  program
    .command('devnet')
    .description(
      'Start a small network of daemons on loopback that copy a chain from each other, and watch them.',
    )
    .addOption(new Option('--nodes <n>', 'how many').argParser(wholeNumber(2, 16)).default(4))
    .option('--once', 'end when all stores are equal and verified')
    .addOption(cryptoOption())
    .option('--json', 'one JSON object per change, and one at the end')
    .addHelpText(
      'after',
      `
Each node is a process of its own, in a temporary folder that is gone afterwards. Nothing leaves loopback. Without
--once the network stays until Ctrl-C; then every store is verified.

Example:
  rlpxd devnet --nodes 6 --once`,
    )
    .action(async ({ nodes, once, json, crypto }: DevnetCommandOptions) => {
      chosenCrypto({ crypto }); // what is wrong with it is said once, and not by each node
      const summary = await new Devnet({
        nodes,
        once: once === true,
        crypto,
        signal: interrupted(),
        screen: screen(json),
      }).run();
      if (json) printJson({ event: 'summary', ...summary });
      else for (const line of summaryLines(summary)) print(line);
    });
}

function screen(json: boolean | undefined): Screen {
  if (json === true) return new JsonLines();
  return process.stderr.isTTY === true ? new LiveTable(process.stderr) : new PlainLines();
}
