import type { SessionHandle, TemplateOptions } from '../session/index.js';
import { ConfigError } from './errors.js';

/** What is written down of sessions, and where. */
export interface JournalOptions {
  /** Folder, made where there is none; of one node at a time. */
  readonly dir: string;
  /**
   * Of each message: name, id, size and hash (`headers`), or its bytes as well (`whole`). With `off` only of the sessions
   * whose template has `messageLogging`. A template that says something itself is heard in any case. `headers`.
   */
  readonly what?: 'headers' | 'whole' | 'off' | undefined;
  /** What is said unasked (transactions, announcements, ranges) as well; false. */
  readonly ambient?: boolean | undefined;
  /** Which sessions, asked once when the peer is known; all. One that came in and proved no key never has a journal. */
  readonly wants?: ((session: SessionHandle) => boolean) | undefined;
  /** All journals in the folder; 1 GiB. The oldest of sessions that have ended make way, those that never were active first. */
  readonly maxBytes?: number | undefined;
  /** 10,000. */
  readonly maxFiles?: number | undefined;
  /** Of one session; 64 MiB, and no more than an eighth of `maxBytes`. Beyond it messages are left out, and counted. */
  readonly maxSessionBytes?: number | undefined;
}

/** Options that have been checked. */
export interface JournalConfig {
  readonly dir: string;
  readonly what: 'headers' | 'whole' | 'off';
  readonly ambient: boolean;
  readonly wants: ((session: SessionHandle) => boolean) | undefined;
  readonly maxBytes: number;
  readonly maxFiles: number;
  readonly maxSessionBytes: number;
}

const MiB = 1024 * 1024;
export const DEFAULT_JOURNAL_BYTES: number = 1024 * MiB;
const DEFAULT_FILES = 10_000;
/** What is larger is not read: see `MAX_JOURNAL_FILE_BYTES`. */
const DEFAULT_SESSION_BYTES = 64 * MiB;
/** One session does not fill the folder alone. */
const SHARE_OF_SESSION = 8;
/** A journal that is larger is not verified: it is read into memory. */
export const MAX_JOURNAL_FILE_BYTES: number = 256 * MiB;
const KINDS: readonly unknown[] = ['headers', 'whole', 'off'];

/** @throws ConfigError ERR_CONFIG_VALUE naming the field */
export function checkJournal(options: JournalOptions | undefined): JournalConfig | undefined {
  if (options === undefined) return undefined;
  const { dir, what = 'headers', ambient = false, wants } = options;
  if (typeof dir !== 'string' || dir.trim() === '') throw wrong('journal', 'no folder is given');
  if (!KINDS.includes(what)) throw wrong('journal.what', `${String(what)} is none of ${KINDS.join(', ')}`);
  const maxBytes = count(options.maxBytes ?? DEFAULT_JOURNAL_BYTES, 'maxBytes', MiB);
  const share = Math.floor(maxBytes / SHARE_OF_SESSION);
  const ofSession = options.maxSessionBytes ?? Math.min(DEFAULT_SESSION_BYTES, share);
  return {
    ...{ dir, what, ambient, wants, maxBytes },
    maxFiles: count(options.maxFiles ?? DEFAULT_FILES, 'maxFiles', 1),
    maxSessionBytes: count(ofSession, 'maxSessionBytes', 1, Math.min(maxBytes, MAX_JOURNAL_FILE_BYTES / 2)),
  };
}

const BUILT_IN: readonly string[] = ['basic', 'static', 'trusted'];

/** The templates with what is written down in them, where they do not say so themselves. */
export function withJournal(
  templates: Readonly<Record<string, TemplateOptions>> = {},
  journal: JournalConfig | undefined,
): Readonly<Record<string, TemplateOptions>> {
  if (journal === undefined || journal.what === 'off') return templates;
  const logging = { messageLogging: journal.what, ambientLogging: journal.ambient };
  const missing = BUILT_IN.filter((name) => !Object.hasOwn(templates, name));
  const built = missing.map((name): [string, TemplateOptions] => [
    name,
    { extends: name, settings: logging },
  ]);
  // one that extends another of the user's own has it from there
  const own = Object.entries(templates).map(([name, template]): [string, TemplateOptions] =>
    template.extends === undefined || BUILT_IN.includes(template.extends)
      ? [name, { ...template, settings: { ...logging, ...template.settings } }]
      : [name, template],
  );
  return Object.fromEntries([...built, ...own]);
}

function count(value: number, field: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw wrong(`journal.${field}`, `${value} is not a whole number from ${least} to ${most}`);
}

function wrong(field: string, says: string): ConfigError {
  return new ConfigError('ERR_CONFIG_VALUE', field, `${field}: ${says}`);
}
