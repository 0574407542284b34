import { type Command, Option } from 'commander';
import { type PingReport, pingPeer } from '../../src/index.js';
import {
  addChainOptions,
  type ChainOptions,
  type CryptoOptions,
  chosenChain,
  chosenCrypto,
  cryptoOption,
  ethOption,
  positiveDuration,
} from '../options.js';
import { printJson, printRows } from '../terminal.js';

interface PingOptions extends ChainOptions, CryptoOptions {
  readonly eth: number[];
  readonly timeout: number;
  readonly json?: boolean;
}

export function addPingCommand(program: Command): void {
  const ping = program
    .command('ping')
    .description('Hold one short session with a peer: who it is, what it speaks, how long each step took.')
    .argument('<enode>', 'enode://KEY@HOST:PORT');
  addChainOptions(ping)
    .addOption(ethOption())
    .addOption(
      new Option('--timeout <time>', 'give up after').argParser(positiveDuration).default(10_000, '10s'),
    )
    .addOption(cryptoOption())
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Without --genesis or --network it says about the chain what the peer says, so that it gets along with any.

Example:
  rlpxd ping enode://4f1e…9a@127.0.0.1:30303 --json`,
    )
    .action(async (enode: string, options: PingOptions) => {
      const chain = await chosenChain(options);
      const report = await pingPeer(enode, {
        chain,
        ethVersions: options.eth,
        timeoutMs: options.timeout,
        crypto: chosenCrypto(options),
      });
      if (options.json) printJson(report);
      else printRows(rows(report));
    });
}

function rows({
  id,
  client,
  capabilities,
  p2pVersion,
  eth,
  stagesMs,
  rttMs,
}: PingReport): [string, string][] {
  const stages = Object.entries(stagesMs).map(([stage, ms]) => `${stage} ${ms.toFixed(1)}`);
  const range =
    eth.earliest === undefined ? [] : [['blocks', `${eth.earliest} to ${eth.latest}`] as [string, string]];
  return [
    ['node id', id],
    ['client', client],
    ['capabilities', capabilities.join(' ')],
    ['p2p', String(p2pVersion)],
    ['session', `eth/${eth.version}`],
    ['network', String(eth.networkId)],
    ['genesis', eth.genesis],
    ['fork id', `${eth.forkId.hash}, next ${eth.forkId.next}`],
    ...range,
    ['latest hash', eth.latestHash],
    ['stages', `${stages.join(', ')} ms`],
    ['round trip', `${rttMs.toFixed(1)} ms`],
  ];
}
