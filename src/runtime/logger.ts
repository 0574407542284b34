/** Where the house writes what happens. `fields` are data for machines, `message` is a short plain sentence. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => {};

/** Says nothing: the library's default. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
