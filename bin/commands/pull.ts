import { type Command, Option } from 'commander';
import { type PullTarget, pullChain } from '../../src/node/index.js';
import { UsageError } from '../explain.js';
import { interrupted } from '../interrupt.js';
import {
  addChainOptions,
  type ChainOptions,
  type CryptoOptions,
  chosenChain,
  chosenCrypto,
  cryptoOption,
  datadirOption,
  ethOption,
  keepOption,
  path,
  positiveDuration,
} from '../options.js';
import { ProgressLine } from '../progress.js';
import { print, printJson, say } from '../terminal.js';
import { bytesText, countText, timeText } from '../text.js';

interface PullCommandOptions extends ChainOptions, CryptoOptions {
  readonly datadir: string;
  readonly to?: PullTarget;
  readonly export?: string;
  readonly eth: number[];
  readonly patience: number;
  readonly keep?: number;
  readonly json?: boolean;
}

export function addPullCommand(program: Command): void {
  const pull = program
    .command('pull')
    .description('Copy a chain from peers into the store, every block verified, then end.')
    .argument('<enode...>', 'peers to copy from, one or several at once');
  addChainOptions(pull)
    .addOption(datadirOption())
    .addOption(
      new Option('--to <block>', 'number or hash of the last block; a hash pins the chain').argParser(target),
    )
    .option('--export <file>', 'afterwards, write the chain from block 1 as `geth export` does', path)
    .addOption(ethOption())
    .addOption(
      new Option('--patience <time>', 'give up when no peer could help for so long')
        .argParser(positiveDuration)
        .default(60_000, '60s'),
    )
    .addOption(keepOption())
    .addOption(cryptoOption())
    .option('--json', 'progress and result as JSON lines')
    .addHelpText(
      'after',
      `
Headers, bodies and receipts are checked against each other before they are stored. That proves the chain consistent, not
that it is the one that others follow: without consensus, only --to HASH pins it. An interrupted pull goes on where it was.

Example:
  rlpxd pull enode://…@127.0.0.1:30303 --genesis genesis.json --datadir ./a --export chain.rlp`,
    )
    .action(runPull);
}

async function runPull(enodes: string[], options: PullCommandOptions): Promise<void> {
  const progress = new ProgressLine('pulled', { quiet: options.json === true });
  const { result, exported } = await pullChain({
    peers: enodes,
    chain: await chosenChain(options),
    datadir: options.datadir,
    to: options.to,
    exportTo: options.export,
    ethVersions: options.eth,
    patienceMs: options.patience,
    keep: options.keep,
    crypto: chosenCrypto(options),
    signal: interrupted(),
    onProgress: (at) => {
      if (options.json) printJson({ event: 'pull.progress', ...at });
      else progress.show(at);
    },
    onTrouble: (says) => say(`rlpxd: ${says}`),
  }).finally(() => progress.end());
  if (options.json) {
    printJson({ event: 'pull.done', ...result, ...(exported === undefined ? {} : { exported }) });
    return;
  }
  const speed = result.ms > 0 ? `, ${Math.round((result.blocks / result.ms) * 1_000)} blocks/s` : '';
  print(
    `${countText(result.blocks, 'block')} (${bytesText(result.bytes)}) in ${timeText(result.ms)}${speed}`,
  );
  print(`head ${result.head} ${result.hash}`);
  for (const { peer, number } of result.conflicts) {
    say(`rlpxd: peer ${peer} is on another chain from block ${number} on; pin the chain with --to HASH`);
  }
  if (result.receiptsFilled > 0) print(`receipts of ${countText(result.receiptsFilled, 'block')} added`);
  if (result.receiptsMissing > 0)
    say(`rlpxd: ${countText(result.receiptsMissing, 'block')} without receipts: no peer had them`);
  if (exported !== undefined) print(`${countText(exported.blocks, 'block')} written to ${options.export}`);
}

function target(text: string): PullTarget {
  if (/^(0x)?[0-9a-f]{64}$/i.test(text)) return { hash: text.replace(/^0x/i, '') };
  if (/^[0-9]{1,15}$/.test(text)) return { number: Number(text) };
  throw new UsageError(`--to ${JSON.stringify(text)}: a block number or a hash of 64 hex digits is wanted`);
}
