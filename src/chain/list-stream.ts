import { concatBytes } from '../codec/index.js';
import type { Files } from '../runtime/index.js';
import { ChainError } from './errors.js';
import { gunzip, looksGzipped } from './gunzip.js';

/** One item of a chain file. A block is at most 10 MiB since Osaka (EIP-7934); this is room for what came before. */
const MAX_ITEM_BYTES = 32 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const LIST = 0xc0;
const LONG_LIST = 0xf7;

/**
 * RLP lists that stand one after the other in a file, packed with gzip or not, read in order and in bounded memory: blocks,
 * receipts of blocks.
 * @throws ChainError ERR_CHAIN_FILE where the file ends within a list, or something else stands there
 * @throws RuntimeError ERR_RUNTIME_FILE
 */
export async function* listsInFile(files: Files, path: string): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = []; // chunks not yet joined: each byte is copied once per item it is part of
  let bytes = 0;
  let wanted = 1;
  for await (const chunk of unpackedChunks(files, path)) {
    waiting.push(chunk.slice());
    bytes += chunk.length;
    if (bytes < wanted) continue;
    const joined = concatBytes(waiting.splice(0));
    let at = 0;
    for (;;) {
      const length = listBytes(joined, at, path);
      if (length === undefined || at + length > joined.length) {
        wanted = length ?? joined.length - at + 1;
        break;
      }
      yield joined.subarray(at, at + length);
      at += length;
    }
    waiting.push(joined.subarray(at));
    bytes = joined.length - at;
  }
  if (bytes > 0) throw new ChainError('ERR_CHAIN_FILE', `${path} is cut off: its last item is not whole`);
}

/** A gzip file is told by its first bytes, which no list begins with: names mean nothing. */
async function* unpackedChunks(files: Files, path: string): AsyncGenerator<Uint8Array> {
  const chunks = files.readChunks(path, CHUNK_BYTES)[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    if (first.done === true) return;
    const all = beginningWith(first.value, chunks);
    if (looksGzipped(first.value)) yield* gunzip(all, path);
    else yield* all;
  } finally {
    await chunks.return?.();
  }
}

async function* beginningWith(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** Length of the list at `at`, its prefix included; undefined where too little is here to tell. */
function listBytes(bytes: Uint8Array, at: number, path: string): number | undefined {
  const prefix = bytes[at];
  if (prefix === undefined) return undefined;
  if (prefix < LIST) throw new ChainError('ERR_CHAIN_FILE', `${path} holds something that is no RLP list`);
  if (prefix <= LONG_LIST) return 1 + prefix - LIST;
  const lengthBytes = prefix - LONG_LIST;
  if (at + 1 + lengthBytes > bytes.length) return undefined;
  let length = 0;
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[at + i] as number);
  if (length <= MAX_ITEM_BYTES) return 1 + lengthBytes + length;
  throw new ChainError('ERR_CHAIN_FILE', `${path} holds an item of ${length} bytes: more than any block has`);
}
