import { constants, createGunzip } from 'node:zlib';
import { ChainError } from './errors.js';

/** Deflate makes at most 1,032 bytes of one: so much is given at once that no more than 8 MiB come of it. */
const PIECE_BYTES = 8 * 1024;

/** Whether this is how a gzip file begins (RFC 1952). */
export function looksGzipped(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip as it is read. What came before a fault is handed out first, so that of a file that is cut off all that is
 * in it can be used.
 * @throws ChainError ERR_CHAIN_FILE where the packed bytes end early or are corrupt
 */
export async function* gunzip(packed: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const gzip = createGunzip({ flush: constants.Z_SYNC_FLUSH }); // whatever can be said of what went in comes out
  let unpacked: Uint8Array[] = [];
  let fault: Error | undefined;
  let settle = (): void => {};
  gzip.on('data', (bytes: Uint8Array) => unpacked.push(bytes));
  gzip.on('end', () => settle());
  gzip.on('error', (error) => {
    fault = error;
    settle();
  });
  const step = async (begin: () => void): Promise<Uint8Array[]> => {
    await new Promise<void>((resolve) => {
      settle = resolve;
      begin();
    });
    const out = unpacked;
    unpacked = [];
    return out;
  };
  try {
    for await (const chunk of packed) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.slice(at, at + PIECE_BYTES); // zlib reads it after we have gone on
        yield* await step(() => {
          gzip.write(piece, (error) => {
            fault ??= error ?? undefined;
            settle();
          });
        });
        if (fault !== undefined) throw unreadable(path, fault);
      }
    }
    yield* await step(() => gzip.end());
    if (fault !== undefined) throw unreadable(path, fault);
  } finally {
    gzip.destroy();
  }
}

function unreadable(path: string, cause: Error): ChainError {
  const cut = 'code' in cause && cause.code === 'Z_BUF_ERROR';
  const says = cut ? 'is cut off: its packed bytes end early' : `cannot be unpacked: ${cause.message}`;
  return new ChainError('ERR_CHAIN_FILE', `${path} ${says}`, { cause });
}
