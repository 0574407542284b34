import { concatBytes } from '../codec/index.js';
import { type Files, RuntimeError } from '../runtime/index.js';
import { ConfigError } from './errors.js';

/** What a pipe gives at once. */
const CHUNK_BYTES = 65_536;

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read (permission denied)',
  EPERM: 'may not be read (not permitted)',
  EISDIR: 'is a folder',
  ENOTDIR: 'lies below something that is no folder',
};

/** @throws ConfigError ERR_CONFIG_FILE naming option and file, also where it is longer than `maxBytes` or not UTF-8 */
export async function readText(files: Files, field: string, path: string, maxBytes: number): Promise<string> {
  const bytes = await readBytes(files, field, path, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path} is not text`, { cause });
  }
}

/**
 * A file, a pipe or a device, as far as `maxBytes`: not all of them know how long they are.
 * @throws ConfigError ERR_CONFIG_FILE naming option and file
 */
export async function readBytes(
  files: Files,
  field: string,
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const tooLong = (): ConfigError =>
    new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path}: more than ${maxBytes} bytes`);
  const chunks: Uint8Array[] = [];
  try {
    if (((await files.stat(path))?.bytes ?? 0) > maxBytes) throw tooLong();
    let bytes = 0;
    for await (const chunk of files.readChunks(path, CHUNK_BYTES)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLong();
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof RuntimeError ? cannotRead(field, path, error) : error;
  }
  return concatBytes(chunks);
}

/** The system's refusal in words. */
export function cannotRead(field: string, path: string, cause: unknown): ConfigError {
  const detail = cause instanceof RuntimeError ? cause.detail : undefined;
  const says = WORDS[detail ?? ''] ?? `cannot be read (${detail ?? String(cause)})`;
  return new ConfigError('ERR_CONFIG_FILE', field, `${field} file ${path} ${says}`, { cause });
}
