import type { Command } from 'commander';
import { importIntoDatadir } from '../../src/node/index.js';
import { interrupted } from '../interrupt.js';
import {
  addChainOptions,
  type ChainOptions,
  type CryptoOptions,
  chosenChain,
  chosenCrypto,
  cryptoOption,
  datadirOption,
  keepOption,
  path,
  upstreamOption,
} from '../options.js';
import { ProgressLine } from '../progress.js';
import { print, printJson, say } from '../terminal.js';
import { countText, timeText } from '../text.js';

interface ImportOptions extends ChainOptions, CryptoOptions {
  readonly receipts?: string;
  readonly accessLists?: string;
  readonly upstream?: string;
  readonly datadir: string;
  readonly keep?: number;
  readonly json?: boolean;
}

export function addImportCommand(program: Command): void {
  const command = program
    .command('import')
    .description('Take blocks from a file into the store, each verified.')
    .argument('<chain.rlp>', 'blocks in RLP one after the other, as `geth export` writes them', path)
    .option('--receipts <file>', 'their receipts: one RLP list per block, in the form of eth/69', path)
    .option(
      '--access-lists <file>',
      'block access lists of blocks that do not carry them: RLP of [block hash, access list], one after the other',
      path,
    );
  command.addOption(upstreamOption('ask an execution client for receipts that are missing then'));
  addChainOptions(command)
    .addOption(datadirOption())
    .addOption(keepOption())
    .addOption(cryptoOption())
    .option('--json', 'the result as one JSON object')
    .addHelpText(
      'after',
      `
Blocks that are there already are passed over, so an import that was interrupted goes on where it was. Where a block is
wrong, all before it is kept. The file of blocks does not have their receipts: without --receipts blocks are stored without
them, and a pull from peers or a later import adds them.

Example:
  rlpxd import demo/chain.rlp --receipts demo/receipts.rlp --genesis demo/genesis.json --datadir ./a`,
    )
    .action(importChain);
}

async function importChain(file: string, options: ImportOptions): Promise<void> {
  const progress = new ProgressLine('imported');
  try {
    const result = await importIntoDatadir({
      file,
      receipts: options.receipts,
      accessLists: options.accessLists,
      upstream: options.upstream,
      datadir: options.datadir,
      keep: options.keep,
      chain: await chosenChain(options),
      crypto: chosenCrypto(options),
      signal: interrupted(),
      onProgress: ({ head, bytes }) => progress.show({ head, bytes }),
    });
    progress.end();
    if (result.receiptsMissing > 0) {
      say(
        `rlpxd: ${countText(result.receiptsMissing, 'block')} stored without receipts; to add them, pull from a peer (rlpxd pull) or import again with --receipts or --upstream`,
      );
    }
    if (options.json) printJson({ event: 'import.done', ...result });
    else
      print(
        `${countText(result.blocks, 'block')} imported in ${timeText(result.ms)}; head ${result.head} ${result.hash}`,
      );
  } finally {
    progress.end();
  }
}
