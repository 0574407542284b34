import { type Command, Option } from 'commander';
import { ChainError } from '../../src/index.js';
import {
  createLogger,
  createNode,
  DEFAULT_LISTEN,
  type JournalOptions,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  logNode,
  type NodeOptions,
  type RlpxdNode,
  TRANSACTION_MODES,
  type TransactionMode,
} from '../../src/node/index.js';
import { collectSeldom } from '../collections.js';
import { EXIT, UsageError } from '../explain.js';
import { aborted, interrupted } from '../interrupt.js';
import {
  addChainOptions,
  type ChainOptions,
  type CryptoOptions,
  chosenChain,
  cryptoOption,
  datadirOption,
  duration,
  ethOption,
  keepOption,
  path,
  upstreamOption,
  wholeNumber,
} from '../options.js';
import { print } from '../terminal.js';

interface RunOptions extends ChainOptions, CryptoOptions {
  readonly datadir: string;
  readonly addr: string;
  readonly port: number;
  readonly nodekey?: string;
  readonly nodekeyhex?: string;
  readonly peer: string[];
  readonly trusted: string[];
  readonly maxpeers: number;
  readonly maxpendpeers: number;
  readonly netrestrict?: string[];
  readonly dialratio: number;
  readonly eth: number[];
  readonly pull?: boolean;
  readonly keep?: number;
  readonly tx: TransactionMode;
  readonly upstream?: string;
  readonly journal?: string;
  readonly journalWhat: 'headers' | 'whole';
  readonly journalAmbient?: boolean;
  readonly journalMib: number;
  readonly loglevel: LogLevel;
  readonly log?: LogFormat;
  readonly status: number;
}

/** The whole end may take 3 s, with what the shell needs to notice; what the sessions leave of it is the store's. */
const CLOSE_MS = 2_800;
const CLOSE_SESSIONS_MS = 2_000;

export function addRunCommand(program: Command): void {
  const run = program
    .command('run')
    .description('Run the daemon: hold sessions, serve the chain, and pull it where asked.');
  run.addOption(datadirOption());
  addChainOptions(run)
    .option('--addr <ip>', 'address to listen on', DEFAULT_LISTEN.host)
    .addOption(
      new Option('--port <port>', 'TCP port; 0 takes a free one')
        .argParser(wholeNumber(0, 65_535))
        .default(DEFAULT_LISTEN.port),
    )
    .addOption(
      new Option('--nodekey <file>', 'node key file (default: nodekey in the datadir)')
        .conflicts('nodekeyhex')
        .argParser(path),
    )
    .option(
      '--nodekeyhex <hex>',
      'node key as 64 hex digits; other users may see it in the list of processes',
    )
    .addOption(
      new Option('--peer <enode...>', 'static peers: dialed, and again after every end').default([], 'none'),
    )
    .addOption(
      new Option(
        '--trusted <enode...>',
        'trusted peers: as static ones, and admitted beyond every limit',
      ).default([], 'none'),
    )
    .addOption(new Option('--maxpeers <n>', 'active sessions').argParser(wholeNumber(0, 100_000)).default(50))
    .addOption(
      new Option('--maxpendpeers <n>', 'sessions not active yet, per direction')
        .argParser(wholeNumber(1, 100_000))
        .default(50),
    )
    .option('--netrestrict <cidr...>', 'dial and accept only within these networks')
    .addOption(
      new Option('--dialratio <n>', 'one slot in n is for sessions that we dial')
        .argParser(wholeNumber(1, 100_000))
        .default(2),
    )
    .addOption(ethOption())
    .addOption(cryptoOption())
    .option('--pull', 'copy the chain from peers, verified, and follow them')
    .addOption(keepOption())
    .addOption(
      new Option(
        '--tx <mode>',
        'transactions: fetch and report them (observe), pass them on (relay), or neither',
      )
        .choices([...TRANSACTION_MODES])
        .default('observe'),
    )
    .addOption(upstreamOption('serve the chain of an execution client over its JSON-RPC'))
    .addOption(
      new Option(
        '--journal <folder>',
        'write down what sessions accept and send, each in a file of its own (see rlpxd journal)',
      ).argParser(path),
    )
    .addOption(
      new Option('--journal-what <what>', 'of each message: name, size and hash, or all bytes as well')
        .choices(['headers', 'whole'])
        .default('headers'),
    )
    .option(
      '--journal-ambient',
      'write down what is said unasked as well: transactions, announcements, ranges',
    )
    .addOption(
      new Option('--journal-mib <n>', 'room for all journals in MiB; the oldest of ended sessions make way')
        .argParser(wholeNumber(1, 1_000_000))
        .default(1_024),
    )
    .addOption(
      new Option('--loglevel <level>', 'least level to log').choices([...LOG_LEVELS]).default('info'),
    )
    .addOption(
      new Option(
        '--log <format>',
        'form of the log on standard error (default: pretty on a terminal, else json)',
      ).choices(['json', 'pretty']),
    )
    .addOption(
      new Option('--status <time>', 'how often to log a line of status; 0 for never')
        .argParser(duration)
        .default(60_000, '60s'),
    )
    .addHelpText(
      'after',
      `
Prints one line, its enode URL, once it listens. SIGINT and SIGTERM end it: sessions are told, the store is closed.
A chain (--genesis or --network) is needed at the first start; the datadir remembers it.

Examples:
  rlpxd run --network mainnet --peer enode://…@203.0.113.7:30303
  rlpxd run --network mainnet --upstream http://127.0.0.1:8545
  rlpxd run --genesis genesis.json --datadir ./a --addr 127.0.0.1 --port 0 --netrestrict 127.0.0.0/8`,
    )
    .action(runDaemon);
}

/** Options that say how, and mean nothing without `--journal`. */
const HOW_JOURNALED = ['journalWhat', 'journalAmbient', 'journalMib'];

function journalOptions(options: RunOptions, command: Command): JournalOptions | undefined {
  const { journal: dir, journalWhat: what, journalAmbient: ambient, journalMib } = options;
  if (dir !== undefined) return { dir, what, ambient, maxBytes: journalMib * 1_048_576 };
  const given = command.options.find((option) => {
    const name = option.attributeName();
    return HOW_JOURNALED.includes(name) && command.getOptionValueSource(name) === 'cli';
  });
  if (given !== undefined) throw new UsageError(`${given.long} needs --journal`);
  return undefined;
}

/** @returns undefined where the start was called off */
async function startedNode(signal: AbortSignal, options: NodeOptions): Promise<RlpxdNode | undefined> {
  try {
    return await createNode({ ...options, signal });
  } catch (error) {
    if (error instanceof ChainError && error.code === 'ERR_CHAIN_ABORTED') return undefined;
    throw error;
  }
}

async function runDaemon(options: RunOptions, command: Command): Promise<void> {
  const stop = interrupted();
  if (options.addr.trim() === '') throw new UsageError('--addr is empty');
  collectSeldom();
  const onTerminal = process.stderr.isTTY === true;
  const logger = createLogger({
    level: options.loglevel,
    format: options.log ?? (onTerminal ? 'pretty' : 'json'),
    colour: onTerminal && process.env.NO_COLOR === undefined,
  });
  const node = await startedNode(stop, {
    chain: await chosenChain(options),
    datadir: options.datadir,
    keyFile: options.nodekey,
    key: options.nodekeyhex,
    listen: { host: options.addr, port: options.port },
    peers: options.peer,
    trusted: options.trusted,
    maxPeers: options.maxpeers,
    maxPendingPeers: options.maxpendpeers,
    dialRatio: options.dialratio,
    netRestrict: options.netrestrict,
    ethVersions: options.eth,
    pull: options.pull,
    keep: options.keep,
    transactions: options.tx,
    upstream: options.upstream,
    journal: journalOptions(options, command),
    crypto: options.crypto,
    logger,
  });
  if (node === undefined) return;
  const quiet = logNode(node, logger, { statusEveryMs: options.status });
  print(node.enode ?? '');
  await aborted(stop);
  logger.info({ event: 'closing' }, 'ending all sessions');
  const late = node.world.clock.timer(CLOSE_MS, () => {
    logger.error({ event: 'closing.late' }, 'the store takes too long to close; it is safe to end without');
    process.exit(EXIT.ok);
  });
  await node.close({ timeoutMs: CLOSE_SESSIONS_MS });
  late.cancel();
  quiet();
  logger.info({ event: 'closed' }, 'closed');
}
