import { type Command, Option } from 'commander';
import { hexToBytes } from '../../src/index.js';
import { type SentPeer, type SentReport, sendTransactions, TransactionError } from '../../src/node/index.js';
import { UsageError } from '../explain.js';
import { interrupted } from '../interrupt.js';
import { datadirOption, duration } from '../options.js';
import { standardInput } from '../standard-input.js';
import { print, printable, printJson, say } from '../terminal.js';
import { countText } from '../text.js';

interface SendOptions {
  readonly datadir: string;
  readonly wait: number;
  readonly json?: boolean;
}

/** Some forty transactions with six blobs each, as hex. */
const MAX_INPUT_BYTES: number = 64 * 1024 * 1024;

export function addSendCommand(program: Command): void {
  program
    .command('send')
    .description('Hand transactions to the network, through the node that runs in a datadir.')
    .argument('[raw...]', 'signed transactions as hex; without any they are read from standard input')
    .addOption(datadirOption())
    .addOption(
      new Option('--wait <time>', 'how long to look at what peers do with them')
        .argParser(duration)
        .default(3_000, '3s'),
    )
    .option('--json', 'one JSON object per transaction')
    .addHelpText(
      'after',
      `
A transaction is what eth_sendRawTransaction takes. Each peer is told of it whole or by its hash, and may ask for it or say
it back; the protocol has no acknowledgement beyond that.

Example:
  rlpxd send 0x02f8… --datadir ./a`,
    )
    .action(send);
}

async function send(given: readonly string[], { datadir, wait, json }: SendOptions): Promise<void> {
  const signal = interrupted();
  const words = given.length > 0 ? given : (await standardInput(MAX_INPUT_BYTES, signal)).split(/\s+/);
  const raws = words.filter((word) => word !== '').map(bytesOf);
  if (raws.length === 0) throw new UsageError('no transaction is given');
  const reports = await sendTransactions(raws, { datadir, waitMs: wait, signal });
  let refused = 0;
  for (const report of reports) {
    if (json) printJson(report);
    if ('hash' in report) {
      if (!json) show(report);
      continue;
    }
    refused++;
    if (!json && raws.length > 1) say(`rlpxd: not taken: ${printable(report.error)}`);
    if (raws.length === 1) throw new TransactionError(report.error);
  }
  if (refused > 0)
    throw new TransactionError(`${refused} of ${countText(raws.length, 'transaction')} not taken`);
}

function show({ hash, peers }: SentReport): void {
  const count = (what: keyof SentPeer): number => peers.filter((peer) => peer[what] === true).length;
  const told = `sent to ${count('sent')}, announced to ${count('announced')}`;
  const did = `${count('askedFor')} asked for it, ${count('seenBack')} said it back`;
  print(`${hash}  ${countText(peers.length, 'peer')}: ${told}; ${did}`);
  for (const peer of peers) {
    const words = [
      ...(peer.sent ? ['sent'] : []),
      ...(peer.announced ? ['announced'] : []),
      ...(peer.askedFor ? ['asked for'] : []),
      ...(peer.seenBack ? ['seen back'] : []),
    ];
    print(`  ${peer.nodeId.slice(2, 18)}  ${words.join(', ')}`);
  }
}

function bytesOf(text: string, index: number): Uint8Array {
  if (/^(?:0x)?(?:[0-9a-f]{2})+$/i.test(text)) return hexToBytes(text);
  throw new UsageError(`transaction ${index + 1} is no hex`);
}
