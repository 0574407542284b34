export type ConfigErrorCode =
  | 'ERR_CONFIG_VALUE'
  | 'ERR_CONFIG_CHAIN'
  | 'ERR_CONFIG_DATADIR'
  | 'ERR_CONFIG_FILE'
  | 'ERR_CONFIG_GENESIS'
  | 'ERR_CONFIG_KEY'
  | 'ERR_CONFIG_KEY_MODE';

/**
 * What a person or a caller gave cannot be used: a value (`ERR_CONFIG_VALUE`), a missing chain (`ERR_CONFIG_CHAIN`), a
 * folder without one (`ERR_CONFIG_DATADIR`), a file that cannot be read (`ERR_CONFIG_FILE`), a genesis that is none (`ERR_CONFIG_GENESIS`), a node key that is none
 * (`ERR_CONFIG_KEY`) or that others may read (`ERR_CONFIG_KEY_MODE`). `field` names the option.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly field: string;

  constructor(code: ConfigErrorCode, field: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = field;
  }
}

/** A journal cannot be used (`ERR_NODE_JOURNAL`), or no more fits into its folder (`ERR_NODE_JOURNAL_FULL`). */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: 'ERR_NODE_JOURNAL' | 'ERR_NODE_JOURNAL_FULL';

  constructor(code: JournalError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
