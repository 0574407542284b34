import type { Command } from 'commander';
import { type CheckOutcome, checkDatadir } from '../../src/node/index.js';
import { interrupted } from '../interrupt.js';
import {
  addChainOptions,
  type ChainOptions,
  type CryptoOptions,
  chosenChain,
  chosenCrypto,
  cryptoOption,
  datadirOption,
} from '../options.js';
import { ProgressLine } from '../progress.js';
import { print, printJson } from '../terminal.js';
import { countText, timeText } from '../text.js';

interface CheckOptions extends ChainOptions, CryptoOptions {
  readonly datadir: string;
  readonly json?: boolean;
}

export function addStoreCommand(program: Command): void {
  const store = program
    .command('store')
    .description('Look after the chain store.')
    .addHelpText('after', '\nExample:\n  rlpxd store check --datadir ./a');
  const check = store
    .command('check')
    .description('Verify everything in the store again: links, hashes, roots, index.');
  check.addOption(datadirOption());
  addChainOptions(check)
    .addOption(cryptoOption())
    .option('--json', 'the result as one JSON object')
    .addHelpText(
      'after',
      '\nThe datadir knows its chain; --genesis or --network must agree with it.\n\nExample:\n  rlpxd store check --datadir ./a --json',
    )
    .action(async (options: CheckOptions) => {
      const progress = new ProgressLine('verified');
      try {
        const result = await checkDatadir({
          datadir: options.datadir,
          chain: await chosenChain(options),
          crypto: chosenCrypto(options),
          signal: interrupted(),
          onProgress: (at) => progress.show(at),
        });
        progress.end();
        if (options.json) printJson({ event: 'store.checked', ...result });
        else
          print(
            `${countText(result.blocks, 'block')} verified in ${timeText(result.ms)}; head ${result.head} ${result.hash}${missing(result)}`,
          );
      } finally {
        progress.end();
      }
    });
}

function missing({ receiptsMissing, pruned }: CheckOutcome): string {
  const parts = [
    ...(receiptsMissing > 0 ? [`${countText(receiptsMissing, 'block')} without receipts`] : []),
    ...(pruned > 0 ? [`of ${countText(pruned, 'block')} only the header`] : []),
  ];
  return parts.length === 0 ? '' : `; ${parts.join(', ')}`;
}
