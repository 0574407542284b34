import { CommanderError } from 'commander';

/** Exit codes: 0 done, 1 it failed, 2 it was asked wrongly. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** Whoever typed the command can mend it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Any error as one plain line, without a stack and without line breaks. */
export function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const words = inWords(flagged(text, error), detailOf(error));
  return oneLine(error instanceof CommanderError ? words.replace(/^error: /, '') : words);
}

/** @returns 2 where the command line itself is wrong, else 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  const code = codeOf(error) ?? '';
  // a key in a file is a file that is wrong; a key among the arguments is an argument that is wrong
  if (code === 'ERR_CONFIG_KEY' && fieldOf(error) === 'key') return EXIT.usage;
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failure;
}

/** Fields of the library as whoever typed the command knows them. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['addr', '--addr'],
  ['datadir', '--datadir'],
  ['dialRatio', '--dialratio'],
  ['eth', '--eth'],
  ['journal', '--journal'],
  ['keep', '--keep'],
  ['key', '--nodekeyhex'],
  ['keyFile', '--nodekey'],
  ['maxPeers', '--maxpeers'],
  ['maxPendingPeers', '--maxpendpeers'],
  ['netRestrict', '--netrestrict'],
  ['peers', '--peer'],
  ['port', '--port'],
  ['pull', '--pull'],
  ['to', '--to'],
  ['trusted', '--trusted'],
  ['upstream', '--upstream'],
]);

/** `netRestrict: no network given` as `--netrestrict: no network given`. */
function flagged(text: string, error: unknown): string {
  const field = fieldOf(error) ?? '';
  const flag = FLAGS.get(field);
  return flag !== undefined && text.startsWith(`${field}: `) ? flag + text.slice(field.length) : text;
}

/** The system's own phrase (`ENOENT: no such file or directory, open 'x'`) gives way to one that says it plainly. */
function inWords(text: string, detail: string | undefined): string {
  let plain = text;
  for (const phrase of PHRASES) {
    plain = plain.replace(phrase, (whole: string, word: string) => {
      const known = SYSTEM_WORDS[word];
      return known === undefined ? whole : `${known} (${word})`;
    });
  }
  const word = detail ?? /\bE[A-Z]{3,}\b/.exec(plain)?.[0];
  const known = word === undefined ? undefined : SYSTEM_WORDS[word];
  return known === undefined || plain.includes(known) ? plain : `${plain} (${known})`;
}

const PHRASES: readonly RegExp[] = [
  /\b(E[A-Z]{3,}): [^,;:()]+, \w+(?: '[^']*')?(?: -> '[^']*')?/g, // of a file
  /\bconnect (E[A-Z]{3,}) [^\s;,)]+/g,
  /\blisten (E[A-Z]{3,}): [\w ]+ [^\s;,)]*[\d:][^\s;,)]*/g,
];

/** Errors of the rooms that mean: what you gave is not what was asked for. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'ERR_CONFIG_VALUE',
  'ERR_CONFIG_CHAIN',
  'ERR_PEER_ENODE',
  'ERR_PEER_NETWORK',
]);

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it exists already',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than is allowed',
  EMFILE: 'too many open files',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the other end broke the connection off',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'no answer in time',
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function fieldOf(error: unknown): string | undefined {
  return error instanceof Error && 'field' in error && typeof error.field === 'string'
    ? error.field
    : undefined;
}

function detailOf(error: unknown): string | undefined {
  return error instanceof Error && 'detail' in error && typeof error.detail === 'string'
    ? error.detail
    : undefined;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
