import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type ChosenCrypto,
  CRYPTO_CHOICES,
  type CryptoChoice,
  chooseCrypto,
  ETH_VERSIONS,
} from '../src/index.js';
import { type GivenChain, lostText, readGenesis } from '../src/node/index.js';
import { say } from './terminal.js';

export const NETWORKS = ['mainnet', 'sepolia', 'hoodi'] as const;

export interface ChainOptions {
  readonly genesis?: string;
  readonly network?: string;
}

/** Where node key and chain are kept unless `--datadir` says otherwise. */
export function defaultDatadir(): string {
  return join(homedir(), '.rlpxd');
}

/** `--genesis FILE` and `--network NAME`, of which one is enough. */
export function addChainOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--genesis <file>', 'chain of this genesis file (JSON, as geth has it)')
        .conflicts('network')
        .argParser(path),
    )
    .addOption(new Option('--network <name>', 'built-in chain').choices([...NETWORKS]));
}

export function datadirOption(): Option {
  return new Option('--datadir <folder>', 'folder for node key and chain')
    .argParser(path)
    .default(defaultDatadir(), '~/.rlpxd');
}

export function ethOption(): Option {
  return new Option('--eth <versions>', 'versions of eth to offer, with commas')
    .argParser(ethVersions)
    .default([...ETH_VERSIONS], ETH_VERSIONS.join(','));
}

export interface CryptoOptions {
  readonly crypto: CryptoChoice;
}

export function cryptoOption(): Option {
  return new Option('--crypto <name>', 'cryptographic back end; auto is the fastest that works here')
    .choices([...CRYPTO_CHOICES])
    .default('auto');
}

/** The back end to work with; where it is slower than it could be, one line says so. @throws CryptoError ERR_CRYPTO_BACKEND */
export function chosenCrypto({ crypto: choice }: CryptoOptions): ChosenCrypto {
  const chosen = chooseCrypto(choice);
  if (chosen.lost.length > 0) say(`rlpxd: ${lostText(chosen)}`);
  return chosen;
}

/** @returns what was chosen; undefined where nothing was. @throws ConfigError ERR_CONFIG_FILE */
export async function chosenChain(options: ChainOptions): Promise<GivenChain | undefined> {
  if (options.genesis !== undefined) return readGenesis(options.genesis);
  return options.network;
}

export function keepOption(): Option {
  return new Option(
    '--keep <blocks>',
    'keep bodies and receipts of so many of the latest blocks only (default: of all)',
  ).argParser(wholeNumber(1, 999_999_999));
}

/** @param does what it is used for */
export function upstreamOption(does: string): Option {
  return new Option('--upstream <url>', `${does}: http(s)://, ws(s)://, or the path of geth.ipc`).argParser(
    (text) => (text === '' || /^[a-z]+:\/\//i.test(text) ? text : resolve(text)),
  );
}

/** @returns a parser of whole numbers, for commander */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is wanted.`);
  };
}

/** Name of a file or folder; an empty one is most often a variable of a shell that is not set. */
export function path(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('The name of a file or folder is wanted, this is empty.');
}

/** As `duration`, and not nothing. */
export function positiveDuration(text: string): number {
  const ms = duration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('A time above zero is wanted.');
}

/** `10s`, `500ms`, `2m`; a bare number is seconds. @returns milliseconds */
export function duration(text: string): number {
  const parts = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)?$/.exec(text);
  const unit = UNIT_MS[parts?.[2] ?? 's'];
  if (parts === null || unit === undefined)
    throw new InvalidArgumentError('A time like 10s, 500ms or 2m is wanted.');
  return Math.round(Number(parts[1]) * unit);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function ethVersions(text: string): number[] {
  return text.split(',').map((part) => {
    const version = Number(part.trim().replace(/^eth\//, ''));
    if ((ETH_VERSIONS as readonly number[]).includes(version)) return version;
    throw new InvalidArgumentError(
      `There is no eth/${part.trim()} here; versions are ${ETH_VERSIONS.join(', ')}.`,
    );
  });
}
