import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Logger } from '../runtime/index.js';
import { ConfigError } from './errors.js';
import { toJson } from './json.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = 'json' | 'pretty';

export interface LoggerOptions {
  /** The least level that is written; `info`. */
  readonly level?: LogLevel;
  /** One JSON object per line, or lines for people; `json`. */
  readonly format?: LogFormat;
  /** Colours in pretty lines. */
  readonly colour?: boolean;
  /** Where lines go; standard error. */
  readonly destination?: DestinationStream;
}

/** A logger on pino. Bytes are written as hex, big integers as numbers where they are exact. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const level = options.level ?? 'info';
  if (!LOG_LEVELS.includes(level)) {
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      'loglevel',
      `loglevel ${level}: one of ${LOG_LEVELS.join(', ')} wanted`,
    );
  }
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const lines = options.destination ?? standardError();
  const log = pino(base, options.format === 'pretty' ? prettyStream(options, lines) : lines);
  return {
    debug: (fields, message) => log.isLevelEnabled('debug') && log.debug(toJson(fields), message),
    info: (fields, message) => log.info(toJson(fields), message),
    warn: (fields, message) => log.warn(toJson(fields), message),
    error: (fields, message) => log.error(toJson(fields), message),
  };
}

/** Written at once, so that the last line before an end is there; a reader that went away ends the log, not the node. */
function standardError(): DestinationStream {
  const stream = pino.destination({ dest: 2, sync: true });
  stream.on('error', () => undefined);
  return stream;
}

/** Makes lines for people out of the JSON lines. */
function prettyStream({ level, colour }: LoggerOptions, lines: DestinationStream): DestinationStream {
  const pretty = prettyFactory({
    colorize: colour === true,
    translateTime: 'SYS:HH:MM:ss.l',
    // the sentence says what a person needs; the data are for machines, and for who looks closer
    ...(level === 'debug' ? { singleLine: true } : { hideObject: true }),
  });
  return { write: (line) => lines.write(pretty(line)) };
}
