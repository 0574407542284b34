import { type Files, RuntimeError } from '../runtime/index.js';
import { ConfigError } from './errors.js';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read (permission denied)',
  EPERM: 'may not be read (not permitted)',
  EISDIR: 'is a folder',
  ENOTDIR: 'lies below something that is no folder',
};

/** @throws ConfigError ERR_CONFIG_FILE naming option and file, also where it is longer than `maxBytes` or not UTF-8 */
export async function readText(files: Files, field: string, path: string, maxBytes: number): Promise<string> {
  let bytes: Uint8Array;
  try {
    const facts = await files.stat(path);
    if (facts !== undefined && facts.bytes > maxBytes) {
      throw new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path}: more than ${maxBytes} bytes`);
    }
    bytes = await files.read(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw cannotRead(field, path, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path} is not text`, { cause });
  }
}

/** The system's refusal in words. */
export function cannotRead(field: string, path: string, cause: unknown): ConfigError {
  const detail = cause instanceof RuntimeError ? cause.detail : undefined;
  const says = WORDS[detail ?? ''] ?? `cannot be read (${detail ?? String(cause)})`;
  return new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path} ${says}`, { cause });
}
